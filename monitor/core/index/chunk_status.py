"""How a chunk now stands to the chunks that a baseline held, whether or not they stood in one of its lists."""

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.baseline import Snapshot
from monitor.core.index.maintained import StatisticsIndex
from monitor.core.model.events import Segment

ChunkStatus = Literal["same", "other", "absent", "unknown"]
"""`same`: it says what it said in the baseline, with the same vector, in the same segments; `other`: it does not;
`absent`: the baseline did not hold it; `unknown`: nobody knows."""
ChunkStatuses = Callable[[NDArray[np.int64], NDArray[np.int64]], Sequence[ChunkStatus]]
"""Of some live chunks, in order, by their keys and slots."""


def unknown(keys: NDArray[np.int64], slots: NDArray[np.int64]) -> Sequence[ChunkStatus]:
    """Where the baseline's chunks were not kept."""
    del slots
    return ["unknown"] * len(keys)


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

    def status(key: int, slot: int, at: int) -> ChunkStatus:
        if at == len(population.keys) or population.keys.item(at) != key:
            return "absent"
        digest, values = statistics.described(slot)
        # the embedding version is the last value: another name for the same vector is no change
        same = digest == population.digests.item(at) and values[:-1] == population.values[population.cells[at]][:-1]
        return held if same else "other"

    def statuses(keys: NDArray[np.int64], slots: NDArray[np.int64]) -> Sequence[ChunkStatus]:
        places = np.searchsorted(population.keys, keys)
        return [status(*of) for of in zip(keys.tolist(), slots.tolist(), places.tolist(), strict=True)]

    return statuses
