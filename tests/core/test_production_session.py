"""A session with production beside its legs: mapping of results, who moved, and what is never read as fine."""

import math
from collections.abc import Sequence

import numpy as np
import pytest

from monitor.core.model.anchors import Anchor
from monitor.core.model.events import Chunk, Delete, Upsert, text_hash
from monitor.core.model.production import ProductionAnswer, ProductionLists, ProductionResult, stranger_key
from monitor.core.model.report import DriftReport
from monitor.core.session import Session

WORDS = ["rotate", "revoke", "audit", "export", "import", "archive", "restore", "delete", "verify", "publish"]
COUNT, K = 40, 5


def text(at: int, extra: str = "") -> str:
    return f"how to {WORDS[at % 10]} item{at} of group{at % 4} {extra}".strip()


def chunk(at: int, extra: str = "") -> Upsert:
    said = text(at, extra)
    return Upsert(Chunk(f"c{at}", f"d{at % 8}", at, said, None, "", (("source", "docs"),), 1, text_hash(said)))


def session() -> Session:
    asked = [Anchor(f"a{at}", text(at)) for at in range(COUNT)]
    made = Session(asked, depths=(K,), min_anchors=5)
    made.apply(chunk(at) for at in range(COUNT))
    return made


def served(of: Session, order: Sequence[int] = (0, 1, 2, 3, 4)) -> dict[int, ProductionAnswer]:
    """A retriever over the lexical list: its results in another order, by id."""
    keys = of.lists()["lexical"].keys
    made = {}
    for anchor in range(COUNT):
        names = [found.chunk_id for key in keys[anchor].tolist() if (found := of.corpus.row(key)) is not None]
        made[anchor] = answer(*(names[at] for at in order if at < len(names)))
    return made


def answer(*names: str) -> ProductionAnswer:
    return ProductionAnswer([ProductionResult(name, score=1.0 - at / 10) for at, name in enumerate(names)])


def lists(
    of: Session, first: dict[int, ProductionAnswer], again: dict[int, ProductionAnswer] | None = None
) -> ProductionLists:
    return of.mapping().lists_of(first, again or {}, anchors=COUNT, k=K)


def value(report: DriftReport, metric: str, stat: str = "mean") -> float:
    return next(
        of.value
        for of in report.measurements
        if (of.metric, of.leg, of.stat, of.dimension) == (metric, "production", stat, "all")
    )


def cause(report: DriftReport, name: str) -> tuple[float, int]:
    return next(((of.slots, of.anchors) for of in report.causes if of.cause == name), (0.0, 0))


def based(*, twice: bool = True) -> Session:
    made = session()
    answers = served(made)
    made.observe_production(lists(made, answers, answers if twice else None))
    made.compare_with(made.snapshot("main"))
    return made


# ---------------------------------------------------------------- mapping


def key_of(of: Session, result: ProductionResult, anchor: int = 0) -> str:
    key = of.mapping().keys([(anchor, result)])[0]
    row = of.corpus.row(key)
    assert (row is None) == (key == stranger_key(result))
    return "stranger" if row is None else row.chunk_id


def test_by_id_then_text_then_likeness_then_what_the_legs_list() -> None:
    made = session()
    long = " ".join(f"word{at} about {WORDS[at % 10]}" for at in range(30))
    made.apply([Upsert(Chunk("long", "d", 0, f"{long} {text(0)}", None, "", (), 2, "own-hash"))])
    assert key_of(made, ProductionResult("c7", text=text(3))) == "c7", "an id goes before a text"
    assert key_of(made, ProductionResult("no-such", text=text(3))) == "c3"
    assert key_of(made, ProductionResult("", text=f"{long} {text(0)}".upper())) == "long", "the same words"
    assert key_of(made, ProductionResult("", text=f"{long} {text(0)} indeed")) == "long", "nearly the same words"
    title = "Handbook, chapter nine: everything that was ever written about it and more: "
    assert key_of(made, ProductionResult("", text=title + text(5)), anchor=5) == "c5", "a title in front"
    assert key_of(made, ProductionResult("", text=title + text(5)), anchor=6) in ("stranger", "c5")
    assert key_of(made, ProductionResult("", text="nothing of the kind")) == "stranger"
    assert key_of(made, ProductionResult("file-77")) == "stranger"
    made.apply([Delete("c7", 3)])
    assert key_of(made, ProductionResult("c7", text=text(3))) == "c7", "deleted, and served all the same"


def test_of_equal_texts_the_first_by_key_whatever_the_order_of_arrival() -> None:
    found = []
    for names in (("x", "y", "z"), ("z", "y", "x")):
        made = session()
        made.apply(
            Upsert(Chunk(name, "d", 0, "one and the same", None, "", (), 2, text_hash("one and the same")))
            for name in names
        )
        found.append(key_of(made, ProductionResult("", text="one and the same")))
    assert found[0] == found[1]


def test_a_chunk_that_an_answer_holds_twice_counts_once() -> None:
    made = session()
    double = {0: answer("c1", "c1", "c2", "other", "other"), 1: ProductionAnswer(reason="deadline")}
    of = lists(made, double)
    assert of.lists.lengths[0] == 3
    assert of.lists.known[:3].tolist() == [True, False, False]
    assert of.failures == {1: "deadline"}
    assert list(of.strangers.values()) == ["other"]


