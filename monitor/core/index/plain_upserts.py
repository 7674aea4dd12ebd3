"""Upserts that are told column by column what they do: most of nearly every batch."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.chunk_columns import VERSION_ASIDE
from monitor.core.index.chunk_table import ChunkTable
from monitor.core.index.kernels_keys import NONE
from monitor.core.index.row_columns import COLUMN_END, RowColumns, RowsBefore, content_numbers
from monitor.core.model.changes import NO_SLOT, Change, ChunkRow, How, Kind, says_same
from monitor.core.model.events import Chunk, CorpusEvent, Located, Upsert

LEAST = 8
"""Upserts for which columns are worth making: fewer are sooner looked at one after the other."""


@dataclass(slots=True, eq=False)
class PlainUpserts:
    """Upserts of a batch that apply, whatever the rest of it is: each is the only event of its chunk, its version is
    one number, and the chunk is either not known, or live with a lesser number and said or was something else.

    Args:
        chunks: n, that they carry.
        columns: of the rows behind them; a new chunk has no slot yet.
        versions: (n,) int64.
        new: n, whether the chunk is not known.
        places: (n,) int64 in the chunk table, NONE for a new chunk.
        before: the rows before them; it says nothing of a new chunk but its id.
        repeated: n, whether each says what the live chunk said already.
    """

    chunks: list[Chunk]
    columns: RowColumns
    versions: NDArray[np.int64]
    new: list[bool]
    places: NDArray[np.int64]
    before: RowsBefore
    repeated: list[bool]
    at: list[int] = field(default_factory=list)
    """Their places in the batch, ascending."""

    def outcomes(self) -> Counter[tuple[str, str]]:
        """(kind of event, outcome) -> count."""
        new = sum(self.new)
        return Counter({("upsert", "new"): new, ("upsert", "modified"): len(self.new) - new})

    def rows(self) -> list[ChunkRow]:
        """The rows behind them, once each has its slot."""
        of, versions = self.columns, self.versions.tolist()
        first = (of.keys.tolist(), self.before.names, of.documents, of.ordinals.tolist(), of.segments, of.encoded)
        rest = (of.times.tolist(), of.contents, versions, of.positions, of.slots.tolist(), repeat(None), of.how)
        return list(map(ChunkRow, *first, *rest))

    def changes(self, rows: Sequence[ChunkRow]) -> list[Change]:
        """What they did, with the rows behind them."""
        kinds: list[Kind] = ["new" if new else "modified" for new in self.new]
        stood = [None if new else self.before for new in self.new]
        return list(map(Change, kinds, stood, rows, self.chunks, self.repeated))


def plain_upserts(table: ChunkTable, batch: Sequence[Located], keys: Sequence[int]) -> PlainUpserts | None:
    """Those of a batch; None where they are few.

    Args:
        table: before the batch.
        batch: events in order.
        keys: of the chunk of each, NO_CHUNK for an event of none.
    """
    at = [n for n, located in enumerate(batch) if _maybe(located.event)] if len(batch) >= LEAST else []
    if len(set(keys)) < len(keys):
        times = Counter(keys)
        at = [n for n in at if times[keys[n]] == 1]
    while len(at) >= LEAST:
        made = _looked_at(table, [batch[n] for n in at], np.array([keys[n] for n in at], np.int64))
        if isinstance(made, PlainUpserts):
            made.at = at
            return made
        at = [at[n] for n in np.flatnonzero(made).tolist()]
    return None


def _maybe(event: CorpusEvent) -> bool:
    return type(event) is Upsert and type(event.version) is int and -COLUMN_END <= event.version < COLUMN_END


def _looked_at(
    table: ChunkTable, batch: Sequence[Located], keys: NDArray[np.int64]
) -> PlainUpserts | NDArray[np.bool_]:
    """Upserts of distinct chunks with numbers as versions; or, where not all are plain, (n,) which of them are."""
    events: list[Upsert] = [located.event for located in batch]  # type: ignore[misc]  # so they were chosen
    chunks, versions = [event.chunk for event in events], np.array([event.version for event in events], np.int64)
    ids, contents = [chunk.chunk_id for chunk in chunks], [chunk.content_hash for chunk in chunks]
    places = table.places(keys)
    cells, fresh = table.cells_at(places), np.flatnonzero(places == NONE).tolist()
    plain: NDArray[np.bool_] = (versions > cells["version"]) & (cells["slot"] != NO_SLOT)
    plain &= cells["aside"] & VERSION_ASIDE == 0
    plain[fresh] = True
    names = [table.names[place] for place in places.tolist()] if len(table) else list(ids)
    new = [False] * len(chunks)
    how: list[How] = ["modified"] * len(chunks)
    for n in fresh:
        names[n], new[n], how[n] = ids[n], True, "new"
    if names != ids:
        plain &= [name == chunk_id for name, chunk_id in zip(names, ids, strict=True)]  # else another of the same key
    numbers, odd = content_numbers(contents)
    alike = (cells["content"] == numbers[:, 0]) & (cells["content_rest"] == numbers[:, 1]) & plain
    alike[fresh] = False
    repeated = [False] * len(chunks)
    for n in np.flatnonzero(alike).tolist():
        row, chunk = table.at(places.item(n)), chunks[n]
        if row.content_hash != chunk.content_hash:  # of another form both
            continue
        repeated[n] = True
        if says_same(row, chunk):
            how[n] = "reencoded"
            plain[n] = row.embedding_version != chunk.embedding_version  # else its vector decides
    if not plain.all():
        return plain
    columns = RowColumns(
        keys,
        [chunk.doc_id for chunk in chunks],
        np.array([chunk.ordinal for chunk in chunks], np.int64),
        [chunk.segment for chunk in chunks],
        [chunk.embedding_version for chunk in chunks],
        np.array([chunk.event_time for chunk in chunks], np.int64),
        contents,
        versions,
        [located.position for located in batch],
        cells["slot"].astype(np.int64),
        None,
        how,
        (numbers, odd),
    )
    before = RowsBefore(cells, names, columns, table.contents_aside(places, cells))
    return PlainUpserts(chunks, columns, versions, new, places, before, repeated)
