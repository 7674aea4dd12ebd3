"""Matching ranked lists and what is read from a match, compiled by numba; numpy twins are the oracles in the tests.

A turn measures a few dozen anchors anew: numpy's calls would cost more than the work.
"""

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.compile import compiled

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


@compiled
def overlap_bias(shared: Ranks, before: Counts, after: Counts, powers: NDArray[np.float64]) -> NDArray[np.float64]:
    """(A,) extrapolated rank-biased overlap of lists of these lengths; `powers` are p to the 0, 1, ..., depth."""
    made = np.empty(len(before))
    p = powers[1]
    for row in range(len(before)):
        short, long = max(min(before[row], after[row]), 1), max(before[row], after[row])
        common = shared[short - 1, row]
        lost = 0.0
        for at in range(long):
            beyond = common * max(at + 1 - short, 0) / short
            lost += (1.0 - (shared[at, row] + beyond) / (at + 1)) * powers[at]
        last = shared[max(long, 1) - 1, row]
        tail = 1.0 - ((last - common) / max(long, 1) + common / short)
        value = min(max(1.0 - (1.0 - p) * lost - tail * powers[long], 0.0), 1.0)
        made[row] = 1.0 if long == 0 else (0.0 if last == 0 else value)
    return made


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
