"""How far an embedding space moved, and how dense it is, from means of features and from a small sample."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.statistics.features import FREQUENCIES, ONE, Features, norms
from monitor.core.index.statistics.histogram import quantiles
from monitor.core.index.statistics.profile import SegmentProfile

NONE = float("nan")
_Z95 = 1.6448536269514722
_FEW = 10
"""Changed chunks in the sample from which on their spread says something."""


def discrepancy(before: SegmentProfile, after: SegmentProfile) -> float:
    """Squared maximum mean discrepancy: |m - m'|^2 of the mean features, over the number of frequencies.

    The biased (V-) statistic of the kernel that the features stand for; 0 for equal means. That kernel is in [0, 1],
    so it is at most 2 but for the error of finitely many frequencies (4 is out of reach). NaN without features.

    Source: Gretton et al., "A kernel two-sample test", JMLR 13, 2012, eq. 5, with the features of Rahimi, Recht.
    """
    apart = before.features.astype(np.float64) - after.features
    return float(np.sum(apart * apart)) / FREQUENCIES


def cosine_shift(before: SegmentProfile, after: SegmentProfile) -> float:
    """1 - cos of the mean directions then and now, in [0, 2]; NaN where a mean vanishes."""
    one, other = before.direction.astype(np.float64), after.direction.astype(np.float64)
    lengths = math.sqrt(float(one @ one) * float(other @ other))
    if not lengths:
        return NONE
    return 0.0 if np.array_equal(one, other) else max(0.0, 1.0 - float(one @ other) / lengths)


def resultant(segment: SegmentProfile) -> float:
    """Mean resultant length: |mean of the unit vectors|, 0 for spread all around, 1 for one direction."""
    return min(1.0, math.sqrt(float(np.sum(segment.direction.astype(np.float64) ** 2))))


@dataclass(frozen=True, slots=True, eq=False)
class FeatureSpread:
    """How the features of a sample lie around their mean.

    Args:
        squared: trace of the squared covariance, from the pairs of two different chunks; NaN below 10 of them.
        centred: (s, FEATURES) features of length 1, less their mean where `squared` is known.
    """

    squared: float
    centred: NDArray[np.float64]

    def along(self, direction: NDArray[np.float64]) -> float:
        """Variance along a direction, times its squared length."""
        return float(np.sum((self.centred @ direction) ** 2)) / (len(self.centred) - 1)


def spread(features: Features, sample: NDArray[np.float32]) -> FeatureSpread:
    """The spread of a sample of vectors; those without direction do not count."""
    lengths = norms(sample)
    sample, lengths = sample[lengths > 0], lengths[lengths > 0]
    count = len(sample)
    mapped = features.of(features.directions(sample, lengths)) / (ONE * math.sqrt(FREQUENCIES))
    if count < _FEW:
        return FeatureSpread(NONE, mapped)
    centred = mapped - mapped.mean(axis=0)
    products = centred @ centred.T
    squares = np.sum(products * products) - np.sum(np.diag(products) ** 2)
    return FeatureSpread(float(squares) / (count * (count - 1)), centred)


def null_of_shift(
    before: SegmentProfile, after: SegmentProfile, changed: tuple[int, NDArray[np.float64]], sample: FeatureSpread
) -> tuple[float, float]:
    """The discrepancy that a random exchange of labels among the removed and added chunks gives: p95 and p-value.

    Removed R (r chunks) and added A (a) are the chunks that changed; the unchanged ones cancel. Labels are permuted
    among the r + a only. The permuted difference of means is c (sum of r drawn without replacement - its mean) + d0
    with c = 1/n + 1/n'. Its expected squared length follows exactly from the sums of both sides: f (1 - |mu|^2) +
    |d0|^2 with f = c^2 r a / (N - 1), N = r + a, mu the mean of all N, and every feature vector of length 1. Its
    variance, 2 f^2 tr(S^2) + 4 f d0' S d0, takes the covariance S from a bottom-k sample of the changed chunks that
    are live: nothing of a removed chunk is kept. Both give a gamma distribution, read by Wilson and Hilferty's cube
    root.

    Args:
        before: the whole corpus then.
        after: the whole corpus now.
        changed: added chunks with a direction, and the sum of their features (length 1 each, as in the profiles times
            sqrt(FREQUENCIES)).
        sample: of the changed chunks that are live.

    Returns:
        The 95% quantile under the null, and the share of the null at or above the discrepancy measured; NaN where
        nothing was removed or nothing added (no labels to exchange), or the spread is unknown.

    Source: Gretton et al. 2012, section 2.3 (permutation and gamma nulls); Wilson, Hilferty, PNAS 17, 1931.
    """
    root = math.sqrt(FREQUENCIES)
    mean_then, mean_now = before.features.astype(np.float64) / root, after.features.astype(np.float64) / root
    n, m, a = before.directed, after.directed, changed[0]
    r = n - (m - a)
    if not (r > 0 and a > 0 and n > 0 and m > 0) or math.isnan(sample.squared):
        return NONE, NONE
    kept = mean_now * m - changed[1]
    pool = (mean_then * n - kept + changed[1]) / (r + a)
    scale = 1.0 / n + 1.0 / m
    offset = kept * (1.0 / n - 1.0 / m) + pool * (r / n - a / m)
    factor = scale * scale * r * a / (r + a - 1)
    moved = float(offset @ offset)
    mean = factor * max(0.0, 1.0 - float(pool @ pool)) + moved
    variance = 2.0 * factor * factor * sample.squared + 4.0 * factor * sample.along(offset)
    if mean <= 0.0 or variance <= 0.0:
        return NONE, NONE
    ninth = variance / (9.0 * mean * mean)
    cut = mean * max(0.0, 1.0 - ninth + _Z95 * math.sqrt(ninth)) ** 3
    z = ((discrepancy(before, after) / mean) ** (1.0 / 3.0) - (1.0 - ninth)) / math.sqrt(ninth)
    return cut, 0.5 * math.erfc(z / math.sqrt(2.0))


def nearest(features: Features, sample: NDArray[np.float32], at: tuple[float, ...]) -> list[float]:
    """Quantiles of the cosine of each sampled chunk to the nearest other one of the sample.

    Args:
        features: its grid makes the products exact, whatever the order of the sums.
        sample: (s, d) vectors; without direction they do not count.
        at: which quantiles.

    Returns:
        One value for each, in [-1, 1] up to the grid; NaN below two vectors.
    """
    lengths = norms(sample)
    directions = features.directions(sample[lengths > 0], lengths[lengths > 0])
    if len(directions) < 2:
        return [NONE] * len(at)
    scale = np.sqrt(np.einsum("ij,ij->i", directions.astype(np.float64), directions.astype(np.float64)))
    cosines = (directions @ directions.T).astype(np.float64) / (scale[:, None] * scale)
    np.fill_diagonal(cosines, -np.inf)
    closest = np.sort(np.clip(cosines.max(axis=1), -1.0, 1.0))
    return quantiles(closest, np.ones(len(closest), np.int64), at)
