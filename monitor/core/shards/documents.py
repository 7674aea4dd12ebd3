"""Documents whose chunks lie in several shards: each has one owner, who counts its parts and knows the order of its
chunks; what neighbours have in common is told by the shard of the first of the two.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.sorted_sets import Sets
from monitor.core.index.corpus import Corpus, Delta
from monitor.core.index.duplicates.duplicates import Duplicates
from monitor.core.index.duplicates.kernels_buckets import common
from monitor.core.index.statistics.columns import DEAD
from monitor.core.index.statistics.counters import Counters
from monitor.core.index.statistics.documents import Documents
from monitor.core.index.statistics.kept import StatisticsAccumulator, shares
from monitor.core.index.statistics.neighbours import NONE, Neighbours
from monitor.core.model.report import ALL
from monitor.core.shards.copies import joined_sets
from monitor.core.shards.routing import document_owners

Ints = NDArray[np.int64]
RowName = tuple[int, str]
"""Dimension, by its number, and value."""
_Part = tuple[int, RowName]
_MISSING = "a chunk {}: the steps of a shard are missing, or were taken twice"
LIVE, CHANGED, THEN = range(3)
"""What is counted of a part: live chunks, chunks that changed since the baseline, chunks in the baseline."""


@dataclass(frozen=True, slots=True, eq=False)
class DocumentSteps:
    """What a shard sends an owner of documents: 36 bytes for a part that changed, 24 for a chunk that came or left.

    Args:
        documents: (m,) int64 63-bit hashes of the documents of the parts.
        rows: (m,) int32 places in `names`.
        steps: (m, 3) int64, more or less of `LIVE`, `CHANGED`, `THEN`.
        names: of segments, each once.
        left: (r,) int64 keys of chunks that left a document, or stand in it otherwise.
        came: (n,) int64 keys of chunks that stand in a document now.
        homes: (n,) int64 hashes of their documents.
        ordinals: (n,) int64 where they stand in it.
    """

    documents: Ints
    rows: NDArray[np.int32]
    steps: Ints
    names: tuple[RowName, ...]
    left: Ints
    came: Ints
    homes: Ints
    ordinals: Ints


@dataclass(frozen=True, slots=True, eq=False)
class NeighbourOrders:
    """What an owner of documents tells a shard of its chunks.

    Args:
        last: (n,) int64 keys of chunks that no other follows in their document.
        following: (m,) int64 keys of chunks that follow another one.
        before: (m,) int64 keys of those others.
        shards: (m,) int64 where those others are: there the shingles of the following ones are wanted.
    """

    last: Ints
    following: Ints
    before: Ints
    shards: Ints


@dataclass(frozen=True, slots=True, eq=False)
class FollowingSets:
    """What follows a shard's chunks in their documents, as the shards of those that follow tell it.

    Args:
        before: (m,) int64 keys of chunks of the shard that is told.
        shingles: of what follows each, one after the other.
        lengths: (m,) int64.
    """

    before: Ints
    shingles: NDArray[np.uint32]
    lengths: Ints


class DocumentJournal:
    """What a shard's batches did to documents since their owners were told, net of what cancels.

    Call `leaving` before a batch is applied and `came` after it.

    Args:
        corpus, kept: the shard's own.
    """

    def __init__(self, corpus: Corpus, kept: StatisticsAccumulator) -> None:
        self._corpus, self._kept = corpus, kept
        self._parts: defaultdict[_Part, list[int]] = defaultdict(lambda: [0, 0, 0])
        self._homes: dict[int, int | None] = {}
        self._lent: Counter[tuple[int, RowName]] = Counter()
        kept.documents.listener = self._moved

    def leaving(self, delta: Delta) -> None:
        """The chunk table took in a batch, the engine did not yet."""
        documents = self._documents(delta.removed)
        for key, document in zip(delta.removed_keys.tolist(), documents.tolist(), strict=True):
            self._homes.setdefault(key, document)

    def came(self, delta: Delta) -> None:
        """The engine took in the batch."""
        for row in delta.rows:
            self._homes.setdefault(row.key, None)

    def everything(self) -> None:
        """Begin anew, for owners that know nothing of this shard."""
        self._parts.clear()
        self._homes.clear()
        documents = self._kept.documents
        for kind, (parts, counts) in enumerate(documents.everything()):
            self._moved(parts, kind, counts)
        lent, self._lent = self._lent, Counter()
        self.lend(lent)
        slots = self._kept.columns.live()
        self._homes.update(dict.fromkeys(self._corpus.keys[slots].tolist()))

    def lend(self, parts: Counter[tuple[int, RowName]]) -> None:
        """Parts of the baseline's chunks that others count too, as there and as changed: here they are taken away."""
        for part in {*parts, *self._lent}:
            for kind in (CHANGED, THEN):
                self._parts[part][kind] += self._lent[part] - parts[part]
        self._lent = parts

    def sent(self, count: int) -> list[DocumentSteps]:
        """What each of `count` owners is told; nothing is told twice."""
        parts: list[list[tuple[_Part, list[int]]]] = [[] for _ in range(count)]
        moved = [(part, steps) for part, steps in self._parts.items() if any(steps)]
        chosen = document_owners(np.array([document for (document, _), _ in moved], np.int64), count)
        for owner, item in zip(chosen.tolist(), moved, strict=True):
            parts[owner].append(item)
        left, came = self._places(count)
        self._parts.clear()
        self._homes.clear()
        return [_steps(*of) for of in zip(parts, left, came, strict=True)]

    def _places(self, count: int) -> tuple[list[list[int]], list[list[tuple[int, int, int]]]]:
        """By owner: keys of chunks that left, and keys, documents and ordinals of those that stand there now."""
        left: list[list[int]] = [[] for _ in range(count)]
        came: list[list[tuple[int, int, int]]] = [[] for _ in range(count)]
        keys = list(self._homes)
        gone = [(key, before) for key, before in self._homes.items() if before is not None]
        chosen = document_owners(np.array([before for _, before in gone], np.int64), count)
        for owner, (key, _) in zip(chosen.tolist(), gone, strict=True):
            left[owner].append(key)
        slots = self._corpus.slots(keys)
        live = np.flatnonzero(slots >= 0)
        documents = self._documents(slots[live])
        for owner, at, document in zip(
            document_owners(documents, count).tolist(), live.tolist(), documents.tolist(), strict=True
        ):
            row = self._corpus.row(keys[at])
            came[owner].append((keys[at], document, 0 if row is None else row.ordinal))
        return left, came

    def _documents(self, slots: Ints) -> Ints:
        """Hashes of the documents of live slots."""
        documents = self._kept.documents
        codes = documents.of(self._kept.columns.parts[slots, 0])
        return np.array([documents.hashes[code] for code in codes.tolist()], np.int64)

    def _moved(self, parts: Ints, kind: int, steps: Ints) -> None:
        distinct, place = np.unique(parts, return_inverse=True)
        net = np.zeros(len(distinct), np.int64)
        np.add.at(net, place, steps)
        at = np.flatnonzero(net)
        names, documents = self._kept.cells.names, self._kept.documents
        codes, rows = documents.of(distinct[at]), documents.rows(distinct[at])
        for code, row, step in zip(codes.tolist(), rows.tolist(), net[at].tolist(), strict=True):
            self._parts[documents.hashes[code], names[row]][kind] += step


