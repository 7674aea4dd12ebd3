"""The audit of a running monitor: silent over any history of a sound engine, loud about a planted fault."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from monitor.adapters.audit import RankBm25Auditor
from monitor.app.audit import Audit, Schedule
from monitor.app.health import Clocks
from monitor.app.loop import Monitor
from monitor.core.index.corpus import Delta
from monitor.core.index.engine import of_one_process
from monitor.core.index.lexical.bm25 import Bm25Scorer
from monitor.core.model.lists import NO_CHUNK, RankedLists
from monitor.core.records.published import AuditLeg
from monitor.ports import UnreachableError
from tests.app.loops import MOST_TURNS, opened, to_end
from tests.app.scripted import ScriptedSource, records, scripted
from tests.corpora import Shape, events, write_case

OKAPI = Bm25Scorer()
SOON = "[measure]\naudit_seconds = 0.000001\n"
WHOLE = Schedule(anchors=24)
"""As many as there are."""


class Hands:
    """Both clocks, moved by hand."""

    def __init__(self) -> None:
        self.now = 0.0
        self.clocks = Clocks(lambda: self.now, lambda: 1_000.0 + self.now)


def audit_of(
    monitor: Monitor, schedule: Schedule = WHOLE, *, bm25: Bm25Scorer = OKAPI, clocks: Clocks | None = None
) -> Audit:
    parts = monitor.parts
    return Audit(
        RankBm25Auditor(bm25),
        parts.store,
        parts.corpus,
        parts.engine,
        schedule=schedule,
        generator=np.random.default_rng(0),
        clocks=clocks or Hands().clocks,
    )


def found(audit: Audit) -> dict[AuditLeg, tuple[int, str]]:
    return {leg: (of.mismatches, of.skipped) for leg, of in audit.results.items()}


SOUND = {"dense": (0, ""), "lexical": (0, "")}


@pytest.fixture
def monitor(tmp_path: Path) -> Iterator[Monitor]:
    """At the end of a small stream, both legs on, 24 anchors."""
    with opened(write_case(tmp_path, shape=Shape(chunks=40, deploys=2))) as made:
        assert to_end(made)
        yield made


@pytest.mark.parametrize(("seed", "batch"), [(0, 6), (1, 17), (2, 64)])
def test_a_long_history_has_no_mismatches(tmp_path: Path, seed: int, batch: int) -> None:
    shape = Shape(chunks=60, deploys=12, churn=0.4, incident=True)
    config = write_case(tmp_path, seed=seed, shape=shape, extra=f"[source]\nbatch = {batch}\n")
    if seed:  # half of the histories with a filter on every anchor
        text = config.read_text(encoding="utf-8").replace("[dense]\n", '[dense]\nfilter_by = ["source"]\n')
        config.write_text(text, encoding="utf-8")
    with opened(config) as made:
        audit, audits, depths = audit_of(made), 0, set()
        for turns in range(MOST_TURNS):
            worked = made.turn(0.0)
            if turns % 7 == 0 or not worked:
                audit.run()
                audits += 1
                assert found(audit) == SOUND
                depths.update(made.parts.engine.lists()["lexical"].lengths.tolist())
            if not worked and made.ended():
                break
        assert audits > 3
        assert max(depths) == 10
        assert [audit.results[leg].anchors for leg in audit.results] == [24, 24]
        assert audit.problems() == ()


def planted(lists: RankedLists, row: int, fault: str) -> RankedLists:
    """A copy of the lists with one fault in one row."""
    made = lists.replaced(np.array([row]), lists.take(np.array([row])))
    last = int(made.lengths[row]) - 1
    if fault == "score":
        made.scores[row, 1] += 1e-6
    elif fault == "missing":
        made.keys[row, :last], made.scores[row, :last] = made.keys[row, 1 : last + 1], made.scores[row, 1 : last + 1]
        made.keys[row, last], made.scores[row, last], made.lengths[row] = NO_CHUNK, np.nan, last
    elif fault == "foreign":
        made.keys[row, last] = 12_345
    return made


@pytest.mark.parametrize("fault", ["score", "missing", "foreign"])
@pytest.mark.parametrize("leg", ["dense", "lexical"])
def test_a_planted_fault_is_found(
    monitor: Monitor, monkeypatch: pytest.MonkeyPatch, fault: str, leg: AuditLeg
) -> None:
    engine = {
        "dense": of_one_process(monitor.parts.engine).dense,
        "lexical": of_one_process(monitor.parts.engine).lexical,
    }[leg]
    assert engine is not None
    lists = engine.lists()
    row = int(np.flatnonzero(lists.lengths > 2)[0])
    audit = audit_of(monitor)
    with monkeypatch.context() as patched:
        patched.setattr(engine, "lists", lambda: planted(lists, row, fault))
        audit.run()
        wrong = audit.results[leg].mismatches
        assert wrong > 0
        assert {other: of.mismatches for other, of in audit.results.items() if other != leg} != {leg: wrong}
        assert sum(of.mismatches for of in audit.results.values()) == wrong
        (problem,) = audit.problems()
        assert problem.startswith(f"audit: {wrong} result(s) in the {leg} lists of 1 anchor(s) disagree")
    audit.run()
    assert found(audit) == SOUND
    assert audit.problems() == ()


def test_a_fault_counts_until_its_anchor_is_found_right(monitor: Monitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Samples rotate: looking at others must not make a wrong anchor forgotten."""
    dense = of_one_process(monitor.parts.engine).dense
    assert dense is not None
    right = wrong = dense.lists()
    for row in range(5, 12):  # more than a sample has room for
        wrong = planted(wrong, row, "score")
    audit = audit_of(monitor, Schedule(anchors=4))

    def mismatches(times: int) -> list[int]:
        counted = []
        for _ in range(times):
            audit.run()
            counted.append(audit.results["dense"].mismatches)
        return counted

    with monkeypatch.context() as patched:
        patched.setattr(dense, "lists", lambda: wrong)
        counted = mismatches(24)
    assert counted == sorted(counted)
    assert counted[0] < 7 == counted[11]  # at least two new anchors each time, of 24
    assert dense.lists() is right
    counted = mismatches(4)  # two out of turn each time, so four times suffice for seven
    assert counted == sorted(counted, reverse=True)
    assert counted[0] > 0 == counted[-1]


