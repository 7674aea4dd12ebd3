"""Near copies over a corpus that lies in parts: owners of bands find who may be alike, exact Jaccard decides.

A set of shingles has one owner (by its hash), who keeps it, counts its chunks and knows whether it has a near copy;
each of its bands has one (by the band's tag). Sets that share a band meet at its owner: only of those that meet
anybody are the shingles fetched. So what is found is what `NearCopies` finds in one process: a pair shares a band or
not, and is alike or not, wherever it is looked at.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.distinct import distinct
from monitor.core.arrays.ragged import ragged
from monitor.core.index.duplicates.buckets import Buckets
from monitor.core.index.duplicates.kernels_buckets import NONE, Question, near
from monitor.core.index.duplicates.near import Bands
from monitor.core.index.duplicates.slab import ShingleSlab
from monitor.core.shards.copies import CopySteps, CopySums, CopyTally, joined_sets
from monitor.core.shards.routing import owners, tag_owners

SetHashes = NDArray[np.uint64]
SetIds = NDArray[np.int64]
_WAITING, _MATCHED = 0, 1


@dataclass(frozen=True, slots=True, eq=False)
class BandEntries:
    """Bands of sets that came and that left, as the owner of sets tells an owner of bands; 12 bytes each.

    Args:
        came: (n,) uint64 hashes of sets, those of a set side by side.
        came_tags: (n,) uint32 their bands, each once per set.
        left: (m,) as `came`.
        left_tags: (m,).
    """

    came: SetHashes
    came_tags: NDArray[np.uint32]
    left: SetHashes
    left_tags: NDArray[np.uint32]


@dataclass(frozen=True, slots=True, eq=False)
class FetchedSets:
    """Shingles of sets that met others.

    Args:
        sets: (n,) uint64 their hashes.
        shingles: one after the other.
        lengths: (n,) int64.
    """

    sets: SetHashes
    shingles: NDArray[np.uint32]
    lengths: SetIds


@dataclass(frozen=True, slots=True, eq=False)
class MatchSteps:
    """Sets that have a near copy at an owner of bands and had none (1), or had one and have none (-1).

    Args:
        sets: (n,) uint64.
        steps: (n,) int8.
    """

    sets: SetHashes
    steps: NDArray[np.int8]


class SetOwner:
    """Keeps the sets of shingles of its hashes, and counts the chunks of all shards that have a copy.

    Args:
        bands: as every shard has them.
    """

    def __init__(self, bands: Bands) -> None:
        self._bands = bands
        self.texts, self.sets = CopyTally(), CopyTally()
        self._slab = ShingleSlab()
        self._handles: dict[int, int] = {}
        self._free: list[int] = []
        self._matches: dict[int, int] = {}

    @property
    def sums(self) -> CopySums:
        """What this owner adds to the counts of copies."""
        return CopySums({}, dict(self.texts.copies), dict(self.sets.copies))

    def take(self, received: Sequence[CopySteps], count: int) -> list[BandEntries]:
        """Take in what all shards say; returns what each of `count` owners of bands is told."""
        self.texts.take(one.texts for one in received)
        created, gone = self.sets.take(one.sets for one in received)
        left = self._entries(gone)
        dropped = np.array([self._handles.pop(hashed) for hashed in gone], np.int64)
        self._slab.drop(dropped)
        self._free += dropped.tolist()
        for hashed in gone:
            self._matches.pop(hashed, None)
        self._store(created, received)
        came = self._entries(created)
        return _told(came, left, count)

    def fetched(self, wanted: SetHashes) -> FetchedSets:
        """The shingles of some sets that it keeps."""
        handles = np.array([self._handles[hashed] for hashed in wanted.tolist()], np.int64)
        return FetchedSets(wanted, *self._slab.gather(handles))

    def matched(self, received: Sequence[MatchSteps]) -> None:
        """Take in which sets have a near copy, as the owners of bands found."""
        for one in received:
            for hashed, step in zip(one.sets.tolist(), one.steps.tolist(), strict=True):
                if hashed in self._handles:  # a set that is gone has forgotten its matches
                    now = self._matches.get(hashed, 0) + step
                    if now:
                        self._matches[hashed] = now
                    else:
                        del self._matches[hashed]
                    self.sets.mark(hashed, marked=now > 0)

    def _store(self, created: Sequence[int], received: Sequence[CopySteps]) -> None:
        """Keep sets that are new; every shard that has one sent it."""
        sent = np.concatenate([np.zeros(0, np.uint64), *(one.fresh for one in received)])
        place = {hashed: at for at, hashed in enumerate(sent.tolist())}
        flat, starts, lengths = joined_sets([(one.shingles, one.lengths) for one in received])
        at = np.array([place[hashed] for hashed in created], np.int64)
        handles = []
        for hashed in created:
            handle = self._free.pop() if self._free else len(self._handles)
            self._handles[hashed] = handle
            handles.append(handle)
        self._slab.put(np.array(handles, np.int64), flat[ragged(starts[at], lengths[at])], lengths[at])

    def _entries(self, hashes: Sequence[int]) -> tuple[SetHashes, NDArray[np.uint32]]:
        """The bands of some sets that are kept, each once per set."""
        if not hashes:
            return np.zeros(0, np.uint64), np.zeros(0, np.uint32)
        handles = np.array([self._handles[hashed] for hashed in hashes], np.int64)
        tags = np.sort(self._bands.of(*self._slab.gather(handles)), axis=1)
        once = np.ones(tags.shape, np.bool_)
        once[:, 1:] = tags[:, 1:] != tags[:, :-1]
        return np.repeat(np.array(hashes, np.uint64), once.sum(axis=1)), tags[once]


def _told(
    came: tuple[SetHashes, NDArray[np.uint32]], left: tuple[SetHashes, NDArray[np.uint32]], count: int
) -> list[BandEntries]:
    sides = [(sets, tags, tag_owners(tags, count)) for sets, tags in (came, left)]
    return [
        BandEntries(*(of[chosen == owner] for sets, tags, chosen in sides for of in (sets, tags)))
        for owner in range(count)
    ]


class BandOwner:
    """Knows which sets share a band that it owns, and for each that has a near copy among them one, its witness.

    As in `NearCopies`, sets without a witness wait in a partition of their own: a new set looks through that one to
    the end, through the other only until it has found a witness. A set that shares no band with another is known by
    its tags alone.

    Args:
        threshold: the least Jaccard similarity of near copies.
    """

    def __init__(self, threshold: float) -> None:
        self._threshold = threshold
        self._slab = ShingleSlab()
        self._table, self._clients = Buckets(1, shelves=2), Buckets(1)
        self._set: SetIds = np.zeros(0, np.int64)  # by entry
        self._hashes: SetHashes = np.zeros(0, np.uint64)  # by set, as all below
        self._first: SetIds = np.zeros(0, np.int64)
        self._count: SetIds = np.zeros(0, np.int64)
        self._witness: SetIds = np.zeros(0, np.int64)
        self._met: NDArray[np.bool_] = np.zeros(0, np.bool_)
        self._free: list[int] = []
        self._free_entries: dict[int, list[int]] = {}
        self._used = self._used_entries = 0
        none = np.zeros(0, np.int64)
        self._turn = _Turn(none, none, none, none, none, np.zeros(0, np.uint32), {})

    def __len__(self) -> int:
        """Sets that have a band here."""
        return self._used - len(self._free)

    def take(self, received: Sequence[BandEntries], count: int) -> list[SetHashes]:
        """Take in what all owners of sets say; returns of which sets each of them is asked for the shingles."""
        none, no_tags = np.zeros(0, np.uint64), np.zeros(0, np.uint32)
        left = np.concatenate([none, *(one.left for one in received)])
        left_tags = np.concatenate([no_tags, *(one.left_tags for one in received)])
        came = np.concatenate([none, *(one.came for one in received)])
        tags = np.concatenate([no_tags, *(one.came_tags for one in received)])
        orphans = self._remove(left, left_tags)
        fresh, rows = self._admit(came)
        waiting = list(self._table.matches(tags[:, None]))
        asking = rows[np.concatenate([np.zeros(0, np.int64), *(at for at, _ in waiting)])]
        others = self._set[np.concatenate([np.zeros(0, np.int64), *(entries for _, entries in waiting)])]
        _, place, times = np.unique(tags, return_inverse=True, return_counts=True)
        met = distinct([asking, others, rows[times[place] > 1], rows[self._table.meets(tags, _MATCHED)]])
        met = met[~self._met[met]]
        self._met[met] = True
        wanted = self._hashes[met]
        self._turn = _Turn(
            orphans, fresh, rows, asking, others, tags, dict(zip(wanted.tolist(), met.tolist(), strict=True))
        )
        chosen = owners(wanted, count)
        return [wanted[chosen == owner] for owner in range(count)]

    def settle(self, received: Sequence[FetchedSets], count: int) -> list[MatchSteps]:
        """Take in the shingles asked for; returns which sets of each owner have a near copy now, or no longer."""
        turn, witness = self._turn, self._witness
        sets = joined_sets([(one.shingles, one.lengths) for one in received])
        hashes = np.concatenate([np.zeros(0, np.uint64), *(one.sets for one in received)])
        self._slab.put(np.array([turn.wanted[of] for of in hashes.tolist()], np.int64), sets.flat, sets.lengths)
        alike = near(self._slab.sets, turn.asking, turn.others, self._threshold)
        others = turn.others[alike]
        witness[turn.asking[alike]] = others
        witness[others] = turn.asking[alike]
        met = self._met[turn.rows]
        rows, tags = turn.rows[met], turn.tags[met]
        self._search(self._table, self._set, rows, tags, _MATCHED)
        among = Buckets(1)
        among.add(np.arange(len(rows)), tags[:, None])
        self._search(among, rows, rows, tags, 0)
        entries = self._entries(turn.fresh)
        self._table.add(entries, turn.tags[:, None], partition=_WAITING)
        entries = self._entries(turn.orphans)
        asking, tags = np.repeat(turn.orphans, self._count[turn.orphans]), self._table.tags(entries)[:, 0]
        for partition in (_MATCHED, _WAITING):
            self._search(self._table, self._set, asking, tags, partition)
        touched = distinct([turn.fresh, turn.orphans, others])
        found = touched[witness[touched] != NONE]
        self._table.move(self._entries(found), _MATCHED)
        self._clients.add(found, witness[found, None].astype(np.uint32))
        lost = turn.orphans[witness[turn.orphans] == NONE]
        gained = np.setdiff1d(found, turn.orphans, assume_unique=True)
        moved = np.concatenate((gained, lost))
        step = np.repeat(np.array([1, -1], np.int8), [len(gained), len(lost)])
        chosen = owners(self._hashes[moved], count)
        return [MatchSteps(self._hashes[moved[chosen == at]], step[chosen == at]) for at in range(count)]

    def _search(self, table: Buckets, ids: SetIds, asking: SetIds, tags: NDArray[np.uint32], partition: int) -> None:
        """Find a witness for each asking set that has none, among those that share a tag with it."""
        table.first_alike(self._slab.sets, ids, self._witness, Question(asking, tags, partition, self._threshold))

    def _remove(self, hashes: SetHashes, tags: NDArray[np.uint32]) -> SetIds:
        """Forget sets; returns the ones that lost their witness, now without."""
        begins = np.flatnonzero(np.diff(hashes, prepend=~hashes[:1]) != 0)
        dead = np.sort(self._set[self._table.locate(tags[begins], (self._set, self._hashes), hashes[begins])])
        lost = [others for _, others in self._clients.matches(dead[:, None].astype(np.uint32))]
        orphans = np.setdiff1d(distinct(lost), dead)
        self._clients.remove(distinct([orphans, dead[self._witness[dead] != NONE]]))
        self._witness[orphans] = NONE
        self._witness[dead] = NONE
        self._table.move(self._entries(orphans), _WAITING)
        self._table.remove(self._entries(dead))
        self._slab.drop(dead[self._met[dead]])
        self._met[dead] = False
        for one in dead.tolist():
            self._free_entries.setdefault(int(self._count[one]), []).append(int(self._first[one]))
        self._free += dead.tolist()
        return orphans

    def _admit(self, hashes: SetHashes) -> tuple[SetIds, SetIds]:
        """Number sets that are new, and make room for their entries; returns them, and the set of each entry."""
        begins = np.flatnonzero(np.diff(hashes, prepend=~hashes[:1]) != 0)
        counts = np.diff(begins, append=len(hashes))
        again = [self._free.pop() for _ in range(min(len(begins), len(self._free)))]
        fresh = np.array([*again, *range(self._used, self._used + len(begins) - len(again))], np.int64)
        self._used += len(begins) - len(again)
        first = np.array([self._room(count) for count in counts.tolist()], np.int64)
        self._reach()
        self._hashes[fresh], self._first[fresh], self._count[fresh] = hashes[begins], first, counts
        rows = np.repeat(fresh, counts)
        self._set[ragged(first, counts)] = rows
        return fresh, rows

    def _room(self, count: int) -> int:
        """Where so many entries of a set stand side by side."""
        free = self._free_entries.get(count)
        if free:
            return free.pop()
        self._used_entries += count
        return self._used_entries - count

    def _reach(self) -> None:
        """Make room for all sets and entries."""
        more = max(0, self._used_entries - len(self._set))
        if more:
            self._set = np.concatenate((self._set, np.zeros(max(1024, more, len(self._set) // 4), np.int64)))
        more = self._used - len(self._hashes)
        if more > 0:
            room = max(1024, more, len(self._hashes) // 4)
            none = np.zeros(room, np.int64)
            self._hashes = np.concatenate((self._hashes, np.zeros(room, np.uint64)))
            self._first, self._count = (np.concatenate((of, none)) for of in (self._first, self._count))
            self._witness = np.concatenate((self._witness, np.full(room, NONE, np.int64)))
            self._met = np.concatenate((self._met, np.zeros(room, np.bool_)))

    def _entries(self, ids: SetIds) -> SetIds:
        return ragged(self._first[ids], self._count[ids])


class _Turn(NamedTuple):
    """What came in one turn, between asking for shingles and having them."""

    orphans: SetIds
    fresh: SetIds
    rows: SetIds
    """The fresh set of each band that came."""
    asking: SetIds
    others: SetIds
    """Pairs of a fresh set and a waiting one that share a band."""
    tags: NDArray[np.uint32]
    """Bands that came."""
    wanted: dict[int, int]
