"""The bootstrap distribution of a clustered, weighted mean, worked out instead of drawn.

Each cluster c has a weight W_c and a total T_c = sum of w v over its anchors; the mean is sum T / sum W. A bootstrap
sample gives every cluster a random multiplicity. Here it is the smooth (Bayesian) bootstrap: multiplicities E_c that
are independent exponentials, which is Dirichlet(1, ..., 1) after division by their sum. To the clusters one more is
added that stands at the far end of the metric's range: what was not sampled may be that bad. That is what keeps the
bounds honest where all values are equal, and for 0/1 values in clusters of one it *is* Clopper and Pearson's bound.

The mean is at most t exactly when Q = sum E_c (T_c - t W_c) is at most 0, a weighted sum of exponentials. Its
distribution is had from the characteristic function by one contour integral through the saddle point, to about 1e-10:
no draws, so no seed, no noise of the draws in a p-value of 1e-6 (a thousand segments need those), and the
same data under another deploy id cannot get another verdict.

Sources: Rubin, The Bayesian bootstrap, Annals of Statistics 9(1), 1981; Gaffke, Three test statistics for a
nonparametric one-sided hypothesis on the mean of a nonnegative variable, Mathematical Methods of Statistics 14, 2005;
Learned-Miller, Thomas, A new confidence interval for the mean of a bounded random variable, 2019; Davison, Hinkley,
Saddlepoint approximations in resampling methods, Biometrika 75(3), 1988.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
STEP = 0.1
NODES = 32
MOST_NODES = 192
_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True, eq=False)
class Clusters:
    """Distinct clusters: total and weight of each kind, and how many there are of it.

    Args:
        totals: (J,) float64, sum of w v.
        weights: (J,) float64, sum of w, positive.
        counts: (J,) float64, clusters of this kind.
    """

    totals: Values
    weights: Values
    counts: Values

    @classmethod
    def of(cls, values: Values, weights: Values, cluster_ids: NDArray[np.int64]) -> "Clusters":
        """From anchors: (n,) values without NaN, (n,) positive weights, (n,) cluster of each."""
        _, at = np.unique(cluster_ids, return_inverse=True)
        mass, total = np.bincount(at, weights=weights), np.bincount(at, weights=weights * values)
        kinds, counts = np.unique(np.stack((total, mass)), axis=1, return_counts=True)
        return cls(kinds[0], kinds[1], counts.astype(np.float64))

    @property
    def count(self) -> int:
        """C, all clusters."""
        return int(self.counts.sum())

    @property
    def mean(self) -> float:
        """Sum T / sum W; NaN without clusters."""
        mass = float(self.weights @ self.counts)
        return float(self.totals @ self.counts) / mass if mass else math.nan

    @property
    def deviation(self) -> float:
        """Standard deviation of the linearised values (T_c - m W_c) / mean W: that of the mean is this / sqrt(C)."""
        if self.count < 2:
            return math.nan
        residual = self.totals - self.mean * self.weights
        share = float(self.weights @ self.counts) / self.count
        return math.sqrt(float(residual**2 @ self.counts) / (self.count - 1)) / share

    def with_far(self, far: float) -> "Clusters":
        """One cluster more, at an end of the range; as heavy as the cluster that a random unit of weight lies in."""
        heavy = float(self.weights**2 @ self.counts) / float(self.weights @ self.counts)
        return Clusters(
            np.append(self.totals, far * heavy), np.append(self.weights, heavy), np.append(self.counts, 1.0)
        )

    def at_most(self, mean: float) -> float:
        """P(mean of a bootstrap sample <= `mean`), in [0, 1]."""
        return probability(self.totals - mean * self.weights, self.counts)


def upper(clusters: Clusters, high: float, alpha: float) -> float:
    """One-sided upper bound of the mean at level 1 - alpha, at most `high`, the metric's greatest value."""
    widened = clusters.with_far(high)
    return _level(widened.at_most, (clusters.mean, high), 1.0 - alpha)


def lower(clusters: Clusters, low: float, alpha: float) -> float:
    """One-sided lower bound of the mean at level 1 - alpha, at least `low`, the metric's least value."""
    widened = clusters.with_far(low)
    return _level(widened.at_most, (low, clusters.mean), alpha)


