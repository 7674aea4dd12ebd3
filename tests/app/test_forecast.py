"""A forecast is what happens: the same findings and blame as when the change set is really streamed."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from monitor.adapters.anchors_file import write as write_anchors
from monitor.app import asking
from monitor.app.configuration import load
from monitor.app.wiring import read_state
from monitor.app.wiring.forecast import build_forecast
from monitor.core.events import CorpusEvent, Deploy
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
