"""What an evaluation reads of the maintained state: one engine gives it, and so do many shards together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.sorted_sets import SetLists, Sets
from monitor.core.index.baseline import ListLeg
from monitor.core.index.corpus import Corpus
from monitor.core.index.duplicates.content_sketch import ContentSketch
from monitor.core.index.duplicates.duplicates import Copies
from monitor.core.index.duplicates.near import AskedSets
from monitor.core.index.lexical.bm25 import Bm25Scorer
from monitor.core.index.lexical.sources import SourceStatistics, TermOccurrences
from monitor.core.index.lexical.statistics import LexicalStatistics
from monitor.core.index.statistics.measured import Measurable
from monitor.core.index.statistics.population import Population
from monitor.core.index.statistics.profile import Profile
from monitor.core.model.anchors import AnchorSet
from monitor.core.model.changes import Change, Delta, Refused
from monitor.core.model.events import Located
from monitor.core.model.lists import RankedLists


@dataclass(frozen=True, slots=True, eq=False)
class Taken:
    """What a batch of events did to the maintained state.

    Args:
        changes: in the order of the events; none where shards keep them.
        delta: the net effect, for an index that is filled from the events; empty where shards keep it.
        touched: by leg, (A,) bool: anchors whose exact list may have changed.
        outcomes: (kind of event, outcome) -> count.
        upserts: applied, and those of them that repeated the content of a live chunk.
        refused: events that cannot be believed, with their reasons.
        noted: (n,) int64 keys of chunks of which anything is known otherwise now.
        sketches: of what the chunks said that were deleted, by chunk key.
        came: (c,) int64 keys of chunks that have new content now.
        gone: (g,) int64 keys of chunks whose earlier content is gone; a modified chunk is in both.
        said: (s,) int64 keys of chunks that an event said are live, where shards keep the changes.
    """

    changes: tuple[Change, ...]
    delta: Delta
    touched: Mapping[ListLeg, NDArray[np.bool_]]
    outcomes: Mapping[tuple[str, str], int]
    upserts: tuple[int, int]
    refused: tuple[Refused, ...]
    noted: NDArray[np.int64]
    sketches: Mapping[int, ContentSketch] = field(default_factory=dict)
    came: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    gone: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    said: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))


class ListWork(NamedTuple):
    """What keeping the lists exact took since an engine was made; see `EngineWork`.

    Args:
        searched: by leg, anchors that were searched anew.
        rebuilds: times that all anchors were, on the dense leg.
        epochs: times that all anchors were, on the lexical leg.
        terms: words of its live chunks and of the anchors.
        tombstones: delete marks kept.
    """

    searched: Mapping[ListLeg, int]
    rebuilds: int
    epochs: int
    terms: int
    tombstones: int


class CopyIndex(Protocol):
    """Which live chunks say the same, exactly or nearly; see `Duplicates`, whose methods these are."""

    def counts(self, dimension: str) -> Mapping[str, Copies]:
        """Live chunks and copies per segment of a dimension."""
        ...

    def shingles(self, slot: int) -> NDArray[np.uint32]:
        """The sorted distinct shingles of a live chunk."""
        ...

    def sets(self, slots: NDArray[np.int64]) -> Sets:
        """The shingles of some live chunks; empty for a slot below 0."""
        ...

    def set_lists(self, slots: NDArray[np.int64]) -> SetLists:
        """The shingles of all live chunks in lists of slots, to be read before the next change."""
        ...

    def copied(self, slots: Sequence[int]) -> NDArray[np.bool_]:
        """Whether each of some live chunks has a copy, exact or near."""
        ...

    def holds(self, sets: Sequence[NDArray[np.uint32]]) -> NDArray[np.bool_]:
        """Whether some live chunk says each of these, exactly or nearly."""
        ...

    def asking(self, sets: Sequence[NDArray[np.uint32]]) -> AskedSets:
        """Make sets ready for `has`."""
        ...

    def has(self, asked: AskedSets, places: NDArray[np.int64]) -> NDArray[np.bool_]:
        """As `holds`, of some sets that were made ready."""
        ...

    def nearest(self, sets: Sequence[NDArray[np.uint32]]) -> list[NDArray[np.int64]]:
        """Slots of the live chunks that are most like each of these texts."""
        ...


class LexicalIndex(Protocol):
    """The lexical leg beside its lists; see `LexicalTopK`."""

    @property
    def bm25(self) -> Bm25Scorer:
        """The scoring function."""
        ...

    def statistics(self) -> LexicalStatistics:
        """What BM25 rests on now."""
        ...

    def occurrences(self, query: int, slots: NDArray[np.int64]) -> TermOccurrences:
        """How often some live chunks contain the terms of one query."""
        ...


class StatisticsIndex(Protocol):
    """The statistics of the live corpus; see `CorpusStatistics`."""

    def at(
        self, lexical: LexicalStatistics | None, upserts: tuple[int, int], *, cap: int, brief: bool = False
    ) -> Measurable:
        """The corpus as it is now, to be measured when somebody looks."""
        ...

    def rebase(self, profile: Profile | None, pinned: Profile | None = None) -> None:
        """Compare with this profile from here on, and with that of a pinned baseline beside it."""
        ...

    def population(self) -> Population:
        """The chunks as they are now, for a later comparison."""
        ...

    def described(self, slot: int) -> tuple[int, tuple[str, ...]]:
        """Digest of a live chunk's content and vector, and its value in each dimension."""
        ...


class MaintainedState(Protocol):
    """The exact lists of every anchor and what an evaluation asks beside them; see `Engine`."""

    @property
    def anchors(self) -> AnchorSet:
        """The anchors."""
        ...

    @property
    def duplicates(self) -> CopyIndex:
        """Copies."""
        ...

    @property
    def statistics(self) -> StatisticsIndex:
        """Statistics of the corpus."""
        ...

    @property
    def lexical(self) -> LexicalIndex | None:
        """The lexical leg, None while it is off."""
        ...

    def ingest(self, corpus: Corpus, events: Sequence[Located]) -> Taken:
        """Take a batch of events in: the corpus, and every anchor's exact lists."""
        ...

    def reanchor(self, anchors: AnchorSet) -> NDArray[np.int64]:
        """Watch other anchors from here on."""
        ...

    def by_source(self) -> SourceStatistics | None:
        """The BM25 statistics told apart by source."""
        ...

    def lists(self) -> Mapping[ListLeg, RankedLists]:
        """The exact lists now."""
        ...

    def rewrites(self) -> Mapping[ListLeg, RankedLists]:
        """The exact lists of all rewrites."""
        ...

    def exact(self, rows: NDArray[np.int64]) -> RankedLists:
        """The dense lists of some anchors once more, by a pass over all live vectors; for audits."""
        ...

    def work(self) -> ListWork:
        """What keeping the lists exact took."""
        ...
