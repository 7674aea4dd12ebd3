"""What a chunk can score at most: by its terms, and, of those outside the buffers, when a top-k is proved exact."""

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.lexical.arrays import TRACE, Postings, Queries
from monitor.core.index.lexical.queries import QueryPlan

_ROUNDING = 1e-12
"""Relative; far above the error of a sum of a few hundred positive float64, far below any real gap."""
_WIDE = 16
"""A line over all rows is added up as fast as postings of this share of them."""
_TINY = 1e-9
"""A weight of an epoch below which no ratio to it is formed."""


def postings(plan: QueryPlan, epoch: Queries, rows: NDArray[np.int64]) -> Postings:
    """What some rows, ascending, ask under an epoch's weights."""
    taking = np.full(len(plan), -1, np.int64)
    taking[rows] = np.arange(len(rows))
    pair = plan.by_term[taking[plan.row[plan.by_term]] >= 0]
    term, row, weight = plan.term[pair], taking[plan.row[pair]], np.maximum(epoch.weight[pair], TRACE)
    asked = np.bincount(term, minlength=len(plan.terms))
    local = np.full(len(epoch.local), -1, np.int32)
    local[plan.terms[asked > 0]] = np.flatnonzero(asked)
    common = np.flatnonzero(asked > max(len(rows) // _WIDE, _WIDE))
    wide = np.full(len(asked), -1, np.int32)
    wide[common] = np.arange(len(common))
    dense = wide[term] >= 0
    table = np.zeros((len(common), len(rows)), np.float32)
    table[wide[term[dense]], row[dense]] = weight[dense]
    asked[common] = 0
    start = np.concatenate((np.zeros(1, np.int64), np.cumsum(asked)))
    return Postings(rows, local, start, row[~dense].astype(np.uint32), weight[~dense].astype(np.float32), wide, table)


def unproved(
    plan: QueryPlan, epoch: Queries, now: Queries, floor: NDArray[np.float64], least: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Rows whose top-k is not proved exact by the bound on everything outside the buffer.

    A chunk outside adds c_t per term in its row's epoch, with sum c_t <= floor. Now the same term adds at most
    r_t c_t, r_t = max(0, w_t) / w0_t * max(1, avgdl / avgdl0), and c_t < w0_t (k1 + 1): the best case is a
    fractional knapsack (Dantzig 1957), filled by falling r_t. Terms with w0_t < 0 make room for |w0_t|(k1 + 1)
    more, and those with w0_t <= 0 (or next to it, where r_t has no meaning) are granted their present maximum for
    nothing.

    Args:
        plan: the queries.
        epoch: weights and average lengths of each row's epoch.
        now: weights and average length now.
        floor: (A,) float64, the most that anything outside scores in the epoch; -inf if nothing is.
        least: (A,) float64, the k-th score now; -inf where the list is shorter.

    Returns:
        Rows, ascending, int64.
    """
    open_rows = np.flatnonzero(floor > -np.inf)
    if not len(open_rows):
        return open_rows
    used = int(np.searchsorted(-plan.sizes, 0))  # rows without terms stand last and are never open
    starts, factor = plan.start[:used], epoch.k1 + 1.0
    gain = np.maximum(now.weight, 0.0)
    positive = epoch.weight > _TINY
    ratio = np.divide(gain, epoch.weight, out=np.zeros(len(gain)), where=positive)
    ratio *= np.maximum(1.0, now.average / epoch.average)[plan.row]
    granted = np.add.reduceat(np.where(positive, 0.0, gain * factor), starts)
    room = np.add.reduceat(np.maximum(-epoch.weight, 0.0) * factor, starts) + floor[:used]
    room = np.maximum(room, 0.0)
    quick = granted + room * np.maximum.reduceat(ratio, starts)
    doubtful = open_rows[~_above(least[open_rows], quick[open_rows])]
    if not len(doubtful):
        return doubtful
    best = granted[doubtful] + _knapsack(plan, ratio, epoch.weight * factor, doubtful, room[doubtful])
    return doubtful[~_above(least[doubtful], best)]


def _above(least: NDArray[np.float64], bound: NDArray[np.float64]) -> NDArray[np.bool_]:
    proved: NDArray[np.bool_] = least > bound + _ROUNDING * np.abs(bound)
    return proved


def _knapsack(
    plan: QueryPlan,
    ratio: NDArray[np.float64],
    most: NDArray[np.float64],
    rows: NDArray[np.int64],
    room: NDArray[np.float64],
) -> NDArray[np.float64]:
    """The fractional knapsack of some rows: max sum r_t c_t, sum c_t <= room, 0 <= c_t <= most_t."""
    width = int(plan.sizes[rows].max())
    column = np.arange(width)
    inside = column < plan.sizes[rows][:, None]
    pair = np.where(inside, plan.start[rows][:, None] + column, 0)
    ratios = np.where(inside, ratio[pair], 0.0)
    caps = np.where(inside, np.maximum(most[pair], 0.0), 0.0)
    falling = np.argsort(-ratios, axis=1)
    ratios, caps = np.take_along_axis(ratios, falling, 1), np.take_along_axis(caps, falling, 1)
    before = np.cumsum(caps, axis=1) - caps
    taken = np.clip(room[:, None] - before, 0.0, caps)
    value: NDArray[np.float64] = np.add.reduce(ratios * taken, axis=1)
    return value
