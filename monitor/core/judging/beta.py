"""The incomplete beta function, and the exact bounds and tests of a share that rest on it."""

import math
from collections.abc import Callable

_TINY = 1e-300
_STEPS = 10_000
_HALVINGS = 200


def incomplete_beta(a: float, b: float, x: float) -> float:
    """Regularised incomplete beta I_x(a, b): the distribution function of Beta(a, b) at x.

    Args:
        a: first shape, > 0.
        b: second shape, > 0.
        x: 0 to 1; outside it is taken as the nearer end.

    Returns:
        0 to 1; relative error below 1e-9 for shapes up to 1e5.

    Source: Numerical Recipes, 3rd ed., section 6.4 (continued fraction, modified Lentz).
    """
    if x <= 0.0 or x >= 1.0:
        return float(x >= 1.0)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    if x < (a + 1.0) / (a + b + 2.0):
        return front * _fraction(a, b, x) / a
    return 1.0 - front * _fraction(b, a, 1.0 - x) / b


def _fraction(a: float, b: float, x: float) -> float:
    c, d = 1.0, 1.0 / _away(1.0 - (a + b) * x / (a + 1.0))
    made = d
    for m in range(1, _STEPS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1.0 / _away(1.0 + term * d)
            c = _away(1.0 + term / c)
            made *= d * c
        if abs(d * c - 1.0) < 1e-15:
            break
    return made


def _away(value: float) -> float:
    """The value, or something tiny where it is zero: it is divided by."""
    return value if abs(value) > _TINY else _TINY


def share_lower(harmed: float, n: float, alpha: float) -> float:
    """One-sided Clopper-Pearson lower bound of a share: the alpha quantile of Beta(x, n - x + 1).

    Args:
        harmed: x, 0 to n.
        n: trials, > 0.
        alpha: level, 0 to 1.

    Returns:
        0 to 1; 0 at x = 0. Source: Clopper, Pearson, Biometrika 26(4), 1934.
    """
    return 0.0 if harmed <= 0 else _inverse(lambda x: incomplete_beta(harmed, n - harmed + 1.0, x), alpha)


def share_upper(harmed: float, n: float, alpha: float) -> float:
    """One-sided Clopper-Pearson upper bound of a share: the 1 - alpha quantile of Beta(x + 1, n - x).

    Arguments as for `share_lower`; 1 at x = n.

    >>> round(share_upper(0, 5, 0.05), 2)
    0.45
    """
    return 1.0 if harmed >= n else _inverse(lambda x: incomplete_beta(harmed + 1.0, n - harmed, x), 1.0 - alpha)


def share_excess(harmed: float, n: float, limit: float) -> float:
    """P-value of "the share is at most the limit": P(X >= x) for X ~ Binomial(n, limit), in [0, 1]; 1 at x = 0."""
    return 1.0 if harmed <= 0 else incomplete_beta(harmed, n - harmed + 1.0, limit)


def student_tail(t: float, freedom: float) -> float:
    """P(T > t) of Student's t with `freedom` > 0 degrees of freedom, in [0, 1].

    Source: Abramowitz, Stegun, Handbook of Mathematical Functions, 26.7.1.
    """
    both = incomplete_beta(freedom / 2.0, 0.5, freedom / (freedom + t * t))
    return both / 2.0 if t >= 0.0 else 1.0 - both / 2.0


def student_quantile(alpha: float, freedom: float) -> float:
    """The t >= 0 with P(T > t) = alpha, for alpha in (0, 0.5]."""
    # t = sqrt(f (1 - x) / x) where I_x(f/2, 1/2) = 2 alpha
    x = _inverse(lambda at: incomplete_beta(freedom / 2.0, 0.5, at), 2.0 * alpha)
    return math.sqrt(freedom * (1.0 - x) / max(x, _TINY))


def _inverse(rising: Callable[[float], float], level: float) -> float:
    """Where a rising function on [0, 1] reaches a level, by halving: it needs no starting point and cannot fail."""
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        if middle in (low, high):
            break
        low, high = (middle, high) if rising(middle) < level else (low, middle)
    return (low + high) / 2.0
