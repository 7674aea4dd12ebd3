"""Restoring: from the committed chunk table to the same maintained state that the process had."""

import numpy as np
from numpy.typing import NDArray

from monitor.core.corpus import Corpus, Delta, Row
from monitor.core.engine import Engine
from monitor.ports import OwnedIndex, Resumed, StateStore

CHUNKS_AT_ONCE = 8_192


def restore(store: StateStore, corpus: Corpus, engine: Engine, index: OwnedIndex | None) -> Resumed:
    """Open the store and rebuild corpus, engine and owned index from it.

    The engine is fed the live chunks in key order; its lists depend on what is live only, so they come out the same
    to the bit. After a kill the owned index may be ahead of the store: it is mended to the committed table.

    Returns:
        Where the store left off.
    """
    resumed = store.start()
    live: list[Row] = []
    for stored in store.chunks(CHUNKS_AT_ONCE):
        rows = [corpus.restore(row, vector) for row, _, vector in stored]
        fresh = [(row, text) for row, (_, text, _) in zip(rows, stored, strict=True) if row.live]
        engine.apply(_arrived(fresh, corpus))
        live += [row for row, _ in fresh]
    corpus.newest_event_time = max(corpus.newest_event_time, resumed.newest_event_time)
    corpus.barrier_time = max((judged.event_time for judged in resumed.ledger), default=0)
    if index is not None:
        index.start()
        index.reconcile(live, corpus.vectors)
    return resumed


def _arrived(fresh: list[tuple[Row, str]], corpus: Corpus) -> Delta:
    ordered = sorted(fresh, key=lambda pair: pair[0].slot)
    slots: NDArray[np.int64] = np.array([row.slot for row, _ in ordered], np.int64)
    none = np.zeros(0, np.int64)
    texts = [text for _, text in ordered]
    return Delta(none, slots, [row for row, _ in ordered], texts, corpus.vectors[slots], none)
