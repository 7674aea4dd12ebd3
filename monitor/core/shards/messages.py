"""What shards and their coordinator say to each other: integers, arrays and rows, never an object that is shared."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.sorted_sets import Sets
from monitor.core.index.baseline import ListLeg
from monitor.core.index.duplicates.content_sketch import ContentSketch
from monitor.core.model.changes import Change, ChunkRow, Refused
from monitor.core.model.events import Partition, streamed
from monitor.core.model.lists import NO_CHUNK
from monitor.core.shards.copies import CopySums
from monitor.core.shards.statistics import SegmentSteps, ShardSums
from monitor.errors import ConfigurationError, CorpusDriftError, UnreachableError

Positions = Mapping[Partition, int]
"""Next offset by partition."""
Cuts = Mapping[ListLeg, NDArray[np.float64]]
"""By leg and question, a score below which a shard need not send what it has."""


class ShardError(CorpusDriftError):
    """Shards and coordinator do not agree: to go on would give wrong lists without an error."""


class ShardOutOfStepError(ShardError):
    """A call does not follow the state of the shard that it came to: another epoch, other positions, out of turn."""


class ShardAwayError(UnreachableError):
    """A shard does not answer: nothing is known of its chunks until it does, so nothing is said of the whole.

    The message names it: `shard 2 of 4: away for 12 s (node lost); expected it back`.
    """


class NotShardedError(ShardError):
    """What was asked for is not worked out over shards; docs/scale.md says why."""


class ChunkInTwoShardsError(ShardError):
    """Events of one chunk stand in partitions of two shards: the stream's key is not the chunk id.

    Args:
        message: the line.
        key: of the chunk, where only its key is known; NO_CHUNK where the message names it.
    """

    def __init__(self, message: str, key: int = NO_CHUNK) -> None:
        super().__init__(message)
        self.key = key


def shard_of(partition: Partition, shards: int) -> int:
    """The shard that reads a partition: static, so that a restart and every process come to the same.

    What files say is in a partition is in that partition's shard.

    >>> [shard_of(Partition("events", number), 4) for number in range(5)]
    [2, 3, 0, 1, 2]
    >>> shard_of(Partition("__bootstrap__/events", 3), 4)
    1
    """
    return (crc32(streamed(partition.topic).encode()) + partition.partition) % shards


def of_shard(positions: Positions, number: int, shards: int) -> dict[Partition, int]:
    """The positions of one shard's partitions."""
    return {part: at for part, at in positions.items() if shard_of(part, shards) == number}


class EpochSpan(NamedTuple):
    """One step of all shards.

    Args:
        epoch: its number, one more than the last one's.
        before: next offsets when it begins.
        upto: next offsets when it ends; no event of the step stands there or behind.
    """

    epoch: int
    before: Positions
    upto: Positions


def spans(span: EpochSpan, shards: int) -> list[EpochSpan]:
    """A step as each shard is told of it: with the positions of its own partitions.

    >>> [len(of.upto) for of in spans(EpochSpan(1, {}, {Partition("events", 0): 7}), 4)]
    [0, 0, 1, 0]
    """
    made = [EpochSpan(span.epoch, dict[Partition, int](), dict[Partition, int]()) for _ in range(shards)]
    for name in ("before", "upto"):
        for part, at in getattr(span, name).items():
            getattr(made[shard_of(part, shards)], name)[part] = at
    return made


class ShardPosition(NamedTuple):
    """Where shards stood when they stopped.

    Args:
        epoch: the last one that was published.
        positions: next offsets then.
        newest_event_time: of all shards, microseconds.
        barrier_time: newest event time at the last barrier.
    """

    epoch: int
    positions: Positions
    newest_event_time: int
    barrier_time: int


def of_one_run(stood: Iterable[ShardPosition], topics: Collection[str], shards: int) -> None:
    """Refuse shards of another topic: two runs may well be at the same step.

    Offsets say nothing: where a barrier is open, a shard stands behind its marker and the state before it.

    Args:
        stood: where shards stand.
        topics: that the coordinator's state has read.
        shards: how many there are.

    Raises:
        ConfigurationError: one has read another topic.
    """
    for part in sorted(part for at in stood for part in at.positions):
        if part.topic not in topics:
            message = (
                f"shard {shard_of(part, shards)} of {shards}: has read {part.name}, the state only "
                f"{', '.join(sorted(topics)) or 'nothing'}; expected the files of one run"
            )
            raise ConfigurationError(message)


@dataclass(frozen=True, slots=True, eq=False)
class ShardCommit:
    """What a shard did since it committed last.

    Args:
        at: where it stands.
        changes: in order.
        forgotten: keys of delete marks that are forgotten.
    """

    at: ShardPosition
    changes: Sequence[Change]
    forgotten: Sequence[int]


