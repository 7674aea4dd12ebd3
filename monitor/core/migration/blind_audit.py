"""The blind audit: vectors of the new version against their texts encoded anew."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.judging.beta import share_upper
from monitor.core.judging.bounds import ALPHA

SAME = 0.999
"""Cosine of two encodings of one text by one encoder: batches and hardware change the last digits, no more."""


@dataclass(frozen=True, slots=True)
class BlindAudit:
    """Stored vectors against their texts encoded anew.

    Args:
        checked: n vectors.
        failed: rows whose cosine is below `SAME`.
        least: smallest cosine seen, NaN where none was checked.
    """

    checked: int
    failed: tuple[int, ...]
    least: float

    @property
    def mixed_most(self) -> float:
        """95% upper bound of the share of vectors that another encoder made; exact binomial.

        >>> round(BlindAudit(300, (), 1.0).mixed_most, 4)
        0.0099
        """
        return share_upper(len(self.failed), self.checked, ALPHA) if self.checked else 1.0


def blind_audit(stored: NDArray[np.float32], anew: NDArray[np.float32]) -> BlindAudit:
    """Compare stored vectors with what the contract's encoder makes of their texts now.

    Args:
        stored: (n, d) float32, of chunks chosen at random.
        anew: (n, d) float32, aligned.
    """
    found = cosines(stored, anew)
    wrong = np.flatnonzero(~(found >= SAME))
    least = float(np.min(np.where(np.isnan(found), -1.0, found), initial=math.inf))
    return BlindAudit(len(found), tuple(wrong.tolist()), least if len(found) else math.nan)


def cosines(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float64]:
    """(n,) cosine of aligned rows, in [-1, 1]; NaN where a vector has no direction or is not finite."""
    a, b = one.astype(np.float64), other.astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        made = np.sum(a * b, axis=1) / np.sqrt(np.sum(a * a, axis=1) * np.sum(b * b, axis=1))
    clipped: NDArray[np.float64] = np.clip(made, -1.0, 1.0)
    return clipped
