"""Restoring what a process or its shards kept up: from committed chunks, or an image of what was made of them."""

import gc
import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import numpy as np

from monitor.app.beside import thread
from monitor.app.heap import give_back
from monitor.core.index.corpus import Corpus, Delta
from monitor.core.index.engine import Engine, Start
from monitor.core.index.maintained import MaintainedState
from monitor.core.records.committed import Resumed
from monitor.core.shards.messages import of_one_run
from monitor.core.shards.port import DurableShards
from monitor.core.shards.sharded_state import ShardedState
from monitor.ports import OwnedIndex, StateStore, UnreachableError

LOG = logging.getLogger(__name__)
CHUNKS_AT_ONCE = 2_048
"""Texts and their words in memory at once: what is freed between rows that stay is hard to give back."""
WORTH_AN_IMAGE = 10_000
"""Live chunks from which on an image is kept: fewer are read in a second."""

ProgressHook = Callable[[int], AbstractContextManager[object]]
"""Given the number of chunks: what stands around their restoring, such as a line that says so."""


def restore(
    store: StateStore, corpus: Corpus, engine: Engine, index: OwnedIndex | None, around: ProgressHook = nullcontext
) -> Resumed:
    """Open the store and rebuild corpus, engine and owned index from it.

    Where the store has an image of the chunks as they are, it is taken up. Else the engine is fed the live chunks in
    key order; its lists depend on what is live only, so they come out the same to the bit. After a kill the owned
    index may be ahead of the store: it is mended to the committed table.

    Returns:
        Where the store left off.
    """
    resumed = store.start()
    chunks = _chunks(resumed)
    with around(chunks):
        with _uncollected(), thread("restore") as start:
            if not _resumed(store, corpus, engine, start):
                corpus.reach(chunks)
                engine.load(_parts(store, corpus), start=start)
        give_back()
        corpus.newest_event_time = max(corpus.newest_event_time, resumed.newest_event_time)
        corpus.barrier_time = max((judged.event_time for judged in resumed.ledger), default=0)
        if index is not None:
            index.start()
            index.reconcile([row for row in corpus.rows() if row.live], corpus.vectors)
    return resumed


def restore_shards(
    store: StateStore,
    corpus: Corpus,
    state: ShardedState,
    shards: DurableShards,
    around: ProgressHook = nullcontext,
) -> Resumed:
    """Open the store, have every shard go back to what it published, and go on from there.

    Raises:
        ConfigurationError: state and shards are not of one run, or not of this configuration.
        UnreachableError: a shard cannot be had now.
    """
    resumed = store.start()
    with around(_chunks(resumed)), _uncollected():
        at, loaded = shards.start(resumed.epoch, resumed.run)
        of_one_run([at], {part.topic for part in resumed.positions}, shards.count)
        state.resume(at, loaded)
    corpus.newest_event_time = max(corpus.newest_event_time, resumed.newest_event_time)
    return resumed


def keep_image(store: StateStore, corpus: Corpus, engine: MaintainedState) -> None:
    """Keep what is maintained for the next start, at the end of a run: the engine forgets its baseline.

    Args:
        store: holds the very chunks that the corpus does.
        corpus: the chunk table.
        engine: over it; shards have files of their own.
    """
    if not isinstance(engine, Engine) or len(corpus) < WORTH_AN_IMAGE:
        return
    try:
        store.keep_image({"corpus": corpus.image(), "engine": engine.image()}, engine.setup())
    except UnreachableError as error:  # the state is whole without it
        LOG.warning("%s", error)


def _resumed(store: StateStore, corpus: Corpus, engine: Engine, start: Start) -> bool:
    """Take up an image; whether there was one."""
    image, why = store.image(engine.setup())
    if image is None:
        if why:
            LOG.info("%s; the chunks are read instead", why)
        return False
    corpus.resume(image["corpus"])
    engine.resume(image["engine"], start=start)
    return True


def _chunks(resumed: Resumed) -> int:
    """Live chunks, from the counters of the loop: counting rows would read the whole file."""
    counted = resumed.counters.get
    return counted(("events", "upsert", "new"), 0) - counted(("events", "delete", "deleted"), 0)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Nothing here makes cycles: the collector would look through it again and again, now and in every turn."""
    collecting = gc.isenabled()
    gc.collect()  # before there are millions of objects to look through
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()
        gc.freeze()


def _parts(store: StateStore, corpus: Corpus) -> Iterator[Delta]:
    """The chunk table as the corpus takes it, in key order and in ascending slots."""
    none = np.zeros(0, np.int64)
    for stored in store.chunks(CHUNKS_AT_ONCE):
        first = len(corpus.names)
        rows = corpus.restore([row for row, _, _ in stored], [vector for _, _, vector in stored])
        fresh = [row for row in rows if row.live]
        texts = [text for row, text, _ in stored if row.live]
        end = first + len(fresh)
        yield Delta(none, np.arange(first, end), fresh, texts, corpus.vectors[first:end], none)
