"""Dense against lexical: how differently the two legs answer now, how that changed, and which leg moved."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from monitor.core.measure.overlap import Overlap
from monitor.core.measure.ranking import PERSISTENCE, jaccard, rbo_ext

Column = NDArray[np.float64]


class Mover(IntEnum):
    """Which leg's list moved away from its baseline."""

    NEITHER = 0
    DENSE = 1
    LEXICAL = 2
    BOTH = 3


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


def mover(dense_shift: Column, lexical_shift: Column, tolerance: float = 0.0) -> NDArray[np.int8]:
    """Which side moved, per anchor: a leg moved when its own shift exceeds the tolerance.

    Args:
        dense_shift: (A,) float64, 1 - RBO of the dense leg against its baseline.
        lexical_shift: (A,) float64, the same of the lexical leg.
        tolerance: the shift that counts as standing still, for instance the index's own noise.

    Returns:
        (A,) int8 codes of `Mover`; an unknown shift (NaN) is not a movement.
    """
    dense = np.where(dense_shift > tolerance, int(Mover.DENSE), 0)
    lexical = np.where(lexical_shift > tolerance, int(Mover.LEXICAL), 0)
    return (dense + lexical).astype(np.int8)


def _apart(pair: Overlap, depth: int, p: float) -> tuple[Column, Column]:
    return 1.0 - rbo_ext(pair, depth, p), 1.0 - jaccard(pair, depth)
