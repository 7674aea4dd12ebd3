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
ChunkStatuses = Callable[[ChunkRow], ChunkStatus]


def unknown(row: ChunkRow) -> ChunkStatus:
    """Where the baseline's chunks were not kept."""
    del row
    return "unknown"


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
    filtered = any(filters)

    def status(row: ChunkRow) -> ChunkStatus:
        at = int(np.searchsorted(population.keys, row.key))
        if at == len(population.keys) or int(population.keys[at]) != row.key:
            return "absent"
        digest, values = statistics.described(row.slot)
        # the embedding version is the last value: another name for the same vector is no change
        if digest != int(population.digests[at]) or values[:-1] != population.values[population.cells[at]][:-1]:
            return "other"
        return "unknown" if filtered else "same"

    return status
