"""Newcomers: documents whose new chunks stand in more lists than any document or chunk of the baseline did.

A new hub: a page that was written to be found (poison), a vector near all questions, a text with every keyword.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.compile import compiled
from monitor.core.arrays.numbering import numbered
from monitor.core.index.baseline import ListLeg, Snapshot
from monitor.core.measures.comparison.alignment import Alignment
from monitor.core.measures.comparison.by_key import ByKey
from monitor.core.measures.comparison.facts import Facts
from monitor.core.measures.formulas.moved import holds
from monitor.core.model.events import Segment
from monitor.core.model.lists import NO_CHUNK, RankedLists
from monitor.core.model.report import ALL, Concern, Leg, Measurement

METRIC: Literal["new_hub_ratio"] = "new_hub_ratio"
_LEGS: tuple[Literal["dense", "lexical", "production"], ...] = ("dense", "lexical", "production")
_NOT_NEW = -1
NAMED = 10
"""Documents that are named."""
CHANCE = 3
"""Lists more or less that say nothing."""
_MOST = 1 << 18
"""Chunks remembered at once."""
NewChunk = tuple[str, Segment]
"""Document and segment of a new chunk."""


class NewChunks:
    """New chunks, numbered as they come; only added to, so that who reads of those that came before may do so.

    Args:
        chunks: document and segment of each.
    """

    def __init__(self, chunks: Iterable[NewChunk] = ()) -> None:
        self.chunks: list[NewChunk] = []
        self.documents: NDArray[np.int64] = np.zeros(0, np.int64)
        """By chunk, its document's number; longer than there are chunks."""
        self._numbers: dict[str, int] = {}
        self.add(list(chunks))

    def __len__(self) -> int:
        return len(self.chunks)

    def add(self, chunks: Sequence[NewChunk]) -> range:
        """Their numbers."""
        first, numbers = len(self.chunks), self._numbers
        until = first + len(chunks)
        if until > len(self.documents):
            self.documents = np.pad(self.documents, (0, 2 * until - len(self.documents)))
        self.documents[first:until] = [numbers.setdefault(document, len(numbers)) for document, _ in chunks]
        self.chunks += chunks
        return range(first, until)


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A document with new chunks in the lists.

    Args:
        document: its id.
        segment: of one of these chunks.
        share: share of the anchors that have a new chunk of it in their lists.
        excess: how much more that is than any document had then of which as few chunks were listed, and than it had
            itself; or one new chunk's share than any chunk had then, whichever is more; less `CHANCE` lists.
    """

    document: str
    segment: Segment
    share: float
    excess: float


@dataclass(frozen=True, eq=False)
class Newcomers:
    """All newcomers of one leg; counted when somebody asks.

    Args:
        leg: which.
        k: depth of the lists.
        lists: (n, k) chunk keys of the anchors whose lists are known now and were then.
        new: (n, k) int64, the place of each new chunk in `came`, negative for one that is not new.
        came: documents and segments; others may be added behind.
        then: what documents had in the lists of these anchors then.
        but: a segment that was to change, and of which none counts; () for none.
    """

    leg: Leg
    k: int
    lists: NDArray[np.int64]
    new: NDArray[np.int64]
    came: NewChunks
    then: "_Shares"
    but: Segment = ()

    def without(self, segment: Segment) -> "Newcomers":
        """Without those of a segment that was to change."""
        return replace(self, but=segment)

    @property
    def anchors(self) -> int:
        """Whose lists are known now and were then."""
        return len(self.lists)

    @cached_property
    def documents(self) -> tuple[Newcomer, ...]:
        """Those that stand out, the greatest excess first."""
        later = self._later
        chance, wanted, found = CHANCE / max(1, len(self.lists)), set(self.but), []
        for at in np.flatnonzero(self.then.excess(later) > chance).tolist():  # nearly none stands out
            name, segment = self._named(at)
            share, more = float(later.share[at]), float(self.then.excess(later.only(at), name)[0] - chance)
            if more > 0.0 and not (wanted and wanted <= set(segment)):
                found.append(Newcomer(name, segment, share, more))
        return tuple(sorted(found, key=lambda of: (-of.excess, -of.share, of.document)))

    @cached_property
    def _later(self) -> "_Shares":
        """What all documents have now that any new chunk is of, by their numbers in `came`."""
        return _shares(self.new, self.came.documents)

    def _named(self, document: int) -> NewChunk:
        """A document and its segment, by its chunk with the greatest key that stands in a list."""
        at = np.flatnonzero((self.new >= 0) & (self.came.documents[self.new] == document))
        last = at[np.argmax(self.lists.ravel()[at])]
        return self.came.chunks[self.new.item(last)]

    @property
    def excess(self) -> float:
        """The greatest."""
        return max((of.excess for of in self.documents), default=0.0)

    def measurement(self) -> Measurement:
        """The greatest excess."""
        n = self.anchors
        value = self.excess if n else float("nan")
        return Measurement(METRIC, self.leg, self.k, ALL, ALL, "max", value, n, n, reason="" if n else "no_lists")

    def concern(self) -> Iterator[Concern]:
        """The documents that stand out; nothing where none does."""
        names = tuple(of.document for of in self.documents)
        if names:
            yield Concern(METRIC, self.leg, ALL, ALL, names[:NAMED], len(names))


class NewcomersOf:
    """Finds the newcomers against one baseline, remembering of each listed chunk whether it is new.

    Args:
        baseline: compared with.
        alignment: its anchors.
        k: depth.
    """

    def __init__(self, baseline: Snapshot, alignment: Alignment, k: int) -> None:
        self._baseline, self._alignment, self._k = baseline, alignment, k
        self._said = {member.content_hash for member in baseline.members.values()}
        self._then = {leg: lists.take(alignment.then).at(k) for leg, lists in baseline.lists.items()}
        self._shares: dict[ListLeg, tuple[bytes, _Shares]] = {}
        """By leg what documents had then in the lists of some anchors."""
        self._came = ByKey(1)
        """By chunk key the place of what came in `_chunks_new`."""
        self._chunks_new = NewChunks()
        """Begun anew where all is forgotten."""
        self._before: dict[ListLeg, _Looked] = {}
        """What stood in the lists of the last call."""

    def found(
        self,
        lists: Mapping[ListLeg, RankedLists],
        facts: Facts,
        changed: NDArray[np.int64] | None = None,
    ) -> Iterator[Newcomers]:
        """The newcomers of each leg.

        Args:
            lists: by leg, now.
            facts: what the chunks are now; nothing is found where their events are not known.
            changed: keys of the chunks of which anything changed since the last call; None: look at all anew.
        """
        before = self._forget(changed)
        if not facts.events:
            return
        changes = facts.changes(self._baseline)

        def arrived(keys: list[int]) -> NDArray[np.int64]:
            """(n, 1) places of those that are new: what stood in the baseline's lists under another id only moved."""
            rows = [row for row in changes.came(keys) if row.content_hash not in self._said]
            numbers = self._chunks_new.add([(row.doc_id, row.segment) for row in rows])
            places = dict(zip((row.key for row in rows), numbers, strict=True))
            return np.array([places.get(key, _NOT_NEW) for key in keys], np.int64)[:, None]

        legs = [leg for leg in _LEGS if leg in lists and leg in self._then]
        now = {leg: self._alignment.lists_now(lists[leg]).at(self._k) for leg in legs}
        looked = self._looked({leg: of.keys for leg, of in now.items()}, arrived, before, changed)
        for leg in legs:
            both = now[leg].known & self._then[leg].known
            earlier, (keys, new, known) = self._earlier(leg, both), looked[leg]
            if known is None or known.then is not earlier:
                of = (keys, new) if both.all() else (keys[both], new[both])
                known = Newcomers(leg, self._k, *of, self._chunks_new, earlier)
            self._before[leg] = _Looked(keys, new, known)
            yield known

    def _looked(
        self,
        now: Mapping[ListLeg, NDArray[np.int64]],
        arrived: Callable[[list[int]], NDArray[np.int64]],
        before: Mapping[ListLeg, "_Looked"],
        changed: NDArray[np.int64] | None,
    ) -> "dict[ListLeg, _Looked]":
        """Which slots hold new chunks; only those are looked at whose chunk is another than before, or changed, all
        legs' at once.
        """
        made: dict[ListLeg, _Looked] = {}
        slots: dict[ListLeg, NDArray[np.int64]] = {}
        for leg, keys in now.items():
            was = before.get(leg)
            if was is None or changed is None:
                slots[leg], new = np.arange(keys.size), np.empty(keys.shape, np.int64)
            else:
                slots[leg] = np.flatnonzero((keys != was.keys) | holds(keys, changed))
                new = was.new.copy() if len(slots[leg]) else was.new
            made[leg] = was if was is not None and new is was.new else _Looked(keys, new)
        sought = [now[leg].reshape(-1)[at] for leg, at in slots.items()]
        found = self._came.of(np.concatenate((np.zeros(0, np.int64), *sought)), arrived)[:, 0]
        until = 0
        for leg, at in slots.items():
            start, until = until, until + len(at)
            made[leg].new.reshape(-1)[at] = found[start:until]
        return made

    def _forget(self, changed: NDArray[np.int64] | None) -> "dict[ListLeg, _Looked]":
        """What still holds of the last call's lists."""
        before, self._before = self._before, {}
        if changed is None or len(self._came) + len(self._chunks_new) > _MOST:
            self._came, self._chunks_new, before = ByKey(1), NewChunks(), {}
        else:
            self._came.forget(changed)
        return before

    def _earlier(self, leg: ListLeg, both: NDArray[np.bool_]) -> "_Shares":
        known = self._shares.get(leg)
        if known is None or known[0] != both.tobytes():
            members = self._baseline.members
            keys = self._then[leg].keys[both]
            known = self._shares[leg] = (
                both.tobytes(),
                _shares_of(keys, {key: of.doc_id for key, of in members.items()}),
            )
        return known[1]


