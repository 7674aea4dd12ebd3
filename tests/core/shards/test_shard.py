"""What a shard refuses, and what the coordinator asks twice."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.index.engine import Bm25Config
from monitor.core.index.lexical.sources import Totals
from monitor.core.model.events import Delete, Located, Partition, Position
from monitor.core.model.lists import RankedLists
from monitor.core.shards.kernels_merge import kth_best
from monitor.core.shards.merge import cuts_after, merged, short
from monitor.core.shards.messages import (
    ChunkInTwoShardsError,
    EpochSpan,
    LegEntries,
    NotShardedError,
    ShardError,
    ShardOutOfStepError,
    TermSteps,
    shard_of,
)
from monitor.core.shards.shard import Shard
from monitor.core.shards.sharded_state import ShardedState
from monitor.core.shards.term_owner import TermOwner
from tests.core.shards.streams import Feed, anchor, anchor_set, config, sharded, single, upsert

ANCHORS = anchor_set([anchor(0, "w1 w2", 0), anchor(1, "w3", 1)], [(), ()])
OKAPI = Bm25Config("okapi")
TOTALS = Totals(1, 3, ("w1", "w2", "w3"), np.ones(3, np.int64), 0.5)
PART = next(Partition("events", number) for number in range(8) if shard_of(Partition("events", number), 2) == 0)


def shard() -> Shard:
    return Shard(0, config(2, 2, OKAPI), ANCHORS)


def at(offset: int, number: int = 1) -> Located:
    return Located(Position(*PART, offset), upsert(number, f"w1 w2 w{number}", 0, 0, (), 1))


def test_a_step_is_staged_once_and_ranked_once() -> None:
    made, span = shard(), EpochSpan(1, {}, {PART: 3})
    with pytest.raises(ShardOutOfStepError, match=r"shard 0 of 2: rank epoch 1 .* at epoch 0 \(no partition\)"):
        made.rank(span, TOTALS, {})
    sums = made.stage(span, [at(0), at(2, 2)])
    assert (sums.chunks, sums.length, sums.frequency.tolist()) == (2, 6, [2, 2, 0])
    with pytest.raises(ShardOutOfStepError, match="not ranked"):
        made.stage(EpochSpan(2, {PART: 3}, {PART: 3}), [])
    with pytest.raises(ShardOutOfStepError, match="asked at epoch 1"):
        made.look(1, [1])
    with pytest.raises(ShardOutOfStepError, match="expected sums of terms"):
        made.rank(span, None, {})
    made.rank(span, TOTALS, {})
    with pytest.raises(ShardOutOfStepError, match="rank epoch 1"):
        made.rank(span, TOTALS, {})
    with pytest.raises(ShardOutOfStepError, match="stage epoch 1"):
        made.stage(span, [])


def test_a_shard_that_was_born_anew_is_not_taken_for_the_one_before() -> None:
    with pytest.raises(ShardOutOfStepError, match=r"stage epoch 2 \(events/\d:3\): stands at epoch 0"):
        shard().stage(EpochSpan(2, {PART: 3}, {PART: 4}), [at(3)])
    with pytest.raises(ShardOutOfStepError, match="stands at epoch 0"):
        shard().stage(EpochSpan(1, {PART: 3}, {PART: 4}), [at(3)])  # the epoch of a beginning, the offsets of none


def test_events_of_other_shards_and_of_later_steps_are_refused() -> None:
    other = next(Partition("events", number) for number in range(8) if shard_of(Partition("events", number), 2) == 1)
    with pytest.raises(ShardOutOfStepError, match="of shard 1"):
        shard().stage(EpochSpan(1, {}, {other: 1}), [Located(Position(*other, 0), Delete("c1", 0))])
    with pytest.raises(ShardOutOfStepError, match="the step ends at 3"):
        shard().stage(EpochSpan(1, {}, {PART: 3}), [at(3)])
    made = shard()
    made.stage(EpochSpan(1, {}, {PART: 3}), [at(0), at(0)])  # delivered again: the chunk table knows


def test_positions_of_other_shards_do_not_matter() -> None:
    other = next(Partition("events", number) for number in range(8) if shard_of(Partition("events", number), 2) == 1)
    made = shard()
    made.stage(EpochSpan(1, {other: 7}, {other: 9, PART: 1}), [at(0)])
    made.rank(EpochSpan(1, {}, {other: 1, PART: 1}), TOTALS, {})
    assert made.epoch == 1


def entries(*rows: list[tuple[int, float]], withheld: bool = False) -> LegEntries:
    flat = [pair for row in rows for pair in row]
    return LegEntries(
        np.array([len(row) for row in rows]),
        np.array([key for key, _ in flat], np.int64),
        np.array([score for _, score in flat]),
        np.full(len(rows), withheld),
    )


def names(keys: object) -> list[str]:
    return [f"n{9 - key}" for key in keys]  # type: ignore[attr-defined]


def test_equal_scores_stand_by_chunk_id_whatever_the_shard() -> None:
    made = merged([entries([(1, 2.0), (2, 1.0)]), entries([(4, 2.0), (3, 1.0)])], 3, names)
    assert made.keys.tolist() == [[4, 1, 3]]
    assert made.scores.tolist() == [[2.0, 2.0, 1.0]]


def test_names_are_asked_for_only_where_shards_tie() -> None:
    asked: list[list[int]] = []

    def noted(keys: Sequence[int]) -> list[str]:
        asked.append(list(keys))
        return names(keys)

    made = merged([entries([(7, 2.0), (2, 2.0), (1, 1.0)]), entries([(4, 1.0)])], 3, noted)
    assert (made.keys.tolist(), asked) == ([[7, 2, 4]], [[1, 4]])


def test_names_are_not_asked_for_below_the_last_place() -> None:
    def none(keys: Sequence[int]) -> list[str]:
        message = f"asked for {keys}"
        raise AssertionError(message)

    made = merged([entries([(7, 3.0), (1, 1.0)], [(5, 1.0)]), entries([(2, 2.0), (4, 1.0)], [])], 2, none)
    assert made.keys.tolist() == [[7, 2], [5, -1]]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(-2, 4)), max_size=40), st.integers(1, 5))
def test_the_last_place_is_that_of_the_sorted_scores(found: list[tuple[int, int]], k: int) -> None:
    rows, scores = np.array([row for row, _ in found], np.int64), np.array([float(of) for _, of in found])
    ordered = [sorted((of for at, of in found if at == row), reverse=True) for row in range(4)]
    wanted = [float(of[k - 1]) if len(of) >= k else -np.inf for of in ordered]
    assert kth_best(rows, scores, 4, k).tolist() == wanted


def test_nothing_at_all_is_an_empty_list() -> None:
    made = merged([entries([]), entries([])], 2, names)
    assert (made.keys.tolist(), made.lengths.tolist(), made.known.tolist()) == ([[-1, -1]], [0], [True])


def test_one_chunk_in_the_lists_of_two_shards_is_an_error() -> None:
    with pytest.raises(ChunkInTwoShardsError, match="chunk 'n8': live in two shards"):
        merged([entries([(1, 2.0)]), entries([(1, 1.0)])], 3, names)


def test_a_list_that_fell_below_the_cut_is_asked_for_again() -> None:
    cut = np.array([1.5])
    full = RankedLists.of([[("a", 3.0), ("b", 1.5)]], 2)
    low = RankedLists.of([[("a", 3.0), ("b", 1.4)]], 2)
    less = RankedLists.of([[("a", 3.0)]], 2)
    more, none = entries([], withheld=True), entries([])
    assert short(full, cut, [more]).tolist() == []  # what was withheld scores less than the cut
    assert short(low, cut, [more]).tolist() == short(less, cut, [none, more]).tolist() == [0]
    assert short(low, cut, [none]).tolist() == short(less, cut, [none]).tolist() == []
    assert cuts_after(RankedLists.of([[("a", -2.0)]], 1)).tolist() == [-2.02]


def test_deletes_make_a_second_round() -> None:
    reference = single(config(1, 2, OKAPI), ANCHORS)
    session, feed = sharded(config(1, 2, OKAPI), ANCHORS, 2), Feed()
    assert isinstance(session.engine, ShardedState)
    batch = [feed.place(at, upsert(at, "w1 w2 w3", at % 6, 0, (), 1)) for at in range(12)]
    assert [session.apply(batch), reference.apply(batch)]
    first = {int(key) for key in reference.lists()["exact"].keys[0]}
    row = {row.key: row.chunk_id for row in reference.corpus.rows()}
    gone = [feed.place(int(row[key][1:]), Delete(row[key], 1)) for key in first]
    assert session.engine.second_rounds == 0
    assert [session.apply(gone), reference.apply(gone)]
    assert session.engine.second_rounds > 0
    for leg, lists in reference.lists().items():
        assert session.lists()[leg].keys.tolist() == lists.keys.tolist()


def test_a_chunk_in_partitions_of_two_shards_stops_the_run() -> None:
    chosen = config(1, 2, OKAPI)
    session = sharded(chosen, ANCHORS, 2)
    twice = [Located(Position("events", number, 0), upsert(1, "w1", 0, 0, (), 1)) for number in range(2)]
    with pytest.raises(ChunkInTwoShardsError, match="stand in partitions of two shards"):
        session.apply(twice)


def test_what_is_not_sharded_says_so() -> None:
    chosen = config(1, 2, OKAPI)
    session = sharded(chosen, ANCHORS, 2)
    for ask in (session.corpus.rows, lambda: session.corpus.apply([])):
        with pytest.raises(NotShardedError):
            ask()


def test_steps_that_come_twice_or_not_at_all_are_seen() -> None:
    owner, word = TermOwner(), np.array([3], np.uint64)
    owner.take([TermSteps(word, np.array([1]))])
    owner.take([TermSteps(word, np.array([-1]))])
    with pytest.raises(ShardError, match="word 0000000000000003: 0 chunks and a step of -1"):
        owner.take([TermSteps(word, np.array([-1]))])


def test_what_nobody_lists_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.core.shards.sharded_corpus._ROOM", 0)
    chosen = config(1, 2, OKAPI)
    reference, session, feed = single(chosen, ANCHORS), sharded(chosen, ANCHORS, 4), Feed()
    for turn in range(4):
        events = [feed.place(at, upsert(at, f"w1 w{turn} w{at}", at % 6, 0, (), 1)) for at in range(turn, 18)]
        assert [session.apply(events), reference.apply(events)]
        rows = [session.corpus.row(row.key) for row in reference.corpus.rows()]
        assert [row.content_hash for row in rows if row] == [row.content_hash for row in reference.corpus.rows()]
        if not turn:
            for of in (session, reference):
                of.compare_with(of.snapshot("main"))
    assert len(session.corpus.names) < len(reference.corpus.names) * 2
    assert repr(session.report()) == repr(reference.report())
