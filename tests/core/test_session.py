"""The whole evaluation without a loop: as a notebook uses it."""

import math
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

import monitor
from monitor.core.index.baseline import Member
from monitor.core.judging.policy import Rule
from monitor.core.model.anchors import Anchor
from monitor.core.model.events import (
    Chunk,
    CorpusEvent,
    Delete,
    Heartbeat,
    Located,
    Position,
    Upsert,
    chunk_key,
    text_hash,
)
from monitor.core.model.fingerprint import SearchMode, anchor_digest
from monitor.core.model.lists import RankedLists
from monitor.core.model.problems import Problem, ProblemKind
from monitor.core.model.report import ALL
from monitor.core.session import OPEN_GAPS, ServedLists, Session
from monitor.errors import CorpusDriftError, InputError

DIMENSION = 16
WORDS = ("rotate", "delete", "install", "upgrade", "backup", "restore", "tokens", "users", "nodes", "keys")


def vector(seed: int) -> NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal(DIMENSION).astype(np.float32)


def chunk(at: int, text: str = "", of: NDArray[np.float32] | None = None, source: str = "docs") -> Upsert:
    said = text or f"{WORDS[at % 10]} the {WORDS[at // 10 % 10]} number {at}"
    given = vector(at) if of is None else of
    return Upsert(
        Chunk(f"c{at}", f"d{at // 4}", at % 4, said, given, "e1", (("source", source),), at, text_hash(said))
    )


def anchors(count: int = 100) -> list[Anchor]:
    return [
        Anchor(f"a{at}", f"{WORDS[at % 10]} {WORDS[at // 10 % 10]}", vector(at) * 3.0, (("source", "docs"),))
        for at in range(count)
    ]


def session(**settings: object) -> Session:
    made = monitor.Session(anchors(), dimension=DIMENSION, depths=(5,), dimensions=("source",), **settings)  # type: ignore[arg-type]  # fields vary
    made.apply(chunk(at) for at in range(100))
    return made


def value(of: Session, metric: str, leg: str = "dense") -> float:
    (found,) = (
        one.value
        for one in of.report().measurements
        if (one.metric, one.leg, one.dimension, one.stat) == (metric, leg, ALL, "mean")
    )
    return found


def test_without_a_baseline_nothing_is_concluded() -> None:
    made = session()
    report, verdict = made.report(), made.judge()
    assert [problem.kind for problem in report.problems] == [ProblemKind.NO_BASELINE]
    assert verdict.verdict == "unknown"
    assert verdict.reasons == (report.problems[0].text,)


def test_an_unchanged_corpus_passes_and_a_moved_one_fails_with_who_did_it() -> None:
    made = session()
    made.compare_with(made.snapshot("main"))
    assert made.judge().verdict == "pass"
    assert value(made, "swaps") == value(made, "swaps", "lexical") == 0.0
    for at in range(100, 140):  # each stands before everything else in the list of one anchor
        made.apply([chunk(at, f"{WORDS[at % 10]} {WORDS[at // 10 % 10]} now", vector(at - 100), "flood")])
    for at in range(40):
        made.apply([Delete(f"c{at}")])
    verdict = made.judge()
    assert verdict.verdict == "fail"
    assert "kept-dense-all" in {found.rule for found in verdict.findings if found.verdict == "fail"}
    blame = {
        share.name: share.share for share in made.report().blame if (share.leg, share.level) == ("dense", "source")
    }
    assert math.isclose(sum(blame.values()), 1.0)
    assert set(blame) >= {"flood"}


def test_the_exact_lists_are_those_of_brute_force() -> None:
    made = session()
    made.apply([Delete("c7"), chunk(3, "another text", vector(999))])
    live = [at for at in range(100) if at != 7]
    matrix = np.stack([vector(999) if at == 3 else vector(at) for at in live])
    matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
    for row, anchor in enumerate(anchors()):
        assert anchor.vector is not None
        order = np.argsort(-(matrix @ (anchor.vector / np.linalg.norm(anchor.vector))))[:5]
        assert made.lists()["dense"].keys[row].tolist() == [chunk_key(f"c{live[at]}") for at in order]


