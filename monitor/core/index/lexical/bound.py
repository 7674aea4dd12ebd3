"""What a chunk can score at most: by its terms, and, of those outside the buffers, when a top-k is proved exact."""

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.lexical.arrays import Postings, Queries
from monitor.core.index.lexical.kernels_bound import gathered, loose
from monitor.core.index.lexical.queries import QueryPlan


def postings(plan: QueryPlan, epoch: Queries, rows: NDArray[np.int64]) -> Postings:
    """What some rows, ascending, ask under an epoch's weights."""
    return gathered(rows, epoch, plan.row, plan.by_term, plan.terms)


def unproved(
    plan: QueryPlan,
    epoch: Queries,
    now: Queries,
    floor: NDArray[np.float64],
    least: NDArray[np.float64],
    outside: NDArray[np.bool_] | None = None,
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
        outside: (P,) bool, whether any chunk outside the buffer contains a row's term; None: each may.

    Returns:
        Rows, ascending, int64.
    """
    contained = np.ones(len(plan.term), np.bool_) if outside is None else outside
    return np.flatnonzero(loose(now, epoch, floor, least, contained))
