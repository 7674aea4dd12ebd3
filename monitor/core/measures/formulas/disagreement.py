"""Dense against lexical: how differently the two legs answer now, how that changed, and which leg moved."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.measures.formulas.overlap import Overlap
from monitor.core.measures.formulas.ranking import PERSISTENCE, jaccard, rbo_ext

Column = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class LegPairs:
    """The four comparisons between dense and lexical lists of the same A anchors.

    Args:
        now: dense now against lexical now.
        baseline: dense baseline against lexical baseline.
        dense: dense baseline against dense now.
        lexical: lexical baseline against lexical now.
    """

    now: Overlap
    baseline: Overlap
    dense: Overlap
    lexical: Overlap


@dataclass(frozen=True, slots=True, eq=False)
class Disagreement:
    """(A,) float64 columns; NaN where a list they need is unknown.

    Args:
        rbo: 1 - RBO(dense, lexical) now, in [0, 1], 0 = the legs agree.
        jaccard: 1 - Jaccard(dense, lexical) now, in [0, 1].
        rbo_change: `rbo` now minus in the baseline, in [-1, 1], positive = the legs drifted apart.
        jaccard_change: the same of `jaccard`.
        dense_shift: 1 - RBO(dense baseline, dense now): how far the dense leg moved.
        lexical_shift: 1 - RBO(lexical baseline, lexical now).
    """

    rbo: Column
    jaccard: Column
    rbo_change: Column
    jaccard_change: Column
    dense_shift: Column
    lexical_shift: Column


def disagreement(pairs: LegPairs, depth: int, p: float = PERSISTENCE) -> Disagreement:
    """Disagreement of the legs now, its change since the baseline, and each leg's own movement.

    Two empty lists agree (0); one empty disagrees (1). Scores are not looked at: cosine and BM25 never mix.

    Args:
        pairs: the four matched comparisons.
        depth: where all lists are cut.
        p: persistence of the rank-biased overlap.
    """
    rbo_now, jaccard_now = _apart(pairs.now, depth, p)
    rbo_then, jaccard_then = _apart(pairs.baseline, depth, p)
    return Disagreement(
        rbo_now,
        jaccard_now,
        rbo_now - rbo_then,
        jaccard_now - jaccard_then,
        1.0 - rbo_ext(pairs.dense, depth, p),
        1.0 - rbo_ext(pairs.lexical, depth, p),
    )


def _apart(pair: Overlap, depth: int, p: float) -> tuple[Column, Column]:
    return 1.0 - rbo_ext(pair, depth, p), 1.0 - jaccard(pair, depth)
