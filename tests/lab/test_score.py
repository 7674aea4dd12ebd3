"""The arithmetic of the table, against hand-worked rows."""

import json
import re
import sys
from typing import Any
from xml.etree import ElementTree

import pytest

from benchmarks.lab import render
from benchmarks.lab.alarms import Alarms
from benchmarks.lab.blame import blamed
from benchmarks.lab.catalogue import KINDS
from benchmarks.lab.corpus import Remove, Write
from benchmarks.lab.goals import goals
from benchmarks.lab.page import by_mode, page
from benchmarks.lab.peers import answers, embedding_files, versions
from benchmarks.lab.peers import detectors as peers
from benchmarks.lab.render import OURS, as_json, detectors, markdown, picture, summary
from benchmarks.lab.run import touched, whole_sources
from benchmarks.lab.score import Judgement, cell, class_of, grouped, held, judgements, median, others
from benchmarks.lab.versus import Versus, versus
from monitor.core.alarms.normal import normal_churn
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


@pytest.mark.parametrize(
    ("group", "lost", "of"),
    [
        ("large", 0.02, "exchanged"),
        ("large", 0.019, "large"),
        ("ordinary", 0.02, "exchanged"),
        ("ordinary", 0.019, "ordinary"),
        ("same", 0.02, "same"),
    ],
)
def test_a_change_that_costs_answers_and_brings_others_is_not_called_harmless(
    group: str, lost: float, of: str
) -> None:
    made = deploy("pass") | {"lost": {"dense": lost, "lexical": 0.0}}
    assert class_of(outcome(group=group), made) == of
    assert class_of(outcome(group=group), made | {"harm": "loss"}) == "loss"


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
    """Planted a and b; of the ten exchanged results eight are due to them, so two may be named of others."""
    shares = [
        share("a", 0.4), share("c", 0.3), share("b", 0.2), share("(others)", 0.1), share("a", 1.0, leg="lexical"),
        share("s1", 0.72, "source"), share("s2", 0.28, "source"),
    ]  # fmt: skip
    planted = frozenset({"a", "b"})
    assert blamed(shares, "dense", planted, frozenset(), 0.8) == {
        "first": "a", "right": True, "precision": round(8 / 9, 4), "recall": 0.75, "due": 0.8,
    }  # fmt: skip
    all_due = blamed(shares, "dense", planted, frozenset(), 1.0)
    assert all_due is not None
    assert all_due["precision"] == round(6 / 9, 4)
    by_source = blamed(shares, "dense", planted, frozenset({"s1"}), 0.8)
    assert by_source is not None
    assert by_source["recall"] == 0.9
    assert blamed(shares, "dense", planted, frozenset(), 0.0) is None
    assert blamed([], "dense", planted, frozenset(), 0.8) is None
    beside = blamed(shares, "dense", planted, frozenset(), 0.4)  # the edits beside it exchanged more
    assert beside is not None
    assert beside["right"] is None


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
    made["others"] = answers(peers(tmp_path), made)
    found = {one.detector: (one.of, one.verdict, one.delay, one.seconds) for one in others(made)}
    assert found == {
        "always": ("severe", "fail", 0, 0.0),
        "never": ("severe", "pass", None, 0.0),
        "Jaccard@10": ("severe", "fail", 0, 0.0),
        "Evidently": ("severe", "pass", None, 0.2),
    }
    assert json.loads(json.dumps(made)) == made, "as results are kept"


def test_a_peer_has_a_delay_as_ours_has() -> None:
    """The harm comes with the second deploy; one fires at the fourth, one before, one was not asked of the third."""
    deploys = [deploy("pass"), *(deploy("fail", "loss") for _ in range(3))]
    made = outcome(*deploys, kind="slow_loss")
    assert embedding_files(made, 3) == ("reference.npy", "slow_loss-2-pinned-4.npy")
    late, soon, absent = ([[at, 0.1] for at in said] for said in ((0, 0, 0, 1), (1, 0, 0, 0), (0, 1, 0, 0)))
    made["others"] = {"late": late, "soon": soon, "absent": [*absent[:2], None, absent[3]]}
    assert [(one.detector, one.verdict, one.delay) for one in others(made)] == [
        ("late", "pass", 2),
        ("soon", "pass", 0),
    ]


