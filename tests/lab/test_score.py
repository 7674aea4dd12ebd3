"""The arithmetic of the table, against hand-worked rows."""

import re
import sys
from typing import Any
from xml.etree import ElementTree

import pytest

from benchmarks.lab.blame import blamed
from benchmarks.lab.catalogue import KINDS
from benchmarks.lab.corpus import Remove, Write
from benchmarks.lab.page import page
from benchmarks.lab.peers import embedding_files, peers, versions
from benchmarks.lab.render import OURS, as_json, detectors, markdown, picture, summary
from benchmarks.lab.run import touched, whole_sources
from benchmarks.lab.score import Judgement, cell, class_of, grouped, held, judgements, median
from tests.lab.small import chunks


def deploy(verdict: str, harm: str = "none", **more: Any) -> dict[str, Any]:
    worst = {"leg": "dense", "segment": "all", "anchors": 9, "before": 0.9, "after": 0.8}
    made = {"deploy": "d", "changes": 3, "harm": harm, "worst": worst, "verdict": verdict, "churn": {"dense": 4}}
    return {**made, "lists": {"dense": 0.9, "lexical": 0.7}, "causes": ["CORPUS"], "reasons": ["so | so"], **more}


def outcome(*deploys: dict[str, Any], group: str = "incident", **more: Any) -> dict[str, Any]:
    made = {"stream": "s", "kind": "lost_source", "group": group, "cause": "CORPUS", "severity": 2, "share": 0.05}
    return {**made, "mode": "pinned", "seconds": 4.0, "error": "", "deploys": list(deploys), **more}


@pytest.mark.parametrize(
    ("harm", "group", "of"),
    [
        ("severe", "same", "severe"), ("loss", "incident", "loss"), ("none", "incident", "incident"),
        ("none", "loss", "small"), ("none", "same", "same"), ("none", "large", "large"),
        ("none", "ordinary", "ordinary"), ("severe", "ordinary", "severe"),
    ],
)  # fmt: skip
def test_what_was_lost_decides_the_class(harm: str, group: str, of: str) -> None:
    assert class_of(outcome(group=group), deploy("pass", harm)) == of


def test_the_deploy_that_holds_the_harm_is_the_first_one_with_a_loss() -> None:
    made = [deploy("pass"), deploy("pass", "loss"), deploy("fail", "severe")]
    assert held(made) == 1
    assert held([deploy("pass"), deploy("fail")]) == 1
    (said,) = judgements(outcome(*made))
    assert (said.of, said.verdict, said.delay) == ("loss", "pass", 1)
    assert said.seconds == pytest.approx(4 / 3)
    (never,) = judgements(outcome(deploy("pass", "loss")))
    assert never.delay is None


def test_each_deploy_of_a_history_is_judged_alone() -> None:
    made = outcome(deploy("pass"), deploy("fail", "loss", churn={}), group="ordinary", cause="")
    assert [(one.of, one.verdict, one.delay) for one in judgements(made)] == [
        ("ordinary", "pass", None),
        ("loss", "fail", 0),
    ]


def test_cause_first() -> None:
    assert judgements(outcome(deploy("fail")))[0].right_cause is True
    assert judgements(outcome(deploy("fail"), cause="ENCODER"))[0].right_cause is False
    assert judgements(outcome(deploy("fail"), cause=""))[0].right_cause is None
    assert judgements(outcome(deploy("fail", churn={"dense": 0}), cause="ENCODER"))[0].right_cause is None
    assert judgements(outcome(deploy("fail", churn={"dense": 0}), cause="PIPELINE"))[0].right_cause is False


def share(name: str, part: float, level: str = "document", leg: str = "dense") -> dict[str, Any]:
    kind = {"(others)": "others", "(lexical statistics)": "statistics"}.get(name, "named")
    return {"leg": leg, "level": level, "name": name, "share": part, "kind": kind}


def test_blame_by_hand() -> None:
    """Planted a and b; of the ten exchanged results eight are due to them."""
    shares = [
        share("a", 0.4), share("c", 0.1), share("b", 0.2), share("(others)", 0.3), share("a", 1.0, leg="lexical"),
        share("s1", 0.72, "source"), share("s2", 0.28, "source"),
    ]  # fmt: skip
    planted = frozenset({"a", "b"})
    assert blamed(shares, "dense", planted, frozenset(), 0.8) == {
        "first": "a", "right": True, "precision": round(6 / 7, 4), "recall": 0.75, "due": 0.8,
    }  # fmt: skip
    by_source = blamed(shares, "dense", planted, frozenset({"s1"}), 0.8)
    assert by_source is not None
    assert by_source["recall"] == 0.9
    assert blamed(shares, "dense", planted, frozenset(), 0.0) is None
    assert blamed([], "dense", planted, frozenset(), 0.8) is None


def test_statistics_that_stand_first_are_no_culprit_and_others_are_nobody() -> None:
    shares = [share("(lexical statistics)", 0.5), share("a", 0.3), share("(others)", 0.9)]
    made = blamed(shares, "dense", frozenset({"a"}), frozenset(), 1.0)
    assert made is not None
    assert (made["first"], made["right"], made["precision"]) == ("(lexical statistics)", False, 1.0)


def test_recall_is_not_asked_of_more_names_than_a_list_has() -> None:
    made = blamed([share("d1", 0.1)], "dense", frozenset(f"d{at}" for at in range(21)), frozenset(), 1.0)
    assert made is not None
    assert made["recall"] is None


