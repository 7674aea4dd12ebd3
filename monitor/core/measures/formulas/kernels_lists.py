"""Everything that is measured of some anchors' lists in one pass, compiled by numba.

Each takes whole lists, four arrays of each as `arrays_of` gives them, and the rows that are looked at: to
cut these out in numpy, and to read one measure after the other, took longer than to measure them. The plain formulas,
one at a time, are the oracles in the tests.
"""

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.compile import compiled
from monitor.core.arrays.repeats import first_only
from monitor.core.measures.formulas.arrays_of import RankedArrays
from monitor.core.measures.formulas.kernels_match import (
    Match,
    exchanged,
    first_places,
    overlap_bias,
    settle,
    shared_counts,
    similarity,
    stabilities,
    tied,
)

Values = NDArray[np.float64]
Keys = NDArray[np.int64]
Ints = NDArray[np.int64]


@compiled
def _cut(lists: RankedArrays, rows: Ints, depth: int) -> RankedArrays:
    """Some of the lists, cut at a depth."""
    keys, scores, lengths, known = lists
    count = len(rows)
    made, their = np.empty((count, depth), np.int64), np.empty((count, depth))
    long, there = np.empty(count, np.int64), np.empty(count, np.bool_)
    for at in range(count):
        row = rows[at]
        made[at], their[at] = keys[row, :depth], scores[row, :depth]
        long[at], there[at] = min(lengths[row], depth), known[row]
    return made, their, long, there


@compiled
def _matched(before: RankedArrays, after: RankedArrays, eps: float) -> Match:
    """Two lists of each anchor matched, of one depth, ties at the cut settled where eps is no NaN."""
    keys = after[0]
    if eps == eps:
        rows = tied(before, after, eps)
        if len(rows):
            keys = settle((before[0], before[1]), (after[0], after[1]), rows, eps)
    ranks = first_places(before[0], keys)
    return Match(ranks, shared_counts(ranks), before[2], after[2], before[3] & after[3])


@compiled
def ranked(
    then: RankedArrays, now: RankedArrays, rows: Ints, powers: Values, eps: float, noise_gap: float
) -> NDArray[np.float64]:
    """(10, R) of the lists of R rows: the eight of `stabilities` at the depth d, `top1_changed`, and that of those
    anchors alone whose baseline gap exceeds the noise gap: a swap within it is a coin flip, not drift.

    Args:
        then: the baseline's lists.
        now: the lists now.
        rows: (R,) which.
        powers: (d + 1,) of the persistence, from 0 on.
        eps: scores this close tie at the cut; NaN: no tie is settled.
        noise_gap: of the last one; NaN: nobody is decided.
    """
    depth, made = len(powers) - 1, np.empty((10, len(rows)))
    made[:8] = stabilities(_matched(_cut(then, rows, depth), _cut(now, rows, depth), eps), depth, powers)
    made[8] = exchanged(_matched(_cut(then, rows, 1), _cut(now, rows, 1), eps), 1)
    scores, lengths = then[1], then[2]
    for at in range(len(rows)):
        row = rows[at]
        decided = lengths[row] >= 2 and scores[row, 0] - scores[row, 1] > noise_gap
        made[9, at] = made[8, at] if decided else np.nan
    return made


@compiled
def contents_moved(
    then: RankedArrays, now: RankedArrays, rows: Ints, codes: tuple[Keys, Keys], eps: float
) -> NDArray[np.float64]:
    """(3, R) of the lists of R rows under other keys, each only where it stands first: `swaps`, `jaccard` and
    `top1_changed`.

    Args:
        then: the baseline's lists.
        now: the lists now.
        rows: (R,) which.
        codes: (R, d) each, what stands in their slots down to the depth that is measured.
        eps: as of `ranked`.
    """
    depth = codes[0].shape[1]
    before, after = _cut(then, rows, depth), _cut(now, rows, depth)
    own, their = first_only(codes[0], before[1]), first_only(codes[1], after[1])
    match = _matched((own[0], own[1], own[2], before[3]), (their[0], their[1], their[2], after[3]), eps)
    made = np.empty((3, len(rows)))
    made[0], made[1], made[2] = exchanged(match, depth), similarity(match, depth), exchanged(match, 1)
    return made


