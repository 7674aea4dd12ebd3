"""The e-detector: evidence that a series of numbers in [0, 1] has a mean above what is normal, looked at for ever.

With X_t a round's churn and m the normal one, H0 says E[X_t | past] <= m. For a bet l in [0, 1 / m]

    M_t(l) = (1 + l (X_t - m)) (M_{t-1}(l) + 1),  M_0 = 0.

No factor is negative, since X_t >= 0 and l <= 1 / m. Under H0 a factor's mean given the past is at most 1, so
M_t(l) - t is a supermartingale, and so is the mean M_t over several bets. A series that alarms, and begins anew at 0,
whenever M_t >= c therefore alarms at most T / c times in T rounds on average. K series with c = K T / b have at most
b alarms in T on average, *however they depend on each other*: expectations add up.

What is kept is each M_t(l) as a share of its limit, F_t(l) = M_t(l) / c_t: the recursion grants 1 / c_t each round,
and 1 is an alarm. Nothing overflows, since 1 begins anew, and the limit may change between two rounds (a segment
comes or goes, another budget is configured): with E[1{alarm} + F_t] <= F_{t-1} + 1 / c_t the alarms of a series are
at most the sum of 1 / c_t on average, and those of K_t series in T rounds the sum of K_t / c_t = b. A round that was
not measured grants nothing and changes nothing, so it costs none of the budget; that is sound where a round is
missing for reasons other than its own churn (H0 is about the rounds that are measured).

Source: Shin, Ramdas, Rinaldo, E-detectors: a nonparametric framework for sequential change detection, NEJSDS 2(2),
2024 (arXiv 2203.03532), sections 2 and 4.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Numbers = NDArray[np.float64]
BETS = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Times 1 / m: small ones find a slow rise, large ones a steep one; the last leaves a factor of 0.2 at X = 0."""
LEAST_NORMAL = 1e-9
"""Below this a bet of 1 / m is no number to reckon with, and nobody can measure it."""
_BETS: Numbers = np.array(BETS)


def no_evidence(*series: int) -> Numbers:
    """The evidence before the first round: (*series, 5) zeros."""
    return np.zeros((*series, len(BETS)))


def grown(evidence: Numbers, churn: ArrayLike, normal: ArrayLike, grant: ArrayLike) -> Numbers:
    """The evidence after one more round, before anybody looks whether it is an alarm.

    Args:
        evidence: (..., 5) float64, by bet, as shares of the limit; see `no_evidence`.
        churn: (...) X_t in [0, 1].
        normal: (...) m in [1e-9, 1].
        grant: (...) 1 / c_t, above 0.

    Returns:
        (..., 5) float64, finite and not negative.

    Raises:
        ValueError: a churn, a normal or a grant outside of its range, NaN included.

    >>> grown(no_evidence(), 1.0, 0.5, 0.01).round(4).tolist()
    [0.0105, 0.011, 0.012, 0.014, 0.018]
    """
    of, usual, granted = (np.asarray(one, np.float64)[..., None] for one in (churn, normal, grant))
    _within("churn", of, 0.0, 1.0)
    _within("normal churn", usual, LEAST_NORMAL, 1.0)
    if not np.all((granted > 0.0) & (granted < np.inf)):
        message = "grant: expected numbers above 0"
        raise ValueError(message)
    factor = 1.0 + _BETS * (of / usual - 1.0)
    made: Numbers = factor * (evidence + granted)
    return made


def share_of_limit(evidence: Numbers) -> Any:
    """M_t / c_t, the equal-weight mean over the bets: (...) float64, an alarm from 1 on."""
    return evidence.mean(axis=-1)


def alarms_over(churn: ArrayLike, normal: ArrayLike, limit: ArrayLike) -> NDArray[np.bool_]:
    """When a detector that begins anew after each alarm alarms, over whole series.

    Args:
        churn: (T,) or (T, ...) X_t in [0, 1], NaN where a round was not measured.
        normal: m, that broadcasts to the churn.
        limit: c = K T / b, that broadcasts to the churn.

    Returns:
        bool of the churn's shape, True in the rounds of an alarm.

    >>> np.flatnonzero(alarms_over([0.02, 0.0] * 3 + [0.3] * 6, 0.02, 1_000.0)).tolist()
    [9]
    """
    of = np.asarray(churn, np.float64)
    usual, granted = np.broadcast_to(normal, of.shape), 1.0 / np.broadcast_to(np.asarray(limit, np.float64), of.shape)
    raised = np.zeros(of.shape, np.bool_)
    evidence = no_evidence(*of.shape[1:])
    for at in range(len(of)):
        measured = ~np.isnan(of[at])
        after = grown(evidence, np.where(measured, of[at], 0.0), usual[at], granted[at])
        raised[at] = measured & (share_of_limit(after) >= 1.0)
        kept = np.where(measured[..., None], after, evidence)
        evidence = np.where(raised[at][..., None], 0.0, kept)
    return raised


def _within(name: str, values: Numbers, low: float, high: float) -> None:
    """Raises ValueError where a value is NaN or outside."""
    if not np.all((values >= low) & (values <= high)):
        message = f"{name}: expected numbers in [{low:g}, {high:g}]"
        raise ValueError(message)
