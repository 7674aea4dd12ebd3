"""Restoring: from the committed chunk table to the same maintained state that the process had."""

import gc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext

import numpy as np

from monitor.core.index.corpus import ChunkRow, Corpus, Delta
from monitor.core.index.engine import Engine
from monitor.core.records.committed import Resumed
from monitor.ports import OwnedIndex, StateStore

CHUNKS_AT_ONCE = 2_048
"""Texts and their words in memory at once: what is freed between rows that stay is hard to give back."""


ProgressHook = Callable[[int], AbstractContextManager[object]]
"""Given the number of chunks: what stands around their restoring, such as a line that says so."""


def restore(
    store: StateStore, corpus: Corpus, engine: Engine, index: OwnedIndex | None, around: ProgressHook = nullcontext
) -> Resumed:
    """Open the store and rebuild corpus, engine and owned index from it.

    The engine is fed the live chunks in key order; its lists depend on what is live only, so they come out the same
    to the bit. After a kill the owned index may be ahead of the store: it is mended to the committed table.

    Returns:
        Where the store left off.
    """
    resumed = store.start()
    live: list[ChunkRow] = []
    chunks = _chunks(resumed)
    corpus.reach(chunks)
    with around(chunks):
        with _uncollected(), ThreadPoolExecutor(1, "restore") as beside:
            engine.load(_parts(store, corpus, live), start=lambda task: beside.submit(task).result)
        corpus.newest_event_time = max(corpus.newest_event_time, resumed.newest_event_time)
        corpus.barrier_time = max((judged.event_time for judged in resumed.ledger), default=0)
        if index is not None:
            index.start()
            index.reconcile(live, corpus.vectors)
    return resumed


def _chunks(resumed: Resumed) -> int:
    """Live chunks, from the counters of the loop: counting rows would read the whole file."""
    counted = resumed.counters.get
    return counted(("events", "upsert", "new"), 0) - counted(("events", "delete", "deleted"), 0)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Rows make no cycles: the collector would look through all of them again and again, now and in every turn."""
    collecting = gc.isenabled()
    gc.collect()  # before there are millions of rows to look through
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()
        gc.freeze()


def _parts(store: StateStore, corpus: Corpus, live: list[ChunkRow]) -> Iterator[Delta]:
    """The chunk table as the corpus takes it, in key order and in ascending slots; live rows are kept in `live`."""
    none = np.zeros(0, np.int64)
    for stored in store.chunks(CHUNKS_AT_ONCE):
        first = len(corpus.names)
        rows = corpus.restore([row for row, _, _ in stored], [vector for _, _, vector in stored])
        fresh = [row for row in rows if row.live]
        texts = [text for row, text, _ in stored if row.live]
        end = first + len(fresh)
        live += fresh
        yield Delta(none, np.arange(first, end), fresh, texts, corpus.vectors[first:end], none)