def test_who_was_planted() -> None:
    corpus = {one.chunk_id: one for one in chunks(30)}
    hit = touched(corpus, [Remove("d0#1"), Write(corpus["d1#0"]), Remove("never")])
    assert hit == {"d0", "d1"}
    assert whole_sources(corpus, frozenset({"d0"})) == {"s0"}
    assert whole_sources(corpus, frozenset({"d0", "elsewhere"})) == frozenset()


def said(detector: str, verdict: str, **more: Any) -> Judgement:
    fields: dict[str, Any] = {
        "detector": detector, "stream": "s", "kind": "k", "mode": "pinned", "severity": 1, "of": "loss",
        "verdict": verdict, "delay": None, "right_cause": None, "first": (), "precision": (), "recall": (),
        "seconds": 1.0, **more,
    }  # fmt: skip
    return Judgement(**fields)


def test_a_cell_is_counted_by_hand() -> None:
    rows = [
        said("x", "fail", delay=0, right_cause=True, first=(True, False), precision=(0.5, 1.0), seconds=1.0),
        said("x", "pass", right_cause=False, first=(True,), precision=(0.9,), recall=(0.4,), seconds=3.0),
        said("x", "inconclusive", seconds=8.0),
        said("x", "fail", delay=2, seconds=5.0),
    ]
    made = cell(rows)
    assert made.runs == 4
    assert made.verdicts == {"fail": 2, "inconclusive": 1, "unknown": 0, "pass": 1, "error": 0}
    assert made.delays == [0, None, None, 2]
    assert (made.cause, made.first) == ((1, 2), (2, 3))
    assert (made.precision, made.recall, made.seconds) == (0.9, 0.4, 4.0)
    assert made.share("fail") == 0.5
    empty = cell([])
    assert (empty.runs, empty.precision, empty.share("fail")) == (0, None, 0.0)


def test_median_of_an_even_number() -> None:
    assert median([4.0, 1.0, 3.0, 2.0]) == 2.5


def test_peers_are_scored_on_what_ours_is(tmp_path: Any) -> None:
    made = outcome(deploy("pass", "severe"))
    assert embedding_files(made, 0) == ("reference.npy", "lost_source-2-pinned.npy")
    answered = tmp_path / "reference.npy--lost_source-2-pinned.npy.json"
    answered.write_text('{"Evidently": {"fired": false, "value": 0.5, "seconds": 0.2}}', encoding="utf-8")
    found = {one.detector: (one.of, one.verdict, one.delay, one.seconds) for one in peers(tmp_path, [made])}
    assert found == {
        "always": ("severe", "fail", 0, 0.0),
        "never": ("severe", "pass", None, 0.0),
        "Jaccard@10": ("severe", "fail", 0, 0.0),
        "Evidently": ("severe", "pass", None, 0.2),
    }


def test_the_tables_say_what_was_counted() -> None:
    made = [outcome(deploy("fail", "severe")), outcome(deploy("pass"), group="ordinary")]
    found = [one for of in made for one in judgements(of)] + [said("never", "pass", of="severe")]
    assert detectors(found) == [OURS, "never"]
    assert list(grouped(found)) == ["severe", "ordinary"]
    assert summary(found)[OURS] == {"severe": {"fail": 1}, "ordinary": {"pass": 1}}
    about: dict[str, Any] = {"command": "python -m benchmarks.lab", "machine": "m", "seconds": 1, "product": "abc"}
    about |= {"peers": "numpy 1", "note": "A half."}
    text = markdown(made, found, about)
    assert "| corpus-drift | 100% (0%) of 1 | 0% (0%) of 1 |" in text
    assert "sources of the product abc; m. Peers: numpy 1. A half." in text
    assert "| never | 0% (0%) of 1 |  |" in text
    assert "| corpus-drift | 1 of 1 (100%) | 0 of 1 (0%) |  | 0 of 1 (0%) | 0 of 1 (0%) | 0.0 |" in text
    assert "so / so" in text  # a bar in a reason would begin a cell
    assert len({line.count(" | ") for line in text.splitlines() if line.startswith("| severe")}) == 1
    assert '"outcomes": [' in as_json(made, found, about)
    assert picture(made, found).count("<svg") == 1
    assert picture(made, found).count("deploys; red is right") == 1
    shown = page({"before": {**about, "detectors": summary(found), "outcomes": made}})
    assert "**1 / 0 / 0**" in shown
    assert "What is missed" not in shown
    seen = [*made, outcome(deploy("pass"), kind="hub"), outcome(deploy("fail"), group="same", kind="renamed")]
    told = page({"after": {**about, "detectors": {}, "outcomes": seen}})
    assert "* loss of 10 points, or 30 in a segment: 0 of 1 are not FAIL: none." in told
    assert "* incident without such a loss: 1 of 1 are not FAIL: hub 5.0% PASS." in told
    assert "* A/A: 1 of 1 are not PASS: renamed 5.0% FAIL." in told
    assert all(f"| {name} |" in shown for name in KINDS)


def test_a_history_alone_is_drawn_deploy_by_deploy() -> None:
    made = [
        outcome(deploy("pass"), deploy("fail", "severe"), group="ordinary", mode=mode)
        for mode in ("pinned", "previous-deploy")
    ]
    shown = picture(made, [one for of in made for one in judgements(of)])
    assert shown.count("<circle") == 4
    assert shown.count("<title>d: dense all lost 10 points; FAIL</title>") == 2
    ElementTree.fromstring(shown)  # noqa: S314 - our own text; it is well-formed


def test_the_packages_behind_the_peers_are_named() -> None:
    assert re.fullmatch(r"(alibi-detect \S+, )?(evidently \S+, )?numpy \S+", versions(sys.executable))
