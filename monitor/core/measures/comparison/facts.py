"""What the chunks in the lists are: where they come from, what they say, where their vectors stand."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.sorted_sets import SetLists, Sets
from monitor.core.index.baseline import Member, Shingles, Snapshot
from monitor.core.index.corpus import ChunkRow, Corpus
from monitor.core.index.duplicates.near import AskedSets
from monitor.core.index.duplicates.shingles import NO_SHINGLES
from monitor.core.index.maintained import CopyIndex
from monitor.core.index.since_baseline import ChangesSinceBaseline
from monitor.core.measures.formulas.diversity import NO_VECTOR
from monitor.core.model.lists import NO_CHUNK
from monitor.core.model.segments import source_in

_FEW = 8
"""Chunks that are looked up one by one: columns of them would take longer."""
_NOWHERE = -2
"""In place of the slot of a chunk that is not live; NO_CHUNK is the end of a list."""


class Facts(Protocol):
    """Facts of chunks by key, read during an evaluation only; a chunk that is not known has none."""

    @property
    def vectors(self) -> NDArray[np.float32] | None:
        """(n, d) vectors by slot, None where nobody keeps them."""
        ...

    @property
    def events(self) -> bool:
        """Whether `changes` knows the last event of every chunk."""
        ...

    def changes(self, baseline: Snapshot) -> ChangesSinceBaseline:
        """What changed since a baseline, chunk by chunk."""
        ...

    def origins(self, keys: Sequence[int]) -> list[tuple[str, str]]:
        """The source and the document of each of n chunks, "" for none and for a chunk that is not live."""
        ...

    def slots(self, keys: Sequence[int]) -> NDArray[np.int64]:
        """(n,) int64, where the vectors of n chunks stand, NO_VECTOR for none."""
        ...

    def shingles(self, key: int) -> NDArray[np.uint32]:
        """Its sorted distinct shingles; empty when they are not known, or nothing is seen."""
        ...

    def shingles_of(self, keys: Sequence[int], slots: NDArray[np.int64]) -> Sequence[NDArray[np.uint32]]:
        """`shingles` of n chunks; `slots`, (n,) int64, is what `slots` says of them."""
        ...

    def texts(self, keys: NDArray[np.int64], slots: NDArray[np.int64]) -> SetLists:
        """The shingles of all chunks in (n, m) lists of keys; to be read before anything changes.

        Args:
            keys: NO_CHUNK behind the end of a list.
            slots: what `slots` says of each; NO_CHUNK behind the end.
        """
        ...

    def asking(self, sets: Sequence[NDArray[np.uint32]]) -> AskedSets:
        """Texts, given by their shingles, made ready to be asked about again and again."""
        ...

    def holds(self, asked: AskedSets, places: NDArray[np.int64]) -> NDArray[np.bool_] | None:
        """(n,) bool, whether some live chunk says each of n of these texts, given by their places, exactly or nearly.

        None where nobody knows: only what stands in lists was kept.
        """
        ...


class CorpusFacts:
    """Facts of the corpus as it is.

    Args:
        corpus: the chunk table.
        duplicates: has the shingles.
        changes: what changed since a baseline; None: as far as the chunk table knows.
    """

    events = True

    def __init__(
        self,
        corpus: Corpus,
        duplicates: CopyIndex,
        changes: Callable[[Snapshot], ChangesSinceBaseline] | None = None,
    ) -> None:
        self._corpus, self._duplicates, self._changes = corpus, duplicates, changes

    @property
    def vectors(self) -> NDArray[np.float32] | None:
        """(n, d) vectors by slot, None where the dense leg is off."""
        return self._corpus.vectors if self._corpus.dimension else None

    def changes(self, baseline: Snapshot) -> ChangesSinceBaseline:
        """See `Facts`."""
        return ChangesSinceBaseline(baseline, self._corpus) if self._changes is None else self._changes(baseline)

    def origins(self, keys: Sequence[int]) -> list[tuple[str, str]]:
        """See `Facts`."""
        if len(keys) <= _FEW:
            rows = map(self._corpus.row, keys)
            return [(source_of(row), row.doc_id) if row is not None and row.live else ("", "") for row in rows]
        now = self._corpus.columns(np.array(keys, np.int64))
        segments, places = now.segments()
        sources = [*map(source_in, segments), ""]
        found = zip(now.live.tolist(), places.tolist(), now.documents(), strict=True)
        return [(sources[at], document) if live else ("", "") for live, at, document in found]

    def slots(self, keys: Sequence[int]) -> NDArray[np.int64]:
        """See `Facts`."""
        return self._corpus.slots(keys)

    def shingles(self, key: int) -> NDArray[np.uint32]:
        """See `Facts`."""
        row = self._corpus.row(key)
        return self._duplicates.shingles(row.slot) if row is not None and row.live else NO_SHINGLES

    def shingles_of(self, keys: Sequence[int], slots: NDArray[np.int64]) -> Sequence[NDArray[np.uint32]]:
        """See `Facts`."""
        del keys
        flat, starts, lengths = self._duplicates.sets(slots)
        ends = (starts + lengths).tolist()
        return [flat[start:end] for start, end in zip(starts.tolist(), ends, strict=True)]

    def texts(self, keys: NDArray[np.int64], slots: NDArray[np.int64]) -> SetLists:
        """See `Facts`."""
        # a chunk that is not live has no slot, and stands in its list all the same
        places = np.where((slots < 0) & (keys != NO_CHUNK), _NOWHERE, slots)
        return self._duplicates.set_lists(places)

    def asking(self, sets: Sequence[NDArray[np.uint32]]) -> AskedSets:
        """See `Facts`."""
        return self._duplicates.asking(sets)

    def holds(self, asked: AskedSets, places: NDArray[np.int64]) -> NDArray[np.bool_]:
        """See `Facts`."""
        return self._duplicates.has(asked, places)


class MemberFacts:
    """Facts that a snapshot kept of the chunks in its lists.

    Args:
        members: the chunks as they were.
        shingles: their shingles, by chunk key.
    """

    events = False
    vectors = None

    def __init__(self, members: Mapping[int, Member], shingles: Shingles) -> None:
        self._members, self._shingles = members, shingles

    def changes(self, baseline: Snapshot) -> ChangesSinceBaseline:
        """None that is known: the events are not kept."""
        return ChangesSinceBaseline(baseline, Corpus(0))

    def origins(self, keys: Sequence[int]) -> list[tuple[str, str]]:
        """See `Facts`."""
        members = map(self._members.get, keys)
        return [("", "") if member is None else (member.source, member.doc_id) for member in members]

    def slots(self, keys: Sequence[int]) -> NDArray[np.int64]:
        """None: vectors are not kept."""
        return np.full(len(keys), NO_VECTOR)

    def shingles(self, key: int) -> NDArray[np.uint32]:
        """See `Facts`."""
        return self._shingles.get(key, NO_SHINGLES)

    def shingles_of(self, keys: Sequence[int], slots: NDArray[np.int64]) -> Sequence[NDArray[np.uint32]]:
        """See `Facts`."""
        del slots
        return [self.shingles(key) for key in keys]

    def texts(self, keys: NDArray[np.int64], slots: NDArray[np.int64]) -> SetLists:
        """See `Facts`."""
        del slots
        return SetLists.of(keys, NO_CHUNK, lambda distinct: Sets.of([self.shingles(key) for key in distinct]))

    def asking(self, sets: Sequence[NDArray[np.uint32]]) -> AskedSets:
        """See `Facts`; there is nothing to be found by bands."""
        return AskedSets(Sets.of(sets), np.zeros((len(sets), 0), np.uint32))

    def holds(self, asked: AskedSets, places: NDArray[np.int64]) -> None:
        """Nobody knows: chunks that stand in no list were not kept."""
        del asked, places


def member_shingles(members: Iterable[int], facts: Facts) -> Shingles:
    """Shingles of chunks by key, of those that have any."""
    keys = list(members)
    found = zip(keys, facts.shingles_of(keys, facts.slots(keys)), strict=True)
    return {key: shingles for key, shingles in found if len(shingles)}


def source_of(row: ChunkRow) -> str:
    """The source that a chunk names, "" where it names none."""
    return source_in(row.segment)
