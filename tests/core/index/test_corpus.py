"""The corpus case by case: which event wins, what is refused, what an index is told."""

from dataclasses import replace

import numpy as np
import pytest

from monitor.core.index import corpus as module
from monitor.core.index.corpus import DAY, KEY_COLLISION, NO_SLOT, VERSION_MODE_CHANGED, Applied, ChunkRow, Corpus
from monitor.core.model.events import (
    Chunk,
    CorpusEvent,
    Delete,
    Deploy,
    Heartbeat,
    Located,
    Position,
    Upsert,
    Version,
    chunk_key,
)
from monitor.core.model.lists import NO_CHUNK, RankedLists

CHUNK = Chunk("c", "doc", 0, "text", np.ones(2, np.float32), "v1", (("source", "a"),), 100, "hash")


def up(version: Version | None = None, time: int = 100, text: str = "text", name: str = "c") -> Upsert:
    return Upsert(replace(CHUNK, chunk_id=name, text=text, content_hash=text, event_time=time), version)


def gone(version: Version | None = None, time: int | None = 100, name: str = "c") -> Delete:
    return Delete(name, time, version)


def at(offset: int, event: CorpusEvent, partition: int = 0) -> Located:
    return Located(Position("t", partition, offset), event)


def outcomes(applied: Applied) -> list[str]:
    return [outcome for (_, outcome), count in applied.outcomes.items() for _ in range(count)]


def slots(corpus: Corpus) -> dict[str, int]:
    return {row.chunk_id: row.slot for row in corpus.rows() if row.live}


ORDER: dict[str, tuple[list[Located], str, bool]] = {
    "the first event applies": ([at(0, up())], "new", True),
    "a later position wins": ([at(0, up()), at(1, up(text="b"))], "modified", True),
    "the same position is a duplicate": ([at(1, up()), at(1, up(text="b"))], "duplicate", True),
    "an earlier position is stale": ([at(1, up()), at(0, up(text="b"))], "stale", True),
    "a greater version wins": ([at(0, up(1)), at(1, up(2, text="b"))], "modified", True),
    "a greater version wins from an earlier position": ([at(1, up(1)), at(0, up(2, text="b"))], "modified", True),
    "an equal version is a duplicate": ([at(0, up(1)), at(1, up(1, text="b"))], "duplicate", True),
    "a smaller version is stale": ([at(0, up(2)), at(1, up(1, text="b"))], "stale", True),
    "a greater version deletes": ([at(0, up(1)), at(1, gone(2))], "deleted", False),
    "a smaller version does not delete": ([at(0, up(2)), at(1, gone(1))], "stale", True),
    "a tombstone deletes what has a version": ([at(0, up(7)), at(1, gone())], "deleted", False),
    "a tombstone of another partition deletes": ([at(9, up(7)), at(0, gone(), 1)], "deleted", False),
    "a tombstone delivered again does not": ([at(0, up(7)), at(1, gone()), at(2, up(8)), at(1, gone())],
                                             "duplicate", True),
    "a straggler behind a tombstone is stale": ([at(0, up(7)), at(1, gone()), at(2, up(6))], "stale", False),
    "a newer version revives": ([at(0, up(7)), at(1, gone()), at(2, up(8))], "new", True),
    "a later position revives": ([at(0, up()), at(1, gone()), at(2, up())], "new", True),
    "deleting twice finds nothing": ([at(0, up()), at(1, gone()), at(2, gone())], "absent", False),
    "deleting what never was finds nothing": ([at(0, gone())], "absent", False),
    "a late upsert behind a delete of the unknown is stale": ([at(0, gone(5)), at(1, up(4))], "stale", False),
    "the same again changes nothing": ([at(0, up()), at(1, up())], "noop", True),
    "between partitions the newer time wins": ([at(9, up(time=5)), at(0, up(time=6, text="b"), 1)], "modified", True),
    "between partitions the older time is stale": ([at(0, up(time=5)), at(9, up(time=4), 1)], "stale", True),
    "between partitions and at one time the name decides": ([at(0, up(time=5)), at(0, up(time=5, text="b"), 1)],
                                                            "modified", True),
    "the next binlog file wins, whatever the position": (
        [at(0, up((3, 900))), at(1, up((4, 4), text="b"))], "modified", True
    ),
    "an earlier binlog file is stale": ([at(0, up((4, 4))), at(1, up((3, 900), text="b"))], "stale", True),
    "within a file the position decides": ([at(0, up((3, 4))), at(1, up((3, 900), text="b"))], "modified", True),
    "a number beyond 64 bits orders": ([at(0, up(2**64)), at(1, up(2**70, text="b"))], "modified", True),
    "two numbers after one are refused": ([at(0, up(3)), at(1, up((3, 4)))], "refused", True),
    "one number after two is refused": ([at(0, up((3, 4))), at(1, up(9))], "refused", True),
    "three numbers after two are refused": ([at(0, up((3, 4))), at(1, up((3, 4, 1)))], "refused", True),
    "a deleted chunk may come back in another mode": ([at(0, up(3)), at(1, gone(4)), at(2, up((1, 1)))], "new", True),
    "a version after none is refused": ([at(0, up()), at(1, up(1))], "refused", True),
    "no version after one is refused": ([at(0, up(1)), at(1, up())], "refused", True),
    "a delete with a version of what has none is refused": ([at(0, up()), at(1, gone(1))], "refused", True),
    "a deleted chunk may change its mode": ([at(0, up()), at(1, gone()), at(2, up(1))], "new", True),
    "what was applied before a change of mode is a duplicate": (
        [at(0, up()), at(1, gone()), at(2, up(1)), at(0, up())], "duplicate", True),
}  # fmt: skip


