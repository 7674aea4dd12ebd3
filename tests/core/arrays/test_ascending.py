"""Orders that are mended are those of a stable sort, whatever they were before."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from monitor.core.arrays.ascending import ascending

Floats = st.lists(st.sampled_from([0.0, -0.0, 0.25, 0.5, -1.0, 7.0, float("inf")]) | st.floats(-1, 1), max_size=60)


@given(Floats, st.randoms(use_true_random=False))
def test_any_order_is_mended(drawn: list[float], random: Any) -> None:
    values, before = np.array(drawn, np.float64), list(range(len(drawn)))
    random.shuffle(before)
    for order in (before, np.argsort(values), np.argsort(-values)):
        made = ascending(values, np.array(order, np.int64))
        assert made.tolist() == np.argsort(values, kind="stable").tolist()


@pytest.mark.parametrize("moved", [0, 1, 2, 40, 300, 1_900])
@pytest.mark.parametrize("kind", [np.float64, np.int64])
def test_where_some_moved(moved: int, kind: type[Any]) -> None:
    generator = np.random.default_rng(moved)
    values: NDArray[Any] = (generator.random(2_000) * 1_000).astype(kind)
    before = np.argsort(values, kind="stable")
    values[generator.choice(2_000, moved, replace=False)] = (generator.random(moved) * 1_000).astype(kind)
    values[before[5:9]] = kind(2_000)  # neighbours that left together
    assert ascending(values, before).tolist() == np.argsort(values, kind="stable").tolist()


def test_another_number_of_values_is_sorted_anew() -> None:
    assert ascending(np.array([3.0, 1.0, 2.0]), np.array([0, 1])).tolist() == [1, 2, 0]
