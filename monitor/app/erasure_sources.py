"""What a proof of erasure can look at: the committed state, the served indexes, production, the lists of now."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.baseline import ListLeg
from monitor.core.model.anchors import Anchor, AnchorSet
from monitor.core.model.lists import RankedLists
from monitor.core.model.scoring import Distance, prepare
from monitor.ports import (
    ConfigurationError,
    Encoder,
    IndexReader,
    ProductionRetriever,
    Replay,
    StateStore,
    Unanswered,
    UnreachableError,
)


class AskedIndex(Protocol):
    """What is asked of a served index; a `Retriever` can do it."""

    def content_hashes(self, chunk_ids: Sequence[str], *, deadline: float) -> Mapping[str, str] | Unanswered:
        """See `Retriever`."""
        ...

    def replay(self, anchors: AnchorSet, rows: NDArray[np.int64], *, k: int, deadline: float) -> Replay:
        """See `Retriever`."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class ErasureSources:
    """What can be looked at.

    Args:
        store: the committed state, opened read only.
        anchors: the anchors, with their vectors.
        distance: of the dense leg.
        depth: k of the lists.
        retriever: the served index; None where none is configured or it could not be opened.
        closed: why it could not be opened; "" where it was, or none is configured.
        owned: whether the monitor fills it from the events alone.
        reader: lists its points, None where that cannot be.
        lexical: the served lexical index, None where none is configured.
        production: the retriever as users get it, None where it is not asked.
        overheard: whether production is only overheard in a log.
        encoder: encodes a text that was given, None where nothing does.
        lists: the lists of now, by leg, in the rows of the anchors; empty where no monitor runs.
        deadline: seconds that one look at an index may take.
        production_deadline: seconds that production may take.
        listing: seconds that listing all points of an index may take.
        monotonic: seconds, for waits.
        tell: gets a line on long work.
    """

    store: StateStore
    anchors: AnchorSet
    distance: Distance
    depth: int
    retriever: AskedIndex | None = None
    closed: str = ""
    owned: bool = False
    reader: IndexReader | None = None
    lexical: AskedIndex | None = None
    production: ProductionRetriever | None = None
    overheard: bool = False
    encoder: Encoder | None = None
    lists: Mapping[ListLeg, RankedLists] = field(default_factory=dict)
    deadline: float = 30.0
    production_deadline: float = 60.0
    listing: float = 300.0
    monotonic: Callable[[], float] = time.monotonic
    tell: Callable[[str], None] = lambda _: None

    def question(self, text: str) -> AnchorSet | str:
        """A text as the one anchor of a set, with its vector; or why it cannot be one."""
        if self.encoder is None:
            return "the text cannot be searched for: no encoder is configured"
        try:
            vector = self.encoder.encode([text])
        except (UnreachableError, ConfigurationError) as error:
            return f"the text cannot be searched for: {error}"
        prepared = prepare(vector.astype(np.float32), self.distance)
        return AnchorSet([Anchor("", text, prepared[0])], prepared, np.ones(1), [()])
