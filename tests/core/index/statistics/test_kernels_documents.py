"""Sizes of documents fall into the bins that their histogram has."""

import numpy as np

from monitor.core.index.statistics.counters import DOCUMENT_BINS
from monitor.core.index.statistics.kernels_documents import size_bin


def test_every_size_falls_into_its_bin() -> None:
    sizes = np.unique(
        np.concatenate([np.arange(5_000), *(np.arange(-2, 3) + (1 << octave) for octave in range(2, 24))])
    )
    sizes = sizes[sizes >= 0]
    assert [size_bin(size) for size in sizes.tolist()] == DOCUMENT_BINS.of(sizes).tolist()