def test_alarms_find_what_creeps_and_no_ordinary_deploy() -> None:
    """Two in 1,000 results are exchanged by ordinary deploys; then each of twelve exchanges 25 times as many."""
    ordinary = [0.001, 0.003] * 180
    detector = Alarms({"dense": ordinary, "lexical": ordinary})

    def case(dense: float, deploys: int) -> dict[str, Any]:
        moved = {"dense": dense, "lexical": 0.002}
        return outcome(*(deploy("pass", moved=moved) for _ in range(deploys)))

    assert 0.002 < normal_churn(ordinary) < 0.02
    assert [one and one.fired for one in detector.says(case(0.002, 12))] == [False] * 12
    creeping = [one and one.fired for one in detector.says(case(0.05, 12))]
    assert not creeping[0]
    assert any(creeping)
    assert detector.says(outcome(deploy("pass"), group="ordinary")) == [None]
    assert Alarms({"dense": [], "lexical": []}).says(case(0.05, 2)) == [None, None]


def test_runs_in_which_a_peer_alone_is_right_are_named() -> None:
    def said(*fires: bool) -> dict[str, Any]:
        return {"x": [[one, 0.0] for one in fires], "always": [[True, 0.0] for _ in fires]}

    made = [
        outcome(deploy("fail", "severe"), others=said(True)),
        outcome(deploy("inconclusive", "loss"), kind="slow_loss", mode="previous-deploy", others=said(True)),
        outcome(deploy("fail"), group="same", kind="renamed", others=said(False)),
        outcome(deploy("fail", "loss"), others=said(False)),
        outcome(deploy("pass"), others=said(False)),
        outcome(deploy("pass"), group="loss", others=said(True)),
        outcome(deploy("pass"), deploy("pass", "loss"), group="ordinary", others=said(False, True)),
        outcome(deploy("pass")),
    ]
    theirs = ["slow_loss 5.0% (previous-deploy) INCONCLUSIVE", "renamed 5.0% FAIL", "d PASS"]
    assert versus(made) == [Versus("x", 7, both=2, ours=1, theirs=theirs, neither=1)]
    (mine,) = (one for one in goals(made) if one.says.startswith("right wherever"))
    assert (mine.figure, mine.met) == ("3 runs", False)


