"""A changeover of the panel: both panels measured at one offset, and what the change of anchors alone makes.

Labour-force surveys rotate their households so: the difference between the panels at the moment of the change is what
links the series before to the series after.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.baseline import ListLeg
from monitor.core.measures.formulas.labelled import Judgements, ndcg
from monitor.core.measures.formulas.overlap import overlap
from monitor.core.measures.formulas.ranking import rbo_ext
from monitor.core.model.anchors import AnchorSet
from monitor.core.model.lists import RankedLists
from monitor.core.traffic.shares import Z95

BOTH = "both"
"""The leg of what compares the two."""


@dataclass(frozen=True, slots=True)
class PanelBridge:
    """One measure at a changeover: the new panel's mean minus the old one's, over the same corpus.

    Args:
        metric: `legs_rbo` (likeness of the two legs' lists) or `ndcg` (where anchors have judgements).
        leg: whose lists, BOTH for both.
        before, after: weighted means of the old and the new panel.
        difference: after - before: what the change of anchors alone makes.
        lower, upper: its 95% interval.
        matched, came, left: anchors that both panels have, that only the new one has, that only the old one had.
    """

    metric: str
    leg: str
    before: float
    after: float
    difference: float
    lower: float
    upper: float
    matched: int
    came: int
    left: int


@dataclass(frozen=True, slots=True, eq=False)
class PanelMeasured:
    """A panel at one offset: by metric and leg, (A,) float64 with NaN where an anchor has no value; and weights."""

    values: Mapping[tuple[str, str], NDArray[np.float64]]
    weights: NDArray[np.float64]


def measured_panel(anchors: AnchorSet, lists: Mapping[ListLeg, RankedLists]) -> PanelMeasured:
    """What can be said of a panel without a baseline, by its exact lists.

    Args:
        anchors: A anchors.
        lists: their lists, `exact` and `lexical` as far as those legs are on.
    """
    made: dict[tuple[str, str], NDArray[np.float64]] = {}
    judged = Judgements.of([of.relevant for of in anchors.anchors])
    for leg, name in (("dense", "exact"), ("lexical", "lexical")):
        of = lists.get(name)  # type: ignore[call-overload]  # one of the legs
        if of is not None and judged.keys.shape[1]:
            made["ndcg", leg] = ndcg(of, judged, of.depth)
    if "exact" in lists and "lexical" in lists:
        made["legs_rbo", BOTH] = rbo_ext(overlap(lists["exact"], lists["lexical"]), lists["exact"].depth)
    return PanelMeasured(made, anchors.weights)


def bridges(before: PanelMeasured, after: PanelMeasured, kept: NDArray[np.int64]) -> tuple[PanelBridge, ...]:
    """The difference of two panels at one offset, metric by metric.

    The anchors are what is sampled. An anchor that both panels have moves both means, so its parts cancel; the
    variance is the sum of squares of what each anchor moves the difference by, w (x - mean) / sum w with its sign.

    Args:
        before: the old panel.
        after: the new one.
        kept: (A,) int64, for each new anchor the row of the old panel that asked the same, -1 for none.

    Returns:
        One for each metric that both have, by metric and leg; NaN where either panel has no value.

    Source: linearisation of a difference of ratios, Särndal, Swensson, Wretman, Model Assisted Survey Sampling
    (1992), section 5.5; the overlap method of linking: ILO, Consumer Price Index Manual (2020), chapter 6.
    """
    return tuple(
        _bridge(*name, (before.values[name], before.weights), (after.values[name], after.weights), kept)
        for name in sorted(before.values.keys() & after.values.keys())
    )


def held_out_gap(
    anchors: AnchorSet, lists: Mapping[ListLeg, RankedLists], attribute: str, value: str
) -> tuple[PanelBridge, ...]:
    """How much better the anchors look that whoever tunes may see than those that are held out.

    Args:
        anchors: A anchors.
        lists: as of `measured_panel`.
        attribute: name of the segment attribute that tells the groups apart.
        value: what those have that are held out.

    Returns:
        The held-out group as `before`, the others as `after`: a difference above 0 flatters. None where a group is
        empty.
    """
    out = np.array([(attribute, value) in of.segment for of in anchors.anchors], np.bool_)
    if not out.any() or out.all():
        return ()
    whole = measured_panel(anchors, lists)
    held, shown = (
        PanelMeasured({name: of[rows] for name, of in whole.values.items()}, whole.weights[rows])
        for rows in (out, ~out)
    )
    return bridges(held, shown, np.full(int((~out).sum()), -1))


Side = tuple[NDArray[np.float64], NDArray[np.float64]]


def _bridge(metric: str, leg: str, old: Side, new: Side, kept: NDArray[np.int64]) -> PanelBridge:
    mean_old, pull_old = _influence(*old)
    mean_new, pull_new = _influence(*new)
    both, fresh = np.flatnonzero(kept >= 0), np.flatnonzero(kept < 0)
    gone = np.setdiff1d(np.arange(len(pull_old)), kept[both])
    parts = np.concatenate((pull_new[both] - pull_old[kept[both]], pull_new[fresh], -pull_old[gone]))
    difference, half = mean_new - mean_old, Z95 * float(np.sqrt(np.sum(parts * parts)))
    counts = len(both), len(fresh), len(gone)
    return PanelBridge(metric, leg, mean_old, mean_new, difference, difference - half, difference + half, *counts)


def _influence(values: NDArray[np.float64], weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """The weighted mean of the values that there are, and what each anchor moves it by."""
    there = ~np.isnan(values)
    weight = np.where(there, weights, 0.0)
    total = float(weight.sum())
    if not total:
        return float("nan"), np.full(len(values), np.nan)
    known = np.where(there, values, 0.0)
    mean = float(np.sum(weight * known)) / total
    return mean, weight * (known - mean) / total
