"""Everything that a proof of erasure looks at, opened read only and closed again."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from monitor.adapters.lock import OwnerLock
from monitor.adapters.stores.sqlite.store import SqliteStore
from monitor.app.configuration import Configuration
from monitor.app.erasing import erased
from monitor.app.erasure_corpus import keys_of
from monitor.app.erasure_sources import AskedIndex, ErasureSources
from monitor.app.loop import Monitor
from monitor.app.operations import Operations
from monitor.app.wiring.production import build_production
from monitor.app.wiring.reading import read_state
from monitor.app.wiring.retrieval import build_anchors, build_index, build_served_lexical, build_space
from monitor.core.erasure.document import Document
from monitor.core.erasure.model import ErasureRequest
from monitor.core.index.baseline import ListLeg
from monitor.core.index.corpus import Corpus
from monitor.core.model.anchors import AnchorSet
from monitor.core.model.lists import RankedLists
from monitor.core.records.committed import Commit
from monitor.kinds import RealIndex
from monitor.ports import (
    ConfigurationError,
    CorpusDriftError,
    Replay,
    Retriever,
    Unanswered,
    UnreachableError,
)

T = TypeVar("T")
PATIENCE = 60.0
"""Seconds to wait for the loop of a running monitor."""
PRODUCTION_DEADLINE = 60.0


def build_erasure(
    configuration: Configuration,
    monitor: Monitor | None,
    request: ErasureRequest,
    *,
    tell: Callable[[str], None] = lambda _: None,
) -> Document:
    """The proof of erasure for a request, over the committed state and what is served now.

    Args:
        configuration: of the state.
        monitor: the running loop in this process, whose lists and own index are looked at; None where none runs.
        request: what is asked.
        tell: gets a line on long work.

    Raises:
        ConfigurationError: the request or the configuration is wrong, or there is no state.
        UnreachableError: the anchors need an encoder that does not answer, or the loop does not.
    """
    if configuration.shards.there:
        said = f"shards.count = {configuration.shards.count}: a proof of erasure needs one process"
        message = f"{said}: a shard's file keeps what its last commit overwrote; expected shards.count = 1"
        raise ConfigurationError(message)
    if request.forget:
        _forget(configuration, monitor, request)
    space = build_space(configuration)
    anchors = build_anchors(configuration, space)
    chosen = configuration.production
    with ExitStack() as stack:
        store = stack.enter_context(read_state(configuration))
        real = build_index(configuration, space, Corpus(space.dimension))
        opened = stack.enter_context(_opened(configuration, real, monitor))
        lexical = build_served_lexical(configuration, space, Corpus(space.dimension))
        if lexical is not None:
            stack.enter_context(_started(lexical))
        production = build_production(configuration)
        if production is not None:
            stack.callback(production.close)
        sources = ErasureSources(
            store=store,
            anchors=anchors,
            distance=configuration.corpus.distance,
            depth=max(configuration.measure.depths),
            retriever=opened.retriever,
            closed=opened.closed,
            owned=real.owned is not None,
            reader=None if opened.retriever is None else real.reader,
            lexical=lexical,
            production=production,
            overheard=chosen is not None and chosen.passive,
            encoder=space.encoder,
            lists={} if monitor is None else _of_loop(monitor, _lists),
            deadline=configuration.dense.replay_deadline,
            production_deadline=PRODUCTION_DEADLINE if chosen is None else chosen.deadline,
            tell=tell,
        )
        newest = store.ledger()
        return erased(sources, request, newest[-1].event_time if newest else 0)


def _forget(configuration: Configuration, monitor: Monitor | None, request: ErasureRequest) -> None:
    """Have the state's owner forget the texts that are kept of deleted chunks for pictures; this process, where none
    runs.
    """
    with read_state(configuration) as store:
        keys = keys_of(store, request.ids)
    if monitor is not None:
        _of_loop(monitor, lambda operations: operations.unsay(keys))
        return
    path = configuration.located(configuration.state.path)
    with ExitStack() as stack:
        lock = OwnerLock(path)
        lock.acquire()
        stack.callback(lock.release)
        owned = SqliteStore(path)
        stack.callback(owned.close)
        resumed = owned.start()
        owned.commit(
            Commit(
                resumed.positions, newest_event_time=resumed.newest_event_time, current=owned.current(), unsaid=keys
            )
        )


@dataclass(frozen=True, slots=True)
class _Opened:
    """An index to ask, or why there is none; both empty where none is configured."""

    retriever: AskedIndex | None
    closed: str = ""


@contextmanager
def _opened(configuration: Configuration, real: RealIndex, monitor: Monitor | None) -> Iterator[_Opened]:
    """The served index: a server's as it is, the monitor's own through its loop, or its files where nobody runs."""
    if real.retriever is None:
        yield _Opened(None)
        return
    if real.owned is not None and monitor is not None:
        yield _Opened(_LoopIndex(monitor))
        return
    with ExitStack() as stack:
        try:
            if real.owned is not None:
                lock = OwnerLock(configuration.located(configuration.state.path))
                lock.acquire()
                stack.callback(lock.release)
            stack.enter_context(_started(real.retriever))
        except (ConfigurationError, UnreachableError) as error:
            yield _Opened(None, str(error))
            return
        yield _Opened(real.retriever)


@contextmanager
def _started(retriever: Retriever) -> Iterator[None]:
    try:
        retriever.start()
        yield
    finally:
        retriever.close()


class _LoopIndex:
    """The index that a running monitor fills, asked between two turns of its loop: two must not open it."""

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor

    def content_hashes(self, chunk_ids: Sequence[str], *, deadline: float) -> Mapping[str, str] | Unanswered:
        """See `Retriever`."""
        return self._ask(lambda of: of.content_hashes(chunk_ids, deadline=deadline))

    def replay(self, anchors: AnchorSet, rows: NDArray[np.int64], *, k: int, deadline: float) -> Replay:
        """See `Retriever`."""
        return self._ask(lambda of: of.replay(anchors, rows, k=k, deadline=deadline))

    def _ask(self, what: Callable[[Retriever], T]) -> T:
        return _of_loop(self._monitor, partial(_retrieved, what))


def _retrieved(what: Callable[[Retriever], T], operations: Operations) -> T:
    retriever = operations.parts.retriever
    if retriever is None:
        message = "no index is configured"
        raise CorpusDriftError(message)
    return what(retriever)


def _lists(operations: Operations) -> Mapping[ListLeg, RankedLists]:
    return dict(operations.parts.session.lists())


def _of_loop(monitor: Monitor, action: Callable[[Operations], T]) -> T:
    try:
        return monitor.ask(action).result(timeout=PATIENCE)
    except TimeoutError as error:
        message = f"the loop did not answer within {PATIENCE:g} s; is it working off a backlog?"
        raise UnreachableError(message) from error
