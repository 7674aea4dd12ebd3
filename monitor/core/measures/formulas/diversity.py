"""How different the results of one list are from each other."""

import numpy as np
from numpy.typing import NDArray

NO_VECTOR = -1
BLOCK = 1 << 15
"""Numbers gathered at a time: 256 KiB of float64 stay in a core's cache."""


def diversity_ratio(vectors: NDArray[np.float32], slots: NDArray[np.int64]) -> NDArray[np.float64]:
    """1 - mean pairwise cosine of the top-k vectors: 0 = all alike, 1 = unrelated.

    The mean over all pairs i < j of cos(v_i, v_j) equals (||Σ u_i||² - Σ ||u_i||²) / (m (m-1)) with unit vectors u,
    which needs no pair to be formed. A zero vector has cosine 0 with anything, as Qdrant defines it.

    Args:
        vectors: (n, d) float32, finite.
        slots: (A, k) int64, row of `vectors` of each result, NO_VECTOR where there is none.

    Returns:
        (A,) float64 in [0, 2] (above 1 only when vectors oppose each other); NaN below two vectors.

    Source: intra-list diversity, Ziegler et al., WWW 2005, with cosine similarity.
    """
    anchors, depth = slots.shape
    made = np.full(anchors, np.nan)
    step = max(1, BLOCK // max(1, depth * vectors.shape[1]))
    for start in range(0, anchors, step):
        made[start : start + step] = _block(vectors, slots[start : start + step])
    return made


def _block(vectors: NDArray[np.float32], slots: NDArray[np.int64]) -> NDArray[np.float64]:
    present = slots != NO_VECTOR
    count = np.count_nonzero(present, axis=1)
    wide = np.zeros((*slots.shape, vectors.shape[1]))
    wide[present] = vectors[slots[present]]
    norms = np.sqrt(np.sum(wide * wide, axis=2))
    wide /= np.where(norms == 0.0, 1.0, norms)[:, :, None]
    whole = np.sum(wide, axis=1)
    pairs = np.sum(whole * whole, axis=1) - np.count_nonzero(norms, axis=1)
    cosine = pairs / np.where(count < 2, 1, count * (count - 1))
    return np.where(count < 2, np.nan, np.clip(1.0 - cosine, 0.0, 2.0))
