"""The promise: at most b false pages in T on average, under whatever dependence, while what is normal is true.

10,000 months of 720 rounds and 2 series a law; `python -m tests.alarms` has more series, and learns what is normal.
"""

import numpy as np
import pytest

from tests.alarms.nulls import LAWS, NORMAL, Months, rare, simulated

MONTHS = 10_000


@pytest.mark.parametrize("name", LAWS)
def test_no_more_false_pages_than_budgeted(name: str) -> None:
    alarms = simulated(LAWS[name](), np.random.default_rng(11), months=MONTHS, series=2)
    found = Months(MONTHS, alarms, 2, dependent=name.startswith("identical"))
    assert found.at_most <= 1.0
    assert alarms > MONTHS / 4, "a detector that never alarms would pass too"


def test_it_is_nearly_tight_against_an_adversary() -> None:
    """So the budget is not kept by a limit that is far too high."""
    alarms = simulated(LAWS["two-point, adversarial"](), np.random.default_rng(12), months=2_000, series=2)
    assert 0.8 * 2_000 < alarms <= 2_000 + 3 * np.sqrt(2_000)


def test_a_false_normal_voids_the_promise() -> None:
    """What is normal taken at half of what it is: far more pages than budgeted, so the tests above can fail."""
    alarms = simulated(rare, np.random.default_rng(13), months=500, series=2, normal=NORMAL / 2)
    assert Months(500, alarms, 2).at_most > 1.0
    assert alarms > 2 * 500


def test_the_bound_is_the_exact_one_of_a_poisson_count() -> None:
    """No event in 100 months: the rate is below -log(0.01) / 100 with 99%."""
    assert Months(100, 0, 3).at_most == pytest.approx(-np.log(0.01) / 100)
    assert Months(100, 0, 3).at_least == 0.0
    assert Months(100, 1, 3).at_least == pytest.approx(-np.log(0.99) / 100)
    assert Months(100, 6, 3, dependent=True).at_most == pytest.approx(3 * Months(100, 2, 3).at_most)