class _Looked(NamedTuple):
    """(P, k) chunk keys of one leg's lists, the places of those that are new, and what that came to."""

    keys: NDArray[np.int64]
    new: NDArray[np.int64]
    found: Newcomers | None = None


@dataclass(frozen=True)
class _Shares:
    """What D documents have in the lists of some anchors.

    Args:
        share: (D,) of the anchors with any of its chunks.
        one: (D,) of those with its most frequent one.
        chunks: (D,) int64, of it that stand in any list.
        places: by name, the document's place in the arrays, of those whose names matter.
    """

    share: NDArray[np.float64]
    one: NDArray[np.float64]
    chunks: NDArray[np.int64]
    places: Mapping[str, int] = field(default_factory=dict)

    def only(self, at: int) -> "_Shares":
        """Of one document."""
        return _Shares(self.share[at : at + 1], self.one[at : at + 1], self.chunks[at : at + 1])

    def excess(self, now: "_Shares", name: str | None = None) -> NDArray[np.float64]:
        """(D,) how much more of the lists documents stand in now than any of their size did, and than the document
        of this name did, or how much more one of their chunks than any chunk did.
        """
        sizes, largest = self._by_size
        own = self.share[self.places[name]] if name is not None and name in self.places else 0.0
        usual = np.maximum(largest[np.searchsorted(sizes, now.chunks, "right")], own)
        greatest: NDArray[np.float64] = np.maximum(now.share - usual, now.one - self.one.max(initial=0.0))
        return greatest

    @cached_property
    def _by_size(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """(D,) numbers of chunks, ascending, and (D + 1,) the greatest share of the documents before each place."""
        order = np.argsort(self.chunks, kind="stable")
        largest = np.maximum.accumulate(np.append(0.0, self.share[order]))
        return self.chunks[order], largest


def _shares_of(keys: NDArray[np.int64], documents: Mapping[int, str]) -> _Shares:
    """Shares of the lists, (n, k) chunk keys, that documents stand in; by their chunks' keys, others do not count."""
    there = holds(keys, np.fromiter(documents, np.int64, len(documents)))
    chunks, distinct = numbered(np.where(there, keys, NO_CHUNK).ravel())
    places: dict[str, int] = {}
    of = np.array([places.setdefault(documents[key], len(places)) for key in distinct.tolist()], np.int64)
    return replace(_shares(chunks.reshape(keys.shape), of), places=places)


def _shares(chunks: NDArray[np.int64], of: NDArray[np.int64]) -> _Shares:
    """Shares of the lists (rows) that documents stand in.

    Args:
        chunks: (n, k) int64 in [0, u), below 0 for what does not count.
        of: (u,) int64, the document of each chunk, from 0 on.
    """
    lists, most, distinct = standing(chunks, of)
    of_all = max(1, len(chunks))
    return _Shares(lists / of_all, most / of_all, distinct)


@compiled
def standing(
    chunks: NDArray[np.int64], of: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """(D,) in how many lists each document stands, with its most frequent chunk, and how many of its chunks stand in
    any; arguments as of `_shares`.
    """
    documents = of.max() + 1 if len(of) else 0
    lists, last = np.zeros(documents, np.int64), np.full(documents, -1, np.int64)
    single, most, distinct = np.zeros(len(of), np.int64), np.zeros(documents, np.int64), np.zeros(documents, np.int64)
    for row in range(len(chunks)):
        for slot in range(chunks.shape[1]):
            chunk = chunks[row, slot]
            if chunk < 0:
                continue
            document = of[chunk]
            if last[document] != row:
                last[document] = row
                lists[document] += 1
            distinct[document] += single[chunk] == 0
            single[chunk] += 1
            most[document] = max(most[document], single[chunk])
    return lists, most, distinct
