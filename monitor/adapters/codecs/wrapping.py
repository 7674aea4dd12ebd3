"""What may be around a record of any form: Kafka Connect's {"schema", "payload"}, and Confluent's five-byte prefix.

Both are looked for only where a form refuses a record as it is, so records without them cost nothing more: no form
takes an object of these two names alone, nor bytes that begin with a zero.
"""

from dataclasses import replace

import msgspec

from monitor.adapters.codecs import reasons
from monitor.adapters.codecs.limits import EventLimits, parse
from monitor.adapters.codecs.reasons import malformed, within
from monitor.core.model.events import CorpusEvent, MalformedEvent, Record
from monitor.ports import Decoder

_PREFIX = 5
"""Bytes of Confluent's wire format before the data: a zero, and the schema's id."""
_BINARY = {
    b"Obj\x01": "an Avro container file",
    b"\xc3\x01": "Avro's single-object encoding",
}
"""How bytes begin of forms that are known and not read."""


class NamedDecoder:
    """A decoder whose refusals say what form the record was taken for."""

    def __init__(self, name: str, form: Decoder) -> None:
        self._name, self._form = name, form

    def decode(self, record: Record) -> CorpusEvent | None:
        """The event; MalformedEvent whatever the bytes, naming the form."""
        try:
            return self._form.decode(record)
        except MalformedEvent as error:
            raise read_as(self._name, error) from None


def read_as(name: str, error: MalformedEvent) -> MalformedEvent:
    """The refusal, with the form that the record was taken for."""
    return MalformedEvent(error.reason, within(f"{error.detail} (read as {name})"))


class _Wrapper(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """Kafka Connect's JSON with its schema: these two names and no other."""

    payload: msgspec.Raw
    schema: msgspec.Raw = msgspec.Raw()


class Opening:
    """Reads a record by its form, and where that fails what Connect's wrapper or Confluent's prefix holds.

    Args:
        form: the decoder of the form.
        limits: the bounds.
        name: of the form, which refusals then say; "" where the form says it.
        wrapped: whether rows may be opened; not where field paths of the configuration lead through the wrapper.
    """

    def __init__(self, form: Decoder, limits: EventLimits, *, name: str = "", wrapped: bool = True) -> None:
        self._limits, self._name, self._wrapped = limits, name, wrapped
        self._form, self._read = form, form.decode
        self._json = msgspec.json.Decoder(_Wrapper)

    def decode(self, record: Record) -> CorpusEvent | None:
        """The event; MalformedEvent whatever the bytes."""
        try:
            return self._read(record)
        except MalformedEvent as error:
            return self._opened(record, error)

    def _opened(self, record: Record, refusal: MalformedEvent) -> CorpusEvent | None:
        inner = None if refusal.reason == reasons.OVERSIZE else self._inner(record)
        try:
            if inner is None:
                raise refusal
            return self._form.decode(inner)
        except MalformedEvent as error:
            if not self._name:
                raise
            raise read_as(self._name, error) from None

    def _inner(self, record: Record) -> Record | None:
        """The record without what was around it; None where there was nothing."""
        value, key = _behind(record.value, "value"), _behind(record.key, "key")
        payload = self._payload(value)
        if payload is not None:
            value = None if payload == b"null" else payload
        return None if (value, key) == (record.value, record.key) else replace(record, value=value, key=key)

    def _payload(self, value: bytes | None) -> bytes | None:
        if value is None or not self._wrapped:
            return None
        try:
            payload = bytes(parse(value, self._json, self._limits).payload)
        except MalformedEvent:
            return None
        return payload if payload.startswith(b"{") or payload == b"null" else None


def _behind(data: bytes | None, field: str) -> bytes | None:
    """The bytes behind Confluent's prefix; as they are where there is none.

    Raises:
        MalformedEvent: `unsupported_form` where what is there is known not to be JSON.
    """
    if not data:
        return data
    for mark, known in _BINARY.items():
        if data.startswith(mark):
            raise malformed(reasons.UNSUPPORTED_FORM, field, f"{known}, expected JSON")
    number = int.from_bytes(data[1:_PREFIX], "big")
    if data[:1] != b"\0" or len(data) <= _PREFIX or not number:  # registries count from 1
        return data
    inner = data[_PREFIX:]
    if inner.lstrip(b" \t\r\n")[:1] not in {b"{", b'"'}:
        said = f"Avro or Protobuf behind Confluent's prefix (schema id {number}), expected JSON"
        raise malformed(reasons.UNSUPPORTED_FORM, field, said)
    return inner