def test_a_change_that_the_engine_missed_is_found_and_nothing_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shape = Shape(chunks=40, deploys=3, churn=0.4)
    made = events(7, shape)
    config = write_case(tmp_path, shape=shape, extra=SOON)
    with scripted(config, ScriptedSource(records(made))) as monitor:
        engine = of_one_process(monitor.parts.engine)
        lost, apply = list[int](), engine.apply

        def forgetful(delta: Delta, *, ahead: bool) -> object:
            if len(monitor.ledger) == 2 and len(delta.added) > 1:  # the last update, or the next one would not fit
                lost.append(len(delta.added))
                return {}
            return apply(delta, ahead=ahead)

        monkeypatch.setattr(engine, "apply", forgetful)
        assert to_end(monitor)
        assert lost
        for _ in range(4):
            monitor.turn(0.0)
        view = monitor.published
        assert view is not None
        assert view.health.audits["lexical"].mismatches > 0
        assert view.health.audits["dense"].mismatches > 0
        assert (view.own.verdict, view.verdict.verdict) == ("unknown", "unknown")
        assert any(reason.startswith("audit: ") for reason in view.verdict.reasons), view.verdict.reasons
        lists = monitor.measuring.snapshot("x", "")
        assert not monitor.measuring.sound(lists)
    with opened(config) as monitor:  # rebuilt from the committed state: the advice in the reason is right
        audit = audit_of(monitor)
        audit.run()
        assert found(audit) == SOUND


def test_a_deploy_under_known_mismatches_is_never_a_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(write_case(tmp_path, shape=Shape(chunks=40, deploys=2))) as monitor:
        while not monitor.ledger:
            assert monitor.turn(0.0)
        lexical, audit = of_one_process(monitor.parts.engine).lexical, monitor.parts.audit
        assert lexical is not None
        assert audit is not None
        lists = lexical.lists()
        wrong = lists.replaced(np.arange(24), lists)
        wrong.scores[:, 0] += 1.0
        with monkeypatch.context() as patched:
            patched.setattr(lexical, "lists", lambda: wrong)
            audit.run()
        assert to_end(monitor)
        record = monitor.parts.store.deploy("d1")
        assert record is not None
        assert record.verdict.verdict == "unknown"
        assert any(reason.startswith("audit: 20 result(s)") for reason in record.verdict.reasons)


def test_why_a_leg_is_not_audited(monitor: Monitor) -> None:
    lucene = audit_of(monitor, bm25=Bm25Scorer("lucene"))
    lucene.run()
    assert found(lucene) == {"dense": (0, ""), "lexical": (0, "variant")}
    assert lucene.results["lexical"].at == 0.0  # never: its 0 means nothing
    size = len(monitor.parts.corpus)
    large = audit_of(monitor, Schedule(chunks=size - 1, anchors=8))
    large.run()
    assert found(large) == {"dense": (0, ""), "lexical": (0, "corpus_too_large")}
    assert large.results["dense"].anchors == 7  # one anchor fewer, for no more work
    huge = audit_of(monitor, Schedule(chunks=size // 10, anchors=2))
    huge.run()
    assert found(huge) == {"dense": (0, "corpus_too_large"), "lexical": (0, "corpus_too_large")}
    off = audit_of(monitor, Schedule(chunks=0))
    assert found(off) == {"dense": (0, "switched_off"), "lexical": (0, "switched_off")}
    assert not off.due()


def test_a_leg_that_is_off_and_an_empty_corpus(tmp_path: Path) -> None:
    with opened(write_case(tmp_path, shape=Shape(chunks=8, deploys=1, dense=False))) as monitor:
        audit = audit_of(monitor)
        audit.run()
        assert found(audit) == {"dense": (0, "leg_off"), "lexical": (0, "")}
        assert audit.results["lexical"].at == 1_000.0


def test_texts_that_cannot_be_read_are_a_reason_and_keep_what_was_found(
    monitor: Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    hands = Hands()
    audit = audit_of(monitor, clocks=hands.clocks)
    audit.run()
    before = audit.results["lexical"]

    def broken(batch: int) -> Iterator[object]:
        message = f"state: cannot read {batch} chunks"
        raise UnreachableError(message)

    monkeypatch.setattr(monitor.parts.store, "chunks", broken)
    hands.now = 5.0
    audit.run()
    assert audit.results["lexical"] == replace(before, skipped="state_unreadable")
    assert audit.results["dense"].at == 1_005.0


def test_when_it_is_due(monitor: Monitor) -> None:
    hands = Hands()
    audit = audit_of(monitor, Schedule(every=100.0), clocks=hands.clocks)
    for now, due in ((0.0, False), (9.9, False), (10.0, True), (500.0, True)):
        hands.now = now
        assert audit.due() is due
    audit.run()
    assert not audit.due()
    hands.now = 600.0
    assert audit.due()