def test_how_events_are_batched_makes_no_difference() -> None:
    whole, single = session(), monitor.Session(anchors(), dimension=DIMENSION, depths=(5,), dimensions=("source",))
    for at in range(100):
        single.apply([chunk(at)])
    assert repr(whole.snapshot("n").lists) == repr(single.snapshot("n").lists)
    assert whole.counters == single.counters


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (replace(chunk(1).chunk, vector=None), "no_vector"),
        (replace(chunk(1).chunk, vector=np.ones(3, np.float32)), "wrong_dimension"),
        (replace(chunk(1).chunk, vector=np.full(DIMENSION, np.nan, np.float32)), "not_finite"),
    ],
)
def test_a_chunk_that_cannot_be_believed_is_refused_and_the_others_are_taken(wrong: Chunk, reason: str) -> None:
    made = monitor.Session(anchors(), dimension=DIMENSION)
    done = made.apply([chunk(0), Upsert(wrong), Heartbeat(7)])
    assert [item.error.reason for item in done.refused] == [reason]
    assert "'c1'" in done.refused[0].error.detail
    assert (len(made.corpus), len(done.changes), made.corpus.newest_event_time) == (1, 1, 7)


def test_without_a_dimension_words_alone_are_asked() -> None:
    made = Session([Anchor("a", "rotate keys"), Anchor("b", "delete users")], min_anchors=1)
    made.apply(chunk(at) for at in range(20))
    assert sorted(made.lists()) == ["lexical"]
    assert made.apply([chunk(50)]).refused == ()
    made.compare_with(made.snapshot())
    assert made.judge().findings


