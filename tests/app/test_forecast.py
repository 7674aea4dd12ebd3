"""A forecast is what happens: the same findings and blame as when the change set is really streamed."""

import json
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from monitor.adapters.anchors_file import write as write_anchors
from monitor.app import asking
from monitor.app.configuration import load
from monitor.app.wiring import read_state
from monitor.app.wiring.forecast import build_forecast
from monitor.core.model.events import CorpusEvent, Delete, Deploy, Upsert
from monitor.core.records.documents import gate_schema
from tests import corpora
from tests.app.loops import left, opened, to_end
from tests.commands import Commands

SHAPE = corpora.Shape(chunks=120, deploys=4, anchors=48, churn=0.15, incident=True)
SAME = ("verdict", "findings", "reasons", "blame", "corpus", "now", "baseline", "positions")


def cut(events: Sequence[CorpusEvent], deploy: str) -> int:
    """The number of events up to and including a deploy's marker."""
    return 1 + next(at for at, event in enumerate(events) if isinstance(event, Deploy) and event.deploy_id == deploy)


@pytest.fixture(params=["embedded", "lexical only", "two legs, versions away"])
def case(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, list[CorpusEvent]]:
    """A configuration with an empty events file, and the events to come."""
    shape = corpora.Shape(**{**SHAPE.__dict__, "dense": False}) if request.param == "lexical only" else SHAPE
    config = corpora.write_case(tmp_path, shape=shape)
    events = corpora.events(7, shape)
    if request.param.endswith("away"):
        for event in events:
            if hasattr(event, "version"):
                object.__setattr__(event, "version", None)
    return config, events


def streamed(config: Path, events: Sequence[CorpusEvent], deploy: str) -> dict[str, Any]:
    """What the gate says of a deploy after all of it was streamed."""
    (config.parent / "events.jsonl").write_bytes(corpora.written(events))
    with opened(config) as monitor:
        assert to_end(monitor)
    with read_state(load(config, {})) as store:
        return asking.stored_gate(store, deploy)


RULES = """
[[policy.rule]]
name = "rewritten"
metric = "changed_chunks_ratio"
leg = "corpus"
stat = "modified"
max = 0.9
[[policy.rule]]
name = "moved-space"
metric = "embedding_shift"
leg = "corpus"
stat = "squared"
max = 0.5
[[policy.rule]]
name = "said-again"
metric = "noop_upsert_ratio"
leg = "corpus"
max = 1.0
[[policy.rule]]
name = "wording"
metric = "rewrite_stability_ratio"
leg = "lexical"
min = 0.0
min_anchors = 1
[[policy.rule]]
name = "far-from-main"
metric = "pinned_swaps"
leg = "lexical"
max = 9.0
"""


def test_rules_on_the_corpus_the_rewrites_and_the_pinned_baseline_are_forecast_too(tmp_path: Path) -> None:
    config = corpora.write_case(tmp_path, shape=SHAPE)
    config.write_text(
        config.read_text()
        .replace("[baseline]", '[baseline]\nmode = "previous-deploy"')
        .replace("[anchors]", f"{RULES}[anchors]")
    )
    made = corpora.anchors(7, SHAPE)
    write_anchors(tmp_path / "anchors.jsonl", [replace(one, rewrites=(f"{one.text} please",)) for one in made])
    events = corpora.events(7, SHAPE)
    at, end = cut(events, "d2"), cut(events, "d3")
    streamed(config, events[:at], "d2")
    (tmp_path / "changes.jsonl").write_bytes(corpora.written(events[at:end]))
    said = build_forecast(load(config, {}), tmp_path / "changes.jsonl", "d3")
    found = {one["rule"]: one for one in said["findings"]}
    assert found.keys() >= {"rewritten", "moved-space", "said-again", "wording", "far-from-main"}
    assert all(found[name]["value"] is not None for name in ("rewritten", "moved-space", "said-again", "wording"))
    outcome = streamed(config, events[:end], "d3")
    assert {name: said[name] for name in SAME} == {name: outcome[name] for name in SAME}


