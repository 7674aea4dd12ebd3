"""The promise from end to end: what is normal is learnt from approved rounds of a law, then months are watched."""

import numpy as np
from numpy.typing import NDArray

from benchmarks.alarms.detectors import budgeted
from benchmarks.alarms.months import LEARNT, MONTH, Law
from tests.alarms.nulls import Months


def learnt_and_watched(law: Law, months: int, seed: int, pages: float = 1.0) -> Months:
    """Alarms in so many months, each after eight approved weeks of its own.

    Args:
        law: draws rounds.
        months: how many.
        seed: of the chances.
        pages: the budget of a month.
    """
    generator = np.random.default_rng(seed)
    approved, churn = law(generator, LEARNT, months), law(generator, MONTH, months)
    return Months(months, int(budgeted(approved, churn, pages).sum()), churn.shape[2], dependent=True)


def weeks(table: NDArray[np.float64], block: int) -> Law:
    """A block bootstrap of real rounds: blocks of so many hours in a row, of all series together.

    Source: Kuensch, The jackknife and the bootstrap for general stationary observations, Annals of Statistics 17(3),
    1989.
    """

    def law(generator: np.random.Generator, rounds: int, months: int) -> NDArray[np.float64]:
        starts = generator.integers(0, len(table) - block, (months, -(-rounds // block)))
        at = (starts[:, :, None] + np.arange(block)).reshape(months, -1)[:, :rounds]
        drawn: NDArray[np.float64] = table[at].transpose(1, 0, 2)
        return drawn

    return law
