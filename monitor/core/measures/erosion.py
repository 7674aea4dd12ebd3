"""Erosion of a moving baseline: how far it had gone from the pinned one itself, before the deploy that is judged."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.baseline import Snapshot
from monitor.core.measures.comparison.alignment import Alignment
from monitor.core.measures.comparison.seen import MeasureConfig, Observation
from monitor.core.measures.comparison.tables import Comparison
from monitor.core.measures.formulas.columns import Name
from monitor.core.measures.noise import carried
from monitor.core.model.lists import RankedLists
from monitor.core.model.report import Leg


def eroded_columns(
    baseline: Snapshot, ours: Alignment, pinned: Snapshot, theirs: Alignment, depths: tuple[int, ...]
) -> Mapping[tuple[Leg, Name], NDArray[np.float64]]:
    """The per-anchor distances of the moving baseline to the pinned one.

    Args:
        baseline: the snapshot that the deploy is compared with.
        ours: its alignment with the anchors now.
        pinned: the pinned snapshot.
        theirs: its alignment.
        depths: the depths k that are measured.

    Returns:
        by leg and column, (P,) float64 in the order of `ours`, NaN for anchors that one of the snapshots has not.
    """
    rows = int(max(ours.now.max(initial=-1), theirs.now.max(initial=-1))) + 1
    lists = {
        leg: RankedLists.unknown(rows, of.depth).replaced(ours.now, of.take(ours.then))
        for leg, of in baseline.lists.items()
    }
    seen = Observation.kept(baseline, lists, now=baseline.event_time)
    apart = Comparison(pinned, theirs, MeasureConfig(depths, {}, distances=False)).distances(seen, afresh=True)
    found = {(of.leg, name): of.values[at] for of in apart for at, name in enumerate(of.names)}
    return carried(found, theirs, ours)