@pytest.mark.parametrize(("stream", "last", "live"), ORDER.values(), ids=ORDER)
def test_order(stream: list[Located], last: str, live: bool) -> None:
    corpus, batched = Corpus(2), Corpus(2)
    assert [outcomes(corpus.apply([located])) for located in stream][-1] == [last]
    assert last in outcomes(batched.apply(stream))
    for made in (corpus, batched):
        assert len(made) == int(live)
        row = made.row(chunk_key("c"))
        assert row is not None
        assert row.live is live


def test_a_refusal_names_the_chunk_and_what_was_expected() -> None:
    corpus = Corpus(2)
    located = at(1, up(3))
    applied = corpus.apply([at(0, up()), located])
    assert [(refused.located, refused.error.reason) for refused in applied.refused] == [
        (located, VERSION_MODE_CHANGED)
    ]
    assert (
        str(applied.refused[0].error)
        == "version_mode_changed: chunk_id 'c' had no version before and now has a number as version"
    )
    assert applied.outcomes == {("upsert", "new"): 1, ("upsert", "refused"): 1}


def test_two_ids_with_one_key_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "chunk_keys", lambda ids: np.full(len(ids), 7, np.int64))
    corpus = Corpus(2)
    applied = corpus.apply([at(0, up(name="first")), at(1, up(name="second")), at(2, gone(name="second"))])
    assert [refused.error.reason for refused in applied.refused] == [KEY_COLLISION] * 2
    assert "'second' has the 63-bit key of 'first'" in applied.refused[0].error.detail
    assert slots(corpus) == {"first": 0}