def _steps(
    parts: Sequence[tuple[_Part, list[int]]], left: Sequence[int], came: Sequence[tuple[int, int, int]]
) -> DocumentSteps:
    names = {name: at for at, name in enumerate(dict.fromkeys(name for (_, name), _ in parts))}
    placed = np.array(came, np.int64).reshape(-1, 3)
    return DocumentSteps(
        np.array([document for (document, _), _ in parts], np.int64),
        np.array([names[name] for (_, name), _ in parts], np.int32),
        np.array([steps for _, steps in parts], np.int64).reshape(-1, 3),
        tuple(names),
        np.array(left, np.int64),
        *placed.T.copy(),
    )


class DocumentOwner:
    """Counts the documents of its hashes over all shards, and knows which chunk follows which in each."""

    def __init__(self) -> None:
        self.counters = Counters(0)
        """Counts of documents by row; all other columns are 0."""
        self.names: dict[int, RowName] = {}
        """Rows in use, with dimension and value."""
        self._rows: dict[RowName, int] = {}
        self._free_rows: list[int] = []
        self._documents = Documents(self.counters)
        self._neighbours = Neighbours()
        self._slots: dict[int, int] = {}
        self._free: list[int] = []
        self._used = 0
        self._keys: Ints = np.zeros(0, np.int64)
        self._shards: Ints = np.zeros(0, np.int64)
        self._row((0, ALL))  # row 0, for ever
        self.counters.cover(1)

    def __len__(self) -> int:
        """Documents with live chunks."""
        return len(self._neighbours)

    def take(self, received: Sequence[DocumentSteps]) -> list[NeighbourOrders]:
        """Take in what each shard says, by its number; returns what each of them is told."""
        self._count(received)
        slots = self._place(received)
        following = self._neighbours.next[slots]
        paired = following != NONE
        before, after, last = slots[paired], following[paired], slots[~paired]
        return [
            NeighbourOrders(
                self._keys[last[self._shards[last] == shard]],
                self._keys[after[self._shards[after] == shard]],
                self._keys[before[self._shards[after] == shard]],
                self._shards[before[self._shards[after] == shard]],
            )
            for shard in range(len(received))
        ]

    def _count(self, received: Iterable[DocumentSteps]) -> None:
        """Count parts anew, all steps at once: what moved from shard to shard never looks gone."""
        net: defaultdict[_Part, Counter[int]] = defaultdict(Counter)
        for one in received:
            for document, row, steps in zip(
                one.documents.tolist(), one.rows.tolist(), one.steps.tolist(), strict=True
            ):
                net[document, one.names[row]].update(dict(enumerate(steps)))
        if not net:
            return
        rows = np.array([self._row(name) for _, name in net], np.int64)
        self.counters.cover(len(self.names) + len(self._free_rows))
        codes = np.array([self._documents.coded(document) for document, _ in net], np.int64)
        parts = self._documents.parts(codes, rows[:, None])[:, 0]
        for kind in (LIVE, CHANGED, THEN):
            self._documents.update(kind, parts, np.array([steps[kind] for steps in net.values()], np.int64))
        self._documents.settle()
        for row in np.unique(rows[rows != 0]).tolist():
            if not self.counters.counts[row].any():
                del self._rows[self.names.pop(row)]
                self._free_rows.append(row)

    def _place(self, received: Sequence[DocumentSteps]) -> Ints:
        """Put chunks where they stand; returns the slots of which the next chunk, or its text, may be another one."""
        left = [key for one in received for key in one.left.tolist()]
        if any(key not in self._slots for key in left):
            raise ValueError(_MISSING.format("left a document where it never stood"))
        removed = {key: self._slots.pop(key) for key in left}
        again, slots = dict(removed), []
        for key in (key for one in received for key in one.came.tolist()):
            if key in self._slots:
                raise ValueError(_MISSING.format("stands in two shards, or came twice"))
            slot = again.pop(key, NONE)
            if slot == NONE:
                slot = self._free.pop() if self._free else self._used
                self._used += slot == self._used
            self._slots[key] = slot
            slots.append(slot)
        self._free += again.values()
        added = np.array(slots, np.int64)
        return self._arranged(np.array(list(removed.values()), np.int64), added, received)

    def _arranged(self, removed: Ints, added: Ints, received: Sequence[DocumentSteps]) -> Ints:
        none = np.zeros(0, np.int64)
        keys, homes, ordinals = (
            np.concatenate([none, *of])
            for of in zip(*((one.came, one.homes, one.ordinals) for one in received), strict=True)
        )
        more = int(added.max(initial=-1)) + 1 - len(self._keys)
        if more > 0:
            room = np.zeros(max(1024, more, len(self._keys) // 4), np.int64)
            self._keys, self._shards = np.concatenate((self._keys, room)), np.concatenate((self._shards, room))
        self._keys[added] = keys
        self._shards[added] = np.repeat(np.arange(len(received)), [len(one.came) for one in received])
        codes = np.array([self._documents.coded(home) for home in homes.tolist()], np.int64)
        return self._neighbours.apply(removed, added, (ordinals, keys), codes)

    def _row(self, name: RowName) -> int:
        row = self._rows.get(name)
        if row is None:
            row = self._rows[name] = self._free_rows.pop() if self._free_rows else len(self.names)
            self.names[row] = name
        return row


def following_sets(
    received: Sequence[NeighbourOrders], corpus: Corpus, duplicates: Duplicates
) -> list[FollowingSets]:
    """What a shard tells each other one, of its chunks that follow theirs; one message for each, by its number."""
    following, before, shards = (
        np.concatenate([np.zeros(0, np.int64), *of])
        for of in zip(*((one.following, one.before, one.shards) for one in received), strict=True)
    )
    made = []
    for shard in range(len(received)):
        mine = shards == shard
        flat, _, lengths = duplicates.sets(corpus.slots(following[mine].tolist()))
        made.append(FollowingSets(before[mine], flat, lengths))
    return made


def take_overlaps(
    orders: Sequence[NeighbourOrders],
    received: Sequence[FollowingSets],
    corpus: Corpus,
    duplicates: Duplicates,
    kept: StatisticsAccumulator,
) -> None:
    """Count which share of their shingles a shard's chunks have in common with what follows them, wherever it is."""
    last = corpus.slots([key for one in orders for key in one.last.tolist()])
    kept.overlapped(last, np.full(len(last), DEAD, np.int64))
    slots = corpus.slots([key for one in received for key in one.before.tolist()])
    own = duplicates.sets(slots)
    other = joined_sets([(one.shingles, one.lengths) for one in received])
    both = Sets(
        np.concatenate((own.flat, other.flat)),
        np.concatenate((own.starts, other.starts + len(own.flat))),
        np.concatenate((own.lengths, other.lengths)),
    )
    pairs = np.arange(len(slots))
    kept.overlapped(slots, shares(common(both, pairs, pairs + len(slots)), own.lengths))
