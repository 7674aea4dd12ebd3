"""Rows of files as events: each becomes an upsert of its chunk, or is set aside with its file and number."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from monitor.adapters.codecs.limits import EventLimits
from monitor.adapters.codecs.paths import Shape
from monitor.adapters.codecs.rows import RowReader
from monitor.adapters.codecs.times import in_range
from monitor.adapters.codecs.wire import EventReader, VectorWire
from monitor.adapters.corpus_files.columns import FileColumns, FileRow
from monitor.adapters.corpus_files.partitioners import PARTITIONERS
from monitor.adapters.corpus_files.plan import CorpusFiles
from monitor.core.model.events import (
    BOOTSTRAP,
    Delete,
    Located,
    MalformedEvent,
    Partition,
    Position,
    Record,
    Upsert,
    bootstrapped,
)
from monitor.core.model.plausibility import Doubt, StreamTime
from monitor.core.records.committed import Quarantined
from monitor.core.records.filled import FilePiece, ReadRows

KEPT_BYTES = 64 << 10
"""Of a row that is set aside."""


class VectorPreparer(Protocol):
    """Gives upserts prepared vectors, see `monitor.app.embedding.Embedder`; may be sent to another process."""

    def embed(self, batch: Sequence[Located]) -> tuple[list[Located], list[tuple[Located, MalformedEvent]]]:
        """The batch with vectors, and the upserts for which none can be had."""
        ...

    def doubts(self) -> Counter[Doubt]:
        """What was odd about the vectors since this was asked last."""
        ...


@dataclass(frozen=True, slots=True)
class ReadAs:
    """What rows mean.

    Args:
        embedding_version: of rows that name none.
        limits: the bounds of an event.
        point_ids: whether chunk ids are the ids of Qdrant's points.
        now: microseconds since 1970: the event time of rows that state none; None: they are set aside.
        topic: of the stream, in whose partitions chunks are.
        partitions: how many it has.
        partitioner: which of `PARTITIONERS` says in which of them a chunk is.
    """

    embedding_version: str
    limits: EventLimits
    point_ids: bool
    now: int | None
    topic: str
    partitions: int
    partitioner: str


class FileRows:
    """Implements `FileReader`; a copy of it may go to another process.

    Args:
        files: where rows are read.
        columns: by name of a file.
        read_as: what they mean.
        preparer: of vectors.
    """

    def __init__(
        self, files: CorpusFiles, columns: Mapping[str, FileColumns], read_as: ReadAs, preparer: VectorPreparer
    ) -> None:
        self._files, self._columns, self._as, self._preparer = files, columns, read_as, preparer
        self._events: EventReader | None = None
        self._readers: dict[int, tuple[RowReader, Shape]] = {}
        """By the identity of the columns: most files have the same."""

    def __getstate__(self) -> dict[str, Any]:
        """Decoders are made where they are used."""
        return {**self.__dict__, "_events": None, "_readers": {}}

    def read(self, piece: FilePiece) -> ReadRows:
        """See `FileReader`."""
        columns = self._columns[piece.file]
        reader = self._events or self._event_reader()
        rows, shape = self._row_reader(columns, reader)
        found = list(columns.rows(self._files.rows(piece, columns.names), shape))
        events: list[Located] = []
        aside: dict[int, MalformedEvent] = {}
        for at, row in enumerate(found):
            try:
                event = self._event(reader, rows, row)
            except MalformedEvent as error:
                aside[at] = error
            else:
                events.append(Located(self._position(event, piece.offset + at), event))
        doubts = StreamTime().doubts(events)
        events, vectorless = self._preparer.embed(events)
        aside |= {located.position.offset - piece.offset: error for located, error in vectorless}
        doubts += self._preparer.doubts()
        return ReadRows(events, [_set_aside(piece, at, found[at], aside[at]) for at in sorted(aside)], doubts)

    def _event(self, reader: EventReader, rows: RowReader, row: FileRow) -> Upsert | Delete:
        if isinstance(row.fields, MalformedEvent):
            raise row.fields
        wire, time = rows.fill(row.fields, "delete" if rows.deleted(row.fields) else "upsert")
        if isinstance(wire, VectorWire) and row.vector is not None:
            wire.vector_b64 = row.vector
        if row.time is not None:
            time = in_range(row.time, self._as.limits)
        event = reader.event(wire, _NO_RECORD, time)
        assert isinstance(event, Upsert | Delete), "a row is one of them"  # noqa: S101 - `op` says so
        return event

    def _position(self, event: Upsert | Delete, offset: int) -> Position:
        chunk_id = event.chunk.chunk_id if isinstance(event, Upsert) else event.chunk_id
        partition = PARTITIONERS[self._as.partitioner](chunk_id.encode(), self._as.partitions)
        return Position(*bootstrapped(Partition(self._as.topic, partition)), offset)

    def _event_reader(self) -> EventReader:
        now, chosen = self._as.now, self._as
        dated = None if now is None else (lambda: now)
        self._events = EventReader(chosen.limits, chosen.embedding_version, now=dated, point_ids=chosen.point_ids)
        return self._events

    def _row_reader(self, columns: FileColumns, reader: EventReader) -> tuple[RowReader, Shape]:
        made = self._readers.get(id(columns))
        if made is None:
            rows = RowReader(columns.one_by_one, reader)
            made = self._readers[id(columns)] = (rows, Shape(rows.leaves, self._as.limits))
        return made


_NO_RECORD = Record(Position("", 0, 0), None, None)


def _set_aside(piece: FilePiece, at: int, row: FileRow, error: MalformedEvent) -> Quarantined:
    """A row as the quarantine keeps it: where it stands in its file, and what it says without its vector."""
    value = msgspec.json.encode(row.plain, enc_hook=str)
    place = Position(f"{BOOTSTRAP}/{piece.file}", 0, piece.first + at)
    return Quarantined(place, error.reason, error.detail, None, value[:KEPT_BYTES], len(value))
