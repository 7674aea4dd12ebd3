"""Months in which nothing is wrong: laws of churn whose mean given the past is at most what is normal, exactly.

A law draws one round of all months at once: (S, K) numbers in [0, 1], S months of K series. What it may know of the
past is the evidence so far.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.stats import chi2

from monitor.core.alarms.detector import BETS, grown, no_evidence, share_of_limit

Draws = NDArray[np.float64]
NORMAL = 0.02
Law = Callable[[Generator, NDArray[np.float64], float], Draws]
"""(generator, (S, K, 5) evidence, limit) -> (S, K) churn."""


def rare(generator: Generator, evidence: Draws, limit: float) -> Draws:
    """Independent: everything is exchanged in one round of fifty, nothing in the others."""
    return (generator.random(evidence.shape[:2]) < NORMAL).astype(np.float64)


def spread(generator: Generator, evidence: Draws, limit: float) -> Draws:
    """Independent, Beta with the mean that is normal: most rounds a little, some much."""
    return generator.beta(0.4, 0.4 * (1.0 / NORMAL - 1.0), evidence.shape[:2])


def identical(generator: Generator, evidence: Draws, limit: float) -> Draws:
    """Every segment sees the same churn."""
    months, series = evidence.shape[:2]
    return np.repeat((generator.random((months, 1)) < 2 * NORMAL) * 0.5, series, axis=1)


class Sticky:
    """Autocorrelated: calm and lively times that last 50 rounds, each with the normal mean.

    Lively: half of the rounds have twice the normal churn. Calm: one round in fifty has all of it.
    """

    def __init__(self) -> None:
        self._lively: NDArray[np.bool_] | None = None

    def __call__(self, generator: Generator, evidence: Draws, limit: float) -> Draws:
        del limit
        shape = evidence.shape[:2]
        if self._lively is None or self._lively.shape != shape:
            self._lively = generator.random(shape) < 0.5
        self._lively = self._lively ^ (generator.random(shape) < 0.02)
        chance = np.where(self._lively, 0.5, NORMAL)
        return np.where(generator.random(shape) < chance, NORMAL / chance, 0.0)


def adversary(generator: Generator, evidence: Draws, limit: float) -> Draws:
    """Two points, chosen against the detector: 0, or just as much as makes an alarm now, at the odds that are fair.

    Where no churn is enough for an alarm: all or nothing.
    """
    bets = np.array(BETS)
    before = evidence + 1.0 / limit
    # mean over bets of (1 + bet (x / m - 1)) (F + g) = 1, solved for x
    at = NORMAL * (len(BETS) - ((1.0 - bets) * before).sum(axis=-1)) / (bets * before).sum(axis=-1)
    high = np.clip(at * (1.0 + 1e-9), NORMAL, 1.0)
    return np.where(generator.random(high.shape) < NORMAL / high, high, 0.0)


LAWS: Mapping[str, Callable[[], Law]] = {
    "independent, rare": lambda: rare,
    "independent, Beta": lambda: spread,
    "autocorrelated": Sticky,
    "identical across segments": lambda: identical,
    "two-point, adversarial": lambda: adversary,
}


@dataclass(frozen=True)
class Months:
    """What a simulation of months came to.

    Args:
        months: how many.
        alarms: in all, over all series.
        series: K.
        dependent: whether series alarm together, so that K of them are one event.
    """

    months: int
    alarms: int
    series: int
    dependent: bool = False

    @property
    def at_most(self) -> float:
        """Exact 99% upper bound of the mean alarms of a month, for a Poisson count of events."""
        size = self.series if self.dependent else 1
        return size * float(chi2.ppf(0.99, 2 * (self.alarms // size + 1))) / 2.0 / self.months

    @property
    def at_least(self) -> float:
        """Exact 99% lower bound of the same; 0 for no event."""
        size = self.series if self.dependent else 1
        events = self.alarms // size
        return size * float(chi2.ppf(0.01, 2 * events)) / 2.0 / self.months if events else 0.0


def simulated(
    law: Law,
    generator: Generator,
    *,
    months: int,
    series: int,
    rounds: int = 720,
    pages: float = 1.0,
    normal: float = NORMAL,
) -> int:
    """Alarms in so many months of so many rounds, over all series, of the product's own detector.

    Args:
        law: draws rounds.
        generator: of its chances.
        months: S.
        series: K.
        rounds: T.
        pages: b, the budget of a month.
        normal: what the detector takes for normal.
    """  # fmt: skip
    limit = series * rounds / pages
    evidence, alarms = no_evidence(months, series), 0
    for _ in range(rounds):
        evidence = grown(evidence, law(generator, evidence, limit), normal, 1.0 / limit)
        raised = share_of_limit(evidence) >= 1.0
        alarms += int(raised.sum())
        evidence[raised] = 0.0
    return alarms
