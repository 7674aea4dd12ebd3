"""Index against corpus: what the real index serves against the exact lists maintained from the events."""

import numpy as np
from numpy.typing import NDArray

from monitor.core.measures.formulas.kernels_scores import found_shares
from monitor.core.model.lists import RankedLists

Column = NDArray[np.float64]


def ann_recall(served: RankedLists, exact: RankedLists, live: NDArray[np.bool_], *, eps: float) -> Column:
    """Share of the exact list's slots that the index filled with chunks as good as the exact k-th.

    recall = #{served slots that are live and score >= s_exact(last) - eps} / |exact|, at most 1; ties are hits, so
    another choice among equals is no miss.

    Args:
        served: A lists of the real index, scores from the stored vectors.
        exact: A maintained lists of the same depth.
        live: (A, k) bool, whether the served chunk is in the corpus.
        eps: how far below the exact k-th score still ties.

    Returns:
        (A,) float64 in [0, 1]; NaN where a list is unknown or both are empty; 0 exact results and some served: 0.

    Source: Aumueller, Bernhardsson, Faithfull, ANN-Benchmarks, Information Systems 2020, section 3.1 (epsilon 0).
    """
    made = found_shares(served.scores, live, exact.scores, exact.lengths, eps)
    measurable = served.known & exact.known & ((exact.lengths > 0) | (served.lengths > 0))
    return np.where(measurable, made, np.nan)


def score_parity(served: RankedLists, exact: RankedLists, *, distances: bool) -> Column:
    """How much of the exact lists' score the served lists hold: sum served / sum exact.

    For Euclid (scores are minus distances): sum exact distances / sum served distances. 1 is parity, less is worse.

    Args:
        served: A lists of the real index.
        exact: A maintained lists of the same depth.
        distances: whether scores are negated distances.

    Returns:
        (A,) float64; NaN where a list is unknown or empty, or a term is not positive (a ratio then means nothing).
    """
    sign = -1.0 if distances else 1.0
    ours, theirs = sign * exact.scores, sign * served.scores
    with np.errstate(invalid="ignore"):
        positive = np.all((ours > 0.0) | np.isnan(ours), axis=1) & np.all((theirs > 0.0) | np.isnan(theirs), axis=1)
    measurable = served.known & exact.known & positive & (exact.lengths > 0) & (served.lengths > 0)
    top, bottom = np.nansum(theirs, axis=1), np.nansum(ours, axis=1)
    if distances:
        top, bottom = bottom, top
    return np.where(measurable, top / np.where(measurable, bottom, 1.0), np.nan)
