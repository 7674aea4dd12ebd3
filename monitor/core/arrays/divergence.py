"""Divergence of two mixes."""

import numpy as np
from numpy.typing import NDArray


def jensen_shannon(before: NDArray[np.float64], after: NDArray[np.float64]) -> NDArray[np.float64]:
    """Jensen-Shannon divergence in bits: ½ KL(P ‖ M) + ½ KL(Q ‖ M), M = ½ (P + Q).

    (scipy's `jensenshannon` is the square root of it, in nats unless base=2.)

    Args:
        before: (..., S) float64 counts or weights >= 0; each row is normalised here.
        after: (..., S) float64, the same categories.

    Returns:
        (...) float64 in [0, 1]: 0 for equal mixes, 1 for disjoint ones; NaN where a side has no mass.

    Source: Lin, Divergence measures based on the Shannon entropy, IEEE Trans. Inf. Theory 37(1), 1991.
    """
    masses = np.sum(before, axis=-1), np.sum(after, axis=-1)
    void = (masses[0] <= 0.0) | (masses[1] <= 0.0)
    p, q = (side / np.where(void, 1.0, mass)[..., None] for side, mass in zip((before, after), masses, strict=True))
    middle = 0.5 * (p + q)
    divergence = 0.5 * (_relative(p, middle) + _relative(q, middle))
    return np.where(void, np.nan, np.clip(divergence, 0.0, 1.0))


def _relative(p: NDArray[np.float64], q: NDArray[np.float64]) -> NDArray[np.float64]:
    """KL(p ‖ q) in bits, where q > 0 wherever p is; 0 log 0 = 0."""
    ratio = np.where(p > 0.0, p, 1.0) / np.where(p > 0.0, q, 1.0)
    total: NDArray[np.float64] = np.sum(p * np.log2(ratio), axis=-1)
    return total
