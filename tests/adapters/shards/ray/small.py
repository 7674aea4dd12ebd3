"""The small stream of the faults: three shards, few chunks, deletes, moves, copies over shards."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from monitor.core.model.events import Located
from tests.adapters.stores.sqlite.test_stored_shards import ANCHORS, BM25, batch
from tests.core.shards.streams import Feed, config, drift_of

__all__ = ["ANCHORS", "CONFIG", "DRIFT", "ONE", "batches"]
ONE = config(1, 2, BM25)
CONFIG = replace(ONE, shards=3)
DRIFT = drift_of(ANCHORS, BM25, 2)


def batches(turns: int) -> Iterator[list[Located]]:
    """The same each time."""
    generator, feed = np.random.default_rng(23), Feed()
    for _ in range(turns):
        yield batch(feed, generator)
