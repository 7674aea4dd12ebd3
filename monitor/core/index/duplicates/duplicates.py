"""Exact and near copies in the live corpus, counted as chunks come and go."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.distinct import distinct
from monitor.core.arrays.image import Image
from monitor.core.arrays.segment_codes import DEAD, SegmentCodes, SegmentFlags
from monitor.core.arrays.sorted_sets import SetLists, Sets
from monitor.core.index.corpus import Delta
from monitor.core.index.duplicates.groups import NO_GROUP, Groups, Joined
from monitor.core.index.duplicates.kernels_buckets import NONE, common, lying
from monitor.core.index.duplicates.kernels_samples import sampled
from monitor.core.index.duplicates.near import AskedSets, Bands, NearCopies
from monitor.core.index.duplicates.shingles import THRESHOLD, WIDTH, Shingled, clusters, jaccard, shingle
from monitor.core.model.events import Segment
from monitor.core.model.segments import value_of

__all__ = ["Bands", "Copies", "Duplicates"]

_named = lru_cache(maxsize=1 << 14)(value_of)
"""Of each segment every turn asks again."""
Slots = NDArray[np.int64]
Handles = NDArray[np.int64]

_TEXTS = 4096
"""Texts shingled at a time, so that a whole corpus can come in one delta."""


@dataclass(frozen=True, slots=True)
class Copies:
    """Live chunks, and how many of them have an exact copy and a near copy (exact ones included)."""

    chunks: int
    exact: int
    near: int


class Duplicates:
    """Which live chunks have an exact (equal tokens in order) or near (shingle Jaccard >= threshold) copy.

    Chunks of one shingle set form a group, so a flood of copies is one set; see `NearCopies` for the sets.
    A chunk without tokens is what its characters are (`shingles.shingle`); one in which nothing is seen is a copy of
    nothing.
    It starts empty: on a restart, `apply` one delta that holds the whole corpus.

    Args:
        bands: finds candidates for near copies; the exact Jaccard similarity decides.
        threshold: the least Jaccard similarity of near copies, in (0, 1].
        width: words in a shingle.
    """

    def __init__(self, bands: Bands, *, threshold: float = THRESHOLD, width: int = WIDTH) -> None:
        self._threshold, self._width = threshold, width
        self._codes = SegmentCodes()
        self._exact, self._near = SegmentFlags(self._codes), SegmentFlags(self._codes)
        self._texts, self._sets = Groups(), Groups()
        self._copies = NearCopies(bands, threshold)
        self._counted: dict[str, tuple[tuple[list[int], ...], list[Segment], Mapping[str, Copies]]] = {}
        """By dimension what `counts` said last, and of which chunks and copies by code, of which segments."""

    @property
    def codes(self) -> SegmentCodes:
        """The segment of every live slot; read only."""
        return self._codes

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
        texts, sets = self._texts.leave(delta.removed), self._sets.leave(delta.removed)
        self._codes.remove(delta.removed)
        self._codes.add(delta.added, [row.segment for row in delta.rows])
        self._texts.cover(delta.added)
        self._sets.cover(delta.added)
        stale, fresh = [delta.added], [np.zeros(0, np.int64)]
        for at in range(0, len(delta.added), _TEXTS):
            some = slice(at, at + _TEXTS)
            made = shingle(tokens[some], hashes, delta.texts[some], self._width)
            text, chosen = self._join(delta.added[some], made)
            stale += [text.lone, chosen.lone]
            fresh.append(chosen.created)
        dead = _empty(self._sets, sets)
        changed = self._copies.update(dead, np.concatenate(fresh))
        # whoever is alone in a group that was joined has just come
        stale += [self._texts.lone(texts), self._sets.lone(sets), self._sets.lone(changed)]
        self._sets.release(dead)
        self._refresh(distinct(stale))
        self._texts.release(_empty(self._texts, texts))

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
        tally: dict[str, tuple[int, int, int]] = {}
        segments = self._codes.segments
        counted = self._codes.counts[: len(segments)].tolist(), self._exact.counts(), self._near.counts()
        kept = self._counted.get(dimension)
        if kept is not None and kept[0] == counted and kept[1] == segments:
            return kept[2]
        for segment, chunks, exact, near in zip(segments, *counted, strict=True):
            if chunks:
                name = _named(dimension, segment)
                held = tally.get(name, (0, 0, 0))
                tally[name] = held[0] + chunks, held[1] + exact, held[2] + near
        made = {name: Copies(*held) for name, held in tally.items()}
        self._counted[dimension] = counted, list(segments), made
        return made

    def shingles(self, slot: int) -> NDArray[np.uint32]:
        """The sorted distinct shingles of a live chunk; empty where nothing is seen."""
        group = int(self._sets.of[slot])
        return self._copies.slab.get(group) if group != NO_GROUP else np.zeros(0, np.uint32)

    def sets(self, slots: Slots) -> Sets:
        """The shingles of some live chunks, in order; empty where nothing is seen and for a slot below 0."""
        groups, lengths = np.full(len(slots), NO_GROUP), np.zeros(len(slots), np.int64)
        groups[slots >= 0] = self._sets.of[slots[slots >= 0]]
        filled = groups != NO_GROUP
        flat, lengths[filled] = self._copies.slab.gather(groups[filled])
        return Sets(flat, np.cumsum(lengths) - lengths, lengths)

    def set_lists(self, slots: Slots) -> SetLists:
        """The shingles of all live chunks in (n, m) lists of slots, as they lie: to be read before the next change.

        Args:
            slots: NO_CHUNK behind the end of a list; another one below 0 has no shingles.
        """
        sets = self._copies.slab.sets
        starts, lengths, places = lying(sets, self._sets.of, slots.ravel())
        return SetLists(Sets(sets.flat, starts, lengths), places.reshape(slots.shape))

    def texts(self, slots: Slots) -> NDArray[np.uint64]:
        """A hash of the token sequence of each live slot, equal in every run; 0 where nothing is seen."""
        return self._texts.keys(slots)

    def set_hashes(self, slots: Slots) -> NDArray[np.uint64]:
        """A hash of the set of shingles of each live slot, equal in every run; 0 where nothing is seen."""
        return self._sets.keys(slots)

    def holders(self, slots: Slots) -> NDArray[np.int64]:
        """How many live slots have the set of shingles that each of these has; 0 where nothing is seen."""
        groups = self._sets.of[slots]
        return np.where(groups == NO_GROUP, 0, self._sets.sizes[groups])

    def sampled(self, slots: Slots) -> tuple[NDArray[np.uint32], NDArray[np.int32], NDArray[np.int32]]:
        """Of each live slot those shingles that belong to a fixed sixteenth of all there can be.

        The same shingle is in it or not whatever the text, so that sets of texts can be compared by their samples,
        however they are cut into chunks.

        Returns:
            The samples one after the other, how many there are of each slot, and how many shingles it has at all,
            both (n,) int32.

        Source: Irber et al., "Lightweight compositional analysis of metagenomes with FracMinHash", 2022.
        """
        groups = self._sets.of[slots]
        shingles, counts = sampled(self._copies.slab.sets, groups)
        whole = np.zeros(len(slots), np.int32)
        whole[groups != NO_GROUP] = self._copies.slab.lengths[groups[groups != NO_GROUP]]
        return shingles, counts, whole

    def copied(self, slots: Sequence[int]) -> NDArray[np.bool_]:
        """Whether each of some live chunks has a copy, exact or near."""
        return np.array([self._near.at(slot) for slot in slots], np.bool_)

    def holds(self, sets: Sequence[NDArray[np.uint32]]) -> NDArray[np.bool_]:
        """Whether some live chunk says each of these, exactly or nearly; see `NearCopies.holds`.

        Args:
            sets: n sorted sets of distinct shingles, of texts that need not be live.
        """
        return self._copies.holds(self.asking(sets), np.arange(len(sets)))

    def asking(self, sets: Sequence[NDArray[np.uint32]]) -> AskedSets:
        """Make sets ready for `has`; they stay so whatever comes and goes."""
        return self._copies.asking(sets)

    def has(self, asked: AskedSets, places: NDArray[np.int64]) -> NDArray[np.bool_]:
        """As `holds`, of some sets that were made ready; quickest of those that were asked about last."""
        return self._copies.has(asked, places)

    def nearest(self, sets: Sequence[NDArray[np.uint32]]) -> list[Slots]:
        """The live slots that say what each of these texts says, exactly or nearly: those of the likest set there is.

        Args:
            sets: n sorted sets of distinct shingles, of texts that need not be live.
        """
        handles = self._copies.nearest(sets)
        members = np.flatnonzero(np.isin(self._sets.of, np.setdiff1d(handles, [NONE])))
        groups = self._sets.of[members]
        return [members[groups == handle] if handle != NONE else members[:0] for handle in handles.tolist()]

    def jaccard(self, left: int, right: int) -> float:
        """Exact Jaccard similarity of the shingles of two live slots, 0 when either is empty."""
        return jaccard(self.shingles(left), self.shingles(right))

    def shared(self, left: Slots, right: Slots) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """How many shingles the live slots left[i] and right[i] share, and how many left[i] has; (p,) int64 each."""
        one, other = self._sets.of[left], self._sets.of[right]
        made, own = np.zeros(len(left), np.int64), np.zeros(len(left), np.int64)
        own[one != NO_GROUP] = self._copies.slab.lengths[one[one != NO_GROUP]]
        both = np.flatnonzero((one != NO_GROUP) & (other != NO_GROUP))
        made[both] = common(self._copies.slab.sets, one[both], other[both])
        return made, own

    def clusters(self, slots: Sequence[int]) -> NDArray[np.int64]:
        """Cluster ids of a few live slots: connected by likeness >= threshold; see `shingles.clusters`."""
        return clusters([self.shingles(slot) for slot in slots], [""] * len(slots), threshold=self._threshold)

    def image(self) -> Image:
        """See `image`."""
        groups = {"texts": self._texts.image(), "sets": self._sets.image()}
        return {"codes": self._codes.image(), **groups, "copies": self._copies.image()}

    def resume(self, image: Image) -> None:
        """Take up what was there, where nothing is yet."""
        self._codes.resume(image["codes"])
        self._texts.resume(image["texts"])
        self._sets.resume(image["sets"])
        self._copies.resume(image["copies"])
        self._refresh(np.flatnonzero(self._codes.slots != DEAD))

    def _join(self, slots: Slots, made: Shingled) -> tuple[Joined, Joined]:
        """Put texts with shingles into their groups; store the sets that are new."""
        filled = np.flatnonzero(made.counts)
        texts = self._texts.join(slots[filled], made.texts[filled])
        sets = self._sets.join(slots[filled], made.sets[filled])
        first = filled[sets.first]
        if len(first) < len(slots):
            made = made.take(first)
        self._copies.slab.put(sets.created, made.shingles, made.counts)
        return texts, sets

    def _refresh(self, slots: Slots) -> None:
        """Set the flags of live slots to what their groups say now."""
        slots = slots[self._codes.slots[slots] != DEAD]
        text, chosen = self._texts.of[slots], self._sets.of[slots]
        self._exact.set(slots, (text != NO_GROUP) & (self._texts.sizes[text] > 1))
        near = (self._sets.sizes[chosen] > 1) | (self._copies.has_match(chosen))
        self._near.set(slots, (chosen != NO_GROUP) & near)


def _empty(groups: Groups, touched: Handles) -> Handles:
    empty: Handles = touched[groups.sizes[touched] == 0]
    return empty
