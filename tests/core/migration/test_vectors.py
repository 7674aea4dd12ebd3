"""Contract faults against a loop over the vectors; the audit's bound against scipy."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from monitor.core.migration.vectors import BlindAudit, blind_audit, contract_faults, cosines, unequal_twins


def counts(vectors: list[np.ndarray], dimension: int = 3, *, unit: bool = True) -> dict[str, int]:
    return {of.kind: of.count for of in contract_faults(vectors, dimension, unit=unit)}


def vector(*numbers: float) -> np.ndarray:
    return np.array(numbers, np.float32)


def test_each_fault_by_hand() -> None:
    made = [
        vector(1.0, 0.0, 0.0),
        vector(0.6, 0.8),
        vector(math.nan, 0.0, 1.0),
        vector(math.inf, 0.0, 0.0),
        vector(0.0, 0.0, 0.0),
        vector(2.0, 0.0, 0.0),
        vector(1.0005, 0.0, 0.0),
    ]
    assert counts(made) == {"dimension": 1, "finite": 2, "zero": 1, "norm": 1}
    assert counts(made, unit=False) == {"dimension": 1, "finite": 2, "zero": 1, "norm": 0}
    assert [of.rows for of in contract_faults(made, 3, unit=True)] == [(1,), (2, 3), (4,), (5,)]
    assert counts([]) == {"dimension": 0, "finite": 0, "zero": 0, "norm": 0}


@settings(max_examples=40)
@given(st.lists(st.lists(st.floats(width=32), min_size=2, max_size=3), max_size=8))
def test_equals_a_loop(drawn: list[list[float]]) -> None:
    said = {"dimension": 0, "finite": 0, "zero": 0, "norm": 0}
    for numbers in drawn:
        norm = (
            math.sqrt(sum(np.float64(np.float32(x)) ** 2 for x in numbers)) if all(map(math.isfinite, numbers)) else 0
        )
        if len(numbers) != 3:
            said["dimension"] += 1
        elif not all(map(math.isfinite, numbers)):
            said["finite"] += 1
        elif norm == 0.0:
            said["zero"] += 1
        elif abs(norm - 1.0) > 1e-3:
            said["norm"] += 1
    assert counts([vector(*numbers) for numbers in drawn]) == said


def test_equal_content_needs_equal_vectors() -> None:
    made = np.array([[1, 0], [0, 1], [1, 0], [1, 1e-3], [0, 0], [0, 0]], np.float32)
    found = unequal_twins(made, ["a", "a", "a", "a", "b", "b"])
    assert (found.count, found.checked, found.rows) == (2, 4, (1, 5)), "a vector of zeros agrees with nothing"
    assert unequal_twins(made, list("abcdef")).checked == 0
    assert unequal_twins(made[:0], []).count == 0


def test_the_audit_finds_a_mix_and_bounds_what_it_did_not_find() -> None:
    generator = np.random.default_rng(3)
    stored = generator.standard_normal((300, 8)).astype(np.float32)
    clean = blind_audit(stored, stored + np.float32(1e-4))
    assert clean.failed == ()
    assert clean.mixed_most < 0.01
    mixed = stored.copy()
    mixed[[7, 200]] = mixed[[200, 7]]
    found = blind_audit(mixed, stored)
    assert found.failed == (7, 200)
    assert found.least < 0.999
    assert blind_audit(stored[:0], stored[:0]).mixed_most == 1.0
    assert math.isnan(blind_audit(stored[:0], stored[:0]).least)
    assert blind_audit(np.full((1, 2), np.nan, np.float32), np.ones((1, 2), np.float32)).failed == (0,)


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_bound_is_clopper_and_pearsons(case: tuple[int, int]) -> None:
    failed, n = case
    theirs = 1.0 if failed == n else stats.beta.ppf(0.95, failed + 1, n - failed)
    assert BlindAudit(n, tuple(range(failed)), 0.0).mixed_most == pytest.approx(theirs, abs=1e-8)


def test_a_mix_of_one_percent_is_missed_as_seldom_as_promised() -> None:
    generator = np.random.default_rng(9)
    missed = np.mean(generator.binomial(300, 0.01, 20_000) == 0)
    assert missed == pytest.approx(0.049, abs=0.006)
    assert BlindAudit(300, (), 1.0).mixed_most == pytest.approx(0.00994, abs=1e-4)


def test_cosines_against_numpy() -> None:
    generator = np.random.default_rng(1)
    one, other = generator.standard_normal((2, 50, 7)).astype(np.float32)
    for row, found in enumerate(cosines(one, other).tolist()):
        norms = np.linalg.norm(one[row].astype(float)) * np.linalg.norm(other[row].astype(float))
        assert found == pytest.approx(float(one[row].astype(float) @ other[row].astype(float)) / norms)
