"""The Debezium envelope: a row of a table before and after a change, with or without {"schema", "payload"}."""

from typing import Any

import msgspec

from monitor.adapters.codecs import reasons
from monitor.adapters.codecs.keys import RowKey
from monitor.adapters.codecs.limits import parse
from monitor.adapters.codecs.loose import Scalar, epoch, integer, string
from monitor.adapters.codecs.paths import FieldPaths, compiled, reach, shape, split
from monitor.adapters.codecs.reasons import malformed, shown
from monitor.adapters.codecs.rows import RowReader
from monitor.adapters.codecs.scalars import need
from monitor.adapters.codecs.times import MICROSECONDS
from monitor.adapters.codecs.wire import EventReader
from monitor.core.events import CorpusEvent, Record

UPSERTS = frozenset({"c", "u", "r"})
"""Created, updated, read by a snapshot."""


class DebeziumDecoder:
    """Operations c, u, r are upserts of `after`, d is a delete of `before`; m (a logical message) is not ours.

    t (truncate) is malformed: it does not say which chunks are gone. So is an update that changes the chunk id,
    for one event cannot be two: let the table's primary key be the chunk id, then Debezium sends a delete and
    a create. The event time is the row's own where a path names one, else the envelope's `ts_ms`.

    Args:
        reader: the strict reader.
        paths: where a chunk's fields stand in a row.
        version: path in the envelope of a number that orders the changes of a row, such as `source.lsn`.
    """

    def __init__(self, reader: EventReader, paths: FieldPaths, version: str | None = None) -> None:
        self._reader = reader
        self._rows = RowReader(paths, reader)
        self._key = RowKey(paths.key_field(), reader.limits)
        row = shape(self._rows.leaves)
        leaves: list[tuple[tuple[str, ...], Any]] = [(("op",), Scalar), (("ts_ms",), Scalar), (("status",), Scalar)]
        leaves += [(("before",), row), (("after",), row)]
        leaves += [(split(version), Scalar)] if version else []
        self._json = msgspec.json.Decoder(shape([*leaves, (("payload",), shape(leaves))]))
        self._version = compiled(split(version)) if version else None

    def decode(self, record: Record) -> CorpusEvent | None:
        """The event; None for a logical message, a transaction boundary or a tombstone that names no chunk."""
        if record.value is None:
            chunk_id = self._key.chunk_id(record)
            return None if chunk_id is None else self._reader.gone(chunk_id, record)
        document = parse(record.value, self._json, self._reader.limits)
        envelope = reach(document, _PAYLOAD) or document
        op = string(reach(envelope, _OP), "op")
        if op == "m" or (op is None and reach(envelope, _STATUS) in {"BEGIN", "END"}):
            return None
        return self._change(need(op, "op"), envelope, record)

    def _change(self, op: str, envelope: object, record: Record) -> CorpusEvent:
        before, after = reach(envelope, _BEFORE), reach(envelope, _AFTER)
        if op == "t":
            raise malformed(reasons.TRUNCATE_UNSUPPORTED, "op", "t: which chunks are gone is not said")
        if op not in UPSERTS and op != "d":
            raise malformed(reasons.UNKNOWN_OP, "op", f"{shown(op)}, expected c, u, r, d, t or m")
        row, name = (before, "before") if op == "d" else (after, "after")
        if row is None:
            raise malformed(reasons.MISSING_FIELD, name, f"absent or null, expected the row for op {op}")
        if op == "u":
            self._same_chunk(before, after)
        wire, time = self._rows.fill(row, "delete" if op == "d" else "upsert")
        if self._version is not None:
            wire.version = integer(reach(envelope, self._version), "version")
        if time is None:
            time = epoch(reach(envelope, _TS_MS), MICROSECONDS["ms"], self._reader.limits, "ts_ms")
        return self._reader.event(wire, record, time)

    def _same_chunk(self, before: object, after: object) -> None:
        was = None if before is None else self._rows.identity(before, "chunk_id")
        now = self._rows.identity(after, "chunk_id")
        if was is not None and was != now:
            raise malformed(reasons.IDENTITY_CHANGED, "chunk_id", f"{shown(was)} became {shown(now)}")


_OP, _TS_MS, _STATUS = compiled(("op",)), compiled(("ts_ms",)), compiled(("status",))
_BEFORE, _AFTER, _PAYLOAD = compiled(("before",)), compiled(("after",)), compiled(("payload",))
