"""Months of churn: calm ones by several laws, and the same with a rise in one series."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from benchmarks.alarms.history import recorded

Churn = NDArray[np.float64]
Law = Callable[[Generator, int, int], Churn]
"""(generator, rounds, months) -> (T, S, K)."""
LEARNT, MONTH, ONSET = 1_344, 720, 240
"""Rounds: eight weeks that are approved, a month, and where in it a rise begins."""
SERIES = 22
"""As many as the real history has."""
MEAN = 0.005
_DAY = 24


def real(generator: Generator, rounds: int, months: int) -> Churn:
    """Days of the FastAPI documentation's history, drawn at random and put together: dependent across languages."""
    table = np.stack(list(recorded().values()), axis=1)
    days = generator.integers(0, len(table) // _DAY - 1, (months, -(-rounds // _DAY)))
    at = (days[:, :, None] * _DAY + np.arange(_DAY)).reshape(months, -1)[:, :rounds]
    found: Churn = np.ascontiguousarray(table[at].transpose(1, 0, 2))
    return found


def rare(generator: Generator, rounds: int, months: int) -> Churn:
    """One round in a hundred exchanges half of everything."""
    found: Churn = np.where(generator.random((rounds, months, SERIES)) < 2 * MEAN, 0.5, 0.0)
    return found


def spread(generator: Generator, rounds: int, months: int) -> Churn:
    """A little in every round, sometimes more: Beta with a mean of 0.005."""
    drawn: Churn = generator.beta(0.3, 0.3 / MEAN - 0.3, (rounds, months, SERIES))
    return drawn


def lively_days(generator: Generator, rounds: int, months: int) -> Churn:
    """Times that last two days, lively and calm, with the same mean: autocorrelated, and the same in all series."""
    lively = np.cumsum(generator.random((rounds, months)) < 1 / 48, axis=0) % 2 == 0
    chance = np.where(lively, 0.5, 0.02)[:, :, None]
    return np.where(generator.random((rounds, months, SERIES)) < chance, MEAN / chance, 0.0)


LAWS: Mapping[str, Law] = {
    "real days (FastAPI docs)": real,
    "rare": rare,
    "spread": spread,
    "lively and calm times": lively_days,
}


@dataclass(frozen=True)
class Rise:
    """What comes on top of the calm in one series, from its onset on.

    Args:
        name: in words.
        more: churn on top.
        every: in one round of so many.
        rounds: for so long.
    """

    name: str
    more: float
    every: int = 1
    rounds: int = MONTH

    def on(self, churn: Churn) -> Churn:
        """The churn with the rise in the first series."""
        made = churn.copy()
        at = np.arange(ONSET, min(len(churn), ONSET + self.rounds), self.every)
        made[at, :, 0] = np.minimum(1.0, made[at, :, 0] + self.more)
        return made


RISES = (
    Rise("2% an hour", 0.02),
    Rise("5% an hour", 0.05),
    Rise("20% an hour", 0.2),
    Rise("half an hour", 0.5),
    Rise("20% every sixth hour", 0.2, every=6),
    Rise("60% once", 0.6, rounds=1),
)
