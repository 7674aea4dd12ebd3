"""What a session keeps from turn to turn changes no report: one that keeps nothing says the same, to the bit."""

from collections.abc import Sequence

import numpy as np
import pytest

import monitor
from monitor.core.judging.policy import Verdict
from monitor.core.model.anchors import Anchor
from monitor.core.model.events import Chunk, CorpusEvent, Delete, Upsert, text_hash
from monitor.core.model.report import DriftReport
from monitor.core.reporting.drift import Drift
from monitor.core.session import ServedLists, Session

DIMENSION, CHUNKS, ANCHORS = 8, 60, 24
WORDS = (
    "rotate",
    "delete",
    "install",
    "upgrade",
    "backup",
    "restore",
    "token",
    "user",
    "node",
    "key",
    "cluster",
    "shard",
)
LANGUAGES = ("en", "de", "fr")


class Stream:
    """Events of every kind: new and edited texts, other vectors, copies, moves, other segments, deletes, returns."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.said: dict[int, Upsert] = {}
        self.time = 0

    def text(self) -> str:
        return " ".join(WORDS[at] for at in self.random.integers(0, len(WORDS), self.random.integers(0, 16)))

    def upsert(self, at: int, text: str, language: str) -> Upsert:
        self.time += 1
        vector = self.random.standard_normal(DIMENSION).astype(np.float32)
        segment = (("language", language), ("source", f"s{at % 2}"))
        made = Upsert(Chunk(f"c{at}", f"d{at // 4}", at % 4, text, vector, "e1", segment, self.time, text_hash(text)))
        self.said[at] = made
        return made

    def one(self) -> CorpusEvent:
        at, other = self.random.integers(0, CHUNKS, 2).tolist()
        before, what = self.said.get(at), self.random.integers(0, 8)
        language = LANGUAGES[at % 3]
        if what == 0 and before is not None:
            self.said.pop(at)
            self.time += 1
            return Delete(f"c{at}", self.time, None)
        if what == 1 and other in self.said:
            return self.upsert(at, self.said[other].chunk.text, language)
        if what == 2 and before is not None:
            return self.upsert(at, before.chunk.text, language)
        if what == 3 and before is not None:
            return self.upsert(at, before.chunk.text + " at once", language)
        if what == 4 and before is not None:
            return self.upsert(at, before.chunk.text, LANGUAGES[other % 3])
        return self.upsert(at, self.text(), language)

    def batch(self, most: int) -> list[CorpusEvent]:
        return [self.one() for _ in range(self.random.integers(0, most + 1))]


def started(stream: Stream, *, index: bool) -> Session:
    anchors = [
        Anchor(
            f"a{at}",
            stream.text(),
            stream.random.standard_normal(DIMENSION, np.float32),
            (("language", LANGUAGES[at % 3]),),
        )
        for at in range(ANCHORS)
    ]
    made = monitor.Session(
        anchors, dimension=DIMENSION, depths=(3, 5), dimensions=("language", "source"), min_anchors=1
    )
    made.apply(stream.upsert(at, stream.text(), LANGUAGES[at % 3]) for at in range(CHUNKS))
    return Session.of(made.corpus, made.engine, made.drift, index=True) if index else made


def looked_at(of: Session, *, index: bool) -> tuple[DriftReport, Verdict]:
    """The report and verdict at the places where its source would stand; an index serves what is exact."""
    if index:
        of.observe(ServedLists(of.engine.lists()["exact"]))
    rules = of.default_policy()
    return of.evaluate(rules=rules, positions={"t/0": len(of.corpus)}).judged()


def afresh(of: Session, *, index: bool) -> tuple[DriftReport, Verdict]:
    """The same corpus and engine, looked at by an evaluation that saw nothing before."""
    drift = of.drift
    made = Session.of(
        of.corpus, of.engine, Drift(of.engine.anchors, drift.fingerprint, drift.scope, drift.depths, {}), index=index
    )
    made.counters, made.ledger = of.counters, of.ledger
    made.baseline, made.pinned = of.baseline, of.pinned
    return looked_at(made, index=index)


def same(kept: DriftReport, fresh: DriftReport) -> None:
    assert len(kept.measurements) == len(fresh.measurements)
    for one, other in zip(kept.measurements, fresh.measurements, strict=True):
        assert repr(one) == repr(other)
    assert repr(kept) == repr(fresh)


@pytest.mark.parametrize("index", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_a_report_that_kept_what_was_not_touched_is_a_fresh_one(seed: int, index: bool) -> None:
    stream = Stream(seed)
    session = started(stream, index=index)
    if index:
        session.observe(ServedLists(session.engine.lists()["exact"]))
    baseline = session.snapshot("main")
    session.compare_with(baseline)
    sizes: Sequence[int] = (1, 1, 2, 3, 1, 8, 30, 1, 0, 2, 2, 1)
    moving = baseline
    for turn, size in enumerate(sizes):
        if turn in (4, 9):  # from here on a moving baseline beside the pinned one
            moving = session.snapshot("moving")
            session.compare_with(moving, baseline)
        if turn == 6:  # back to the first, and the other way round
            session.compare_with(baseline)
        if turn == 7:
            session.compare_with(baseline, moving)
        session.apply(stream.batch(size))
        report, verdict = looked_at(session, index=index)
        other, otherwise = afresh(session, index=index)
        same(report, other)
        assert repr(verdict) == repr(otherwise)


def test_blame_that_stands_is_counted_once() -> None:
    stream = Stream(0)
    session = started(stream, index=False)
    session.compare_with(session.snapshot("main"))
    session.apply(stream.batch(30))
    evaluation = session.evaluate()
    culprits = evaluation.compared.culprits
    assert culprits is not None
    assert culprits.shares()
    assert culprits.shares() is culprits.shares()
    assert evaluation.report().blame == culprits.shares()
