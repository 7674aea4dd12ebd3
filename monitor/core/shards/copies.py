"""Exact copies, and sets of shingles, over a corpus that lies in parts: each hash has one owner, who counts it."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.segment_codes import SegmentCodes
from monitor.core.arrays.sorted_sets import Sets
from monitor.core.index.corpus import Delta
from monitor.core.index.duplicates.duplicates import Copies, Duplicates
from monitor.core.model.events import Segment
from monitor.core.model.segments import value_of
from monitor.core.shards.routing import owners

ContentHashes64 = NDArray[np.uint64]
Steps = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class HashSteps:
    """Chunks that came and left, by a hash of what they say; 20 bytes a step.

    Args:
        hashes: (m,) uint64.
        segments: (m,) int32 places in `names`.
        steps: (m,) int32, chunks more or less, never 0.
        names: the segments, each once.
    """

    hashes: ContentHashes64
    segments: NDArray[np.int32]
    steps: NDArray[np.int32]
    names: tuple[Segment, ...]

    @classmethod
    def of(cls, counted: Mapping[tuple[int, Segment], int]) -> "HashSteps":
        """Of steps by hash and segment; what cancels is no step."""
        found = [(hashed, segment, step) for (hashed, segment), step in counted.items() if step]
        names = {segment: at for at, segment in enumerate(dict.fromkeys(segment for _, segment, _ in found))}
        return cls(
            np.array([hashed for hashed, _, _ in found], np.uint64),
            np.array([names[segment] for _, segment, _ in found], np.int32),
            np.array([step for _, _, step in found], np.int32),
            tuple(names),
        )


@dataclass(frozen=True, slots=True, eq=False)
class CopySteps:
    """What a shard sends an owner of copies: steps by text and by set of shingles, and the sets that are new to it.

    Args:
        texts: by the hash of the token sequence.
        sets: by the hash of the set of shingles.
        fresh: (n,) uint64 hashes of sets of which the shard held no chunk before.
        shingles: of these, one after the other.
        lengths: (n,) int64, how many of each.
    """

    texts: HashSteps
    sets: HashSteps
    fresh: ContentHashes64
    shingles: NDArray[np.uint32]
    lengths: Steps


class CopyJournal:
    """What a shard's batches did to its texts and sets since the owners were told, net of what cancels.

    Call `leaving` before a batch is applied and `came` after it; each changed chunk costs two 20-byte steps for its
    text and two for its set, none where it says the same in the same segment, and 4 bytes for each shingle of a set
    that is new to the shard.

    Args:
        duplicates: of the shard.
    """

    def __init__(self, duplicates: Duplicates) -> None:
        self._duplicates = duplicates
        self._texts: Counter[tuple[int, Segment]] = Counter()
        self._sets: Counter[tuple[int, Segment]] = Counter()
        self._slots: defaultdict[int, set[int]] = defaultdict(set)

    def leaving(self, delta: Delta) -> None:
        """The chunk table took in a batch, the engine did not yet."""
        self._count(delta.removed, -1)

    def came(self, delta: Delta) -> None:
        """The engine took in the batch."""
        self._count(delta.added, 1)

    def everything(self, slots: Steps) -> None:
        """Begin anew, for owners that know nothing of this shard.

        Args:
            slots: all live ones.
        """
        self._texts.clear()
        self._sets.clear()
        self._slots.clear()
        self._count(slots, 1)

    def sent(self, count: int) -> list[CopySteps]:
        """What each of `count` owners is told; nothing is told twice."""
        texts, sets = _by_owner(self._texts, count), _by_owner(self._sets, count)
        fresh = self._fresh()
        chosen = owners(np.array(list(fresh), np.uint64), count)
        slots = np.array(list(fresh.values()), np.int64)
        hashes = np.array(list(fresh), np.uint64)
        made = []
        for owner in range(count):
            mine = chosen == owner
            flat, _, lengths = self._duplicates.sets(slots[mine])
            steps = HashSteps.of(texts[owner]), HashSteps.of(sets[owner])
            made.append(CopySteps(*steps, hashes[mine], flat, lengths))
        self._texts.clear()
        self._sets.clear()
        self._slots.clear()
        return made

    def _count(self, slots: Steps, sign: int) -> None:
        codes, duplicates = self._duplicates.codes, self._duplicates
        segments = [codes.segments[code] for code in codes.slots[slots].tolist()]
        hashes = duplicates.texts(slots).tolist(), duplicates.set_hashes(slots).tolist()
        for slot, text, chosen, segment in zip(slots.tolist(), *hashes, segments, strict=True):
            if text:
                self._texts[text, segment] += sign
                self._sets[chosen, segment] += sign
                (self._slots[chosen].add if sign > 0 else self._slots[chosen].discard)(slot)

    def _fresh(self) -> dict[int, int]:
        """Sets of which the shard held no chunk before, each with a slot that has it now."""
        more: Counter[int] = Counter()
        for (hashed, _), step in self._sets.items():
            more[hashed] += step
        found = [(hashed, min(slots)) for hashed, slots in self._slots.items() if more[hashed] > 0]
        slots = np.array([slot for _, slot in found], np.int64)
        held = self._duplicates.holders(slots)
        return {hashed: slot for (hashed, slot), now in zip(found, held.tolist(), strict=True) if now == more[hashed]}


def _by_owner(counted: Mapping[tuple[int, Segment], int], count: int) -> list[dict[tuple[int, Segment], int]]:
    made: list[dict[tuple[int, Segment], int]] = [{} for _ in range(count)]
    chosen = owners(np.array([hashed for hashed, _ in counted], np.uint64), count)
    for owner, (named, step) in zip(chosen.tolist(), counted.items(), strict=True):
        made[owner][named] = step
    return made


class CopyTally:
    """The chunks of all shards by a hash of what they say, and how many of each segment have a copy.

    A chunk has a copy where another one has the same hash, or where its hash is marked (`mark`).
    """

    def __init__(self) -> None:
        self.copies: Counter[Segment] = Counter()
        """Chunks that have a copy, by segment."""
        self._members: dict[int, tuple[Segment | int, ...]] = {}
        self._marked: set[int] = set()
        self._segments: dict[Segment, Segment] = {}
        self._chunks: Counter[Segment] = Counter()

    def __len__(self) -> int:
        """Hashes that some chunk has."""
        return len(self._members)

    def __contains__(self, hashed: int) -> bool:
        return hashed in self._members

    def take(self, received: Iterable[HashSteps]) -> tuple[list[int], list[int]]:
        """Take in the steps of all shards at once; returns the hashes that some chunk has now and none had, and those
        that none has any more.

        Raises:
            ValueError: fewer chunks than none are left of a hash: the steps do not follow what was told before.
        """
        moved: defaultdict[int, list[tuple[Segment, int]]] = defaultdict(list)
        for one in received:
            # one object for all equal segments, however often they are said
            names = [self._segments.setdefault(name, name) for name in one.names]
            for hashed, at, step in zip(one.hashes.tolist(), one.segments.tolist(), one.steps.tolist(), strict=True):
                moved[hashed].append((names[at], step))
            for name, step in zip(names, np.bincount(one.segments, one.steps, len(names)).tolist(), strict=True):
                self._chunks[name] += int(step)
        created: list[int] = []
        gone: list[int] = []
        for hashed, steps in moved.items():
            before = hashed in self._members
            if not self._alone(hashed, steps):
                self._move(hashed, steps)
            if before != (hashed in self._members):
                (gone if before else created).append(hashed)
        for name in [name for name in self._segments if not self._chunks[name]]:
            del self._segments[name], self._chunks[name]
        return created, gone

    def mark(self, hashed: int, *, marked: bool) -> None:
        """Whether what has this hash has a copy of another hash."""
        if hashed in self._members and marked != (hashed in self._marked):
            self._contribute(hashed, -1)
            (self._marked.add if marked else self._marked.discard)(hashed)
            self._contribute(hashed, 1)

    def _alone(self, hashed: int, steps: Sequence[tuple[Segment, int]]) -> bool:
        """Take in that one chunk came, or left, which nobody else has a copy of: so it is with most; else False."""
        held = self._members.get(hashed)
        if len(steps) != 1 or hashed in self._marked:
            return False
        if held is None and steps[0][1] == 1:
            self._members[hashed] = steps[0]
        elif held == (steps[0][0], -steps[0][1]) and steps[0][1] == -1:
            del self._members[hashed]
        else:
            return False
        return True

    def _move(self, hashed: int, steps: Sequence[tuple[Segment, int]]) -> None:
        self._contribute(hashed, -1)
        held = dict(_pairs(self._members.pop(hashed, ())))
        for segment, step in steps:
            held[segment] = held.get(segment, 0) + step
        if min(held.values()) < 0:
            said = f"hash {hashed:016x}: fewer than no chunks in {held!r}; steps are missing, or were taken twice"
            raise ValueError(said)
        now = tuple(part for pair in held.items() if pair[1] for part in pair)
        if now:
            self._members[hashed] = now
        else:
            self._marked.discard(hashed)
        self._contribute(hashed, 1)

    def _contribute(self, hashed: int, sign: int) -> None:
        held = _pairs(self._members.get(hashed, ()))
        if hashed in self._marked or sum(count for _, count in held) > 1:
            for segment, count in held:
                self.copies[segment] += sign * count
                if not self.copies[segment]:
                    del self.copies[segment]


def _pairs(members: tuple[Segment | int, ...]) -> list[tuple[Segment, int]]:
    """Segment and count by turns: a hash of one chunk, as most are, costs one small tuple."""
    return list(zip(members[::2], members[1::2], strict=True))  # type: ignore[arg-type]  # by turns


def chunks_by_segment(codes: SegmentCodes) -> dict[Segment, int]:
    """Live chunks of one shard by segment."""
    counts = codes.counts[: len(codes.segments)].tolist()
    return {segment: count for segment, count in zip(codes.segments, counts, strict=True) if count}


@dataclass(frozen=True, slots=True, eq=False)
class CopySums:
    """What one shard, or one owner, adds to the counts of copies.

    Args:
        chunks: live chunks by segment; what shards add.
        exact, near: those of them with an exact copy, and with a near one; what owners add.
    """

    chunks: Mapping[Segment, int]
    exact: Mapping[Segment, int]
    near: Mapping[Segment, int]


class CopyCounts:
    """The counts of copies of the whole corpus: the sums of what shards and owners say.

    >>> one, owner = CopySums({(): 2}, {}, {}), CopySums({}, {(): 2}, {(): 3})
    >>> CopyCounts([one, CopySums({(): 1}, {}, {}), owner]).counts("language")
    {'unset': Copies(chunks=3, exact=2, near=3)}
    """

    def __init__(self, sums: Sequence[CopySums]) -> None:
        self._chunks, self._exact, self._near = (
            _summed(of)
            for of in ([one.chunks for one in sums], [one.exact for one in sums], [one.near for one in sums])
        )

    @property
    def exact(self) -> int:
        """Live chunks that have an exact copy."""
        return self._exact.total()

    @property
    def near(self) -> int:
        """Live chunks that have a near copy, exact copies included."""
        return self._near.total()

    def counts(self, dimension: str) -> Mapping[str, Copies]:
        """Live chunks and copies per segment of a dimension, as `Duplicates.counts`."""
        tally: dict[str, Copies] = {}
        for segment, chunks in self._chunks.items():
            name = value_of(dimension, segment)
            held = tally.get(name, Copies(0, 0, 0))
            exact, near = held.exact + self._exact[segment], held.near + self._near[segment]
            tally[name] = Copies(held.chunks + chunks, exact, near)
        return tally


def _summed(parts: Iterable[Mapping[Segment, int]]) -> Counter[Segment]:
    made: Counter[Segment] = Counter()
    for part in parts:
        made.update(part)
    return made


def joined_sets(parts: Sequence[tuple[NDArray[np.uint32], Steps]]) -> Sets:
    """Sets that came in several messages as one, numbered as they came.

    Args:
        parts: the sets of each message one after the other, and how long each is.
    """
    lengths = np.concatenate([np.zeros(0, np.int64), *(lengths for _, lengths in parts)])
    flat = np.concatenate([np.zeros(0, np.uint32), *(flat for flat, _ in parts)])
    return Sets(flat, np.cumsum(lengths) - lengths, lengths)
