"""Dense against lexical: how differently the two legs answer now, how that changed, and which leg moved."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.float64]


class Disagreement(NamedTuple):
    """(A,) float64 columns; NaN where a list they need is unknown.

    Two empty lists agree (0); one empty disagrees (1). Scores are not looked at: cosine and BM25 never mix.

    Args:
        rbo: 1 - RBO(dense, lexical) now, in [0, 1], 0 = the legs agree.
        jaccard: 1 - Jaccard(dense, lexical) now, in [0, 1].
        rbo_change: `rbo` now minus in the baseline, in [-1, 1], positive = the legs drifted apart.
        jaccard_change: the same of `jaccard`.
        dense_shift: 1 - RBO(dense baseline, dense now): how far the dense leg moved.
        lexical_shift: 1 - RBO(lexical baseline, lexical now).
    """

    rbo: Column
    jaccard: Column
    rbo_change: Column
    jaccard_change: Column
    dense_shift: Column
    lexical_shift: Column