class TermSteps(NamedTuple):
    """How the document frequency of words moved.

    Args:
        hashes: (n,) uint64, distinct, `vocabulary.word_hash` of each word.
        steps: (n,) int64, never 0.
    """

    hashes: NDArray[np.uint64]
    steps: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class StageSums:
    """What a shard has after a stage, and what the stage's events came to.

    Args:
        shard: its number.
        chunks: live chunks, N.
        length: tokens in them; 0 without a lexical leg.
        frequency: (M,) int64, chunks that contain each term of the questions, in the order of the sorted terms.
        words: how the document frequencies of all words moved.
        newest_event_time: of all events it has seen, microseconds.
        outcomes: (kind of event, outcome) -> count.
        upserts: applied, and those of them that repeated the content of a live chunk.
        refused: events that cannot be believed.
        noted: (n,) int64 keys of chunks of which anything is known otherwise now.
        arrived: (a,) int64 keys of chunks that it did not know before, delete marks included.
        sketches: of what the chunks said that were deleted, by key.
        said: (s,) int64, distinct keys of chunks that an event of the stage said are live.
        came: (c,) int64 keys of chunks that have new content now, ascending by slot.
        gone: (g,) int64 keys of chunks whose earlier content is gone, ascending by slot.
    """

    shard: int
    chunks: int
    length: int
    frequency: NDArray[np.int64]
    words: TermSteps
    newest_event_time: int
    outcomes: Mapping[tuple[str, str], int] = field(default_factory=dict)
    upserts: tuple[int, int] = (0, 0)
    refused: tuple[Refused, ...] = ()
    noted: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    arrived: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    sketches: Mapping[int, ContentSketch] = field(default_factory=dict)
    said: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    came: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    gone: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))


class LegEntries(NamedTuple):
    """The best that a shard has for each of R questions on one leg.

    Args:
        counts: (R,) int64, entries of each.
        keys: (n,) int64 chunk keys, one question's after the other's, best first.
        scores: (n,) float64.
        withheld: (R,) bool, where the shard has more among its best k, all below the cut it was given.
    """

    counts: NDArray[np.int64]
    keys: NDArray[np.int64]
    scores: NDArray[np.float64]
    withheld: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class ShardLists:
    """A shard's best by leg: `exact` for the dense one, whose questions may be fewer, and `lexical`."""

    shard: int
    legs: Mapping[ListLeg, LegEntries]


class LikestTexts(NamedTuple):
    """What of a shard is most like each of n texts, and at least a near copy.

    Args:
        alike: (n,) float64 Jaccard similarity; 0 where nothing is.
        shingles: n sets, the likest; of equals the one with the least shingles.
        keys: (n,) int64, the least key of the live chunks that have that set; NO_CHUNK where nothing is.
    """

    alike: NDArray[np.float64]
    shingles: Sequence[NDArray[np.uint32]]
    keys: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class SettledSums:
    """What shards and owners say of copies, documents and statistics, once they have talked to each other.

    Args:
        statistics: what moved in each shard's statistics since the last time, by its number.
        documents: what moved in each owner's counts of documents.
        copies: what each shard and each owner adds to the counts of copies.
        anew: whether one of them was born again since, so that all say everything: what was said before is void.
    """

    statistics: Mapping[int, ShardSums]
    documents: Sequence[SegmentSteps]
    copies: Sequence[CopySums]
    anew: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class ChunkFacts:
    """What a shard knows of some chunks; of one that it does not know, it says nothing.

    Args:
        shard: its number.
        rows: n rows, delete marks included; `slot` is where the shard has it.
        vectors: (n, d) float32, prepared; zeros for a delete mark.
        shingles: n sets, empty for a delete mark.
        digests: (n,) uint64 of content and vector, see `SlotColumns`.
        values: n tuples, the value in each dimension; () for a delete mark.
    """

    shard: int
    rows: Sequence[ChunkRow]
    vectors: NDArray[np.float32]
    shingles: Sets
    digests: NDArray[np.uint64]
    values: Sequence[tuple[str, ...]]


class LiveSample(NamedTuple):
    """Some live chunks, and which of the recent ones are live.

    Args:
        keys: (n,) int64, ascending: the first by a fixed order of keys; none of the recent ones.
        recent: (r,) int64, ascending, those of the recent ones that are live.
    """

    keys: NDArray[np.int64]
    recent: NDArray[np.int64]


class StoredContent(NamedTuple):
    """What a shard has committed of a chunk.

    Args:
        chunk_id, doc_id: what it is called.
        content_hash: of its text.
        text: None for a delete mark.
        vector: (d,) float32, prepared; None for a delete mark, or without a dense leg.
    """

    chunk_id: str
    doc_id: str
    content_hash: str
    text: str | None
    vector: NDArray[np.float32] | None


@dataclass(frozen=True, slots=True)
class ShardStatus:
    """How a shard is, as far as its coordinator knows.

    Args:
        number: its own, from 0.
        epoch: the step that it took last.
        positions: next offset by partition of the stream, of its partitions that anything came from.
        chunks: live ones.
        away: why it does not answer, in one line; "" where it does.
        restarts: how often it was born again since the coordinator started.
        stage_seconds, rank_seconds: spent in `stage` and in `rank` since the coordinator started.
        steps: stages since then.
        sent, received: bytes from it and to it since then; None where nobody counts them, as within one process.
    """

    number: int
    epoch: int
    positions: Positions
    chunks: int
    away: str = ""
    restarts: int = 0
    stage_seconds: float = 0.0
    rank_seconds: float = 0.0
    steps: int = 0
    sent: int | None = None
    received: int | None = None
