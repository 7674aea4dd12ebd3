"""How a chunk now stands to the chunks that a baseline held, whether or not they stood in one of its lists."""

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

from monitor.core.index.baseline import Snapshot
from monitor.core.index.maintained import StatisticsIndex
from monitor.core.model.changes import ChunkRow
from monitor.core.model.events import Segment

ChunkStatus = Literal["same", "other", "absent", "unknown"]
"""`same`: it says what it said in the baseline, with the same vector, in the same segments; `other`: it does not;
`absent`: the baseline did not hold it; `unknown`: nobody knows."""
ChunkStatuses = Callable[[Sequence[ChunkRow]], Sequence[ChunkStatus]]
"""Of some live chunks, in order."""


def unknown(rows: Sequence[ChunkRow]) -> Sequence[ChunkStatus]:
    """Where the baseline's chunks were not kept."""
    return ["unknown"] * len(rows)


def chunk_statuses(baseline: Snapshot, statistics: StatisticsIndex, filters: Sequence[Segment] = ()) -> ChunkStatuses:
    """Statuses of live chunks by the baseline's chunk table: exact but for 64-bit digests that collide.

    Args:
        baseline: the snapshot; one without a chunk table knows nothing.
        statistics: of the corpus now.
        filters: of the anchors. A filter may ask for an attribute that no dimension has, and the chunk table holds
            dimensions only: then nobody can say that a chunk is the same.
    """
    population = None if baseline.profile is None else baseline.profile.population
    if population is None:
        return unknown
    held: ChunkStatus = "unknown" if any(filters) else "same"

    def status(row: ChunkRow, at: int) -> ChunkStatus:
        if at == len(population.keys) or population.keys.item(at) != row.key:
            return "absent"
        digest, values = statistics.described(row.slot)
        # the embedding version is the last value: another name for the same vector is no change
        same = digest == population.digests.item(at) and values[:-1] == population.values[population.cells[at]][:-1]
        return held if same else "other"

    def statuses(rows: Sequence[ChunkRow]) -> Sequence[ChunkStatus]:
        places = np.searchsorted(population.keys, np.array([row.key for row in rows], np.int64))
        return [status(row, at) for row, at in zip(rows, places.tolist(), strict=True)]

    return statuses
