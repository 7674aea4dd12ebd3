"""CloudEvents 1.0 over Kafka: structured (one JSON envelope) and binary (attributes in `ce_` headers)."""

from collections.abc import Mapping
from typing import Any

import msgspec

from monitor.adapters.codecs import reasons
from monitor.adapters.codecs.limits import parse
from monitor.adapters.codecs.reasons import malformed, shown
from monitor.adapters.codecs.scalars import need
from monitor.adapters.codecs.times import instant
from monitor.adapters.codecs.wire import EventReader, Wire
from monitor.core.model.events import CorpusEvent, Record

STRUCTURED = "application/cloudevents"
PREFIX = "ce_"
_SUFFIXES = ("upsert", "delete", "deploy", "heartbeat")


class _Attributes(msgspec.Struct, gc=False):
    """The context attributes that matter here; the specification requires the first four."""

    specversion: str | None = None
    id: str | None = None
    source: str | None = None
    type: str | None = None
    time: str | None = None
    datacontenttype: str | None = None


class CloudEventsDecoder:
    """`data` is the native form; where it has no `op`, the suffix of `type` says it (`….upsert` and so on).

    `time` is the event time where the data state none. A record without a value is a tombstone, as everywhere.
    """

    def __init__(self, reader: EventReader) -> None:
        self._reader = reader
        fields: list[tuple[str, Any, Any]] = [("data", reader.wire | None, None), ("data_base64", bytes | None, None)]
        self._structured: msgspec.json.Decoder[Any] = msgspec.json.Decoder(
            msgspec.defstruct("Structured", fields, bases=(_Attributes,), gc=False)
        )
        self._data = msgspec.json.Decoder(reader.wire)

    def decode(self, record: Record) -> CorpusEvent | None:
        """The event, None for a deploy marker's tombstone; MalformedEvent whatever the bytes."""
        if record.value is None:
            return self._reader.tombstone(record)
        if is_binary(record):
            return self._binary(record, record.value)
        content_type = headers(record).get("content-type", "")
        if content_type and not _is_structured(content_type) and not _is_json(content_type):
            raise malformed(reasons.UNSUPPORTED_FORM, "content-type", shown(content_type))
        return self._from_envelope(record, record.value)

    def _from_envelope(self, record: Record, value: bytes) -> CorpusEvent | None:
        envelope = parse(value, self._structured, self._reader.limits)
        data = envelope.data
        if envelope.data_base64 is not None:
            if data is not None:
                raise malformed(reasons.CONFLICTING_FIELDS, "data", "given twice, also as data_base64")
            data = parse(envelope.data_base64, self._data, self._reader.limits)
        return self._event(envelope, data, record)

    def _binary(self, record: Record, value: bytes) -> CorpusEvent | None:
        given = headers(record)
        named = {name: given.get(PREFIX + name) for name in _Attributes.__struct_fields__}
        attributes = _Attributes(**{**named, "datacontenttype": given.get("content-type")})
        return self._event(attributes, parse(value, self._data, self._reader.limits) if value else None, record)

    def _event(self, attributes: _Attributes, data: Wire | None, record: Record) -> CorpusEvent | None:
        _check(attributes)
        wire = self._reader.wire() if data is None else data
        if wire.op is None:
            suffix = need(attributes.type, "type").rpartition(".")[2]
            wire.op = suffix if suffix in _SUFFIXES else None
        time = None if attributes.time is None else instant(attributes.time, self._reader.limits, "time")
        return self._reader.event(wire, record, time)


def is_binary(record: Record) -> bool:
    """Whether the record's headers make it a binary-mode CloudEvent."""
    return any(name.lower() == "ce_specversion" for name, _ in record.headers)


def is_structured(record: Record) -> bool:
    """Whether the record's content type makes it a structured CloudEvent (or a batch, which is refused)."""
    return headers(record).get("content-type", "").startswith(STRUCTURED)


def headers(record: Record) -> Mapping[str, str]:
    """The content type and the `ce_` headers by lower-case name; of a repeated one the last counts.

    Raises:
        MalformedEvent: `not_utf8`.
    """
    found = {}
    for name, value in record.headers:
        lower = name.lower()
        if lower == "content-type" or lower.startswith(PREFIX):
            try:
                found[lower] = (value or b"").decode("utf-8", "strict")  # Kafka allows null headers
            except UnicodeDecodeError:
                raise malformed(reasons.NOT_UTF8, lower, "a header that is not UTF-8") from None
    return found


def _check(attributes: _Attributes) -> None:
    """Refuse what the specification refuses, and data that are not JSON."""
    if need(attributes.specversion, "specversion") != "1.0":
        raise malformed(reasons.UNSUPPORTED_FORM, "specversion", f"{shown(attributes.specversion)}, expected 1.0")
    for name in ("id", "source", "type"):
        if not need(getattr(attributes, name), name):
            raise malformed(reasons.EMPTY, name, "empty, required by CloudEvents 1.0")
    if attributes.datacontenttype is not None and not _is_json(attributes.datacontenttype):
        raise malformed(reasons.UNSUPPORTED_FORM, "datacontenttype", shown(attributes.datacontenttype))


def _media_type(text: str) -> str:
    return text.partition(";")[0].strip().lower()


def _is_structured(content_type: str) -> bool:
    return _media_type(content_type) == "application/cloudevents+json"


def _is_json(content_type: str) -> bool:
    media = _media_type(content_type)
    return media in {"application/json", "text/json"} or (
        media.endswith("+json") and not media.startswith(STRUCTURED)
    )
