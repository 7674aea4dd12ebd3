"""The Debezium envelope: a row of a table before and after a change, with or without {"schema", "payload"}."""

from collections.abc import Sequence
from typing import Any

from monitor.adapters.codecs import reasons
from monitor.adapters.codecs.keys import RowKey
from monitor.adapters.codecs.limits import parse
from monitor.adapters.codecs.loose import Leaf, Scalar, epoch, plain, string
from monitor.adapters.codecs.paths import FieldPaths, Place, Shape, reach, several, split
from monitor.adapters.codecs.reasons import malformed, shown
from monitor.adapters.codecs.rows import RowReader
from monitor.adapters.codecs.scalars import need
from monitor.adapters.codecs.times import MICROSECONDS
from monitor.adapters.codecs.versions import combined
from monitor.adapters.codecs.wire import EventReader
from monitor.core.model.events import CorpusEvent, Record
from monitor.ports import ConfigurationError

UPSERTS = frozenset({"c", "u", "r"})
"""Created, updated, read by a snapshot."""


class DebeziumDecoder:
    """Operations c, u, r are upserts of `after`, d is a delete of `before`; m (a logical message) is not ours.

    t (truncate) is malformed: it does not say which chunks are gone. So is an update that changes the chunk id,
    for one event cannot be two: let the table's primary key be the chunk id, then Debezium sends a delete and
    a create. The event time is the row's own where a path names one, else the envelope's `ts_ms`. MongoDB's connector
    writes the row as a string of JSON, and of a delete only the record's key says which document is gone.

    Args:
        reader: the strict reader.
        paths: where a chunk's fields stand in a row.
        version: path in the envelope of what orders the changes of a row, such as `source.lsn`, or several of them:
            `source.file`, `source.pos` and `source.row` of MySQL.

    Raises:
        ConfigurationError: a version that does not order a row's changes.
    """

    def __init__(self, reader: EventReader, paths: FieldPaths, version: str | Sequence[str] | None = None) -> None:
        versions = several(version)
        if versions == ("source.pos",):
            message = "debezium_version = 'source.pos': begins anew with each binlog file; expected ['source.file', "
            message += "'source.pos', 'source.row']"
            raise ConfigurationError(message)
        self._reader = reader
        self._rows = RowReader(paths, reader)
        self._key = RowKey(paths.key_field(), reader.limits)
        plain_leaves = [("op",), ("ts_ms",), ("status",), *map(split, versions)]
        leaves: list[tuple[tuple[str, ...], Any]] = [(path, Leaf) for path in plain_leaves]
        leaves += [((side, *path), kind) for side in ("before", "after") for path, kind in self._rows.leaves]
        self._shape = Shape([*leaves, *((("payload", *path), kind) for path, kind in leaves)], reader.limits)
        bare = Shape(leaves, reader.limits)
        self._payload = self._shape.place(("payload",))
        self._before, self._after = bare.place(("before",)), bare.place(("after",))
        self._op, self._time, self._status = (bare.place((name,)) for name in ("op", "ts_ms", "status"))
        self._versions: list[Place] = [bare.place(split(path)) for path in versions]

    def decode(self, record: Record) -> CorpusEvent | None:
        """The event; None for a logical message, a transaction boundary or a tombstone that names no chunk."""
        if record.value is None:
            chunk_id = self._key.chunk_id(record)
            return None if chunk_id is None else self._reader.gone(chunk_id, record)
        document = parse(record.value, self._shape.json, self._reader.limits)
        envelope = reach(document, self._payload) or document
        op = string(plain(reach(envelope, self._op), "op"), "op")
        if op == "m" or (op is None and reach(envelope, self._status) in {"BEGIN", "END"}):
            return None
        return self._change(need(op, "op"), envelope, record)

    def _change(self, op: str, envelope: object, record: Record) -> CorpusEvent | None:
        if op == "t":
            raise malformed(reasons.TRUNCATE_UNSUPPORTED, "op", "t: which chunks are gone is not said")
        if op not in UPSERTS and op != "d":
            raise malformed(reasons.UNKNOWN_OP, "op", f"{shown(op)}, expected c, u, r, d, t or m")
        side = "before" if op == "d" else "after"
        row = reach(envelope, self._before if op == "d" else self._after)
        if row is None and op == "d" and record.key is not None:
            wire, time = self._reader.wire(op="delete", chunk_id=self._key.chunk_id(record)), None
        elif row is None:
            key = " or a key that names the chunk" if op == "d" else ""
            raise malformed(reasons.MISSING_FIELD, side, f"absent or null, expected the row for op {op}{key}")
        else:
            if op == "u":
                self._same_chunk(reach(envelope, self._before), row)
            wire, time = self._rows.fill(row, "delete" if op == "d" else "upsert")
        if self._versions:
            wire.version = combined([plain(reach(envelope, place), "version") for place in self._versions])
        if time is None:
            moment: Scalar = plain(reach(envelope, self._time), "ts_ms")
            time = epoch(moment, MICROSECONDS["ms"], self._reader.limits, "ts_ms")
        return self._reader.event(wire, record, time)

    def _same_chunk(self, before: object, after: object) -> None:
        was = None if before is None else self._rows.identity(before, "chunk_id")
        now = self._rows.identity(after, "chunk_id")
        if was is not None and was != now:
            raise malformed(reasons.IDENTITY_CHANGED, "chunk_id", f"{shown(was)} became {shown(now)}")
