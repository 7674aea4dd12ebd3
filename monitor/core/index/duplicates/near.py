"""Which of the live sets of shingles have a near copy among the others."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.distinct import distinct
from monitor.core.arrays.growing import longer
from monitor.core.arrays.image import Image
from monitor.core.arrays.sorted_sets import Sets
from monitor.core.index.duplicates.buckets import Buckets
from monitor.core.index.duplicates.kernels_buckets import MATCHED, NONE, WAITING, Handles, Question
from monitor.core.index.duplicates.shingles import jaccard
from monitor.core.index.duplicates.slab import ShingleSlab

_SETS = 4096
"""Sets taken in at a time, so that a whole corpus can come at once."""
_CAME = 1 << 14
"""Sets that came since somebody asked, of which the bands are kept; beyond that, all is looked for again."""

_SPARSE = 8
"""Places for each band that came, so that few other bands fall into those of both tables."""


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


class AskedSets(NamedTuple):
    """Sets that need not be live, made ready to be asked about again and again.

    Args:
        sets: n of them, in order.
        bands: (n, width) their bands; zeros for an empty set.
        least: similarity from which on they are held; where it is lower, that of near copies counts.
    """

    sets: Sets
    bands: NDArray[np.uint32]
    least: float = 0.0


class NearCopies:
    """Keeps for each set that has a near copy one of them, its *witness*.

    When a witness leaves, the sets that it stood for look for another. Sets without a witness wait in a partition
    of their own: a new set looks through that one to the end, through the other only until it has found a witness.
    So a flood of similar sets costs little, where counting its pairs is quadratic.

    Args:
        bands: finds candidates; the exact Jaccard similarity decides.
        threshold: the least similarity of near copies, in (0, 1].
    """

    def __init__(self, bands: Bands, threshold: float) -> None:
        self._bands, self._threshold = bands, threshold
        self.slab = ShingleSlab()
        self._table = Buckets(bands.width, shelves=2)
        self._witness: Handles = np.full(1, NONE, np.int64)
        self._clients = Buckets(1)
        """Sets by their witness."""
        self._asked: AskedSets | None = None
        """What was asked about last."""
        self._absent: NDArray[np.bool_] = np.zeros(0, np.bool_)
        """Which of these no set was like: that stays so until one comes that has a band of theirs."""
        self._came: list[NDArray[np.uint32]] = []
        """The bands of what came since."""

    def __len__(self) -> int:
        """Live sets."""
        return len(self._table)

    def has_match(self, handles: Handles) -> NDArray[np.bool_]:
        """Whether each of these sets has a near copy; (n,) bool."""
        has: NDArray[np.bool_] = self._witness[handles] != NONE
        return has

    def asking(self, sets: Sequence[NDArray[np.uint32]]) -> AskedSets:
        """Make sets ready for `holds`; they stay so whatever comes and goes."""
        asked = Sets.of(sets)
        filled = np.flatnonzero(asked.lengths)
        bands = np.zeros((len(sets), self._bands.width), np.uint32)
        if len(filled):
            bands[filled] = self._bands.of(asked.flat, asked.lengths[filled])
        return AskedSets(asked, bands)

    def has(self, asked: AskedSets, places: Handles) -> NDArray[np.bool_]:
        """As `holds`, of sets that are asked about again and again: what was not there is not looked for until
        something came that may be like it.
        """
        absent = self._known_absent(asked)
        found = ~absent[places]
        found[found] = self.holds(asked, places[found])
        absent[places[~found]] = True
        return found

    def _known_absent(self, asked: AskedSets) -> NDArray[np.bool_]:
        """(n,) which of these sets no live one is like for certain."""
        if self._asked is not asked:
            self._asked, self._absent, self._came = asked, np.zeros(len(asked.bands), np.bool_), []
        came, self._came = self._came, []
        if came:
            absent = np.flatnonzero(self._absent)
            self._absent[absent[_meeting(asked.bands[absent], np.concatenate(came))]] = False
        return self._absent

    def holds(self, asked: AskedSets, places: Handles) -> NDArray[np.bool_]:
        """Whether a live set is equal to some of these, or a near copy of it; False for an empty one.

        The sets themselves need not be live: this is how a text that left is found again.

        Args:
            asked: made ready.
            places: (n,) int64, which of them.

        Returns:
            (n,) bool.
        """
        found = asked.sets.lengths[places] > 0
        filled = places[found]
        held, bands = np.zeros(len(filled), np.bool_), asked.bands[filled]
        for partition in (MATCHED, WAITING) if len(filled) else ():
            question = Question(filled, bands, partition, max(self._threshold, asked.least))
            self._table.holds(self.slab.sets, asked.sets, question, held)
        found[found] = held
        return found

    def nearest(self, sets: Sequence[NDArray[np.uint32]]) -> Handles:
        """The live set that is most like each of these and at least a near copy; (n,) int64, NONE where none is.

        Of several that are equally alike the one with the least shingles, which depends on the sets alone.
        """
        found = np.full(len(sets), NONE, np.int64)
        filled = [at for at, one in enumerate(sets) if len(one)]
        if not filled:
            return found
        bands = self.asking([sets[at] for at in filled]).bands
        best: dict[int, tuple[float, bytes]] = {}
        for partition in (WAITING, MATCHED):
            for places, handles in self._table.matches(bands, partition=partition):
                for place, handle in zip(places.tolist(), handles.tolist(), strict=True):
                    at, other = filled[place], self.slab.get(handle)
                    alike = jaccard(sets[at], other)
                    rank = (-alike, other.tobytes())
                    if alike >= self._threshold and rank < best.get(at, (0.0, b"")):
                        best[at], found[at] = rank, handle
        return found

    def update(self, dead: Handles, fresh: Handles) -> Handles:
        """Forget sets and take in new ones, stored in the slab; returns the sets that this can have changed."""
        if len(self.slab.lengths) > len(self._witness):
            self._witness = longer(self._witness, len(self.slab.lengths), NONE)
        orphans = self._remove(dead)
        changed = [orphans, fresh]
        for part in _parts(fresh):
            bands = self._bands.of(*self.slab.gather(part))
            self._note(bands)
            changed.append(self._table.take(self.slab.sets, self._witness, part, bands, self._threshold))
        for part in _parts(orphans):
            bands = self._table.tags(part)
            for partition in (MATCHED, WAITING):
                question = Question(part, bands, partition, self._threshold)
                self._table.search(self.slab.sets, self._witness, question)
        self._table.move(orphans[~self.has_match(orphans)], WAITING)
        settled = distinct(changed)
        matched = settled[self.has_match(settled)]
        self._clients.add(matched, self._witness[matched, None].astype(np.uint32))
        return settled

    def image(self) -> Image:
        """See `image`."""
        return {"slab": self.slab.image(), "table": self._table.image(), "witness": self._witness}

    def resume(self, image: Image) -> None:
        """Take up what was there, where nothing is yet."""
        self.slab.resume(image["slab"])
        self._table.resume(image["table"])
        self._witness, self._asked = image["witness"], None
        matched = np.flatnonzero(self._witness != NONE)
        self._clients.add(matched, self._witness[matched, None].astype(np.uint32))

    def _note(self, bands: NDArray[np.uint32]) -> None:
        """Keep the bands of what came, for what is known to be absent."""
        if self._asked is not None:
            self._came.append(bands)
            if sum(map(len, self._came)) > _CAME:
                self._asked, self._came = None, []

    def _remove(self, dead: Handles) -> Handles:
        """Forget sets; returns the ones that lost their witness, now without."""
        orphans = self._clients.clients(dead)
        self._clients.remove(np.concatenate((orphans, dead[self.has_match(dead)])))
        self._witness[orphans] = NONE
        self._witness[dead] = NONE
        self._table.remove(dead)
        self.slab.drop(dead)
        return orphans


def _meeting(bands: NDArray[np.uint32], others: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """(n,) which of some sets may have a band of others: all that do, and hardly any that does not."""
    bits = min((_SPARSE * others.size).bit_length(), 32)
    low, high = np.zeros((2, 1 << bits), np.bool_)
    low[others & (len(low) - 1)] = high[others >> (32 - bits)] = True
    meets: NDArray[np.bool_] = (low[bands & (len(low) - 1)] & high[bands >> (32 - bits)]).any(axis=1)
    return meets


def _parts(handles: Handles) -> Iterator[Handles]:
    for at in range(0, len(handles), _SETS):
        yield handles[at : at + _SETS]
