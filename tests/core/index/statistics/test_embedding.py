"""The null of the embedding shift against a real permutation of labels; density against all pairs."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from monitor.core.index.statistics.embedding import (
    cosine_shift,
    cosines,
    discrepancy,
    nearest,
    null_of_shift,
    resultant,
    spread,
)
from monitor.core.index.statistics.features import FREQUENCIES, ONE, Features, norms
from monitor.core.index.statistics.profile import SegmentProfile

D = 12
FEATURES = Features(D)
Vectors = NDArray[np.float32]
Reals = NDArray[np.float64]


def mapped(vectors: Vectors) -> Reals:
    """Features of length 1."""
    made: Reals = FEATURES.of(FEATURES.directions(vectors, norms(vectors))) / (ONE * math.sqrt(FREQUENCIES))
    return made


def segment(vectors: Vectors) -> SegmentProfile:
    none = (np.zeros(0), np.zeros(0, np.int64))
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    mean = (mapped(vectors).mean(axis=0) * math.sqrt(FREQUENCIES)).astype(np.float32)
    n = len(vectors)
    direction = unit.mean(axis=0).astype(np.float32)
    return SegmentProfile("all", "all", n, 1, n, none, none, none, 0.0, 0, ("v",), n, mean, direction)


def drawn(generator: np.random.Generator, count: int, shift: float = 0.0) -> Vectors:
    centres = np.random.default_rng(77).standard_normal((6, D)) * 1.5
    made = centres[generator.integers(0, 6, count)] + generator.standard_normal((count, D))
    made[:, 0] += shift
    return made.astype(np.float32)


def judged(kept: Vectors, removed: Vectors, added: Vectors) -> tuple[float, float]:
    """The null's 95% quantile and the p-value, as the program gets them."""
    then, now = segment(np.concatenate((kept, removed))), segment(np.concatenate((kept, added)))
    return null_of_shift(then, now, (len(added), mapped(added).sum(axis=0)), spread(FEATURES, added[:256]))


def permuted(kept: Vectors, removed: Vectors, added: Vectors, rounds: int) -> Reals:
    """The discrepancy under labels drawn anew among removed and added."""
    generator = np.random.default_rng(5)
    still, pool = mapped(kept).sum(axis=0), mapped(np.concatenate((removed, added)))
    n, m = len(kept) + len(removed), len(kept) + len(added)
    made = []
    for _ in range(rounds):
        order = generator.permutation(len(pool))
        then, now = pool[order[: len(removed)]].sum(axis=0), pool[order[len(removed) :]].sum(axis=0)
        made.append(np.sum(((still + then) / n - (still + now) / m) ** 2))
    return np.array(made)


@pytest.mark.parametrize(("removed", "added"), [(80, 80), (40, 120), (150, 60)])
def test_the_null_is_that_of_permuted_labels(removed: int, added: int) -> None:
    generator = np.random.default_rng(removed)
    parts = drawn(generator, 500), drawn(generator, removed), drawn(generator, added)
    actual = permuted(*parts, rounds=1_500)
    cut, p_value = judged(*parts)
    assert cut == pytest.approx(float(np.quantile(actual, 0.95)), rel=0.1)
    then, now = segment(np.concatenate(parts[:2])), segment(np.concatenate((parts[0], parts[2])))
    assert p_value == pytest.approx(float((actual >= discrepancy(then, now)).mean()), abs=0.06)


def test_an_exchange_that_means_nothing_is_seldom_called_a_shift() -> None:
    """Of 300 exchanges of like for like about 5% fall below 0.05; the bound is three deviations above."""
    found = []
    for seed in range(300):
        generator = np.random.default_rng(1_000 + seed)
        found.append(judged(drawn(generator, 300), drawn(generator, 60), drawn(generator, 60))[1])
    rejected = float(np.mean(np.array(found) < 0.05))
    assert 0.01 < rejected < 0.05 + 3 * math.sqrt(0.05 * 0.95 / 300)


def test_a_shift_of_what_was_exchanged_is_seen() -> None:
    generator = np.random.default_rng(9)
    kept, removed = drawn(generator, 2_000), drawn(generator, 100)
    assert judged(kept, removed, drawn(generator, 100, shift=2.5))[1] < 1e-4


def test_without_labels_to_exchange_there_is_no_null() -> None:
    generator = np.random.default_rng(9)
    kept, some, none = drawn(generator, 50), drawn(generator, 20), drawn(generator, 0)
    for removed, added in ((none, some), (some, none), (none, none), (some, some[:5])):
        cut, p_value = judged(kept, removed, added)
        assert math.isnan(cut)
        assert math.isnan(p_value)


