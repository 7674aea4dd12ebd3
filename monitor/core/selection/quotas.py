"""Seats shared out in proportion: how many anchors a segment or a package gets."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def quotas(shares: Sequence[float], total: int, *, capacities: Sequence[int], floor: int = 0) -> NDArray[np.int64]:
    """Seats by the largest remainder method, at least `floor` and at most the capacity of each.

    Shares are scaled by one factor and clipped to [min(floor, capacity), capacity] so that they sum to the total;
    then whole parts are given, and what is left by largest remainder, ties in the order given. Where the floors
    alone exceed the total, larger shares get theirs first.

    Args:
        shares: m shares, not negative; all zero counts as all equal.
        total: seats, not negative.
        capacities: m capacities.
        floor: the least for each.

    Returns:
        (m,) int64, summing to the smaller of the total and all capacities.

    Source: Hamilton's method; Balinski and Young, Fair Representation (1982), chapter 3.
    """
    wanted = np.asarray(shares, np.float64)
    wanted = np.ones(len(wanted)) if not wanted.any() else wanted
    high = np.asarray(capacities, np.int64)
    low = np.minimum(floor, high)
    total = min(total, int(high.sum()))
    if int(low.sum()) >= total:
        # Whole floors go to the largest shares first; the cumulated sum says where the seats run out.
        order = np.argsort(-wanted, kind="stable")
        made = np.zeros(len(wanted), np.int64)
        before = np.cumsum(low[order]) - low[order]
        made[order] = np.clip(total - before, 0, low[order])
        return made
    ideal = _clipped_shares(wanted, total, low, high)
    made = np.maximum(np.floor(ideal + 1e-9).astype(np.int64), low)
    remainders = np.where(made < high, np.round(ideal - made, 9), -np.inf)
    made[np.argsort(-remainders, kind="stable")[: total - int(made.sum())]] += 1
    return made


def _clipped_shares(
    wanted: NDArray[np.float64], total: int, low: NDArray[np.int64], high: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Real quotas clip(factor * share, low, high) that sum to the total, found by fixing one side at a time."""
    ideal = np.zeros(len(wanted))
    free = np.ones(len(wanted), bool)
    while free.any():
        rest = total - ideal[~free].sum()
        weight = wanted[free].sum()
        ideal[free] = rest * wanted[free] / weight if weight else rest / free.sum()
        over, under = free & (ideal > high), free & (ideal < low)
        if not over.any() and not under.any():
            break
        excess, lack = (ideal - high)[over].sum(), (low - ideal)[under].sum()
        fixed, bound = (over, high) if excess >= lack else (under, low)
        ideal[fixed] = bound[fixed]
        free &= ~fixed
    return ideal