@compiled
def legs_apart(
    then: tuple[RankedArrays, RankedArrays], now: tuple[RankedArrays, RankedArrays], rows: Ints, powers: Values
) -> NDArray[np.float64]:
    """(6, R), the columns of `Disagreement` at the depth d.

    Args:
        then: the dense and the lexical lists of the baseline.
        now: those now.
        rows: (R,) which.
        powers: (d + 1,) of the persistence, from 0 on.
    """
    depth, made = len(powers) - 1, np.empty((6, len(rows)))
    dense_then, lexical_then = _cut(then[0], rows, depth), _cut(then[1], rows, depth)
    dense, lexical = _cut(now[0], rows, depth), _cut(now[1], rows, depth)
    match, before = _matched(dense, lexical, np.nan), _matched(dense_then, lexical_then, np.nan)
    made[0], made[1] = 1.0 - overlap_bias(match, powers), 1.0 - similarity(match, depth)
    made[2] = made[0] - (1.0 - overlap_bias(before, powers))
    made[3] = made[1] - (1.0 - similarity(before, depth))
    made[4] = 1.0 - overlap_bias(_matched(dense_then, dense, np.nan), powers)
    made[5] = 1.0 - overlap_bias(_matched(lexical_then, lexical, np.nan), powers)
    return made


@compiled
def scored(then: RankedArrays, now: RankedArrays, rows: Ints, depth: int) -> NDArray[np.float64]:
    """(7, R) of the scores of R rows: the first Wasserstein distance of the top scores down to a depth; how far the
    first score and the gap, the first minus the second, fell; both now, and both then. NaN where a list is unknown or
    too short.

    The distance is ∫ |F_B⁻¹(u) - F_C⁻¹(u)| du of the two empirical distributions, exact: for lists of equal length
    the mean |s_B(i) - s_C(i)|; otherwise ∫ |F_B(x) - F_C(x)| dx, the same number.

    Source: Villani, Optimal Transport, 2009, section 6 (one dimension); Vallender, 1974.
    """
    made = np.full((7, len(rows)), np.nan)
    both, weights = np.empty(2 * depth), np.empty(2 * depth, np.int64)
    for at in range(len(rows)):
        row = rows[at]
        if not (then[3][row] and now[3][row]):
            continue
        for side in range(2):
            scores, lengths = (then[1], then[2]) if side == 0 else (now[1], now[2])
            if lengths[row] >= 1:
                made[5 - 2 * side, at] = scores[row, 0]
            if lengths[row] >= 2:
                made[6 - 2 * side, at] = scores[row, 0] - scores[row, 1]
        made[1, at], made[2, at] = made[5, at] - made[3, at], made[6, at] - made[4, at]
        before, after = min(then[2][row], depth), min(now[2][row], depth)
        if not (before and after):
            continue
        summed = 0.0  # rank by rank: the order must not depend on the shape
        if before == after:
            for slot in range(before):
                summed += abs(then[1][row, slot] - now[1][row, slot])
            made[0, at] = summed / before
            continue
        for slot in range(before + after):  # the merged scores, ascending, and what each adds to b c (F_B - F_C)
            score = then[1][row, slot] if slot < before else now[1][row, slot - before]
            weight, place = after if slot < before else -before, slot
            while place > 0 and both[place - 1] > score:
                both[place], weights[place] = both[place - 1], weights[place - 1]
                place -= 1
            both[place], weights[place] = score, weight
        reached = 0
        for place in range(before + after - 1):
            reached += weights[place]
            summed += abs(reached) * (both[place + 1] - both[place])
        made[0, at] = summed / (before * after)
    return made
