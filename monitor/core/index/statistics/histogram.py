"""Integer histograms whose counts add and cancel exactly, and what is read from them."""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.compile import compiled

Values = NDArray[np.float64]
Counts = NDArray[np.int64]

_PARTS = 10
"""Bins of the population stability index."""
_WHOLE = 10_000
_ADDED = 0.5
"""Added to each of its bins, so that an empty one has a logarithm."""


@dataclass(frozen=True, slots=True)
class Bins:
    """One bin per integer below 2^exact, then 2^fine bins per octave.

    A value at or above 2^exact is known to 2^-(fine + 1) of itself; 2^top and all above share the last octave's end.

    Args:
        exact: values below 2^exact have a bin of their own.
        fine: 2^fine bins for each octave above; at most `exact`.
        top: values from 2^top on count as 2^top - 1.
    """

    exact: int
    fine: int
    top: int

    @property
    def width(self) -> int:
        """How many bins there are."""
        return int((1 << self.exact) + ((self.top - self.exact) << self.fine))

    def of(self, values: NDArray[np.int64]) -> NDArray[np.int64]:
        """The bin of each value >= 0; (n,) int64."""
        binned: NDArray[np.int64] = _binned(values, self.exact, self.fine, self.top)
        return binned

    def middles(self) -> Values:
        """The value each bin stands for: itself, or the middle of the integers in it; (width,) float64."""
        made: list[Values] = [np.arange(1 << self.exact, dtype=np.float64)]
        for octave in range(self.exact, self.top):
            step = 2.0 ** (octave - self.fine)
            within: Values = np.arange(1 << self.fine, dtype=np.float64)
            made.append(within * step + (2.0**octave + (step - 1.0) / 2.0))
        return np.concatenate(made)


@compiled
def _binned(values: Counts, exact: int, fine: int, top: int) -> Counts:
    """See `Bins.of`."""
    made = np.empty(len(values), np.int64)
    for place in range(len(values)):
        cut, octave = min(values[place], (1 << top) - 1), exact
        made[place] = cut
        if cut >> exact:
            while cut >> (octave + 1):
                octave += 1
            made[place] = (1 << exact) + ((octave - exact) << fine) + (cut >> (octave - fine)) - (1 << fine)
    return made


def quantiles(values: Values, counts: Counts, at: tuple[float, ...]) -> list[float]:
    """Quantiles by the inverted distribution function: the least value with at least q n of all values up to it.

    Args:
        values: (b,) float64, ascending.
        counts: (b,) int64 >= 0.
        at: q in (0, 1], to four decimals.

    Returns:
        One value for each q; NaN where there are no counts.

    Source: Hyndman, Fan, "Sample quantiles in statistical packages", The American Statistician 50(4), 1996, type 1.
    """
    found: list[float] = quantiles_at(values, counts, levels_of(at)).tolist()
    return found


@lru_cache(maxsize=64)
def levels_of(at: tuple[float, ...]) -> Counts:
    """The same in ten thousandths; read only."""
    return np.array([round(q * _WHOLE) for q in at], np.int64)


@compiled
def quantiles_at(values: Values, counts: Counts, levels: Counts) -> Values:
    """See `quantiles`. q n is rounded up in the integers: 0.95 * 20 is 19, whatever its last bit is."""
    made = np.full(len(levels), np.nan)
    total = np.sum(counts)
    for at in range(len(levels) if total > 0 else 0):
        wanted = max(1, -(-levels[at] * total // _WHOLE))
        reached = place = 0
        while reached + counts[place] < wanted:
            reached += counts[place]
            place += 1
        made[at] = values[place]
    return made


def stability_index(before: tuple[Values, Counts], after: tuple[Values, Counts]) -> float:
    """Population stability index: sum of (p - q) ln(p / q) over bins at the tenths of the earlier distribution.

    Bins end at the quantiles 0.1 ... 0.9 of `before`, each including its end; 0.5 is added to each count. A value
    that is several of these quantiles has a bin of its own: a shift away from it to either side shows.

    Args:
        before: values, ascending, and their counts.
        after: the same, now.

    Returns:
        >= 0; 0 for equal distributions, about 0.1 for a moderate and 0.25 for a large shift; NaN where either is
        empty.

    Source: Siddiqi, Credit Risk Scorecards, 2006, section 8.
    """
    return EarlierDistribution(before).stability_index(after)


class EarlierDistribution:
    """A distribution that others are compared with again and again: what depends on it alone is worked out once.

    Args:
        of: values, ascending, and their counts.
    """

    def __init__(self, of: tuple[Values, Counts]) -> None:
        self.of = of
        self._quantiles: dict[tuple[float, ...], list[float]] = {}

    def quantiles(self, at: tuple[float, ...]) -> list[float]:
        """See `quantiles`."""
        found = self._quantiles.get(at)
        if found is None:
            found = self._quantiles[at] = quantiles(*self.of, at)
        return found

    def stability_index(self, after: tuple[Values, Counts]) -> float:
        """See `stability_index`."""
        if self._tenths is None or not after[1].any():
            return float("nan")
        return float(index_between(*after, *self._tenths))

    @property
    def tenths(self) -> tuple[Values, Values]:
        """Where the bins of the index end, and the shares in them; both empty where it has no value."""
        return (_NOTHING, _NOTHING) if self._tenths is None else self._tenths

    @cached_property
    def _tenths(self) -> tuple[Values, Values] | None:
        """Where the bins end, and the shares in them; None without any counts."""
        if not self.of[1].sum():
            return None
        tenths = tuple(step / _PARTS for step in range(1, _PARTS))
        ends, times = np.unique(quantiles(*self.of, tenths), return_counts=True)
        ends = np.sort(np.concatenate((ends, np.nextafter(ends[times > 1], -np.inf))))
        return ends, _shares(*self.of, ends)


_NOTHING = np.zeros(0)


@compiled
def index_between(values: Values, counts: Counts, ends: Values, shares: Values) -> float:
    """The stability index of a distribution against the shares of an earlier one up to some ends."""
    index, now = 0.0, _shares(values, counts, ends)
    for place in range(len(now)):
        index += (now[place] - shares[place]) * np.log(now[place] / shares[place])
    return index


@compiled
def _shares(values: Values, counts: Counts, ends: Values) -> Values:
    """The share of the counts up to each end, and beyond the last; sums of halves are exact in any order."""
    weights = np.full(len(ends) + 1, _ADDED)
    for place in range(len(values)):
        if counts[place]:
            weights[np.searchsorted(ends, values[place])] += counts[place]
    shares: Values = weights / weights.sum()
    return shares
