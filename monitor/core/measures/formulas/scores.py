"""Scores within one leg, per anchor: level, drop, gap and crossings of production thresholds.

Scores of two builds compare only at an equal fingerprint (embedding version, distance, quantization); the caller
checks that. Bigger is better throughout (Euclid: minus the distance). NaN where a list is unknown or too short.
"""

import numpy as np
from numpy.typing import NDArray

from monitor.core.measures.formulas.kernels_scores import scores_at
from monitor.core.model.lists import RankedLists

Column = NDArray[np.float64]


def top1_score(lists: RankedLists) -> Column:
    """Score of the first result, (A,) float64 in units of the leg's score; NaN for an empty or unknown list."""
    return _score_at(lists, 1)


def gap(lists: RankedLists) -> Column:
    """How decided the first place is: s(1) - s(2), (A,) float64 >= 0; NaN below two results or unknown."""
    return _score_at(lists, 1) - _score_at(lists, 2)


def crossed(before: Column, after: Column, threshold: float) -> Column:
    """1 where a value crossed a threshold in either direction: [before >= t] != [after >= t]; else 0.

    Args:
        before: (A,) float64 of the baseline.
        after: (A,) float64 now.
        threshold: as production uses it, in the internal sense (bigger is better).

    Returns:
        (A,) float64; NaN where either value is.
    """
    changed = (before >= threshold) != (after >= threshold)
    return np.where(np.isnan(before) | np.isnan(after), np.nan, changed.astype(np.float64))


def confidence_crossing(
    baseline: RankedLists, current: RankedLists, *, score: float | None = None, gap_at: float | None = None
) -> Column:
    """1 where the top score or the gap crossed its production threshold since the baseline, else 0.

    Args:
        baseline: A lists.
        current: A lists.
        score: threshold on the first score, None if production has none.
        gap_at: threshold on the gap, None if production has none.

    Returns:
        (A,) float64; the larger of the crossings that are measurable, NaN where none is.
    """
    crossings = np.full((2, len(baseline)), np.nan)
    if score is not None:
        crossings[0] = crossed(top1_score(baseline), top1_score(current), score)
    if gap_at is not None:
        crossings[1] = crossed(gap(baseline), gap(current), gap_at)
    larger: Column = np.fmax(crossings[0], crossings[1])
    return larger


def _score_at(lists: RankedLists, rank: int) -> Column:
    """(A,) scores at a 1-based rank, NaN where the list ends before it or is unknown."""
    if rank > lists.depth:
        return np.full(len(lists), np.nan)
    return scores_at(lists.scores, lists.lengths, lists.known, rank)
