"""A shard that is filled from files: what it keeps is what a shard that read the same as events keeps."""

import numpy as np
import pytest

from monitor.core.index.duplicates.content_sketch import ContentSketch
from monitor.core.index.duplicates.foreign_texts import text_shingles
from monitor.core.model.events import Chunk, Delete, Located, Partition, Position, Upsert, bootstrapped, chunk_key
from monitor.core.shards.filling import FilledSums, ShardFilling
from monitor.core.shards.messages import EpochSpan, ShardOutOfStepError, ShardPosition, shard_of

PART = bootstrapped(Partition("events", 3))
SHARDS = 2
OWN = shard_of(PART, SHARDS)


def upsert(name: str, offset: int, text: str = "") -> Located:
    return Located(Position(*PART, offset), Upsert(Chunk.of(name, text or name, [0.6, 0.8], event_time=offset)))


def span(epoch: int, before: int, upto: int) -> EpochSpan:
    return EpochSpan(epoch, {PART: before} if epoch > 1 else {}, {PART: upto})


def filling() -> ShardFilling:
    return ShardFilling(OWN, SHARDS, 2, 30.0, {chunk_key("a"): "rotate the key every ninety days"}.__getitem__)


def test_the_rules_of_order_are_those_of_events() -> None:
    made = filling()
    sums = made.take(span(1, 0, 4), [upsert("a", 0), upsert("b", 1), upsert("a", 2, "other"), upsert("a", 1)])
    assert sums.outcomes == {("upsert", "new"): 2, ("upsert", "modified"): 1, ("upsert", "stale"): 1}
    assert (sums.upserts, sums.chunks, sums.newest_event_time) == ((3, 0), 2, 2)
    commit = made.commit()
    assert commit.at == ShardPosition(1, {PART: 4}, 2, 0)
    assert [change.kind for change in commit.changes] == ["new", "new", "modified"]
    assert made.commit().changes == ()


def test_a_step_that_does_not_follow_and_a_row_of_another_shard_are_refused() -> None:
    made = filling()
    made.take(span(1, 0, 1), [])
    for wrong in (span(1, 1, 2), span(3, 1, 2), span(2, 0, 2)):
        with pytest.raises(ShardOutOfStepError, match=f"shard {OWN} of 2: asked to take step {wrong.epoch} from"):
            made.take(wrong, [])
    other = Partition(PART.topic, 4)
    assert shard_of(other, SHARDS) != OWN
    with pytest.raises(ShardOutOfStepError, match="is of another one"):
        made.take(span(2, 1, 2), [Located(Position(*other, 1), Delete("a", 1))])


def test_what_a_row_deletes_is_kept_as_a_sketch() -> None:
    text = "rotate the key every ninety days"
    expected = ContentSketch.of(text_shingles([text])[0])
    at_once = filling()
    gone = Located(Position(*PART, 1), Delete("a", 5))
    (sketch,) = at_once.take(span(1, 0, 2), [upsert("a", 0, text), gone]).sketches.values()
    assert same(sketch, expected)
    later = filling()
    later.take(span(1, 0, 1), [upsert("a", 0, text)])
    sums = later.take(span(2, 1, 2), [gone])
    assert same(sums.sketches[chunk_key("a")], expected)
    assert sums.said == []


def same(one: ContentSketch, other: ContentSketch) -> bool:
    return one.total == other.total and np.array_equal(one.sample, other.sample)


def test_sums_of_shards_add_up() -> None:
    made = filling()
    one = made.take(span(1, 0, 4), [upsert("a", 0), upsert("b", 1)])
    joined = FilledSums.joined([one, one])
    assert joined.outcomes == {("upsert", "new"): 4}
    assert (joined.chunks, joined.upserts, joined.said) == (4, (4, 0), [*one.said, *one.said])