# ---------------------------------------------------------------- who moved


def test_production_alone_moved() -> None:
    made = based()
    moved = {**served(made), **{at: answer("c0", "c1") for at in range(9)}}
    made.observe_production(lists(made, moved, moved))
    report = made.report()
    slots, anchors = cause(report, "PRODUCTION")
    assert anchors >= 8
    assert slots > 0
    assert cause(report, "INDEX") == (0.0, 0)
    assert cause(report, "CORPUS") == (0.0, 0)
    assert value(report, "kept_answers_ratio") < 1.0
    verdict = made.judge()
    assert verdict.verdict == "fail"
    assert any(of.leg == "production" for of in verdict.findings if of.verdict == "fail")


def test_what_an_event_did_is_the_corpus() -> None:
    made = based()
    made.apply([Delete(f"c{at}", 5) for at in range(10)])
    answers = served(made)
    made.observe_production(lists(made, answers, answers))
    report = made.report()
    assert cause(report, "PRODUCTION") == (0.0, 0)
    assert cause(report, "CORPUS")[0] > 0
    assert any(of.leg == "production" and of.level == "document" for of in report.blame)


def test_ghosts_are_what_production_serves_of_what_is_deleted() -> None:
    made = based()
    made.apply([Delete(f"c{at}", 5) for at in range(10)])
    report = made.report()  # production goes on serving what it served
    assert value(report, "production_ghost_ratio") > 0
    assert value(report, "production_unmapped_ratio") == 0.0


def test_noise_is_no_movement() -> None:
    made = session()
    calls = [{at: answer(f"c{at}", "c1", name) for at in range(2, 38)} for name in ("c38", "c39")]
    made.observe_production(lists(made, calls[0], calls[1]))
    made.compare_with(made.snapshot("main"))
    made.observe_production(lists(made, calls[1], calls[0]))
    report = made.report()
    assert value(report, "swaps") > 0.9, "the lists did move"
    assert value(report, "production_noise_swaps") > 0.9, "and would have without any change"
    assert cause(report, "PRODUCTION") == (0.0, 0)


def test_a_retriever_that_was_asked_once_has_no_noise_that_anybody_knows() -> None:
    made = based(twice=False)
    assert math.isnan(value(made.report(), "production_noise_swaps"))


# ---------------------------------------------------------------- never as fine


def test_no_answer_is_unknown() -> None:
    made = based()
    down = {at: ProductionAnswer(reason="unreachable") for at in range(COUNT)}
    made.observe_production(lists(made, down, down))
    report = made.report()
    missing = next(of for of in report.measurements if (of.metric, of.leg) == ("kept_answers_ratio", "production"))
    assert math.isnan(missing.value)
    assert "unreachable" in missing.reason
    assert made.judge().verdict == "unknown"


def test_an_answer_of_nothing_is_a_loss() -> None:
    made = based()
    nothing = {at: ProductionAnswer() for at in range(30)} | {at: served(made)[at] for at in range(30, COUNT)}
    made.observe_production(lists(made, nothing, nothing))
    assert value(made.report(), "production_empty_ratio") == pytest.approx(0.75)
    assert made.judge().verdict == "fail"


def test_answers_that_were_empty_all_along_are_no_state_to_judge() -> None:
    made = session()
    nothing = {at: ProductionAnswer() for at in range(COUNT)}
    made.observe_production(lists(made, nothing, nothing))
    made.compare_with(made.snapshot("main"))
    verdict = made.judge()
    assert verdict.verdict == "unknown"
    assert "production answers every anchor with nothing" in verdict.reasons[0]


def test_a_baseline_without_production_passes_nothing_on_it() -> None:
    made = session()
    made.compare_with(made.snapshot("main"))
    answers = served(made)
    made.observe_production(lists(made, answers, answers))
    assert made.judge().verdict == "unknown"


def test_without_production_nothing_is_said_of_it() -> None:
    made = session()
    made.compare_with(made.snapshot("main"))
    report = made.report()
    assert not [of for of in report.measurements if of.leg == "production" or "production" in of.metric]
    assert made.judge().verdict == "pass"
    assert made.snapshot().again is None


def test_incremental_equals_afresh() -> None:
    made, rng = based(), np.random.default_rng(5)
    for turn in range(6):
        made.apply([chunk(int(at), f"edit{turn}") for at in rng.integers(0, COUNT, 3)])
        if turn % 2:
            made.apply([Delete(f"c{int(rng.integers(0, COUNT))}", 9 + turn)])
        if turn in (1, 4):
            answers = {at: answer(*(f"c{int(of)}" for of in rng.permutation(COUNT)[:K])) for at in range(COUNT)}
            made.observe_production(lists(made, answers, answers))
        incremental = [of for of in made.report().measurements if of.leg == "production"]
        fresh = made.drift.evaluate(
            made.baseline, made.pinned, made._observation("d", (), None, made.view(), brief=False), made.view()
        )
        assert repr(incremental) == repr([of for of in fresh.measurements if of.leg == "production"])