@pytest.mark.parametrize(
    ("given", "settings", "said"),
    [
        ([], {}, "no anchors"),
        ([Anchor("a", "x"), Anchor("b", "x"), Anchor("a", "y")], {}, "anchor 'a': twice"),
        ([Anchor("a", "x")], {"dimension": 3}, "anchor 'a': no vector; expected 3 finite numbers"),
        ([Anchor("a", "x", np.ones(4, np.float32))], {"dimension": 3}, r"anchor 'a': a vector of shape \(4,\)"),
        ([Anchor("a", "x", np.array([1, np.inf], np.float32))], {"dimension": 2}, "expected 2 finite numbers"),
        (["rotate a key"], {}, r"anchors\[0\] = 'rotate a key': expected a monitor.Anchor"),
        ("rotate a key", {}, "anchors = 'rotate a key': expected a list of monitor.Anchor"),
        ([Anchor("a", None)], {}, "anchor 'a': text: None; expected text"),  # type: ignore[arg-type]
        ([Anchor("", "x")], {}, r"anchors\[0\]: id: ''; expected text that is not empty"),
        ([Anchor("a", "x")], {"dimension": 2.5}, "dimension = 2.5: expected"),
        ([Anchor("a", "x")], {"depths": ()}, r"depths = \(\): expected one or more distinct whole numbers from 1"),
        ([Anchor("a", "x")], {"depths": (0,)}, "expected one or more distinct whole numbers from 1"),
        ([Anchor("a", "x")], {"depths": 2.5}, "depths = 2.5: expected one or more distinct whole numbers from 1"),
        ([Anchor("a", "x")], {"distance": "manhattan"}, "manhattan"),
    ],
)
def test_wrong_arguments_are_named(given: object, settings: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        Session(given, **settings)  # type: ignore[arg-type]  # fields vary


def test_what_an_index_serves_takes_the_place_of_the_exact_lists() -> None:
    made = session()
    exact = made.lists()["exact"]
    made.observe(ServedLists(exact))
    made.compare_with(made.snapshot("main"))
    assert value(made, "ann_recall_ratio") == 1.0
    row = np.arange(1)
    made.observe(ServedLists(exact.replaced(row, RankedLists.unknown(1, 5)), failures={0: "deadline"}))
    report = made.report()
    swaps = next(one for one in report.measurements if (one.metric, one.leg, one.stat) == ("swaps", "dense", "mean"))
    assert (swaps.value, swaps.n, swaps.expected) == (0.0, 99, 100)
    busy = Problem(ProblemKind.INDEX_BUSY, "the index is at work")
    made.observe(ServedLists(exact, problems=(busy,)))
    assert made.report().problems == ()
    assert made.evaluate("d1").report().problems == (busy,), "no deploy can be judged by it"


def test_lost_events_make_a_verdict_unknown_until_somebody_looks() -> None:
    made = session()
    made.compare_with(made.snapshot("main"))
    made.counters[OPEN_GAPS] += 2
    found = made.report()
    assert [problem.kind for problem in found.problems] == [ProblemKind.STREAM_LOSS]
    assert [cause.cause for cause in found.causes] == ["PIPELINE"]
    assert made.judge().verdict == "unknown"
    made.counters[OPEN_GAPS] = 0
    assert made.judge().verdict == "pass"


def test_problems_of_a_deploys_span_make_it_unknown() -> None:
    made = session()
    made.compare_with(made.snapshot("main"))
    barrier = Problem(ProblemKind.BARRIER, "deploy 'd1': markers missing")
    report, verdict = made.evaluate("d1", rules=made.default_policy(), problems=[barrier]).judged()
    assert (report.problems, verdict.verdict, verdict.reasons) == ((barrier,), "unknown", (barrier.text,))


def test_a_rule_of_ones_own_is_judged() -> None:
    made = session()
    made.compare_with(made.snapshot("main"))
    made.apply([Delete("c0")])
    strict = Rule("none-may-move", "swaps", "dense", "mean", 5, max=0.0, bounds=False)
    assert made.judge([strict]).verdict == "fail"
    assert made.judge([replace(strict, max=5.0)]).verdict == "pass"
    assert made.judge([replace(strict, metric="swap")]).verdict == "unknown", "a misspelt rule never passes"


def test_an_exact_session_knows_that_two_builds_cannot_differ() -> None:
    made = session()
    made.compare_with(made.snapshot("main"))
    assert made.drift.fingerprint.search.mode is SearchMode.EXACT
    assert made.baseline is not None
    assert made.baseline.noise_gap == 0.0
    assert value(made, "top1_changed_decided_ratio") == 0.0


def test_a_snapshot_keeps_the_lists_and_the_live_chunks_in_them() -> None:
    asked = [Anchor("a0", "ab", segment=(("language", "de"),)), Anchor("a1", "b")]
    made = Session(asked, depths=(2,), min_anchors=1)
    events: list[CorpusEvent] = []
    for at, name in enumerate("abcd"):
        segment = (("source", "src"),) if name != "b" else ()
        events.append(Upsert(Chunk(name, f"doc {name}", 0, f"{name} ab", None, "v", segment, at, f"h{name}")))
    placed = [Located(Position("t", 0, at), event) for at, event in enumerate([*events, Delete("c", 50)])]
    made.apply(placed)
    found = made.snapshot("name", "d7", positions={"t/0": 10})
    listed = {key for key in made.lists()["lexical"].keys.ravel().tolist() if key >= 0}
    assert set(found.members) == listed
    assert chunk_key("c") not in found.members
    assert found.members[chunk_key("a")] == Member("a", "doc a", "src", "ha", (("source", "src"),))
    assert found.members[chunk_key("b")] == Member("b", "doc b", "", "hb")
    assert (found.name, found.deploy_id, found.event_time, found.approval) == ("name", "d7", 50, None)
    assert (found.corpus, found.positions, found.fingerprint) == (
        {"chunks": 3.0},
        {"t/0": 10},
        made.drift.fingerprint,
    )
    assert list(found.anchors) == ["a0", "a1"]
    assert found.anchors["a0"].digest == anchor_digest(made.engine.anchors.anchors[0])
    assert found.anchors["a0"].segment == (("language", "de"),)
    np.testing.assert_array_equal(found.lists["lexical"].keys, made.lists()["lexical"].keys)


def test_the_package_imports_nothing_heavy_until_it_is_asked() -> None:
    said = "import sys, monitor; assert 'numpy' not in sys.modules; monitor.Session; assert 'numpy' in sys.modules"
    subprocess.run([sys.executable, "-c", said], check=True, timeout=60)
    with pytest.raises(AttributeError, match="no attribute 'Sessions'"):
        monitor.Sessions  # noqa: B018 - the look-up is what is tested


def test_a_rule_on_labels_judges_the_labelled_anchors_alone() -> None:
    """Those without labels were never asked: they are neither missing nor a reason not to decide."""
    labelled = [replace(of, relevant={f"c{at}": 1.0} if at % 2 else {}) for at, of in enumerate(anchors())]
    made = Session(labelled, dimension=DIMENSION, depths=(5,))
    made.apply(chunk(at) for at in range(100))
    made.compare_with(made.snapshot("main"))
    found = made.judge([Rule("recall", "recall_ratio", "dense", "mean", 5, min=0.5)])
    (finding,) = found.findings
    assert (found.verdict, finding.n, finding.value) == ("pass", 50, 1.0)
    assert "50 anchors of 25 documents" in finding.reason


def test_what_is_no_event_is_named() -> None:
    with pytest.raises(CorpusDriftError, match=r"event \{'id': 'c0'\}: expected an Upsert, Delete, Deploy or Heart"):
        session().apply([{"id": "c0"}])  # type: ignore[list-item]  # not everybody has a type checker
    with pytest.raises(InputError, match=r"events = Upsert\(chunk=Chunk.*: expected a list of Upsert, Delete"):
        session().apply(chunk(0))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="events = None: expected a list of Upsert, Delete, Deploy or Heartbeat"):
        session().apply(None)  # type: ignore[arg-type]


