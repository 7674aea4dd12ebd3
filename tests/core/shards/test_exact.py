"""Shards give the bits of one process, whatever happens: lists, statistics, reports, verdicts, blame.

`CORPUS_DRIFT_DEEP=1` looks at twenty times as many histories.
"""

import os
from collections.abc import Mapping, Sequence

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from monitor.core.index.audit import differing
from monitor.core.index.baseline import ListLeg, Snapshot
from monitor.core.index.engine import Bm25Config
from monitor.core.model.anchors import AnchorSet
from monitor.core.model.changes import replaced
from monitor.core.model.events import Delete, Located, Segment, chunk_key
from monitor.core.model.lists import RankedLists
from monitor.core.model.production import ProductionResult
from monitor.core.session import Ingested, ServedLists, Session
from tests.core.shards.streams import (
    WORDS,
    Feed,
    anchor,
    anchor_set,
    config,
    drift_of,
    restarted,
    sharded,
    single,
    upsert,
)

SHARDS = (1, 2, 4, 8)
SEGMENTS: list[Segment] = [
    (("language", "de"), ("source", "docs")),
    (("language", "en"), ("source", "wiki")),
    (("source", "docs"),),
    (),
]
FILTERS: list[Segment] = [(), (), (), (("language", "de"),), (("source", "wiki"),)]
LONG = "w1 w2 w3 w4 w5 w6 w7 w8 w9 w0 w1 w2"
TEXTS = st.one_of(
    st.lists(st.sampled_from(WORDS), max_size=9).map(" ".join),
    st.sampled_from([LONG, f"{LONG} w3", f"{LONG} w3 w4", "the the w1", ""]),
)
NUMBERS = st.integers(0, 17)
UPSERTS = st.tuples(
    NUMBERS, TEXTS, st.integers(0, 5), st.integers(0, 4), st.sampled_from(SEGMENTS), st.integers(0, 90)
)
DELETES = st.tuples(NUMBERS, st.one_of(st.none(), st.integers(0, 90)))
QUESTIONS = st.tuples(
    st.lists(st.sampled_from([*WORDS, "nowhere"]), min_size=1, max_size=4).map(" ".join),
    st.integers(0, 5),
    st.sampled_from(FILTERS),
    st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join), max_size=2),
)
DAY = 86_400_000_000
Question = tuple[str, int, Segment, list[str]]


def same_lists(found: Mapping[ListLeg, RankedLists], expected: Mapping[ListLeg, RankedLists]) -> None:
    assert found.keys() == expected.keys()
    for leg, lists in expected.items():
        of = found[leg]
        np.testing.assert_array_equal(of.keys, lists.keys, leg)
        np.testing.assert_array_equal(of.scores, lists.scores, leg)  # NaN behind the end on both
        np.testing.assert_array_equal(of.lengths, lists.lengths, leg)
        np.testing.assert_array_equal(of.known, lists.known, leg)


def whole(thing: object) -> str:
    """Everything that a value holds, every float to the bit."""
    with np.printoptions(threshold=1 << 40, floatmode="unique"):
        return repr(thing)


def refusals(taken: Ingested) -> list[tuple[Located, str]]:
    return [(one.located, str(one.error)) for one in taken.refused]


def asked(questions: Sequence[Question]) -> AnchorSet:
    made = [anchor(at, text, number, rewrites) for at, (text, number, _, rewrites) in enumerate(questions)]
    return anchor_set(made, [wanted for _, _, wanted, _ in questions])


