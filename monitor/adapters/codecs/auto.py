"""Topics of mixed forms: each record is recognised by its marks and read by the decoder of its form."""

from collections.abc import Mapping
from operator import attrgetter
from typing import Any

import msgspec

from monitor.adapters.codecs import reasons
from monitor.adapters.codecs.cloudevents import is_binary, is_structured
from monitor.adapters.codecs.keys import RowKey
from monitor.adapters.codecs.limits import parse
from monitor.adapters.codecs.reasons import malformed
from monitor.adapters.codecs.wire import EventReader, Wire
from monitor.adapters.codecs.wrapping import read_as
from monitor.core.model.events import CorpusEvent, MalformedEvent, Record
from monitor.ports import Decoder

_ROW_OPS = frozenset({"c", "u", "d", "r"})
_OTHER_OPS = frozenset({"t", "m"})
_BOUNDARIES = frozenset({b'"BEGIN"', b'"END"'})
_OF_TYPES = frozenset({reasons.WRONG_TYPE, reasons.OUT_OF_RANGE, reasons.NOT_FINITE, reasons.BAD_BASE64})
_MARKS = ("specversion", "collection_name", "before", "after", "payload", "status")
_ABSENT = msgspec.Raw()
_UNMARKED = (_ABSENT,) * len(_MARKS)
_marks_of = attrgetter(*_MARKS)
_NATIVE = "native"


class AutoDecoder:
    """Recognises the form of each record: CloudEvents, Qdrant sink, Debezium, native, else plain fields.

    Marks, the first that is there decides: a CloudEvents header or `specversion`; `collection_name`; `op` c, u, d, r
    beside `before` or `after`, `op` t or m, or a transaction's `status`, bare or in `payload`; `op`.

    Args:
        reader: the strict reader that all forms share.
        forms: the decoder of each form; without `fields`, a record of no known form is malformed.
        key_field: the name of the chunk id in a tombstone's key that is a JSON object.
    """

    def __init__(self, reader: EventReader, forms: Mapping[str, Decoder], key_field: str) -> None:
        self._reader = reader
        self._forms = forms
        self._key = RowKey(key_field, reader.limits)
        marks: list[tuple[str, Any, Any]] = [(name, msgspec.Raw, _ABSENT) for name in _MARKS]
        # most records are native: one pass reads the fields and the marks; only where a foreign form gives a field
        # another type are the marks read alone, as raw bytes that fit any document
        self._native = _decoder(msgspec.defstruct("Marked", marks, bases=(reader.wire,), gc=False))
        raw_op: tuple[str, Any, Any] = ("op", msgspec.Raw, msgspec.Raw())
        self._marks = _decoder(msgspec.defstruct("Marks", [raw_op, *marks], gc=False))

    def decode(self, record: Record) -> CorpusEvent | None:
        """The event, None for what is not ours; MalformedEvent whatever the bytes."""
        value = record.value
        if value is None:
            return self._tombstone(record)
        if record.headers and (is_binary(record) or is_structured(record)):
            return self._forms["cloudevents"].decode(record)
        try:
            marked = parse(value, self._native, self._reader.limits)
        except MalformedEvent as error:
            if error.reason not in _OF_TYPES:
                raise
            marked = parse(value, self._marks, self._reader.limits)
        form = self._form(marked)
        if form == _NATIVE and isinstance(marked, Wire):
            try:
                return self._reader.event(marked, record)
            except MalformedEvent as error:
                raise read_as(_NATIVE, error) from None
        if form not in self._forms:
            said = "absent, and no other form is recognised; source.format = 'fields' reads plain rows"
            raise malformed(reasons.MISSING_FIELD, "op", said)
        return self._forms[form].decode(record)

    def _form(self, marked: Any) -> str:
        """The name of the form; `fields` where nothing marks another."""
        op = _op(marked)
        if _marks_of(marked) == _UNMARKED and op not in _OTHER_OPS:  # by far the most records, told at once
            return "fields" if op is None else _NATIVE
        if bytes(marked.specversion):
            return "cloudevents"
        if bytes(marked.collection_name):
            return "qdrant-sink"
        if self._is_change(marked):
            return "debezium"
        return "fields" if op is None else _NATIVE

    def _is_change(self, marked: Any) -> bool:
        """Whether the marks are those of a Debezium envelope, bare or in `payload`."""
        op, payload = _op(marked), bytes(marked.payload)
        if op is not None:
            written = op in _ROW_OPS and bool(bytes(marked.before) or bytes(marked.after))
            return written or op in _OTHER_OPS
        if bytes(marked.status) in _BOUNDARIES:
            return True
        return payload.startswith(b"{") and self._is_change(self._marks.decode(payload))

    def _tombstone(self, record: Record) -> CorpusEvent | None:
        chunk_id = self._key.chunk_id(record)
        if chunk_id is None:
            raise malformed(reasons.NO_KEY, "key", "an object without the chunk id")
        return self._reader.gone(chunk_id, record)


def _decoder(kind: type[msgspec.Struct]) -> "msgspec.json.Decoder[Any]":
    return msgspec.json.Decoder(kind)


def _op(marked: Any) -> str | None:
    """The operation, whatever its type; None where it is absent or null."""
    if isinstance(marked, Wire):
        return marked.op
    raw = bytes(marked.op)
    return None if raw in {b"", b"null"} else raw.decode().strip('"')
