"""The noise floor: what two indexes of the same corpus, built apart, differ by; and two calls of one retriever."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.baseline import ListLeg, Snapshot
from monitor.core.measures.comparison.alignment import Alignment
from monitor.core.measures.comparison.seen import MeasureConfig, Observation
from monitor.core.measures.comparison.tables import Comparison
from monitor.core.measures.formulas.columns import Name
from monitor.core.model.lists import RankedLists
from monitor.core.model.report import Leg


def carried(
    columns: Mapping[tuple[Leg, Name], NDArray[np.float64]], theirs: Alignment, ours: Alignment
) -> Mapping[tuple[Leg, Name], NDArray[np.float64]]:
    """Columns of one comparison in the order of another one's anchors, NaN for anchors that only the other has.

    Args:
        columns: (P,) float64 each, in the order of `theirs`.
        theirs: whose order they are in.
        ours: whose order is wanted; of the same anchors with another baseline.
    """
    place = {row: at for at, row in enumerate(theirs.now.tolist())}
    found = np.array([place.get(row, -1) for row in ours.now.tolist()], np.int64)
    return {name: np.where(found < 0, np.nan, np.append(of, np.nan)[found]) for name, of in columns.items()}


def noise_columns(
    baseline: Snapshot, alignment: Alignment, depths: tuple[int, ...]
) -> Mapping[tuple[Leg, Name], NDArray[np.float64]]:
    """The per-anchor values of a comparison between two builds: the baseline's dense lists and those of its twin; and
    between two calls: what production served then and what it served right after.

    Args:
        baseline: the snapshot compared with.
        alignment: the P anchors compared.
        depths: the depths k that are measured.

    Returns:
        by leg and column, (P,) float64 in the order of the comparison, NaN where the twin's list is not known; empty
        where there is no twin: the index is exact, or nobody could build or observe one.
    """
    twins: dict[ListLeg, RankedLists | None] = {"dense": baseline.noise, "production": baseline.again}
    lists: dict[ListLeg, RankedLists] = {}
    for leg, twin in twins.items():
        if twin is not None and twin.known.any() and len(alignment.now):
            blank = RankedLists.unknown(int(alignment.now.max()) + 1, twin.depth)
            lists[leg] = blank.replaced(alignment.now, twin.take(alignment.then))
    if not lists:
        return {}
    seen = Observation.kept(baseline, lists, now=baseline.event_time)
    tables = Comparison(baseline, alignment, MeasureConfig(depths, {}, distances=False)).tables(seen, afresh=True)
    return {
        (table.leg, name): table.values[at]
        for table in tables
        if table.leg in lists
        for at, name in enumerate(table.names)
    }
