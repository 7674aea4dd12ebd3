"""Exact and near copies in the live corpus, counted as chunks come and go."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from monitor.core.buckets import Buckets
from monitor.core.corpus import Delta
from monitor.core.groups import NO_GROUP, Groups, Joined
from monitor.core.kernels_shingles import BEST
from monitor.core.segment_codes import DEAD, SegmentCodes, SegmentFlags
from monitor.core.segments import value_of
from monitor.core.shingle_numpy import Kernels, gathered
from monitor.core.shingle_slab import ShingleSlab
from monitor.core.shingles import THRESHOLD, WIDTH, Shingled, clusters, jaccard, shingle

Slots = NDArray[np.int64]
Handles = NDArray[np.int64]

_ALONE = -1
"""The witness of a group that has none."""
_WAITING, _VOUCHED = 0, 1
"""Shelves: groups without and with a witness."""
_TEXTS = 4096
"""Texts shingled at a time, so that a whole corpus can come in one delta."""


class Bands(Protocol):
    """Locality-sensitive hashing of sets: two sets are candidates for near copies when they share a band.

    The bands of a set are a deterministic function of the set alone, so which pairs are candidates depends neither
    on the order of arrival nor on what else is there nor on a restart; and so do near copies.
    """

    @property
    def width(self) -> int:
        """Bands per set."""
        ...

    def of(self, shingles: NDArray[np.uint32], counts: NDArray[np.int64]) -> NDArray[np.uint32]:
        """The (n, width) bands of n sets, none empty, that lie one after the other in `shingles`."""
        ...


@dataclass(frozen=True, slots=True)
class Copies:
    """Live chunks, and how many of them have an exact copy and a near copy (exact ones included)."""

    chunks: int
    exact: int
    near: int


class Duplicates:
    """Which live chunks have an exact (equal token sequence) or near (shingle Jaccard >= threshold) copy.

    Chunks of one shingle set form a group, so a flood of copies is one set. A group that has a near copy remembers
    one of them, its *witness*; when the witness leaves, the groups it vouched for look for another. Groups without a
    witness wait on a shelf of their own: a new set looks through that shelf to the end, through the other one only
    until it has found a witness. So a flood of similar sets costs little, where counting its pairs is quadratic.
    A chunk without tokens is a copy of nothing.
    It starts empty: on a restart, `apply` one delta that holds the whole corpus.

    Args:
        bands: finds candidates for near copies; the exact Jaccard similarity decides.
        threshold: the least Jaccard similarity of near copies, in (0, 1].
        width: words in a shingle.
        kernels: the inner loops.
    """

    def __init__(
        self, bands: Bands, *, threshold: float = THRESHOLD, width: int = WIDTH, kernels: Kernels = BEST
    ) -> None:
        self._bands, self._threshold, self._width = bands, threshold, width
        self._codes = SegmentCodes()
        self._exact, self._near = SegmentFlags(self._codes), SegmentFlags(self._codes)
        self._texts, self._sets = Groups(), Groups()
        self._kernels = kernels
        self._slab = ShingleSlab(kernels)
        self._table = Buckets(bands.width, shelves=2)
        self._witness: Handles = np.full(1, _ALONE, np.int64)
        self._clients = Buckets(1)
        """Groups by their witness."""

    def apply(self, delta: Delta, tokens: Sequence[NDArray[np.int32]], hashes: NDArray[np.uint64]) -> None:
        """Take in one batch.

        Args:
            delta: what left and what came.
            tokens: token ids of each added text, aligned with `delta.added`.
            hashes: (v,) uint64 by token id, a hash of the word that is the same in every run of the program.
        """
        nothing = np.zeros(len(delta.removed), np.bool_)
        self._exact.set(delta.removed, nothing)
        self._near.set(delta.removed, nothing)
        texts, sets = [self._texts.leave(delta.removed)], [self._sets.leave(delta.removed)]
        self._codes.remove(delta.removed)
        self._codes.add(delta.added, [row.segment for row in delta.rows])
        self._texts.cover(delta.added)
        self._sets.cover(delta.added)
        stale, fresh = [delta.added], []
        for at in range(0, len(delta.added), _TEXTS):
            made = shingle(tokens[at : at + _TEXTS], hashes, self._width, kernels=self._kernels)
            text, chosen = self._join(delta.added[at : at + _TEXTS], made)
            texts.append(text.groups)
            sets.append(chosen.groups)
            stale += [text.lone, chosen.lone]
            fresh.append(chosen.created)
        changed = self._relink(_distinct(sets), _distinct(fresh))
        stale += [self._texts.lone(_distinct(texts)), self._sets.lone(_distinct([*sets, changed]))]
        self._refresh(_distinct(stale))
        self._texts.release(_empty(self._texts, _distinct(texts)))

    @property
    def exact(self) -> int:
        """Live chunks that have an exact copy."""
        return self._exact.total

    @property
    def near(self) -> int:
        """Live chunks that have a near copy, exact copies included."""
        return self._near.total

    def counts(self, dimension: str) -> Mapping[str, Copies]:
        """Live chunks and copies per segment of a dimension (an attribute, or several joined with `+`)."""
        tally: dict[str, Copies] = {}
        for code, (segment, members) in enumerate(
            zip(self._codes.segments, self._codes.members.tolist(), strict=False)
        ):
            if members:
                name = value_of(dimension, segment)
                held = tally.get(name, Copies(0, 0, 0))
                exact, near = held.exact + self._exact.count(code), held.near + self._near.count(code)
                tally[name] = Copies(held.chunks + members, exact, near)
        return tally

    def shingles(self, slot: int) -> NDArray[np.uint32]:
        """The sorted distinct shingles of a live chunk; empty for a text without tokens."""
        group = int(self._sets.of[slot])
        return self._slab.get(group) if group != NO_GROUP else np.zeros(0, np.uint32)

    def jaccard(self, left: int, right: int) -> float:
        """Exact Jaccard similarity of the shingles of two live slots, 0 when either is empty."""
        return jaccard(self.shingles(left), self.shingles(right))

    def clusters(self, slots: Sequence[int]) -> NDArray[np.int64]:
        """Cluster ids of a few live slots: connected by likeness >= threshold; see `shingles.clusters`."""
        return clusters([self.shingles(slot) for slot in slots], [""] * len(slots), threshold=self._threshold)

    def _join(self, slots: Slots, made: Shingled) -> tuple[Joined, Joined]:
        """Put texts with tokens into their groups; store the sets that are new."""
        filled = np.flatnonzero(made.counts)
        texts = self._texts.join(slots[filled], made.texts[filled])
        sets = self._sets.join(slots[filled], made.sets[filled])
        first = filled[sets.first]
        counts = made.counts[first]
        starts = np.cumsum(made.counts) - made.counts
        self._slab.put(sets.created, gathered(made.shingles, starts[first], counts), counts)
        return texts, sets

    def _relink(self, touched: Handles, fresh: Handles) -> Handles:
        """Take empty sets out of the index and new ones in; returns the groups whose witness may have changed."""
        needed = len(self._slab.lengths) - len(self._witness)
        self._witness = np.concatenate((self._witness, np.full(needed, _ALONE, np.int64)))
        orphans = self._bury(_empty(self._sets, touched))
        self._witness[fresh] = _ALONE
        changed = [orphans, fresh]
        for part in _parts(fresh):
            bands = self._bands.of(*self._slab.gather(part))
            met = self._search(part, bands, shelf=_WAITING, to_the_end=True)
            self._search(part, bands, shelf=_VOUCHED)
            self._table.add(part, bands, shelf=_WAITING)
            self._search(part, bands, shelf=_WAITING)
            self._shelve(_distinct([part, met]))
            changed.append(met)
        for part in _parts(orphans):
            bands = self._table.tags(part)
            self._search(part, bands, shelf=_VOUCHED)
            self._search(part, bands, shelf=_WAITING)
        self._shelve(orphans)
        settled = _distinct(changed)
        vouched = settled[self._witness[settled] != _ALONE]
        self._clients.add(vouched, self._witness[vouched, None].astype(np.uint32))
        return settled

    def _shelve(self, handles: Handles) -> None:
        vouched = self._witness[handles] != _ALONE
        self._table.move(handles[vouched], _VOUCHED)
        self._table.move(handles[~vouched], _WAITING)

    def _bury(self, dead: Handles) -> Handles:
        """Forget empty sets; returns the groups that lost their witness, now without one."""
        lost = [others for _, others in self._clients.matches(dead[:, None].astype(np.uint32))]
        orphans = np.setdiff1d(_distinct(lost), dead)
        self._clients.remove(_distinct([orphans, dead[self._witness[dead] != _ALONE]]))
        self._witness[orphans] = _ALONE
        self._witness[dead] = _ALONE
        self._table.remove(dead)
        self._slab.drop(dead)
        self._sets.release(dead)
        return orphans

    def _search(self, asking: Handles, bands: NDArray[np.uint32], *, shelf: int, to_the_end: bool = False) -> Handles:
        """Find a witness on one shelf for each asking group that has none.

        To the end: meet every candidate, and become the witness of those without; returns these.
        """
        met = [np.zeros(0, np.int64)]
        wanted = np.ones(len(asking), np.bool_) if to_the_end else self._witness[asking] == _ALONE
        for at, others in self._table.matches(bands, shelf=shelf, wanted=wanted):
            alone = self._witness[asking[at]] == _ALONE
            if to_the_end:
                alone |= self._witness[others] == _ALONE
            left, right = self._alike(asking[at[alone]], others[alone])
            self._witness[left] = right
            if to_the_end:
                self._witness[right] = left
                met.append(right)
            else:
                wanted &= self._witness[asking] == _ALONE
        return _distinct(met)

    def _alike(self, left: Handles, right: Handles) -> tuple[Handles, Handles]:
        """The distinct pairs of near copies among these pairs."""
        lengths, others = self._slab.lengths[left], self._slab.lengths[right]
        possible = (left != right) & (np.minimum(lengths, others) / np.maximum(lengths, others) >= self._threshold)
        if not possible.any():
            return left[:0], right[:0]
        pairs = np.unique(left[possible] << 32 | right[possible])
        left, right = pairs >> 32, pairs & 0xFFFFFFFF
        near = self._slab.jaccard(left, right) >= self._threshold
        return left[near], right[near]

    def _refresh(self, slots: Slots) -> None:
        """Set the flags of live slots to what their groups say now."""
        slots = slots[self._codes.slots[slots] != DEAD]
        text, chosen = self._texts.of[slots], self._sets.of[slots]
        self._exact.set(slots, (text != NO_GROUP) & (self._texts.sizes[text] > 1))
        near = (self._sets.sizes[chosen] > 1) | (self._witness[chosen] != _ALONE)
        self._near.set(slots, (chosen != NO_GROUP) & near)


def _distinct(parts: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.unique(np.concatenate([np.zeros(0, np.int64), *parts]))


def _parts(handles: Handles) -> Iterator[Handles]:
    for at in range(0, len(handles), _TEXTS):
        yield handles[at : at + _TEXTS]


def _empty(groups: Groups, touched: Handles) -> Handles:
    empty: Handles = touched[groups.sizes[touched] == 0]
    return empty
