"""Seats: hand-worked tables, properties, and the proportional ideal by bisection as oracle."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.selection.quotas import quotas

SHARES = st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 50)), min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("shares", "total", "capacities", "floor", "expected"),
    [
        # Balinski and Young's form of Hamilton's method: 10 seats on 6.9, 2.1, 1.0.
        ([69, 21, 10], 10, [99] * 3, 0, [7, 2, 1]),
        ([1, 1, 1], 4, [99] * 3, 0, [2, 1, 1]),
        ([90, 9, 1], 10, [99] * 3, 0, [9, 1, 0]),
        ([90, 9, 1], 10, [99] * 3, 1, [8, 1, 1]),
        ([90, 9, 1], 10, [99] * 3, 3, [4, 3, 3]),
        ([90, 9, 1], 10, [5, 99, 99], 0, [5, 5, 0]),
        ([90, 9, 1], 10, [5, 3, 1], 2, [5, 3, 1]),
        ([90, 9, 1], 4, [99] * 3, 3, [3, 1, 0]),
        ([0, 0], 3, [9, 9], 0, [2, 1]),
        ([5, 0], 3, [9, 9], 0, [3, 0]),
        ([5, 0], 3, [2, 9], 0, [2, 1]),
        ([], 3, [], 0, []),
        ([5], 0, [9], 2, [0]),
    ],
)
def test_known_tables(shares: list[int], total: int, capacities: list[int], floor: int, expected: list[int]) -> None:
    assert quotas(shares, total, capacities=capacities, floor=floor).tolist() == expected


@given(SHARES, st.integers(0, 400), st.integers(0, 6))
def test_seats_add_up_within_their_bounds(rows: list[tuple[int, int]], total: int, floor: int) -> None:
    shares, capacities = zip(*rows, strict=True)
    made = quotas(shares, total, capacities=capacities, floor=floor)
    low = np.minimum(floor, capacities)
    assert made.sum() == min(total, sum(capacities))
    assert (made <= capacities).all()
    if low.sum() <= made.sum():
        assert (made >= low).all()


@given(SHARES, st.integers(0, 400), st.integers(0, 6))
def test_each_is_within_one_seat_of_the_clipped_ideal(rows: list[tuple[int, int]], total: int, floor: int) -> None:
    shares = np.array([share + 1.0 for share, _ in rows])
    high = np.array([capacity for _, capacity in rows])
    low = np.minimum(floor, high)
    total = min(total, int(high.sum()))
    if low.sum() >= total:
        return
    small, large = 0.0, 1e6
    for _ in range(200):
        factor = (small + large) / 2
        enough = np.clip(factor * shares, low, high).sum() >= total
        small, large = (small, factor) if enough else (factor, large)
    ideal = np.clip(large * shares, low, high)
    made = quotas(shares.tolist(), total, capacities=high.tolist(), floor=floor)
    assert (np.abs(made - ideal) < 1 + 1e-6).all()


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=12), st.integers(0, 300))
def test_free_seats_are_hamiltons(shares: list[int], total: int) -> None:
    exact = [(share * total // sum(shares), share * total % sum(shares)) for share in shares]
    left = total - sum(whole for whole, _ in exact)
    lucky = sorted(range(len(shares)), key=lambda at: (-exact[at][1], at))[:left]
    expected = [whole + (at in lucky) for at, (whole, _) in enumerate(exact)]
    assert quotas(shares, total, capacities=[total] * len(shares)).tolist() == expected
