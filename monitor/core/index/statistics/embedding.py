"""How far an embedding space moved, and how dense it is, from means of features and from a small sample."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.compile import compiled
from monitor.core.arrays.fixed import fixed
from monitor.core.index.statistics.features import FEATURES, FREQUENCIES, ONE, Features, norms
from monitor.core.index.statistics.histogram import quantiles
from monitor.core.index.statistics.profile import Embedding, SegmentProfile

NONE = float("nan")
Embeddings = NDArray[np.float32]
_Z95 = 1.6448536269514722
_FEW = 10
"""Changed chunks in the sample from which on their spread says something."""
_TOGETHER = 8
"""Rows that are multiplied in one pass over all: their sums stay in the cache."""
_EVERY = np.arange(FEATURES)


def discrepancy(before: SegmentProfile, after: SegmentProfile) -> float:
    """Squared maximum mean discrepancy: |m - m'|^2 of the mean features, over the number of frequencies.

    The biased (V-) statistic of the kernel that the features stand for; 0 for equal means. That kernel is in [0, 1],
    so it is at most 2 but for the error of finitely many frequencies (4 is out of reach). NaN without features.

    Source: Gretton et al., "A kernel two-sample test", JMLR 13, 2012, eq. 5, with the features of Rahimi, Recht.
    """
    return float(squared_apart(before.features, after.features))


def cosine_shift(before: SegmentProfile, after: SegmentProfile) -> float:
    """1 - cos of the mean directions then and now, in [0, 2]; NaN where a mean vanishes."""
    return float(turned(before.direction, after.direction))


def resultant(segment: SegmentProfile) -> float:
    """Mean resultant length: |mean of the unit vectors|, 0 for spread all around, 1 for one direction."""
    return float(length_of(segment.direction))


@compiled
def squared_apart(one: Embedding, other: Embedding) -> float:
    """See `discrepancy`; of mean features."""
    total = 0.0
    for at in range(len(one)):
        apart = np.float64(one[at]) - np.float64(other[at])
        total += apart * apart
    return total / FREQUENCIES


@compiled
def turned(one: Embedding, other: Embedding) -> float:
    """See `cosine_shift`; of mean directions."""
    product = first = second = 0.0
    same = True
    for at in range(len(one)):
        left, right = np.float64(one[at]), np.float64(other[at])
        product += left * right
        first += left * left
        second += right * right
        same &= left == right
    lengths = np.sqrt(first * second)
    if not lengths:
        return np.nan
    return 0.0 if same else max(0.0, 1.0 - product / lengths)


@compiled
def length_of(direction: Embedding) -> float:
    """See `resultant`; of a mean direction."""
    total = 0.0
    for at in range(len(direction)):
        total += np.float64(direction[at]) ** 2
    made: float = min(1.0, np.sqrt(total))
    return made


@dataclass(frozen=True, slots=True, eq=False)
class FeatureSpread:
    """How the features of a sample lie around their mean.

    Args:
        sample: (s, d) float32 vectors that have a direction.
        mapped: (FEATURES, s) float64, the features of each, of length 1.
        products: (s, s) float64 of each two.
        squared: trace of the squared covariance, from the pairs of two different chunks; NaN below 10 of them.
    """

    sample: Embeddings
    mapped: NDArray[np.float64]
    products: NDArray[np.float64]
    squared: float

    def along(self, direction: NDArray[np.float64]) -> float:
        """Variance along a direction, times its squared length."""
        found = direction @ self.mapped
        return float(np.sum((found - found.mean()) ** 2)) / (len(found) - 1)


def spread(features: Features, sample: Embeddings, before: FeatureSpread | None = None) -> FeatureSpread:
    """The spread of a sample of vectors; those without direction do not count.

    Args:
        features: how vectors are mapped.
        sample: (s, d) float32.
        before: of another sample by the same features: what both hold is not worked out again. The result is the
            same without it.
    """
    sample = fixed(sample)
    places = np.full(len(sample), -1, np.int64) if before is None else _same_rows(before.sample, sample)
    fresh = np.flatnonzero(places < 0)
    lengths = norms(sample[fresh])
    if not lengths.all():
        kept = np.ones(len(sample), np.bool_)
        kept[fresh[lengths == 0]] = False
        return spread(features, sample[kept], before)
    count, scale = len(sample), ONE * math.sqrt(FREQUENCIES)
    if before is None:
        mapped, products = np.empty((FEATURES, count)), np.empty((count, count))
    else:
        mapped, products = _take(before.mapped, _EVERY, places), _take(before.products, places, places)
    mapped[:, fresh] = features.of(features.directions(sample[fresh], lengths)).T / scale
    _multiply(mapped, fresh, products)
    squared = NONE if count < _FEW else float(_squared(products)) / (count * (count - 1))
    return FeatureSpread(sample, mapped, products, squared)


@compiled
def _same_rows(before: Embeddings, now: Embeddings) -> NDArray[np.int64]:
    """(s,) the place of each row among those of before, compared by their bits; -1 where it is none of them.

    No two have the same place: of equal rows each finds one of its own.
    """
    left, right = before.view(np.int32), now.view(np.int32)
    found, near, count = np.full(len(right), -1, np.int64), 0, len(left)
    taken = np.zeros(count, np.bool_)
    for row in range(len(right)):
        for step in range(count):  # most follow the one before
            place = near + step if near + step < count else near + step - count
            if taken[place] or left[place, 0] != right[row, 0]:
                continue
            differs = np.int32(0)  # of the whole row: a loop that ends early is not vectorised
            for at in range(right.shape[1]):
                differs |= left[place, at] ^ right[row, at]
            if not differs:
                found[row], near, taken[place] = place, place + 1 if place + 1 < count else 0, True
                break
    return found


@compiled
def _take(before: NDArray[np.float64], rows: NDArray[np.int64], places: NDArray[np.int64]) -> NDArray[np.float64]:
    """(n, s) numbers from these rows and places of before; those of a row or place below 0 mean nothing."""
    count, runs = len(places), 0
    starts, ends = np.empty(count, np.int64), np.empty(count, np.int64)
    for at in range(count):  # most follow the one before
        if places[at] < 0:
            continue
        if runs and ends[runs - 1] == at and places[at] == places[at - 1] + 1:
            ends[runs - 1] = at + 1
        else:
            starts[runs], ends[runs] = at, at + 1
            runs += 1
    now = np.empty((len(rows), count))
    for row in range(len(rows)):
        if rows[row] >= 0:
            own, into = before[rows[row]], now[row]
            for run in range(runs):
                apart = places[starts[run]] - starts[run]
                for at in range(starts[run], ends[run]):
                    into[at] = own[at + apart]
    return now


@compiled
def _multiply(mapped: NDArray[np.float64], rows: NDArray[np.int64], products: NDArray[np.float64]) -> None:
    """Products of some rows with all; each adds up feature by feature, whatever else is asked for."""
    count = mapped.shape[1]
    for first in range(0, len(rows), _TOGETHER):
        part = rows[first : first + _TOGETHER]
        total = np.zeros((len(part), count))
        for feature in range(len(mapped)):
            own = mapped[feature]
            for at in range(len(part)):
                factor = own[part[at]]
                for other in range(count):
                    total[at, other] += factor * own[other]
        for at in range(len(part)):
            for other in range(count):
                products[part[at], other] = products[other, part[at]] = total[at, other]


@compiled
def _squared(products: NDArray[np.float64]) -> float:
    """Sum of the squared products of each two different rows less the mean of all rows."""
    count = len(products)
    means, total = np.zeros(count), np.zeros(count)
    for row in range(count):
        for other in range(count):
            means[other] += products[row, other]
    means /= count
    middle = np.sum(means) / count
    for row in range(count):
        own = middle - means[row]
        for other in range(row):
            total[other] += (products[row, other] - means[other] + own) ** 2
    return 2.0 * np.sum(total)


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


@dataclass(frozen=True, slots=True, eq=False)
class NearestCosines:
    """How near to each other the vectors of a sample are.

    Args:
        sample: (s, d) float32 vectors that have a direction.
        directions: (s, d) float32, see `Features.directions`.
        scale: (s,) float64, the lengths of these.
        closest: (s,) float64, the cosine of each to the nearest other one; -inf where there is no other.
        nearest: (s,) int64, that other one; one of them where several are as near.
    """

    sample: Embeddings
    directions: Embeddings
    scale: NDArray[np.float64]
    closest: NDArray[np.float64]
    nearest: NDArray[np.int64]

    def quantiles(self, at: tuple[float, ...]) -> list[float]:
        """See `nearest`."""
        if len(self.sample) < 2:
            return [NONE] * len(at)
        closest = np.sort(np.clip(self.closest, -1.0, 1.0))
        return quantiles(closest, np.ones(len(closest), np.int64), at)


def cosines(features: Features, sample: Embeddings, before: NearestCosines | None = None) -> NearestCosines:
    """The nearest cosines of a sample of vectors; those without direction do not count.

    Args:
        features: its grid makes the products exact, whatever the order of the sums.
        sample: (s, d) float32.
        before: of another sample: a vector of both whose nearest is in both too is only held against what came. The
            cosines are the same without it.
    """
    sample = fixed(sample)
    places = np.full(len(sample), -1, np.int64) if before is None else _same_rows(before.sample, sample)
    fresh = np.flatnonzero(places < 0)
    lengths = norms(sample[fresh])
    if not (lengths > 0).all():
        kept = np.ones(len(sample), np.bool_)
        kept[fresh[~(lengths > 0)]] = False
        return cosines(features, sample[kept], before)
    count = len(sample)
    if before is None or len(fresh) == count:
        directions, scale = np.empty(sample.shape, np.float32), np.empty(count)
        closest, nearest = np.full(count, -np.inf), np.full(count, -1, np.int64)
    else:
        directions, scale, closest = before.directions[places], before.scale[places], before.closest[places]
        now = np.full(len(before.sample) + 1, -1, np.int64)  # the last one for what has no nearest
        now[places] = np.arange(count)
        now[-1] = -1
        nearest = now[before.nearest[places]]
        closest[fresh], nearest[fresh] = -np.inf, -1
    directions[fresh] = features.directions(sample[fresh], lengths)
    exact = directions[fresh].astype(np.float64)
    scale[fresh] = np.sqrt(np.einsum("ij,ij->i", exact, exact))
    left = np.flatnonzero(nearest < 0)  # what came, and those whose nearest went
    found = (directions[left] @ directions.T).astype(np.float64) / (scale[left, None] * scale)
    _hold(found, left, closest, nearest)
    return NearestCosines(sample, directions, scale, closest, nearest)


@compiled
def _hold(
    found: NDArray[np.float64], rows: NDArray[np.int64], closest: NDArray[np.float64], nearest: NDArray[np.int64]
) -> None:
    """Hold the cosines of some rows to all against what is known of either: all of a row that knows nothing yet."""
    for at in range(len(rows)):
        row = rows[at]
        closest[row] = -np.inf
        for other in range(len(closest)):
            if other != row:
                if found[at, other] > closest[row]:
                    closest[row], nearest[row] = found[at, other], other
                if found[at, other] > closest[other]:
                    closest[other], nearest[other] = found[at, other], row


def nearest(features: Features, sample: Embeddings, at: tuple[float, ...]) -> list[float]:
    """Quantiles of the cosine of each sampled chunk to the nearest other one of the sample.

    Args:
        features: as of `cosines`.
        sample: (s, d) vectors; without direction they do not count.
        at: which quantiles.

    Returns:
        One value for each, in [-1, 1] up to the grid; NaN below two vectors.
    """
    return cosines(features, sample).quantiles(at)
