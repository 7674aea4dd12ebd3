"""Shares of traffic: how much each client weighs, how many observations that is worth, and what is unseen."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

CLIENT_SHARE = 0.01
"""What one client may be of the traffic: a crawler or a test never speaks for the users."""
Z95 = 1.959963984540054
"""Of a two-sided 95% interval."""


@dataclass(frozen=True, slots=True)
class ShareEstimate:
    """A share with its 95% interval; NaN and (0, 1) where nothing was observed.

    Args:
        share: 0 to 1.
        lower: of the interval.
        upper: of the interval.
        n: effective sample size.
    """

    share: float
    lower: float
    upper: float
    n: float


def capped_weights(counts: ArrayLike, most: float = CLIENT_SHARE, *, besides: float = 0.0) -> NDArray[np.float64]:
    """What each client weighs: what it asked, and at most a share of all that was asked.

    Args:
        counts: (c,) what each client asked, not negative.
        most: the largest share of the sum, in (0, 1].
        besides: what others asked, who have no name.

    Returns:
        (c,) float64, min(count, most * (sum + besides)). Of fewer than 1 / most clients all may be capped: they
        weigh the same.

    >>> capped_weights([2, 5, 93], 0.05).tolist()
    [2.0, 5.0, 5.0]
    """
    asked = np.asarray(counts, np.float64)
    made: NDArray[np.float64] = np.minimum(asked, most * (asked.sum() + besides))
    return made


def effective_size(weights: ArrayLike) -> float:
    """Kish's effective sample size, (sum w)^2 / sum w^2: observations of equal weight that would know as much.

    0 for no weights, or none above 0. Source: Kish, Survey Sampling (1965), section 11.7.

    >>> effective_size([1, 1, 1, 1]), effective_size([3, 1])
    (4.0, 1.6)
    """
    given = np.asarray(weights, np.float64)
    squares = float(np.sum(given * given))
    return float(np.sum(given)) ** 2 / squares if squares > 0.0 else 0.0


def wilson(share: float, n: float, z: float = Z95) -> ShareEstimate:
    """Wilson's score interval of a share of n observations, n being any number above 0.

    Unlike Wald's it stays within [0, 1] and has a width at 0 and 1. n = 0: NaN within (0, 1).
    Source: Wilson, JASA 22 (1927); with an effective n: Korn, Graubard, Survey Methodology 24 (1998).

    Args:
        share: what was observed, 0 to 1.
        n: effective sample size.
        z: of the normal distribution, 1.96 for 95%.

    >>> found = wilson(0.5, 100.0)
    >>> round(found.lower, 4), round(found.upper, 4)
    (0.4038, 0.5962)
    """
    if not n > 0.0 or math.isnan(share):
        return ShareEstimate(math.nan, 0.0, 1.0, 0.0)
    square = z * z / n
    centre = (share + square / 2.0) / (1.0 + square)
    half = z / (1.0 + square) * math.sqrt(share * (1.0 - share) / n + square / (4.0 * n))
    # Cut at the share too: rounding would leave 1e-17 below a share of 0.
    return ShareEstimate(share, max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half)), n)


def unseen_mass(times: Iterable[int], z: float = Z95) -> ShareEstimate:
    """Good and Turing's estimate of the share of coming asks whose question was never asked: f1 / n.

    f1 is the number of questions that were asked once, f2 twice, n the number of asks. The interval is Esty's,
    f1/n ± z sqrt(f1 (1 - f1/n) + 2 f2) / n, cut at 0 and 1; where f1 = f2 = 0 or nothing repeats it has no width by
    its formula, and is Wilson's of n. No asks: NaN within (0, 1).

    Args:
        times: by question, how often it was asked; here, by how many clients.
        z: of the normal distribution.

    Source: Good, Biometrika 40 (1953); Esty, Annals of Statistics 11 (1983), theorem 1.

    >>> unseen_mass([1, 1, 2, 4]).share
    0.25
    """
    seen = [number for number in times if number > 0]
    asks, once, twice = sum(seen), seen.count(1), seen.count(2)
    if not asks:
        return ShareEstimate(math.nan, 0.0, 1.0, 0.0)
    share = once / asks
    variance = once * (1.0 - share) + 2.0 * twice
    if variance <= 0.0:
        return wilson(share, float(asks), z)
    half = z * math.sqrt(variance) / asks
    return ShareEstimate(share, max(0.0, share - half), min(1.0, share + half), float(asks))