def test_what_is_no_snapshot_or_no_rule_is_named() -> None:
    made = session()
    with pytest.raises(InputError, match=r"'main' is no snapshot; expected what snapshot\(\) returns"):
        made.compare_with("main")  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"policy = 'strict': expected a list of monitor\.Rule"):
        made.judge("strict")  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"policy: 'strict' is no rule; expected a list of monitor\.Rule"):
        made.judge(["strict"])  # type: ignore[list-item]
    with pytest.raises(InputError, match="rule 'r' has neither min nor max; expected a limit"):
        made.judge([Rule("r", "swaps", "lexical", "mean", 10)])


def test_a_notebook_shows_what_it_is() -> None:
    made = Session([Anchor("a", "rotate keys"), Anchor("b", "delete users")], dimension=0)
    assert repr(made.apply([chunk(0), chunk(1)])) == "<Ingested: 2 changes, 0 refused>"
    assert repr(made) == "<Session of 2 chunks and 2 anchors, no baseline>"
    made.compare_with(made.snapshot("main"))
    assert repr(made) == "<Session of 2 chunks and 2 anchors, compared with 'main'>"


def test_a_hand_made_chunk_and_anchor_are_those_of_an_event() -> None:
    made = Chunk.of("c", "say it", [1, 0], segment={"b": "2", "a": "1"}, event_time=7)
    assert (made.doc_id, made.segment, made.content_hash) == ("c", (("a", "1"), ("b", "2")), text_hash("say it"))
    assert made.vector is not None
    assert made.vector.dtype == np.float32
    with pytest.raises(CorpusDriftError, match=r"chunk 'c': a vector of shape \(1, 2\); expected one row of numbers"):
        Chunk.of("c", "say it", [[1, 0]])
    with pytest.raises(CorpusDriftError, match="anchor 'a': a vector of str; expected numbers"):
        Anchor.of("a", "x", "one")
    with pytest.raises(CorpusDriftError, match="chunk id: ''; expected text that is not empty"):
        Chunk.of("", "say it")
    with pytest.raises(CorpusDriftError, match="chunk 'c': text: None; expected text"):
        Chunk.of("c", None)  # type: ignore[arg-type]
    with pytest.raises(CorpusDriftError, match="anchor 'a': text: 7; expected text"):
        Anchor.of("a", 7)  # type: ignore[arg-type]
    with pytest.raises(CorpusDriftError, match="anchor 'a': weight 0; expected a finite number above 0"):
        Anchor.of("a", "x", weight=0)
