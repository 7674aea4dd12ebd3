"""A part of a corpus while files are taken in: its chunks and the rules of order; lists are made at a start."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from monitor.core.index.corpus import Corpus
from monitor.core.index.duplicates.content_sketch import ContentSketch, sketches_of_deleted
from monitor.core.index.duplicates.foreign_texts import text_shingles
from monitor.core.model.changes import Change, Refused, repeated_upserts
from monitor.core.model.events import Located, Partition
from monitor.core.shards.messages import (
    EpochSpan,
    ShardCommit,
    ShardOutOfStepError,
    ShardPosition,
    of_shard,
    shard_of,
)
from monitor.core.shards.shard import LoadedChunk


class FilledSums(NamedTuple):
    """What some rows came to in one shard, or in all.

    Args:
        outcomes: (kind of event, outcome) -> count.
        upserts: applied, and those of them that repeated the content of a live chunk.
        refused: events that cannot be believed.
        newest_event_time: of all events it has seen, microseconds.
        chunks: live chunks now.
        sketches: of what the chunks said that were deleted, by key.
        said: keys of chunks that a row said are live.
    """

    outcomes: Counter[tuple[str, str]]
    upserts: tuple[int, int]
    refused: tuple[Refused, ...]
    newest_event_time: int
    chunks: int
    sketches: Mapping[int, ContentSketch]
    said: Sequence[int]

    @classmethod
    def joined(cls, parts: Sequence["FilledSums"]) -> "FilledSums":
        """Of all shards; what was refused in the order of its place."""
        outcomes: Counter[tuple[str, str]] = Counter()
        for of in parts:
            outcomes.update(of.outcomes)
        refused = sorted((one for of in parts for one in of.refused), key=lambda one: one.located.position.offset)
        upserts = (sum(of.upserts[0] for of in parts), sum(of.upserts[1] for of in parts))
        newest = max(of.newest_event_time for of in parts)
        sketches = {key: sketch for of in parts for key, sketch in of.sketches.items()}
        said = [key for of in parts for key in of.said]
        return cls(outcomes, upserts, tuple(refused), newest, sum(of.chunks for of in parts), sketches, said)


class ShardFilling:
    """The chunks of one shard, or of all, while files are read.

    Events go through the chunk table as a stream's do. Lists, copies and statistics are functions of what is live, so
    they are left to the start that follows.

    Args:
        number: of the shard, from 0.
        shards: how many there are.
        dimension: d of the vectors, 0 when the dense leg is off.
        tombstone_days: how long, in event time, a delete mark outlives its chunk.
        text_of: what is committed of a live chunk's text, by key.
    """

    def __init__(
        self, number: int, shards: int, dimension: int, tombstone_days: float, text_of: Callable[[int], str]
    ) -> None:
        self._number, self._shards, self._text_of = number, shards, text_of
        self._corpus = Corpus(dimension, tombstone_days=tombstone_days)
        self._epoch = 0
        self._positions: dict[Partition, int] = {}
        self._changes: list[Change] = []

    def load(self, at: ShardPosition, parts: Iterable[Sequence[LoadedChunk]]) -> None:
        """Take in what was committed, into an empty one."""
        self._epoch, self._positions = at.epoch, dict(at.positions)
        for stored in parts:
            self._corpus.restore([row for row, _, _ in stored], [vector for _, _, vector in stored])
        self._corpus.newest_event_time = max(self._corpus.newest_event_time, at.newest_event_time)

    def take(self, span: EpochSpan, events: Sequence[Located]) -> FilledSums:
        """Take a step's rows in, in the order of their places.

        Raises:
            ShardOutOfStepError: the step does not follow, or a row does not belong to it.
        """
        own = of_shard(span.before, self._number, self._shards)
        if span.epoch != self._epoch + 1 or own != self._positions:
            message = (
                f"shard {self._number} of {self._shards}: asked to take step {span.epoch} from {own}; "
                f"stands at {self._epoch}, {self._positions}"
            )
            raise ShardOutOfStepError(message)
        for located in events:
            if shard_of(located.position.source, self._shards) != self._number:
                message = f"shard {self._number} of {self._shards}: row at {located.position} is of another one"
                raise ShardOutOfStepError(message)
        applied = self._corpus.apply(events)
        self._changes += applied.changes
        self._epoch, self._positions = span.epoch, of_shard(span.upto, self._number, self._shards)
        return FilledSums(
            applied.outcomes,
            repeated_upserts(applied.changes),
            applied.refused,
            self._corpus.newest_event_time,
            len(self._corpus),
            self._sketches(applied.changes),
            sorted({change.after.key for change in applied.changes if change.after.live}),
        )

    def _sketches(self, changes: Sequence[Change]) -> Mapping[int, ContentSketch]:
        """Of what was deleted: the text of the same step, or the committed one."""
        keys: dict[int, int] = {}
        for change in changes:
            if change.before is not None and change.before.live:
                keys.setdefault(change.before.slot, change.after.key)
        return sketches_of_deleted(changes, lambda slot: text_shingles([self._text_of(keys[slot])])[0])

    def commit(self) -> ShardCommit:
        """What it did since this was called last, to be stored."""
        made = ShardCommit(
            ShardPosition(self._epoch, self._positions, self._corpus.newest_event_time, 0), tuple(self._changes), ()
        )
        self._changes = []
        return made
