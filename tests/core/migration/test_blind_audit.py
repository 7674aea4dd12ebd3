"""The blind audit: what it finds, and its bound against scipy."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from monitor.core.migration.blind_audit import BlindAudit, blind_audit, cosines


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
