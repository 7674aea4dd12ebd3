"""Matching ranked lists and what is read from a match, compiled by numba; numpy twins are the oracles in the tests.

A turn measures a few dozen anchors anew: numpy's calls would cost more than the work.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.compile import compiled

Column = NDArray[np.float64]
Keys = NDArray[np.int64]
Ranks = NDArray[np.int16]
Counts = NDArray[np.int64]
NONE = -1
"""Fills the unused tail of a row of keys."""


@compiled
def first_places(sought: Keys, listed: Keys) -> Ranks:
    """(m, A) the 1-based place of each sought key, (A, m), in the list of its row, (A, k); 0 where it is absent."""
    ranks = np.zeros((sought.shape[1], len(sought)), np.int16)
    for row in range(len(sought)):
        for at in range(sought.shape[1]):
            key = sought[row, at]
            if key == NONE:
                continue
            for place in range(listed.shape[1]):
                if listed[row, place] == key:
                    ranks[at, row] = place + 1
                    break
    return ranks


@compiled
def shared_counts(ranks: Ranks) -> Ranks:
    """(K, A) how many results both lists hold at each depth, from the (K, A) ranks of `first_places`."""
    depth, rows = ranks.shape
    shared = np.zeros((depth, rows), np.int16)
    for at in range(depth):
        for row in range(rows):
            rank = ranks[at, row]
            if rank > 0:  # both lists have reached it from here on
                shared[max(rank - 1, at), row] += 1
    for at in range(1, depth):
        for row in range(rows):
            shared[at, row] += shared[at - 1, row]
    return shared


class Match(NamedTuple):
    """What two lists of each of A anchors share; as of `Overlap`."""

    ranks: Ranks
    shared: Ranks
    before: Counts
    after: Counts
    known: NDArray[np.bool_]


@compiled
def similarity(match: Match, depth: int) -> Column:
    """(A,) results that both lists hold down to a depth over those that any holds; see `ranking.jaccard`."""
    made = np.full(len(match.known), np.nan)
    for row in range(len(made)):
        if match.known[row]:
            shared = np.int64(match.shared[depth - 1, row])
            whole = min(match.before[row], depth) + min(match.after[row], depth) - shared
            made[row] = 1.0 if whole == 0 else shared / whole
    return made


@compiled
def exchanged(match: Match, depth: int) -> Column:
    """(A,) results down to a depth that were exchanged; see `ranking.swaps`."""
    made = np.full(len(match.known), np.nan)
    for row in range(len(made)):
        if match.known[row]:
            longer = max(min(match.before[row], depth), min(match.after[row], depth))
            made[row] = longer - np.int64(match.shared[depth - 1, row])
    return made


@compiled
def overlap_bias(match: Match, powers: NDArray[np.float64]) -> Column:
    """(A,) extrapolated rank-biased overlap; `powers` are p to the 0, 1, ..., depth."""
    made = np.full(len(match.known), np.nan)
    depth, p = len(powers) - 1, powers[1]
    for row in range(len(made)):
        if not match.known[row]:
            continue
        before, after = min(match.before[row], depth), min(match.after[row], depth)
        short, long = max(min(before, after), 1), max(before, after)
        common = match.shared[short - 1, row]
        lost = 0.0
        for at in range(long):
            beyond = common * max(at + 1 - short, 0) / short
            lost += (1.0 - (match.shared[at, row] + beyond) / (at + 1)) * powers[at]
        last = match.shared[max(long, 1) - 1, row]
        tail = 1.0 - ((last - common) / max(long, 1) + common / short)
        value = min(max(1.0 - (1.0 - p) * lost - tail * powers[long], 0.0), 1.0)
        made[row] = 1.0 if long == 0 else (0.0 if last == 0 else value)
    return made


@compiled
def _cut(ranks: Ranks, depth: int) -> Ranks:
    """The ranks of lists cut at a depth: a result ranked deeper is absent, 0."""
    made = ranks[:depth].copy()
    for at in range(depth):
        for row in range(made.shape[1]):
            if made[at, row] > depth:
                made[at, row] = 0
    return made


@compiled
def discordance(match: Match, depth: int) -> Column:
    """(A,) Kendall distance K^(1/2) of lists down to a depth, over that of disjoint lists as long; in [0, 1].

    Pairs of B∪C cost: both in both lists 1 if ordered differently; one shared, the other in a single list 1 if that
    list has the other ahead; one only in B and one only in C 1; both only in the same list 1/2. The sum is divided by
    |B||C| + ½[C(|B|,2) + C(|C|,2)], which is k(3k-1)/2 for full lists. Denominator 0: 0.
    Source: Fagin, Kumar, Sivakumar, Comparing top k lists, SIAM J. Discrete Math. 17(1), 2003, section 3.1.
    """
    made = np.full(len(match.known), np.nan)
    ranks = _cut(match.ranks, depth)
    costs = inversions(ranks)
    for row in range(len(made)):
        if not match.known[row]:
            continue
        before, after = min(match.before[row], depth), min(match.after[row], depth)
        shared = np.int64(match.shared[depth - 1, row])
        exited, entered = before - shared, after - shared
        # an entered result is ahead of the shared ones behind it in C: Σ over shared (rank in C - place among shared)
        ahead = -_triangle(int(shared))
        for at in range(depth):
            ahead += ranks[at, row]
        cost = costs[row] + ahead + exited * entered + 0.5 * (_triangle(exited - 1) + _triangle(entered - 1))
        whole = before * after + 0.5 * (_triangle(before - 1) + _triangle(after - 1))
        made[row] = 0.0 if whole == 0 else cost / whole
    return made


@compiled
def footrules(match: Match, depth: int) -> tuple[Column, Column, Column, Column]:
    """(A,) each, footrule of lists down to a depth, absent results at location ℓ = k+1, over that of disjoint lists
    of the same lengths, in [0, 1], and its moved, exited and entered parts, which add up to it.

    (Σ_shared |r_B - r_C| + Σ_exited (ℓ - r_B) + Σ_entered (ℓ - r_C)) / (Σ_{i≤|B|} (ℓ-i) + Σ_{j≤|C|} (ℓ-j));
    the denominator is k(k+1) for full lists. Both empty: 0; disjoint: 1.
    Source: Fagin, Kumar, Sivakumar, SIAM J. Discrete Math. 17(1), 2003, section 3.2, F^(ℓ) with ℓ = k+1.
    """
    whole, moved = np.full(len(match.known), np.nan), np.full(len(match.known), np.nan)
    exited, entered = whole.copy(), whole.copy()
    places, own, other = footrule_parts(_cut(match.ranks, depth))
    for row in range(len(match.known)):
        if not match.known[row]:
            continue
        before, after = min(match.before[row], depth), min(match.after[row], depth)
        edge = (depth + 1) * np.int64(match.shared[depth - 1, row])
        full_before = (depth + 1) * before - _triangle(before)
        full_after = (depth + 1) * after - _triangle(after)
        out, came, most = full_before - (edge - own[row]), full_after - (edge - other[row]), full_before + full_after
        whole[row] = 0.0 if most == 0 else (places[row] + out + came) / most
        moved[row] = 0.0 if most == 0 else places[row] / most
        exited[row] = 0.0 if most == 0 else out / most
        entered[row] = 0.0 if most == 0 else came / most
    return whole, moved, exited, entered


@compiled
def stabilities(match: Match, depth: int, powers: NDArray[np.float64]) -> NDArray[np.float64]:
    """(8, A) all of the above in their order, in one call: a turn looks at a few dozen anchors."""
    made = np.empty((8, len(match.known)))
    made[0], made[1] = similarity(match, depth), exchanged(match, depth)
    made[2], made[3] = overlap_bias(match, powers), discordance(match, depth)
    made[4], made[5], made[6], made[7] = footrules(match, depth)
    return made


@compiled
def _triangle(count: int) -> int:
    return count * (count + 1) // 2


@compiled
def footrule_parts(ranks: Ranks) -> tuple[Counts, Counts, Counts]:
    """(A,) each, over the results that both lists hold: Σ |r_B - r_C|, Σ r_B and Σ r_C; `ranks` are (depth, A)."""
    depth, rows = ranks.shape
    moved, own, other = np.zeros(rows, np.int64), np.zeros(rows, np.int64), np.zeros(rows, np.int64)
    for at in range(depth):
        for row in range(rows):
            rank = np.int64(ranks[at, row])
            if rank > 0:
                moved[row] += abs(rank - (at + 1))
                own[row] += at + 1
                other[row] += rank
    return moved, own, other


@compiled
def inversions(ranks: Ranks) -> Counts:
    """(A,) pairs of baseline results, the second shared, that the current list orders the other way (or dropped)."""
    depth, rows = ranks.shape
    made = np.zeros(rows, np.int64)
    for later in range(1, depth):
        for row in range(rows):
            rank = ranks[later, row]
            if rank > 0:
                for at in range(later):
                    made[row] += ranks[at, row] == 0 or ranks[at, row] > rank
    return made


@compiled
def tied(
    before: tuple[Keys, NDArray[np.float64], Counts, NDArray[np.bool_]],
    after: tuple[Keys, NDArray[np.float64], Counts, NDArray[np.bool_]],
    eps: float,
) -> Counts:
    """Rows whose lists differ although both are full and end at the same score; the lists are of one depth."""
    found, count = np.empty(len(before[0]), np.int64), 0
    depth = before[0].shape[1]
    for row in range(len(found)):
        full = before[2][row] == depth and after[2][row] == depth and before[3][row] and after[3][row]
        if full and abs(before[1][row, depth - 1] - after[1][row, depth - 1]) <= eps:
            for at in range(depth):
                if before[0][row, at] != after[0][row, at]:
                    found[count] = row
                    count += 1
                    break
    return found[:count]


@compiled
def _missing(row: int, own: Keys, other: Keys, scores: NDArray[np.float64], ends: tuple[float, float]) -> Counts:
    """Slots of one list whose result the other does not hold, with a score from the first of `ends` to the second."""
    found = np.empty(own.shape[1], np.int64)
    count = 0
    for at in range(own.shape[1]):
        if not ends[0] <= scores[row, at] <= ends[1]:
            continue
        missing = True
        for place in range(other.shape[1]):
            missing &= other[row, place] != own[row, at]
        if missing:
            found[count] = at
            count += 1
    return found[:count]


@compiled
def settle(
    before: tuple[Keys, NDArray[np.float64]],
    after: tuple[Keys, NDArray[np.float64]],
    rows: Counts,
    eps: float,
) -> Keys:
    """The keys after, of rows that end in a tie settled as before; see `settle_ties`."""
    (keys_before, scores_before), (keys_after, scores_after) = before, after
    made = keys_after.copy()
    depth = made.shape[1]
    slots, order = np.empty(depth, np.int64), np.empty(depth, np.int64)
    for row in rows:
        last_before, last_after = scores_before[row, depth - 1], scores_after[row, depth - 1]
        ends = max(last_before, last_after) - eps, min(last_before, last_after) + eps
        out = _missing(row, keys_before, keys_after, scores_before, ends)
        new = _missing(row, keys_after, keys_before, scores_after, ends)
        for pair in range(min(len(out), len(new))):
            made[row, new[pair]] = keys_before[row, out[pair]]
        held = 0  # those in both tied tails: their slots ascending, and they themselves as they stood before
        for at in range(depth):
            if scores_before[row, at] <= last_before + eps:
                for slot in range(depth):
                    if scores_after[row, slot] <= last_after + eps and made[row, slot] == keys_before[row, at]:
                        slots[held], order[held] = slot, keys_before[row, at]
                        held += 1
                        break
        slots[:held].sort()
        for at in range(held):
            made[row, slots[at]] = order[at]
    return made
