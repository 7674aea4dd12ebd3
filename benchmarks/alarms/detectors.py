"""Detectors side by side: each learns from the same approved rounds and says in which later ones it alarms.

Arrays are (T, S, K): rounds, months, series. All but ours know nothing of a budget; their settings are the usual.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from monitor.core.alarms.detector import alarms_over
from monitor.core.alarms.normal import normal_churn

Churn = NDArray[np.float64]
Raised = NDArray[np.bool_]
Detector = Callable[[Churn, Churn], Raised]
"""(approved rounds, later rounds) -> alarms among the later ones."""
CLOCK = 32
"""ADWIN looks for a cut every so many rounds, as river's does."""
LEAST = 5
"""Rounds on each side of a cut."""


def budgeted(approved: Churn, churn: Churn, pages: float = 1.0, month: int = 720) -> Raised:
    """Ours: evidence against what was learnt as normal, at one false page a month over all series."""
    flat = approved.reshape(len(approved), -1)
    normal = np.array([normal_churn(flat[:, at]) for at in range(flat.shape[1])]).reshape(approved.shape[1:])
    return alarms_over(churn, normal, churn.shape[2] * month / pages)


def fixed(limit: float) -> Detector:
    """A rule that somebody wrote down: churn above a fixed limit."""
    return lambda _, churn: churn > limit


def sigmas(count: float) -> Detector:
    """A round beyond the mean of the approved ones by so many standard deviations."""

    def beyond(approved: Churn, churn: Churn) -> Raised:
        found: Raised = churn > approved.mean(axis=0) + count * approved.std(axis=0)
        return found

    return beyond


def above_all(approved: Churn, churn: Churn) -> Raised:
    """A round with more churn than any approved one."""
    found: Raised = churn > approved.max(axis=0)
    return found


def cusum(approved: Churn, churn: Churn, slack: float = 0.5, limit: float = 5.0) -> Raised:
    """Page's CUSUM, upper side, k = 0.5 and h = 5 standard deviations: once in 930 rounds if they were normal.

    Source: Montgomery, Introduction to Statistical Quality Control, 9.1.
    """
    mean, deviation = approved.mean(axis=0), np.maximum(approved.std(axis=0), 1e-9)
    total, raised = np.zeros(churn.shape[1:]), np.zeros(churn.shape, np.bool_)
    for at in range(len(churn)):
        total = np.maximum(0.0, total + (churn[at] - mean) / deviation - slack)
        raised[at] = total > limit
        total[raised[at]] = 0.0
    return raised


def adwin(approved: Churn, churn: Churn, delta: float = 0.002) -> Raised:
    """ADWIN over the approved rounds and on, with exact windows; a cut to a higher mean is an alarm.

    Source: Bifet, Gavalda, Learning from time-changing data with adaptive windowing, SDM 2007, section 3.
    """
    raised = np.zeros(churn.shape, np.bool_)
    whole = np.concatenate((approved, churn))
    for month in range(churn.shape[1]):
        for series in range(churn.shape[2]):
            for at in rises(whole[:, month, series], delta):
                if at >= len(approved):
                    raised[at - len(approved), month, series] = True
    return raised


def rises(values: NDArray[np.float64], delta: float) -> list[int]:
    """The rounds at which ADWIN drops an older part of its window whose mean is lower."""
    found, start = [], 0
    for end in range(CLOCK, len(values) + 1, CLOCK):
        rose = False
        while (cut := _cut(values[start:end], delta)) is not None:
            rose = rose or values[start : start + cut].mean() < values[start + cut : end].mean()
            start += cut
        if rose:
            found.append(end - 1)
    return found


def _cut(window: NDArray[np.float64], delta: float) -> int | None:
    """The first cut whose two means differ by more than chance; None where there is none."""
    n = len(window)
    if n < 2 * LEAST:
        return None
    left = np.arange(LEAST, n - LEAST + 1)
    sums = np.cumsum(window)
    means = sums[left - 1] / left, (sums[-1] - sums[left - 1]) / (n - left)
    harmonic = 1.0 / (1.0 / (left - LEAST + 1) + 1.0 / (n - left - LEAST + 1))  # as river reckons it
    log = np.log(2.0 * np.log(n) / delta)
    margin = np.sqrt(2.0 * window.var() * log / harmonic) + 2.0 * log / (3.0 * harmonic)
    beyond = np.flatnonzero(np.abs(means[0] - means[1]) > margin)
    return int(left[beyond[0]]) if len(beyond) else None


DETECTORS: Mapping[str, Detector] = {
    "corpus-drift, 1 per 30d": budgeted,
    "churn > 0.05": fixed(0.05),
    "churn > 0.2": fixed(0.2),
    "mean + 3 sigma": sigmas(3.0),
    "more than any approved round": above_all,
    "CUSUM (0.5, 5)": cusum,
    "ADWIN (0.002)": adwin,
}
