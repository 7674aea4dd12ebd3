"""Normal churn: an upper confidence bound of the mean of rounds that somebody approved, by betting."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Numbers = NDArray[np.float64]
LEVEL = 0.05
"""One-sided: in one of twenty classes of one series the mean may be above its bound."""
_BETS: Numbers = np.array([0.5**at for at in range(6)])
_WEIGHTS: Numbers = np.array([0.5, *[0.1] * 5])
"""Half of the wealth on the greatest bet: against a small mean in [0, 1] nearly all of it is what wins."""
_HALVINGS = 40


def normal_churn(churn: ArrayLike, level: float = LEVEL) -> float:
    """One-sided 95% upper bound of the mean of numbers in [0, 1], whatever their distribution.

    Whoever bets that the mean is below m multiplies wealth by 1 - l (X_i - m), l in [0, 1 / (1 - m)]. If the mean is
    at least m that is a fair or a losing game, and by Ville's inequality the wealth ever reaches 1 / level with
    probability level at most. The bound is the least m against which some bettors' mean wealth, 1 / (1 - m) times
    1, 1/2, ..., 1/32, has reached it: rising in m, so found by halving. n zeros give about log(2 / level) / n.

    Args:
        churn: (n,) approved rounds, in [0, 1].
        level: probability that the bound is below the mean, in (0, 1).

    Returns:
        In (0, 1]; 1.0 where nothing was approved, or all of it was 1.

    Raises:
        ValueError: a number outside of [0, 1], NaN included.

    Source: Waudby-Smith, Ramdas, Estimating means of bounded random variables by betting, JRSS B 86(1), 2024
    (arXiv 2010.09686), section 4, with a mixture of constant bets in the place of predictable ones, so that the order
    of the rounds does not matter.

    >>> round(normal_churn([0.0] * 100), 4), normal_churn([])
    (0.0356, 1.0)
    """
    of = np.asarray(churn, np.float64)
    if not np.all((of >= 0.0) & (of <= 1.0)):
        message = "approved churn: expected numbers in [0, 1]"
        raise ValueError(message)
    values, counts = np.unique(of, return_counts=True)
    goal = -np.log(level)
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        low, high = (low, middle) if _log_wealth(values, counts, middle) >= goal else (middle, high)
    return high


def _log_wealth(values: Numbers, counts: NDArray[np.int64], mean: float) -> float:
    """Logarithm of the bettors' mean wealth against `mean`; minus infinity where all of them are ruined."""
    with np.errstate(divide="ignore"):
        each = np.log1p(-_BETS[:, None] * (values - mean) / (1.0 - mean)) @ counts
        most = float(each.max())
        return most if np.isneginf(most) else most + float(np.log(_WEIGHTS @ np.exp(each - most)))
