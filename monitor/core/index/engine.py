"""The engine: all maintained state of both legs behind one `apply`."""

from collections.abc import Callable, Iterable, Mapping, Sequence, Sized
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.image import Image
from monitor.core.index.audit import exact_lists
from monitor.core.index.baseline import ListLeg
from monitor.core.index.corpus import Corpus, Delta
from monitor.core.index.dense.topk import DenseTopK
from monitor.core.index.duplicates.content_sketch import sketches_of_deleted
from monitor.core.index.duplicates.duplicates import Bands, Duplicates
from monitor.core.index.lexical.sources import SourceStatistics
from monitor.core.index.lexical.topk import LexicalTopK
from monitor.core.index.lexical.vocabulary import Vocabulary
from monitor.core.index.maintained import ListWork, MaintainedState, Taken
from monitor.core.index.statistics.corpus_statistics import CorpusStatistics
from monitor.core.model.anchors import AnchorSet, kept_rows
from monitor.core.model.changes import noted_keys, repeated_upserts
from monitor.core.model.events import Located
from monitor.core.model.lists import RankedLists
from monitor.core.model.rewrites import with_rewrites
from monitor.core.model.scoring import Distance
from monitor.core.text.tokens import tokenize
from monitor.errors import InputError

Wait = Callable[[], object]
"""Returns when a task is done, and raises what it raised."""
Start = Callable[[Callable[[], object]], Wait]
"""Starts a task."""
MOST_WAITING = 8_192
"""Chunks that wait for lexical lists at most, where these are made later: what waits takes memory."""
WORTH_A_THREAD = 256
"""Slots that a batch touches from which on it pays to count beside the legs; below that, handing over costs more."""
IMAGE_FORM = 3
"""Of images; raise it when what an image holds, or what its numbers mean, is another."""


def nothing() -> None:
    """There is no task to wait for."""


def at_once(task: Callable[[], object]) -> Wait:
    """Does the task instead of starting it."""
    task()
    return nothing


@dataclass(frozen=True, slots=True)
class Depths:
    """How deep the lists are maintained, and on which legs."""

    k: int
    dense: bool
    lexical: bool


@dataclass(frozen=True, slots=True)
class Bm25Config:
    """Parameters of the lexical leg; see `LexicalTopK`."""

    variant: Literal["okapi", "lucene"] = "okapi"
    k1: float = 1.5
    b: float = 0.75
    epsilon: float = 0.25

    def shown(self) -> str:
        """As a fingerprint has it."""
        return f"{self.variant}:k1={self.k1!r}:b={self.b!r}:epsilon={self.epsilon!r}"


