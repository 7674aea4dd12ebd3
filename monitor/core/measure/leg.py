"""All per-anchor measurements of one leg: what a report asks for, of all anchors or of the touched ones only."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from monitor.core.measure import ranking, scores
from monitor.core.measure.columns import (
    DEPTH_NOT_KEPT,
    NOISE_GAP_UNKNOWN,
    NOT_REPLAYED,
    Columns,
    Name,
    Pair,
    Settings,
    Values,
)
from monitor.core.measure.overlap import Overlap, overlap
from monitor.core.measure.ties import settle_ties
from monitor.core.measure.wasserstein import score_wasserstein

RANKING = (
    "jaccard_ratio",
    "swaps",
    "rbo_ratio",
    "kendall_distance_ratio",
    "rank_churn_ratio",
    "rank_churn_moved_ratio",
    "rank_churn_exited_ratio",
    "rank_churn_entered_ratio",
)
"""Columns at each depth; `score_wasserstein` follows."""
TOP1 = ("top1_changed_ratio", "top1_changed_decided_ratio")
LEVELS = ("top1_score_drop", "gap_drop", "top1_score", "top1_score_baseline", "gap", "gap_baseline")
"""Columns without a depth; `confidence_crossing_ratio` follows where production has a threshold."""
WASSERSTEIN = "score_wasserstein"
CROSSING = "confidence_crossing_ratio"
DEPTHLESS = frozenset((*TOP1, *LEVELS, CROSSING))
"""Columns that no depth applies to."""


def measure(
    pair: Pair, settings: Settings, *, rows: NDArray[np.int64] | None = None, previous: Columns | None = None
) -> Columns:
    """Every ranking and score measurement of one leg, per anchor.

    With `rows` and `previous` only those anchors are computed anew and the others copied: bit for bit the full
    computation if nothing else changed. Where `previous` holds other columns, or answers other settings, it is of no
    use and everything is computed.

    Args:
        pair: the baseline's and the current lists of all A anchors.
        settings: what to measure.
        rows: (r,) int64, anchors whose lists changed since `previous`.
        previous: the last result, against the same baseline.

    Returns:
        Columns; an anchor with an unknown list is NaN in all of them, an invalid column is NaN and says why.

    Raises:
        ValueError: if the numbers of anchors differ.
    """
    if len(pair.baseline) != len(pair.current):
        message = f"measure: {len(pair.baseline)} baseline lists, {len(pair.current)} current ones"
        raise ValueError(message)
    names = _names(settings)
    if rows is None or previous is None or not _fits(previous, names, pair, settings):
        values = _values(pair, settings)
    else:
        values = previous.values.copy()
        values[:, rows] = _values(pair.take(rows), settings)
    values.flags.writeable = False
    known = pair.baseline.known & pair.current.known
    reasons = tuple(_reason(name, pair, settings, known) for name in names)
    return Columns(names, values, reasons, known, settings)


def rescored(pair: Pair, previous: Columns) -> Columns:
    """`previous` with the columns of scores computed anew for all anchors, whose results stayed what they were.

    On the lexical leg every change of the corpus moves every score a little, and few results.

    Args:
        pair: the lists; keys, lengths and what is known are those that `previous` was measured with.
        previous: the last result, against the same baseline.
    """
    settings, values = previous.settings, previous.values.copy()
    for depth in settings.depths:
        if depth <= pair.depth:
            at = previous.names.index(Name(WASSERSTEIN, depth))
            values[at] = score_wasserstein(pair.baseline, pair.current, depth)
    levels = _levels(pair, settings)
    values[len(values) - len(levels) :] = levels
    values.flags.writeable = False
    return replace(previous, values=values)


def _fits(previous: Columns, names: tuple[Name, ...], pair: Pair, settings: Settings) -> bool:
    asked = (names, settings, len(pair.baseline))
    return asked == (previous.names, previous.settings, len(previous.known))


def _names(settings: Settings) -> tuple[Name, ...]:
    """The columns, in the order in which `_values` computes them."""
    per_depth = (*RANKING, WASSERSTEIN)
    single = (*TOP1, *LEVELS, *((CROSSING,) if settings.watches_confidence else ()))
    return (
        *(Name(metric, k) for k in settings.depths for metric in per_depth),
        *(Name(metric, 0) for metric in single),
    )


def _reason(name: Name, pair: Pair, settings: Settings, known: NDArray[np.bool_]) -> str:
    """Why a whole column is not measurable, "" if it is."""
    if name.k > pair.depth:
        return DEPTH_NOT_KEPT
    if name.metric == "top1_changed_decided_ratio" and settings.noise_gap is None:
        return NOISE_GAP_UNKNOWN
    return "" if known.any() else NOT_REPLAYED


def _values(pair: Pair, settings: Settings) -> Values:
    """(M, A) all columns."""
    matched = _matched(pair, settings)
    made: list[Values] = []
    for depth in settings.depths:
        if depth > pair.depth:
            made += [_nothing(pair)] * (len(RANKING) + 1)
            continue
        made += _ranking(matched[depth], depth, settings.persistence)
        made.append(score_wasserstein(pair.baseline, pair.current, depth))
    return np.stack(made + _top1(matched[1], pair, settings) + _levels(pair, settings))


def _matched(pair: Pair, settings: Settings) -> Mapping[int, Overlap]:
    """One match for all depths; where ties are settled, which depends on the cut, one for each."""
    depths = {1, *(depth for depth in settings.depths if depth <= pair.depth)}
    if settings.tie_eps is None:
        whole = pair.at(max(depths))
        return dict.fromkeys(depths, overlap(whole.baseline, whole.current))
    cut = {depth: pair.at(depth) for depth in depths}
    return {
        depth: overlap(of.baseline, settle_ties(of.baseline, of.current, settings.tie_eps))
        for depth, of in cut.items()
    }


def _ranking(matched: Overlap, depth: int, p: float) -> list[Values]:
    """The columns of RANKING."""
    churn = ranking.rank_churn(matched, depth)
    return [
        ranking.jaccard(matched, depth),
        ranking.swaps(matched, depth),
        ranking.rbo_ext(matched, depth, p),
        ranking.kendall_distance(matched, depth),
        churn.total,
        churn.moved,
        churn.exited,
        churn.entered,
    ]


def _top1(matched: Overlap, pair: Pair, settings: Settings) -> list[Values]:
    """The columns of TOP1."""
    if settings.noise_gap is None:
        return [ranking.top1_changed(matched), _nothing(pair)]
    decided = ranking.top1_changed_decided(matched, scores.gap(pair.baseline), settings.noise_gap)
    return [ranking.top1_changed(matched), decided]


def _levels(pair: Pair, settings: Settings) -> list[Values]:
    """The columns of LEVELS, and the crossings where production has a threshold."""
    # an anchor that cannot be compared has no level either: all its columns rest on the same lists
    before, after = pair.compared()
    made = [scores.top1_score_drop(before, after), scores.gap_drop(before, after)]
    made += [level(of) for level in (scores.top1_score, scores.gap) for of in (after, before)]
    if settings.watches_confidence:
        limits = {"score": settings.score_threshold, "gap_at": settings.gap_threshold}
        made.append(scores.confidence_crossing(before, after, **limits))
    return made


def _nothing(pair: Pair) -> Values:
    return np.full(len(pair.baseline), np.nan)