def test_shift_of_the_mean_and_resultant_by_hand() -> None:
    east = np.array([[1, 0], [2, 0]], np.float32)
    north = np.array([[0, 3], [3, 0]], np.float32)
    one, other = (np.pad(of, ((0, 0), (0, D - 2))) for of in (east, north))
    assert cosine_shift(segment(one), segment(one)) == 0.0
    assert cosine_shift(segment(one), segment(other)) == pytest.approx(1 - math.sqrt(0.5), abs=1e-6)
    assert resultant(segment(one)) == 1.0
    assert resultant(segment(other)) == pytest.approx(math.sqrt(0.5), abs=1e-6)
    assert math.isnan(cosine_shift(segment(one), segment(np.concatenate((one, -one)))))
    assert discrepancy(segment(one), segment(one)) == 0.0


def test_nearest_is_that_of_all_pairs() -> None:
    vectors = drawn(np.random.default_rng(4), 60)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines = unit @ unit.T
    np.fill_diagonal(cosines, -1)
    closest = np.sort(cosines.max(axis=1))
    found = nearest(FEATURES, np.concatenate((vectors, np.zeros((3, D), np.float32))), (0.05, 0.5, 0.95))
    np.testing.assert_allclose(found, [closest[2], closest[29], closest[56]], atol=2e-3)
    assert math.isnan(nearest(FEATURES, vectors[:1], (0.5,))[0])
    assert nearest(FEATURES, np.ones((2, D), np.float32), (0.5,)) == [1.0]


def closest_of_all(sample: Vectors) -> Reals:
    """The greatest cosine of each row to another one, by the whole matrix."""
    directions = FEATURES.directions(sample, norms(sample)).astype(np.float64)
    lengths = np.sqrt(np.sum(directions**2, axis=1))
    made = (directions @ directions.T) / (lengths[:, None] * lengths)
    np.fill_diagonal(made, -np.inf)
    closest: Reals = made.max(axis=1, initial=-np.inf)
    return closest


@pytest.mark.parametrize("seed", range(5))
def test_cosines_that_are_carried_on_are_those_of_all(seed: int) -> None:
    """Of samples that keep their places, lose some, gain some, hold a vector twice, and become small and empty."""
    generator = np.random.default_rng(seed)
    pool, before = drawn(generator, 80), None
    pool[7] = 0.0
    for count in (40, 40, 40, 38, 40, 40, 3, 40, 2, 1, 2, 0, 1, 40, 40, 12, 40):
        chosen = np.arange(40) if before is None else np.sort(generator.choice(80, count, replace=count % 4 == 0))
        sample = pool[chosen]
        sample[generator.integers(40, size=min(count, 1)) % max(count, 1)] = drawn(generator, 1)[0]
        before, anew = cosines(FEATURES, sample, before), cosines(FEATURES, sample)
        assert before.closest.tobytes() == anew.closest.tobytes() == closest_of_all(before.sample).tobytes()
        for name in ("sample", "directions", "scale"):
            assert getattr(before, name).tobytes() == getattr(anew, name).tobytes()
        assert repr(before.quantiles((0.05, 0.5, 0.95))) == repr(nearest(FEATURES, sample, (0.05, 0.5, 0.95)))


def slow_spread(sample: Vectors) -> float:
    """Mean squared product of two different rows less their mean."""
    features = mapped(sample[np.linalg.norm(sample, axis=1) > 0])
    centred = features - features.mean(axis=0)
    products = [float(one @ other) ** 2 for at, one in enumerate(centred) for other in centred[:at]]
    return float(np.mean(products))


@pytest.mark.parametrize("seed", range(3))
def test_the_spread_follows_from_that_of_another_sample(seed: int) -> None:
    """Rows come, go, change places, come twice and lose their direction; the bits are those of nothing known."""
    generator = np.random.default_rng(seed)
    sample, kept = drawn(generator, 30), None
    for _ in range(12):
        kept, afresh = spread(FEATURES, sample, kept), spread(FEATURES, sample)
        for name in ("sample", "mapped", "products"):
            assert getattr(kept, name).tobytes() == getattr(afresh, name).tobytes()
        direction = generator.standard_normal((kept.mapped.shape[0],))
        assert kept.along(direction) == afresh.along(direction)
        assert repr(kept.squared) == repr(afresh.squared)
        if len(kept.sample) >= 10:
            assert kept.squared == pytest.approx(slow_spread(sample), rel=1e-9)
            rows = mapped(kept.sample) @ direction
            assert kept.along(direction) == pytest.approx(float(rows.var(ddof=1)), rel=1e-9)
        left = sample[np.sort(generator.choice(len(sample), generator.integers(0, len(sample) + 1), replace=False))]
        came = drawn(generator, int(generator.integers(0, 20)))
        came[: generator.integers(0, 2)] = 0.0
        sample = generator.permutation(np.concatenate((left, came, left[:1])))