def test_refused_events_do_not_move_the_newest_time() -> None:
    corpus = Corpus(2)
    corpus.apply([at(0, up(time=5)), at(1, up(1, time=9_999))])
    assert corpus.newest_event_time == 5
    corpus.apply([at(2, Heartbeat(50)), at(3, Deploy("d", 70, {})), at(4, Heartbeat(60))])
    assert corpus.newest_event_time == 70


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        ({}, "noop"),
        ({"event_time": 900}, "noop"),
        ({"vector": None}, "noop"),
        ({"text": "same hash, other spelling"}, "noop"),
        ({"content_hash": "other"}, "modified"),
        ({"doc_id": "other"}, "modified"),
        ({"ordinal": 1}, "modified"),
        ({"segment": (("source", "b"),)}, "modified"),
        ({"embedding_version": "v2"}, "modified"),
        ({"vector": np.array([1.0, 2.0], np.float32)}, "modified"),
    ],
)
def test_what_counts_as_a_change(changed: dict[str, object], kind: str) -> None:
    corpus = Corpus(2)
    corpus.apply([at(0, Upsert(CHUNK))])
    applied = corpus.apply([at(1, Upsert(replace(CHUNK, **changed)))])  # type: ignore[arg-type]  # fields vary
    assert [change.kind for change in applied.changes] == [kind]
    delta = corpus.delta(applied.changes)
    assert (len(delta.added), len(delta.removed)) == ((0, 0) if kind == "noop" else (1, 1))
    row = corpus.row(chunk_key("c"))
    assert row is not None
    assert row.position.offset == 1, "what is known moves on in any case"


def test_a_freed_slot_is_used_again_and_the_delta_says_so() -> None:
    corpus = Corpus(2)
    corpus.apply([at(0, up(name="a")), at(1, up(name="b"))])
    delta = corpus.delta(corpus.apply([at(2, gone(name="a")), at(3, up(name="c"))]).changes)
    assert slots(corpus) == {"b": 1, "c": 0}
    assert (delta.removed.tolist(), delta.removed_keys.tolist()) == ([0], [chunk_key("a")])
    assert (delta.added.tolist(), [row.chunk_id for row in delta.rows]) == ([0], ["c"])


def test_deleted_and_revived_within_one_batch_is_one_replacement() -> None:
    corpus = Corpus(2)
    corpus.apply([at(0, up(name="a")), at(1, up(name="b"))])
    changes = corpus.apply([at(2, gone(name="a")), at(3, up(name="x")), at(4, up(name="a", text="new"))]).changes
    delta = corpus.delta(changes)
    assert slots(corpus) == {"b": 1, "x": 0, "a": 2}
    assert delta.removed.tolist() == [0]
    assert [(row.chunk_id, row.slot, text) for row, text in zip(delta.rows, delta.texts, strict=True)] == [
        ("x", 0, "text"),
        ("a", 2, "new"),
    ]


def test_new_and_deleted_within_one_batch_is_nothing() -> None:
    corpus = Corpus(2)
    delta = corpus.delta(corpus.apply([at(0, up()), at(1, up(text="b")), at(2, gone())]).changes)
    assert (len(delta.removed), len(delta.added), delta.vectors.shape) == (0, 0, (0, 2))


def test_marks_older_than_their_life_are_forgotten() -> None:
    corpus = Corpus(2, tombstone_days=2)
    corpus.apply([at(0, up(time=0)), at(1, up(time=0, name="live")), at(2, gone(time=DAY))])
    corpus.apply([at(3, Heartbeat(3 * DAY))])
    assert corpus.prune() == [], "exactly two days old is not older"
    corpus.apply([at(4, Heartbeat(3 * DAY + 1))])
    assert corpus.prune() == [chunk_key("c")]
    assert corpus.prune() == []
    assert corpus.row(chunk_key("c")) is None
    assert slots(corpus) == {"live": 1}


@pytest.mark.parametrize(("written", "expected"), [(5, 40), (60, 60), (None, 40)])
def test_a_tombstone_without_any_time_is_as_old_as_the_last_barrier_or_its_chunk(
    written: int | None, expected: int
) -> None:
    """Not as the newest event: which one that is depends on how the partitions interleave."""
    corpus = Corpus(2)
    corpus.apply([at(0, Heartbeat(40))])
    corpus.prune()
    before = [] if written is None else [at(1, up(time=written))]
    corpus.apply([*before, at(2, Heartbeat(77)), at(3, gone(time=None))])
    row = corpus.row(chunk_key("c"))
    assert row is not None
    assert (row.event_time, row.slot) == (expected, NO_SLOT)


