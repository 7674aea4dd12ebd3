"""Real rounds: three years of a real history of documents, hour by hour, in 31 languages and on both legs."""

import numpy as np
import pytest

from benchmarks.alarms.history import recorded
from benchmarks.alarms.months import MONTH
from monitor.core.alarms.detector import alarms_over
from monitor.core.alarms.normal import normal_churn
from tests.alarms.learning import learnt_and_watched, weeks

LEARNT, MONTHS = 1_344, 150
RECORDED = recorded()
TABLE = np.stack(list(RECORDED.values()), axis=1)


@pytest.mark.parametrize("block", [24, 168], ids=["days", "weeks"])
def test_months_of_approved_rounds_keep_the_budget(block: int) -> None:
    """Blocks of real hours: churn comes in bursts, and in all languages at once."""
    found = learnt_and_watched(weeks(TABLE, block), months=MONTHS, seed=21)
    assert found.at_most <= 1.0
    assert found.alarms < 0.2 * MONTHS


def test_the_history_as_it_was_pages_once_in_three_years() -> None:
    """Each month is watched with what the eight weeks before it gave: re-translations of whole languages included."""
    alarms, months = 0, 0
    for start in range(LEARNT, len(TABLE) - MONTH, MONTH):
        normal = np.array([normal_churn(column) for column in TABLE[start - LEARNT : start].T])
        alarms += int(alarms_over(TABLE[start : start + MONTH], normal, TABLE.shape[1] * MONTH).sum())
        months += 1
    assert months == 37
    assert alarms <= 2


def test_the_mean_itself_is_no_normal() -> None:
    """Why a bound is learnt: real rounds come in bursts, so given the past their mean is above that of all."""
    generator = np.random.default_rng(22)
    churn = weeks(TABLE, 24)(generator, MONTH, 60)
    mean = np.maximum(TABLE.mean(axis=0), 1e-9)
    assert alarms_over(churn, mean, TABLE.shape[1] * MONTH).sum() > 60


def test_the_table_is_what_it_says() -> None:
    assert TABLE.shape[1] == 22
    assert len(TABLE) > 3 * 365 * 24
    assert 0.0 <= TABLE.min() < TABLE.max() < 1.0
    assert {stream.leg for stream in RECORDED} == {"dense", "lexical"}
    assert 0.9 < (TABLE == 0.0).mean() < 1.0