class Engine:
    """Maintains the exact top-k of every anchor on both legs.

    Args:
        anchors: the anchors, with prepared vectors.
        corpus: the chunk table whose changes arrive through `apply`.
        depths: k and the legs that are on.
        distance: of the dense leg.
        bm25: of the lexical leg.
        bands: finds candidates for near copies.
        dimensions: by which statistics of the corpus are told apart.
        whole: whether all chunks of each document are in this corpus, see `StatisticsAccumulator`.
        vocabulary: of this engine alone; None: a plain one.
    """

    def __init__(
        self,
        anchors: AnchorSet,
        corpus: Corpus,
        depths: Depths,
        distance: Distance,
        bm25: Bm25Config,
        *,
        bands: Bands,
        dimensions: Sequence[str] = (),
        whole: bool = True,
        vocabulary: Vocabulary | None = None,
    ) -> None:
        self.anchors = anchors
        self._options = (depths, distance, bm25, bands.width, whole)
        self._corpus, self._depths, self._distance = corpus, depths, distance
        self.beside: Start = at_once
        """Starts what is counted of a large batch while both legs bring their lists up to date."""
        self.later = False
        """Whether lexical lists are made when somebody asks for them, once for all batches since."""
        self._ranked: NDArray[np.bool_] | None = np.zeros(len(anchors), np.bool_)
        """Whose lexical list changed when they were made last, and was not told yet; None: they are to be made."""
        self._duplicates = Duplicates(bands)
        self._statistics = CorpusStatistics(corpus, self._duplicates, dimensions, whole=whole)
        self._counted: Wait = nothing
        """Returns when copies and statistics are those of the last batch."""
        self.vocabulary = Vocabulary() if vocabulary is None else vocabulary
        # Rewrites are asked behind the anchors; on the dense leg only where something encodes them.
        self._by_vector, self._by_words = _asked(anchors)
        asked = self._by_words
        self.dense = DenseTopK(self._by_vector, corpus, k=depths.k, distance=distance) if depths.dense else None
        self.lexical = (
            LexicalTopK(
                [tokenize(anchor.text) for anchor in asked.anchors],
                asked.filters,
                corpus,
                self.vocabulary,
                k=depths.k,
                variant=bm25.variant,
                k1=bm25.k1,
                b=bm25.b,
                epsilon=bm25.epsilon,
                anchors=len(anchors),
            )
            if depths.lexical
            else None
        )

    @property
    def duplicates(self) -> Duplicates:
        """Which chunks say the same."""
        self._counted()
        return self._duplicates

    @property
    def statistics(self) -> CorpusStatistics:
        """Of the live chunks."""
        self._counted()
        return self._statistics

    def ingest(self, corpus: Corpus, events: Sequence[Located]) -> Taken:
        """Take a batch of events in: the corpus, and every anchor's exact lists.

        Its copies and statistics may still be counted when this returns; whoever asks for them, or takes the next
        batch in, waits.
        """
        self._counted()  # it reads the corpus
        applied = corpus.apply(events)
        delta = corpus.delta(applied.changes)
        sketches = sketches_of_deleted(applied.changes, self.duplicates.shingles)
        touched = self.apply(delta, ahead=True)
        upserts = repeated_upserts(applied.changes)
        noted = noted_keys(applied.changes, delta)
        return Taken(
            applied.changes,
            delta,
            touched,
            applied.outcomes,
            upserts,
            applied.refused,
            noted,
            sketches,
            came=corpus.keys[delta.added],
            gone=delta.removed_keys,
        )

    def apply(self, delta: Delta, *, ahead: bool = False) -> Mapping[ListLeg, NDArray[np.bool_]]:
        """Take a batch's net changes; returns which anchors each leg's list may have changed for, (A,) bool.

        Where lexical lists are made `later`, these are the anchors whose list changed when they were made last.

        Args:
            delta: the changes.
            ahead: whether copies and statistics may still be counted when this returns. The corpus must then stay as
                it is until somebody asks for them.
        """
        touched: dict[ListLeg, NDArray[np.bool_]] = {}
        dense = self._staged(delta)
        if dense is not None:
            touched["dense"] = dense[: len(self.anchors)]
        if self.lexical is not None:
            touched["lexical"] = self._told(self.lexical)
        if not ahead:
            self._counted()
        return touched

    def _told(self, lexical: LexicalTopK) -> NDArray[np.bool_]:
        """Have the lexical lists made now or later; which of them changed that was not told yet."""
        nobody: NDArray[np.bool_] = np.zeros(len(self.anchors), np.bool_)
        told, self._ranked = self._ranked, None
        if not self.later or lexical.waiting > MOST_WAITING:
            self._rank()
            told, self._ranked = self._ranked, nobody
        return nobody if told is None else told

    def _rank(self) -> None:
        """Make the lexical lists, where they are older than the corpus."""
        if self._ranked is None and self.lexical is not None:
            self._ranked = self.lexical.rank()[: len(self.anchors)]

    def stage(self, delta: Delta) -> NDArray[np.bool_] | None:
        """Take a batch's net changes, all but the lexical leg's lists: they wait for `lexical.rank`.

        Returns:
            Which of the dense leg's lists changed, rewrites too; None where the leg is off.
        """
        dense = self._staged(delta)
        self._counted()
        return dense

    def _staged(self, delta: Delta) -> NDArray[np.bool_] | None:
        """As `stage`, while copies and statistics may still be counted: they share nothing that either writes."""
        # One tokenisation feeds the lexical leg, the shingles and the statistics.
        tokens = self.vocabulary.encode(delta.texts)
        start = self.beside if len(delta.added) + len(delta.removed) >= WORTH_A_THREAD else at_once
        self._counted = start(partial(self._count, delta, tokens, self.vocabulary.hashes))
        try:
            dense = None if self.dense is None else self.dense.apply(delta)
            if self.lexical is not None:
                self.lexical.stage(delta, tokens)
            else:
                self.vocabulary.recycle()
        except BaseException:
            self._counted()
            raise
        return dense

    def load(self, deltas: Iterable[Delta], *, start: Start = at_once, rank: bool = True) -> None:
        """Take in a whole corpus that arrives in parts, into an empty engine: the bits of `apply`, in less time.

        What costs a pass over the corpus is done once, at the end: every search of the dense leg, every scan of the
        lexical one. Copies and statistics of a part are counted while the next one is read, the legs' searches go
        side by side: they share nothing that either writes.

        Args:
            deltas: parts that only add, read one by one, whose slots ascend from part to part.
            start: starts one task beside the caller, or does it at once.
            rank: whether the lexical leg's lists are made; else they wait for `lexical.rank`.
        """
        wait: Wait = nothing
        chunks = 0
        for delta in deltas:
            tokens = self.vocabulary.encode(delta.texts)
            wait()
            wait = start(partial(self._count, delta, tokens, self.vocabulary.hashes))
            if self.dense is not None:
                self.dense.take(delta)
            if self.lexical is not None:
                self.lexical.take(delta, tokens)
            chunks += len(delta.added)
        wait()
        if not chunks:
            return
        wait = nothing if self.dense is None else start(self.dense.settle)
        if self.lexical is None:
            self.vocabulary.recycle()
        elif rank:
            self.lexical.settle()
        else:
            self.lexical.postpone()
        wait()

    def setup(self) -> str:
        """What an image depends on beside the chunks: anchors, depths and parameters, as a digest."""
        asked = self._by_vector, self._by_words
        said = [[(anchor.id, anchor.text) for anchor in of.anchors] for of in asked], [of.filters for of in asked]
        options = (self._options, self.statistics.kept.cells.dimensions, self.statistics.kept.corpus.dimension)
        digest = blake2b(repr((IMAGE_FORM, said, options)).encode("utf-8", "surrogatepass"), digest_size=16)
        digest.update(self._by_vector.vectors.tobytes())
        return digest.hexdigest()

    def image(self) -> Image:
        """What is maintained, but for a baseline, which this forgets: it is taken at the end."""
        self._rank()
        legs = {"dense": self.dense, "lexical": self.lexical}
        return {
            "vocabulary": self.vocabulary.image(),
            "duplicates": self.duplicates.image(),
            "statistics": self.statistics.image(),
            **{name: leg.image() for name, leg in legs.items() if leg is not None},
        }

    def resume(self, image: Image, *, start: Start = at_once) -> None:
        """Take up what an engine of the same `setup` maintained, into an empty one; the corpus did so before.

        Lists, copies and statistics are those of an engine that took the live chunks in, to the bit.

        Args:
            image: of that engine.
            start: starts one task beside the caller, or does it at once.
        """
        wait = start(partial(self.duplicates.resume, image["duplicates"]))
        self.vocabulary.resume(image["vocabulary"])
        if self.lexical is not None:
            self.lexical.resume(image["lexical"])
        if self.dense is not None:
            self.dense.resume(image["dense"])
        self.statistics.resume(image["statistics"])
        wait()

    def _count(self, delta: Delta, tokens: Sequence[NDArray[np.int32]], hashes: NDArray[np.uint64]) -> None:
        self._duplicates.apply(delta, tokens, hashes)
        self._statistics.apply(delta, tokens, hashes)

    def reanchor(self, anchors: AnchorSet) -> NDArray[np.int64]:
        """Watch other anchors from here on; call it between two batches.

        Only what is asked for the first time is searched for; afterwards all lists are those of an engine that had
        these anchors from the start, to the bit.

        Returns:
            (A,) int64: for each anchor the row that asked the same before, -1 for a new question.
        """
        return self._reanchor(anchors, wait=False)

    def ask(self, anchors: AnchorSet) -> NDArray[np.int64]:
        """As `reanchor`, all but the lexical leg's new lists: they wait for `lexical.rank`."""
        return self._reanchor(anchors, wait=True)

    def _reanchor(self, anchors: AnchorSet, *, wait: bool) -> NDArray[np.int64]:
        self._rank()
        kept = kept_rows(self.anchors, anchors)
        by_vector, by_words = _asked(anchors)
        if self.dense is not None:
            self.dense.reanchor(by_vector, kept_rows(self._by_vector, by_vector))
        if self.lexical is not None:
            queries = [tokenize(anchor.text) for anchor in by_words.anchors]
            before = kept_rows(self._by_words, by_words)
            asking = self.lexical.ask if wait else self.lexical.reanchor
            asking(queries, by_words.filters, before, anchors=len(anchors))
        self.anchors, self._by_vector, self._by_words = anchors, by_vector, by_words
        self._ranked = np.zeros(len(anchors), np.bool_)
        return kept

    def by_source(self) -> SourceStatistics | None:
        """The BM25 statistics told apart by source; None while the lexical leg is off."""
        return None if self.lexical is None else self.lexical.by_source(self.duplicates.codes)

    def lists(self) -> Mapping[ListLeg, RankedLists]:
        """The exact lists now; the dense ones under `exact`, because `dense` is what the real index serves."""
        self._rank()
        made: dict[ListLeg, RankedLists] = {}
        if self.dense is not None:
            made["exact"] = _first(self.dense.lists(), len(self.anchors))
        if self.lexical is not None:
            made["lexical"] = _first(self.lexical.lists(), len(self.anchors))
        return made

    def rewrites(self) -> Mapping[ListLeg, RankedLists]:
        """The exact lists of all rewrites, in the order of the anchors; a leg that does not ask them is absent."""
        self._rank()
        made: dict[ListLeg, RankedLists] = {}
        own, asked = len(self.anchors), len(self._by_words)
        if self.dense is not None and len(self._by_vector) > own:
            made["exact"] = self.dense.lists().take(np.arange(own, asked))
        if self.lexical is not None and asked > own:
            made["lexical"] = self.lexical.lists().take(np.arange(own, asked))
        return made

    def exact(self, rows: NDArray[np.int64]) -> RankedLists:
        """The dense lists of some anchors once more, by a pass over all live vectors; for audits."""
        return exact_lists(self._corpus, self.anchors, rows, k=self._depths.k, distance=self._distance)

    def work(self) -> ListWork:
        """What keeping the lists exact took."""
        searched: dict[ListLeg, int] = {}
        if self.dense is not None:
            searched["dense"] = self.dense.searched
        if self.lexical is not None:
            searched["lexical"] = self.lexical.refills
        known = self._corpus.rows()
        return ListWork(
            searched,
            rebuilds=0 if self.dense is None else self.dense.rebuilds,
            epochs=0 if self.lexical is None else self.lexical.epochs,
            terms=len(self.vocabulary),
            tombstones=len(known) - len(self._corpus) if isinstance(known, Sized) else 0,
        )


def of_one_process(state: MaintainedState) -> Engine:
    """The engine itself, for what is not worked out over shards; docs/scale.md names it.

    Raises:
        InputError: there is no such engine, there are shards.
    """
    if not isinstance(state, Engine):
        message = "the corpus is in shards; expected one process, see docs/scale.md"
        raise InputError(message)
    return state


def _asked(anchors: AnchorSet) -> tuple[AnchorSet, AnchorSet]:
    """What is asked by vector, and what by words."""
    return with_rewrites(anchors, vectors=True), with_rewrites(anchors, vectors=False)


def _first(lists: RankedLists, count: int) -> RankedLists:
    return lists if len(lists) == count else lists.take(np.arange(count))


def rows_of(touched: Mapping[ListLeg, NDArray[np.bool_]], legs: Sequence[ListLeg]) -> NDArray[np.int64]:
    """Indices of the anchors touched on any of the legs."""
    masks = [touched[leg] for leg in legs if leg in touched]
    return np.flatnonzero(np.logical_or.reduce(masks)) if masks else np.zeros(0, np.int64)