def test_the_slab_grows_and_keeps_what_it_held() -> None:
    corpus = Corpus(1)
    rng = np.random.default_rng(3)
    vectors = rng.standard_normal((3_000, 1)).astype(np.float32)
    for offset, vector in enumerate(vectors):
        corpus.apply([at(offset, Upsert(replace(CHUNK, chunk_id=f"c{offset}", vector=vector)))])
    np.testing.assert_array_equal(corpus.vectors[:3_000], vectors)
    assert [corpus.names[slot] for slot in (0, 2_999)] == ["c0", "c2999"]
    assert len(corpus) == 3_000


def test_restoring_assigns_slots_anew_and_keeps_marks() -> None:
    corpus = Corpus(2)
    row = ChunkRow(chunk_key("c"), "c", "doc", 0, (), "v", 9, "hash", 1, Position("t", 0, 4), 17)
    mark = replace(row, key=chunk_key("d"), chunk_id="d", slot=NO_SLOT, event_time=11)
    bare = replace(row, key=chunk_key("e"), chunk_id="e", slot=1)
    kept = corpus.restore([row, mark, bare], [np.array([1.0, 2.0], np.float32), None, None])
    assert [one.slot for one in kept] == [0, NO_SLOT, 1]
    assert kept[0] == corpus.row(row.key) == replace(row, slot=0)
    assert kept[2] is bare
    assert corpus.row(bare.key) == bare
    assert (len(corpus), corpus.newest_event_time) == (2, 11)
    assert (corpus.vectors[:3].tolist(), corpus.names) == ([[1.0, 2.0], [0.0, 0.0], [0.0, 0.0]], ["c", "e"])
    assert corpus.keys[:3].tolist() == [row.key, bare.key, NO_CHUNK]
    assert outcomes(corpus.apply([at(3, gone(0, name="d"))])) == ["stale"]


def test_listed_names_live_chunks_of_any_list_once_in_key_order() -> None:
    corpus = Corpus(2)
    corpus.apply([at(0, up(name="a")), at(1, up(name="b")), at(2, gone(name="b")), at(3, up(name="e"))])
    lists = [RankedLists.of([[("a", 1.0), ("b", 0.5)], None], 3), RankedLists.of([[("a", 1.0), ("e", 0.1)]], 2)]
    found = list(corpus.listed(lists))
    assert [key for key, _ in found] == sorted([chunk_key("a"), chunk_key("e")])
    assert [row.key for _, row in found] == [key for key, _ in found]
    assert list(corpus.listed([])) == []


@pytest.mark.parametrize(
    ("events", "origin", "how"),
    [
        ([at(0, up())], 0, "new"),
        ([at(0, up()), at(1, up())], 0, "new"),
        ([at(0, up()), at(1, up(text="b")), at(2, up(text="b")), at(3, up(text="b"))], 1, "modified"),
        ([at(0, up()), at(1, up()), at(2, gone())], 2, "deleted"),
        ([at(0, up()), at(1, gone()), at(2, gone())], 1, "deleted"),
        ([at(0, up()), at(1, gone()), at(2, up())], 2, "restored"),
        ([at(0, up()), at(1, gone()), at(2, up(text="b"))], 2, "new"),
        ([at(0, gone()), at(1, up())], 1, "new"),
        ([at(0, gone())], 0, "deleted"),
    ],
)
@pytest.mark.parametrize("whole", [True, False])
def test_what_changed_a_chunk_last_outlives_what_only_said_it_again(
    events: list[Located], origin: int, how: str, whole: bool
) -> None:
    corpus = Corpus(2)
    for batch in [events] if whole else [[event] for event in events]:
        corpus.apply(batch)
    (row,) = corpus.rows()
    assert (row.origin, row.how) == (Position("t", 0, origin), how)
    assert row.position.offset == len(events) - 1