def excess(clusters: Clusters, low: float, limit: float) -> float:
    """P-value of "the mean is at most the limit": the level at which the lower bound reaches the limit."""
    return clusters.with_far(low).at_most(limit)


def probability(factors: Values, counts: Values) -> float:
    """P(sum of factor x exponential <= 0) over `counts` independent standard exponentials of each factor.

    Args:
        factors: (J,) float64, finite.
        counts: (J,) float64, positive whole numbers.

    Returns:
        0 to 1, absolute error about 1e-12, relative about 1e-5 in far tails; 1 where no factor is positive, 0 where
        none is negative and some is positive.
    """
    least, most = float(factors.min()), float(factors.max())
    if most <= 0.0 or least >= 0.0:
        return float(most <= 0.0)
    scaled = factors / max(most, -least)
    least, most = float(scaled.min()), float(scaled.max())
    # factors that vanish beside the greatest one change nothing but the conditioning
    at = _contour(scaled, counts, (1.0 / least, 1.0 / most))
    integral = _integral(scaled, counts, at)
    return min(1.0, max(0.0, 1.0 - integral if at > 0.0 else -integral))


def _contour(factors: Values, counts: Values, strip: tuple[float, float]) -> float:
    """Where to cross the real axis: the saddle point, or beside the pole at 0 where the saddle is close to it."""
    low, high = strip
    for _ in range(80):
        saddle = (low + high) / 2.0
        grown = factors / (1.0 - saddle * factors)
        slope = float(counts @ grown)
        # a hundredth of the width of the peak is near enough: any contour in the strip gives the same integral
        if abs(slope) < 0.01 * math.sqrt(float(counts @ grown**2)):
            break
        low, high = (saddle, high) if slope < 0.0 else (low, saddle)
    clear = 0.5 / math.sqrt(_curvature(factors, counts, saddle))
    if abs(saddle) >= clear:
        return saddle
    return min(clear, strip[1] / 2.0) if saddle >= 0.0 else max(-clear, strip[0] / 2.0)


def _curvature(factors: Values, counts: Values, at: float) -> float:
    return float(np.sum(counts * (factors / (1.0 - at * factors)) ** 2))


def _integral(factors: Values, counts: Values, at: float) -> float:
    """(1 / 2 pi i) times the integral of exp(K(z)) / z along Re z = at, by trapezoids in z = at + i sinh(u)."""
    scale = 1.0 / math.sqrt(_curvature(factors, counts, at))
    rates = factors / (1.0 - at * factors)
    real = float(counts @ np.log1p(-at * factors))
    total = 0.0
    for start in range(0, MOST_NODES, NODES):
        u = STEP * np.arange(start, start + NODES)
        y = scale * np.sinh(u)
        turned = y[:, None] * rates
        # exp(K(z)) in modulus and phase: real functions cost a tenth of complex logarithms
        modulus = np.exp(-(0.5 * np.log1p(turned * turned) @ counts + real)) * np.cosh(u)
        phase = np.arctan(turned) @ counts
        terms = modulus * (np.cos(phase) * at + np.sin(phase) * y) / (at * at + y * y)
        total += float(terms.sum()) - (0.5 * float(terms[0]) if start == 0 else 0.0)
        if modulus[-1] < 1e-18 * abs(at):
            break
    return total * STEP * scale / math.pi


def _level(rising: Callable[[float], float], between: tuple[float, float], level: float) -> float:
    """Where a distribution function reaches a level: regula falsi (Illinois) on normal scores, nearly straight."""
    goal = _NORMAL.inv_cdf(level)

    def score(at: float) -> float:
        return _NORMAL.inv_cdf(min(1.0 - 1e-15, max(1e-300, rising(at)))) - goal

    low, high = between
    below, above = score(low), score(high)
    if below >= 0.0 or above <= 0.0:
        return low if below >= 0.0 else high
    last = 0
    for _ in range(100):
        at = (low * above - high * below) / (above - below)
        found = score(at)
        if abs(found) < 1e-9 or high - low < 1e-12 * max(1.0, abs(high)):
            break
        if found > 0.0:
            high, above, below = at, found, below / 2.0 if last > 0 else below
        else:
            low, below, above = at, found, above / 2.0 if last < 0 else above
        last = 1 if found > 0.0 else -1
    return at