def test_goals_by_hand() -> None:
    blame = {"dense": {"right": True, "precision": 1.0, "recall": 0.9}}
    made = [
        *(outcome(deploy("fail", "severe", blame=blame)) for _ in range(19)),
        outcome(deploy("inconclusive", "loss"), deploy("fail", "severe")),
        outcome(deploy("pass"), group="same", cause=""),
        outcome(deploy("fail"), group="large", cause=""),
    ]
    told = {one.says: (one.figure, one.met) for one in goals(made)}
    assert told == {
        "harmful deploys FAIL: at least 95%": ("19 of 20 (95.0%)", True),
        "harmful deploys PASS: none": ("0 of 20 (0.0%)", True),
        "A/A FAIL: at most 2%": ("0 of 1 (0.0%)", True),
        "A/A undecided: at most 5%": ("0 of 1 (0.0%)", True),
        "harmless but large FAIL: at most 5%": ("1 of 1 (100.0%)", False),
        "ordinary deploys FAIL: at most 2%": ("", None),
        "ordinary deploys undecided: at most 5%": ("", None),
        "right cause first: at least 95%": ("20 of 20 (100.0%)", True),
        "planted culprit first: at least 95%": ("19 of 19 (100.0%)", True),
        "precision of blame, median: at least 0.95": ("1.00", True),
        "recall of blame, median: at least 0.95": ("0.90", False),
        "delay of what is found: no deploy": ("1 of 20 FAIL later", False),
        "right wherever another detector is": ("", None),
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
    assert "| corpus-drift | 1 of 1 (100%) | 0 of 1 (0%) |  |  | 0 of 1 (0%) | 0 of 1 (0%) | 0.0 |" in text
    assert "so / so" in text  # a bar in a reason would begin a cell
    assert len({line.count(" | ") for line in text.splitlines() if line.startswith("| severe")}) == 1
    assert '"outcomes": [' in as_json(made, found, about)
    assert picture(made, found).count("<svg") == 1
    assert picture(made, found).count("deploys; red is right") == 1
    shown = page({"before": {**about, "detectors": summary(found), "outcomes": made}})
    assert "**1 / 0 / 0**" in shown
    assert "What is missed" not in shown
    assert "## Goals" not in shown
    seen = [*made, outcome(deploy("pass"), kind="hub"), outcome(deploy("fail"), group="same", kind="renamed")]
    told = page({"after": {**about, "detectors": {}, "outcomes": seen}})
    assert "* loss of 10 points, or 30 in a segment: 0 of 1 are not FAIL: none." in told
    assert "* incident without such a loss: 1 of 1 are not FAIL: hub 5.0% PASS." in told
    assert "* A/A: 1 of 1 are not PASS: renamed 5.0% FAIL." in told
    assert "| goal | after |" in told
    assert "| harmful deploys FAIL: at least 95% | 1 of 1 (100.0%) |" in told
    assert "| A/A FAIL: at most 2% | 1 of 1 (100.0%) **not met** |" in told
    assert all(f"| {name} |" in shown for name in KINDS)


def test_a_history_alone_is_drawn_deploy_by_deploy() -> None:
    made = [
        outcome(deploy("pass"), deploy("fail", "severe"), group="ordinary", mode=mode)
        for mode in ("pinned", "previous-deploy")
    ]
    shown = picture(made, [one for of in made for one in judgements(of)])
    assert shown.count("<circle") == 4
    assert shown.count("<title>d: dense all lost 10 points; FAIL</title>") == 2
    table = by_mode(made)
    assert table[2] == "| s, pinned | 1 / 0 / 0 / 0 | 0 / 0 / 0 / 1 |"
    ElementTree.fromstring(shown)  # noqa: S314 - our own text; it is well-formed
    about = {"command": "c", "machine": "m", "product": "p", "seconds": 1, "lab_seconds": 0, "peer_seconds": 0}
    told = page({"fastapi-history": {**about, "detectors": {}, "outcomes": made}})
    assert told.count("of 1 ordinary deploys 0 FAIL and 0 are INCONCLUSIVE") == 2
    assert "What is missed" not in told


def test_results_keep_the_rules_that_did_not_pass_and_the_answers_of_a_loss_let_pass() -> None:
    rules = {"kept-dense-all": {"verdict": "pass"}, "first-dense-all": {"verdict": "pass"}, "x": {"verdict": "fail"}}
    made = outcome(
        deploy("pass", "loss", rules=rules), deploy("fail", "loss", rules=rules), deploy("pass", rules=rules)
    )
    about = {"command": "c", "machine": "m", "product": "p", "seconds": 1, "lab_seconds": 0, "peer_seconds": 0}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(render, "limits", lambda _: [])
        (written,) = json.loads(as_json([made], judgements(made), about))["outcomes"]
    assert [sorted(one["rules"]) for one in written["deploys"]] == [["kept-dense-all", "x"], ["x"], ["x"]]


def test_what_is_wrong_of_a_history_is_named_with_its_reason() -> None:
    lost = {"leg": "dense", "segment": "all", "anchors": 9, "before": 0.9, "after": 0.865}
    slow = deploy("pass") | {"erosion": "loss", "eroded": lost, "deploy": "creeping"}
    made = outcome(
        deploy("inconclusive", "loss") | {"reasons": ["nobody knows"], "deploy": "open"},
        deploy("fail") | {"reasons": ["too new"], "deploy": "alarm", "worst": lost | {"after": 0.885}},
        deploy("pass", "loss") | {"reasons": [], "deploy": "missed", "rules": {"kept-dense-all": {"value": 0.9812}}},
        slow, slow | {"verdict": "fail", "deploy": "crept"}, group="ordinary",
    )  # fmt: skip
    assert [one.of for one in judgements(made)] == ["loss", "ordinary", "loss", "eroded", "eroded"]
    about = {"command": "c", "machine": "m", "product": "p", "seconds": 1, "lab_seconds": 0, "peer_seconds": 0}
    told = page({"fastapi-history": {**about, "detectors": {}, "outcomes": [made]}})
    assert (
        "of 1 ordinary deploys 1 FAIL and 0 are INCONCLUSIVE. Of those that FAIL 1 lost 70% or more of what is a "
        "loss. Little by little at most 3.5 points were lost" in told
    )
    assert "    * open (loss of 2 to 10 points, or 10 to 30 in a segment; " in told
    assert ") INCONCLUSIVE: nobody knows" in told
    assert "    * alarm (ordinary deploy without such a loss; " in told
    assert ") PASS: kept-dense-all 0.981" in told
    assert "creeping" not in told
    assert "crept" not in told


def test_the_packages_behind_the_peers_are_named() -> None:
    assert re.fullmatch(r"(alibi-detect \S+, )?(evidently \S+, )?numpy \S+", versions(sys.executable))