@pytest.mark.parametrize("deploy", ["d1", "d3"])
def test_forecast_equals_outcome_and_writes_nothing(case: tuple[Path, list[CorpusEvent]], deploy: str) -> None:
    config, events = case
    at, end = cut(events, f"d{int(deploy[1:]) - 1}"), cut(events, deploy)
    streamed(config, events[:at], "d0")
    before = left(config.parent / "state.db")
    changes = config.parent / "changes.jsonl"
    changes.write_bytes(corpora.written(events[at:end]))
    said = build_forecast(load(config, {}), changes, deploy)
    assert said["state"] == "forecast"
    assert left(config.parent / "state.db") == before
    outcome = streamed(config, events[:end], deploy)
    assert {name: said[name] for name in SAME} == {name: outcome[name] for name in SAME}
    assert outcome["verdict"] == {"d1": "pass", "d3": "fail"}[deploy]


def place(found: dict[str, Any]) -> tuple[str, ...]:
    return found["rule"], found["dimension"], found["segment"]


NOTHING = '{"op": "delete", "chunk_id": "nobody", "event_time": "2026-01-05T00:00:00Z"}\n'


@pytest.fixture(scope="module")
def failing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration whose corpus fails: the incident of d3 is in it."""
    config = corpora.write_case(tmp_path_factory.mktemp("failing"), shape=SHAPE)
    assert streamed(config, corpora.events(7, SHAPE), "d3")["verdict"] == "fail"
    return config


@pytest.mark.parametrize("form", ["text", "json", "junit", "markdown"])
def test_a_change_that_does_nothing_to_a_corpus_that_fails_passes_and_says_what_is_there(
    failing: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    run, changes = Commands(capsys), tmp_path / "changes.jsonl"
    changes.write_text(NOTHING, encoding="utf-8")
    said = run("gate", "-c", failing, "--deploy", "next", "--dry-run", changes, "--format", form)
    assert said.code == 0, said.err
    if form == "json":
        document = said.json()
        assert (document["verdict"], document["reasons"], document["state"]) == ("pass", [], "forecast")
        assert not [one for one in document["findings"] if one["verdict"] != "pass" and one["severity"] == "critical"]
        there = document["already"]
        assert (there["verdict"], there["outcome"]) == ("fail", "fail")
        judged = run("gate", "-c", failing, "--deploy", "d3", "--format", "json").json()
        wrong = [one for one in judged["findings"] if one["severity"] == "critical" and one["verdict"] != "pass"]
        assert [one for one in there["findings"] if one["severity"] == "critical"] == wrong
        assert there["reasons"] == judged["reasons"]
        jsonschema.validate(document, gate_schema())
    elif form == "junit":
        suite = ET.fromstring(said.out)  # noqa: S314 - our own output
        assert (suite.get("failures"), suite.get("errors")) == ("0", "0")
        there = [case for case in suite if case.get("classname", "").startswith("corpus-drift.already.")]
        assert there
        assert all(case.find("skipped") is not None for case in there)
        assert int(suite.get("tests", "0")) == len(suite.findall("testcase"))
    assert "there already, without the change: FAIL; the deploy as a whole would be judged FAIL" in said.out or (
        form == "json"
    )
    assert "collapsed_swaps" in said.out


def test_what_makes_a_failing_corpus_worse_fails_and_what_mends_it_passes(failing: Path, tmp_path: Path) -> None:
    events = corpora.events(7, SHAPE)
    alive = sorted({event.chunk.chunk_id for event in events if isinstance(event, Upsert)})
    deletes = [{**json.loads(NOTHING), "chunk_id": chunk} for chunk in alive[::2]]
    changes = tmp_path / "changes.jsonl"
    changes.write_text("".join(f"{json.dumps(one)}\n" for one in deletes), encoding="utf-8")
    worse = build_forecast(load(failing, {}), changes, "next")
    assert (worse["verdict"], worse["already"]["verdict"], worse["already"]["outcome"]) == ("fail", "fail", "fail")
    assert worse["reasons"]
    before = {place(one): one["value"] for one in worse["already"]["findings"]}
    counted = [one for one in worse["findings"] if one["severity"] == "critical" and one["verdict"] == "fail"]
    assert all(one["value"] > before.get(place(one), 0.0) for one in counted)

    at = cut(events, "d2")
    undone = {event.chunk.chunk_id: event for event in events[:at] if isinstance(event, Upsert)}
    gone = {event.chunk_id for event in events[at:] if isinstance(event, Delete)}
    touched = {event.chunk.chunk_id for event in events[at:] if isinstance(event, Upsert)} | gone
    later = 1 + max(event.chunk.event_time for event in events if isinstance(event, Upsert))
    back: list[CorpusEvent] = [
        Upsert(replace(undone[chunk].chunk, event_time=later), 10_000 + at)
        if chunk in undone
        else Delete(chunk, later, 10_000 + at)
        for at, chunk in enumerate(sorted(touched))
    ]
    changes.write_bytes(corpora.written(back))
    mended = build_forecast(load(failing, {}), changes, "next")
    assert mended["verdict"] == "pass", mended["reasons"]
    assert mended["already"]["verdict"] == "fail"


def test_through_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = Commands(capsys)
    config = corpora.write_case(tmp_path, shape=SHAPE)
    events = corpora.events(7, SHAPE)
    streamed(config, events[: cut(events, "d2")], "d2")
    changes = tmp_path / "changes.jsonl"
    changes.write_bytes(corpora.written(events[cut(events, "d2") :]) + b'{"op": "upsert"}\nnot json\n')
    arguments = ("gate", "-c", str(config), "--deploy", "next", "--dry-run", str(changes))
    done = run(*arguments, "--format", "json")
    assert done.code == 1, done.err
    document = json.loads(done.out)
    assert (document["state"], document["deploy"], document["verdict"]) == ("forecast", "next", "fail")
    assert document["warning"].startswith("2 event(s) of the change set would be set aside: 1 x ")
    text = run(*arguments)
    assert "would be set aside" in text.out
    assert "blame, dense" in text.out
    with opened(config):  # a running monitor owns the state; its last commit is what is read
        assert run(*arguments, "--format", "json").out == done.out
    for wrong in (("--at-end",), ("--baseline", "main")):
        assert run(*arguments, *wrong).code == 2
    missing = run("gate", "-c", str(config), "--deploy", "d", "--dry-run", str(tmp_path / "none.jsonl"))
    assert (missing.code, "Traceback" in missing.err) == (2, False)


def test_a_change_set_that_was_not_understood_is_unknown_and_one_that_leaves_nothing_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As the deploy that would follow, with the same words: nothing can be said, or all answers are lost."""
    shape = corpora.Shape(chunks=24, deploys=1, dense=False)
    config, events = corpora.write_case(tmp_path, shape=shape), corpora.events(7, shape)
    streamed(config, events, "d0")
    live = [event.chunk for event in events if isinstance(event, Upsert)]
    gone = corpora.written([Delete(chunk.chunk_id, chunk.event_time + 10**9, 10**6) for chunk in live])
    unknown, fail = (3, "unknown"), (1, "fail")
    cases = {b"not json\n" * 12: ("12 of 12 changes were set aside", unknown), gone: ("the corpus is empty", fail)}
    for content, (why, expected) in cases.items():
        (tmp_path / "changes.jsonl").write_bytes(content)
        dry = ("--dry-run", str(tmp_path / "changes.jsonl"))
        done = Commands(capsys)("gate", "-c", str(config), "--deploy", "next", *dry, "--format", "json")
        document = json.loads(done.out)
        assert (done.code, document["verdict"]) == expected, done.out
        assert any(why in reason for reason in document["reasons"]), document["reasons"]
