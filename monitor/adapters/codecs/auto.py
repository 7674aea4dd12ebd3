"""Topics of mixed forms: each record is recognised by its marks and read by the decoder of its form."""

from collections.abc import Mapping

import msgspec

from monitor.adapters.codecs import reasons
from monitor.adapters.codecs.cloudevents import is_binary, is_structured
from monitor.adapters.codecs.keys import RowKey
from monitor.adapters.codecs.limits import parse
from monitor.adapters.codecs.reasons import malformed
from monitor.adapters.codecs.wire import EventReader
from monitor.core.events import CorpusEvent, Record
from monitor.ports import Decoder

_ROW_OPS = frozenset({b'"c"', b'"u"', b'"d"', b'"r"', b'"t"', b'"m"'})
_BOUNDARIES = frozenset({b'"BEGIN"', b'"END"'})


class _Marks(msgspec.Struct, gc=False):
    """What tells the forms apart, as raw bytes: empty where absent. Nothing of a record is built for it."""

    op: msgspec.Raw = msgspec.Raw()
    specversion: msgspec.Raw = msgspec.Raw()
    collection_name: msgspec.Raw = msgspec.Raw()
    before: msgspec.Raw = msgspec.Raw()
    after: msgspec.Raw = msgspec.Raw()
    payload: msgspec.Raw = msgspec.Raw()
    status: msgspec.Raw = msgspec.Raw()


class AutoDecoder:
    """Recognises the form of each record: CloudEvents, Qdrant sink, Debezium, native, else plain fields.

    Args:
        reader: the strict reader that all forms share.
        forms: the decoder of each form; without `fields`, a record of no known form is malformed.
        key_field: the name of the chunk id in a tombstone's key that is a JSON object.
    """

    def __init__(self, reader: EventReader, forms: Mapping[str, Decoder], key_field: str) -> None:
        self._reader = reader
        self._forms = forms
        self._key = RowKey(key_field, reader.limits)
        self._json = msgspec.json.Decoder(_Marks)

    def decode(self, record: Record) -> CorpusEvent | None:
        """The event, None for what is not ours; MalformedEvent whatever the bytes."""
        if record.value is None:
            return self._tombstone(record)
        form = self.form(record, record.value)
        if form not in self._forms:
            raise malformed(reasons.MISSING_FIELD, "op", "absent, and no other form is recognised")
        return self._forms[form].decode(record)

    def form(self, record: Record, value: bytes) -> str:
        """The name of the record's form; `fields` where nothing marks another."""
        if record.headers and (is_binary(record) or is_structured(record)):
            return "cloudevents"
        marks = parse(value, self._json, self._reader.limits)
        if bytes(marks.specversion):
            return "cloudevents"
        if bytes(marks.collection_name):
            return "qdrant-sink"
        return "debezium" if self._is_change(marks) else "native" if bytes(marks.op) else "fields"

    def _is_change(self, marks: _Marks) -> bool:
        """Whether the marks are those of a Debezium envelope, bare or in `payload`."""
        op, payload = bytes(marks.op), bytes(marks.payload)
        if op in _ROW_OPS:
            return bool(bytes(marks.before) or bytes(marks.after)) or op in {b'"t"', b'"m"'}
        if op or bytes(marks.status) in _BOUNDARIES:
            return not op
        return payload.startswith(b"{") and self._is_change(self._json.decode(payload))

    def _tombstone(self, record: Record) -> CorpusEvent | None:
        chunk_id = self._key.chunk_id(record)
        if chunk_id is None:
            raise malformed(reasons.NO_KEY, "key", "an object without the chunk id")
        return self._reader.gone(chunk_id, record)
