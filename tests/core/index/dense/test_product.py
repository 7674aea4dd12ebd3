"""The error bound of the float32 filter, against exact rational arithmetic and against adversarial vectors."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from monitor.core.index.dense.product import Product, lowered
from monitor.core.model.scoring import Distance, prepare, scores


def exact_form(row: NDArray[np.float32], query: NDArray[np.float32], distance: Distance) -> Fraction:
    pairs = zip(row.tolist(), query.tolist(), strict=True)
    inner = sum((Fraction(x) * Fraction(q) for x, q in pairs), Fraction(0))
    if distance is Distance.EUCLID:
        inner -= sum((Fraction(x) ** 2 for x in row.tolist()), Fraction(0)) / 2
    return inner


@settings(max_examples=60, deadline=None)
@given(
    distance=st.sampled_from(list(Distance)),
    dimension=st.sampled_from([1, 2, 7, 64, 385]),
    seed=st.integers(0, 2**32 - 1),
    row_scale=st.integers(-44, 38),
    query_scale=st.integers(-44, 38),
)
def test_the_computed_form_is_within_its_bound(
    distance: Distance, dimension: int, seed: int, row_scale: int, query_scale: int
) -> None:
    generator = np.random.default_rng(seed)
    spread = 10.0 ** generator.uniform(-3, 0, size=(4, dimension))
    rows = (generator.uniform(-1, 1, (4, dimension)) * spread * 10.0**row_scale).astype(np.float32)
    queries = (generator.uniform(-1, 1, (3, dimension)) * 10.0**query_scale).astype(np.float32)
    rows[0] = queries[0] if distance is Distance.EUCLID else -rows[1]
    product = Product.of(queries, distance)
    forms, largest = product.multiply(rows)
    bound = product.error(largest)
    assert np.isfinite(forms).all()
    for at, row in enumerate(rows):
        for column, query in enumerate(queries):
            gap = abs(Fraction(float(forms[at, column])) - exact_form(row, query, distance))
            assert gap <= Fraction(float(bound[column]))


@settings(max_examples=150, deadline=None)
@given(
    distance=st.sampled_from(list(Distance)),
    seed=st.integers(0, 2**32 - 1),
    dimension=st.sampled_from([3, 8, 130]),
    ulps=st.integers(0, 3),
    offset=st.sampled_from([0.0, 1.0, 1e3]),
)
def test_no_pair_that_reaches_a_score_is_filtered_out(
    distance: Distance, seed: int, dimension: int, ulps: int, offset: float
) -> None:
    """Rows within a few units in the last place of one another, far from the origin: the floor is one of them."""
    generator = np.random.default_rng(seed)
    base = (generator.standard_normal(dimension) + offset).astype(np.float32)
    rows = np.repeat(base[None], 12, axis=0)
    for _ in range(ulps):
        rows = np.nextafter(rows, np.where(generator.random(rows.shape) < 0.5, np.float32(-9e9), np.float32(9e9)))
    rows = prepare(rows.astype(np.float32), distance)
    queries = prepare((rows[:3] + generator.standard_normal((3, dimension)) * 1e-3).astype(np.float32), distance)
    product = Product.of(queries, distance)
    forms, largest = product.multiply(rows)
    for column, query in enumerate(queries):
        true = scores(rows, query, distance)
        for floor in true:
            needed = product.needed(np.full(3, floor), largest, forms)
            assert (forms[:, column] >= needed[column])[true >= floor].all()


def test_the_bound_is_tight_enough_to_filter() -> None:
    generator = np.random.default_rng(1)
    rows = prepare(generator.standard_normal((500, 384)).astype(np.float32), Distance.COSINE)
    product = Product.of(rows[:20], Distance.COSINE)
    _, largest = product.multiply(rows)
    assert (product.error(largest) < 3e-5).all()


@pytest.mark.parametrize("distance", list(Distance))
def test_minus_infinity_lets_everything_through(distance: Distance) -> None:
    rows = np.array([[1, 2], [-3e18, 0], [0, 0]], np.float32)
    product = Product.of(np.ones((1, 2), np.float32), distance)
    forms, largest = product.multiply(rows)
    assert (forms >= product.needed(np.array([-np.inf]), largest, forms)).all()


def test_overflow_is_met_with_a_wider_product() -> None:
    rows = np.array([[3e38, 3e38, -3e38, -3e38]], np.float32)
    product = Product.of(rows, Distance.DOT)
    forms, _ = product.multiply(rows)
    assert forms.dtype == np.float64
    assert forms[0, 0] == pytest.approx(4 * 9e76, rel=1e-6)


@settings(deadline=None)
@given(st.lists(st.floats(allow_nan=False), min_size=1, max_size=20))
def test_lowered_never_rounds_up(values: list[float]) -> None:
    wide = np.array(values)
    assert (lowered(wide, wide) == wide).all()
    narrow = lowered(wide, np.zeros(0, np.float32))
    # Below the finite range nothing can be lower, and no product of the float32 path lies there.
    assert (narrow.astype(np.float64) <= np.maximum(wide, -2.9e38)).all()