class ShardsMachine(RuleBasedStateMachine):
    """Five partitions of events in any batches, re-deliveries, barriers, baselines, anchors that come and go."""

    @initialize(
        questions=st.lists(QUESTIONS, min_size=1, max_size=5),
        k=st.integers(1, 4),
        okapi=st.booleans(),
    )
    def start(self, questions: list[Question], k: int, okapi: bool) -> None:
        self.k, self.bm25 = k, Bm25Config("okapi" if okapi else "lucene")
        chosen, anchors = config(1, k, self.bm25), asked(questions)
        self.one = single(chosen, anchors)
        self.many = [sharded(chosen, anchors, shards) for shards in SHARDS]
        self.feed = Feed()
        self.texts: dict[int, str] = {}

    def apply(self, events: Sequence[Located]) -> None:
        expected = self.one.apply(events)
        self.texts.update({of.after.key: of.chunk.text for of in expected.changes if of.chunk is not None})
        for session in self.many:
            found = session.apply(events)
            assert refusals(found) == refusals(expected)
            assert found.touched.keys() == expected.touched.keys()
            for leg, rows in expected.touched.items():
                assert found.touched[leg].tolist() == rows.tolist(), leg
            assert whole(sorted(found.sketches.items())) == whole(sorted(expected.sketches.items()))
            assert sorted(found.came.tolist()) == sorted(expected.came.tolist())
            assert sorted(found.gone.tolist()) == sorted(expected.gone.tolist())
            assert sorted(found.said.tolist()) == sorted({of.after.key for of in expected.changes if of.after.live})

    @rule(upserts=st.lists(UPSERTS, max_size=14), deletes=st.lists(DELETES, max_size=3))
    def a_batch_arrives(
        self, upserts: list[tuple[int, str, int, int, Segment, int]], deletes: list[tuple[int, int | None]]
    ) -> None:
        made = [
            self.feed.place(number, upsert(number, text, of, doc, segment, day * DAY))
            for number, text, of, doc, segment, day in upserts
        ]
        gone = [
            self.feed.place(number, Delete(f"c{number}", None if day is None else day * DAY))
            for number, day in deletes
        ]
        self.apply([*made, *gone])

    @rule(last=st.integers(1, 20))
    def a_suffix_is_delivered_again(self, last: int) -> None:
        self.apply(self.feed.log[-last:])

    @rule(number=NUMBERS, text=TEXTS, version=st.integers(0, 3))
    def an_event_brings_a_version(self, number: int, text: str, version: int) -> None:
        event = upsert(number, text, 1, 1, (), DAY, version)
        self.apply([self.feed.place(number, event)])

    @rule(spared=st.sets(NUMBERS, max_size=5))
    def nearly_everything_is_deleted(self, spared: set[int]) -> None:
        gone = [number for number in range(18) if number not in spared]
        self.apply([self.feed.place(number, Delete(f"c{number}", None)) for number in gone])

    @rule(text=TEXTS, segment=st.sampled_from(SEGMENTS))
    def copies_flood_all_partitions(self, text: str, segment: Segment) -> None:
        self.apply([self.feed.place(at, upsert(at, text, 0, at % 3, segment, DAY)) for at in range(0, 18, 2)])

    @rule()
    def a_barrier_closes(self) -> None:
        expected = self.one.forget()
        for session in self.many:
            assert sorted(session.forget()) == sorted(expected)

    @rule(questions=st.lists(QUESTIONS, min_size=1, max_size=5), keep=st.integers(0, 5))
    def other_anchors_are_asked(self, questions: list[Question], keep: int) -> None:
        before = self.one.engine.anchors
        made = asked(questions)
        kept = list(before.anchors[:keep])
        anchors = anchor_set([*made.anchors, *kept], [*made.filters, *before.filters[:keep]])
        for session in (self.one, *self.many):
            session.reanchor(anchors, drift_of(anchors, self.bm25, self.k))
            session.compare_with(None)

    @rule()
    def a_baseline_is_taken(self) -> None:
        for session in (self.one, *self.many):
            session.compare_with(session.snapshot("main"), self.one.pinned)

    @rule()
    def a_baseline_is_pinned(self) -> None:
        pinned = self.one.snapshot("pinned")
        for session in (self.one, *self.many):
            session.compare_with(session.baseline, pinned)

    @rule(missing=st.integers(0, 17), ghost=st.booleans(), stale=st.booleans())
    def an_index_serves_what_it_has(self, missing: int, ghost: bool, stale: bool) -> None:
        exact = self.one.engine.lists()["exact"]
        served = RankedLists(exact.keys.copy(), exact.scores.copy(), exact.lengths.copy(), exact.known.copy())
        gone = chunk_key(f"c{missing}")
        for row in range(len(served)):
            kept = [
                (key, of) for key, of in zip(exact.keys[row], exact.scores[row], strict=True) if key not in (gone, -1)
            ]
            if ghost and len(kept) < served.depth:
                kept.append((chunk_key("nobody"), -1.0))
            served.keys[row], served.scores[row], served.lengths[row] = -1, np.nan, len(kept)
            served.keys[row, : len(kept)] = [key for key, _ in kept]
            served.scores[row, : len(kept)] = [of for _, of in kept]
        hashes = {
            key: "old" if stale and key % 2 else self.said(key) for key in served.keys.ravel().tolist() if key >= 0
        }
        for session in (self.one, *self.many):
            session.observe(ServedLists(served, hashes, names={chunk_key("nobody"): "nobody"}))

    def said(self, key: int) -> str:
        row = self.one.corpus.row(key)
        return "" if row is None else row.content_hash

    @rule()
    def every_shard_and_the_coordinator_start_again(self) -> None:
        self.many = [restarted(session, self.texts) for session in self.many]

    @rule()
    def snapshots_are_the_same(self) -> None:
        expected = self.one.snapshot("now")
        for session in self.many:
            same_snapshot(session.snapshot("now"), expected)

    @rule(recent=st.sets(NUMBERS), salt=st.integers(0, 3), count=st.integers(0, 6))
    def samples_are_the_same(self, recent: set[int], salt: int, count: int) -> None:
        keys = np.array([chunk_key(f"c{number}") for number in recent], np.int64)
        expected = self.one.corpus.sample(keys, salt=salt, count=count)
        for session in self.many:
            assert whole(session.corpus.sample(keys, salt=salt, count=count)) == whole(expected)

    @rule(offset=st.integers(0, 9))
    def what_changed_behind_some_positions_is_the_same(self, offset: int) -> None:
        since = {f"events/{part}": offset for part in range(3)}
        expected = self.one.corpus.behind(since)
        rows = self.one.corpus.known(np.sort(expected).tolist())
        for session in self.many:
            assert np.sort(session.corpus.behind(since)).tolist() == np.sort(expected).tolist()
            found = session.corpus.known(np.sort(expected).tolist())
            assert [replaced(row, slot=0) for row in found] == [replaced(row, slot=0) for row in rows]

    @rule()
    def an_audit_finds_the_lists(self) -> None:
        rows = np.arange(len(self.one.engine.anchors))
        for session in (self.one, *self.many):
            assert not differing(session.engine.exact(rows), session.engine.lists()["exact"]).any()
        marks = self.one.engine.work().tombstones
        assert [session.engine.work().tombstones for session in self.many] == [marks] * len(self.many)

    @rule(texts=st.lists(TEXTS, min_size=1, max_size=4))
    def results_of_another_retriever_are_the_same_chunks(self, texts: list[str]) -> None:
        results = [(0, ProductionResult(f"r{at}", text)) for at, text in enumerate(texts)]
        results += [(0, ProductionResult(f"c{at}", "")) for at in range(3)]
        expected = self.one.mapping().keys(results)
        for session in self.many:
            assert session.mapping().keys(results) == expected

    @rule()
    def reports_are_the_same(self) -> None:
        expected, verdict = whole(self.one.report()), whole(self.one.judge(deploy_id="d1"))
        for session in self.many:
            assert whole(session.report()) == expected
            assert whole(session.judge(deploy_id="d1")) == verdict

    @invariant()
    def lists_and_sums_are_the_same(self) -> None:
        if not hasattr(self, "one"):
            return
        for session in self.many:
            same_lists(session.engine.lists(), self.one.engine.lists())
            same_lists(session.engine.rewrites(), self.one.engine.rewrites())
            assert whole(session.engine.by_source()) == whole(self.one.engine.by_source())
            assert whole(statistics(session)) == whole(statistics(self.one))
            assert session.counters == self.one.counters
            assert len(session.corpus) == len(self.one.corpus)
            assert session.corpus.newest_event_time == self.one.corpus.newest_event_time


def statistics(session: Session) -> object:
    assert session.engine.lexical is not None
    return session.engine.lexical.statistics()


def same_snapshot(found: Snapshot, expected: Snapshot) -> None:
    same_lists(found.lists, expected.lists)
    assert found.members == expected.members
    assert whole(sorted(found.shingles.items())) == whole(sorted(expected.shingles.items()))
    assert whole(found.statistics) == whole(expected.statistics)
    assert whole(found.profile) == whole(expected.profile)
    assert (found.corpus, found.positions, found.event_time) == (
        expected.corpus,
        expected.positions,
        expected.event_time,
    )


ShardsMachine.TestCase.settings = settings(
    max_examples=400 if os.environ.get("CORPUS_DRIFT_DEEP") else 15, stateful_step_count=12, deadline=None
)
test_shards = ShardsMachine.TestCase
