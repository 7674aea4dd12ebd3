"""Deploys in which there is nothing to judge: a reason and UNKNOWN, never a pass and never a baseline by itself."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from monitor.adapters.web.page.pipeline import pipeline
from monitor.app.running import closing
from monitor.app.tables import report_table
from monitor.app.tally import Tally
from monitor.core.model.plausibility import doubts_said
from monitor.core.records.documents import report_document, report_schema
from monitor.core.records.published import Published
from tests.app.loops import opened, to_end

TIMES = ("2026-01-05T00:00:00Z", "2026-01-06T00:00:00Z", "2026-01-07T00:00:00Z")
WORDS = ("harbour", "weather", "signing", "billing", "invoice", "rotate", "revoke", "storage", "network", "cluster")
ANCHORS = [{"id": f"q{at}", "text": word} for at, word in enumerate(WORDS)]


def up(name: int, text: str, day: int = 0, **more: object) -> dict[str, Any]:
    return {"op": "upsert", "chunk_id": f"{name}#1", "text": text, "event_time": TIMES[day], **more}


def marker(number: int) -> dict[str, Any]:
    return {"op": "deploy", "deploy_id": f"d{number}", "event_time": TIMES[number]}


GOOD = [up(at, f"{WORDS[at % 10]} {WORDS[(at + 3) % 10]} alpha{at}") for at in range(30)]


def judged(
    folder: Path, events: list[dict[str, Any]], anchors: list[dict[str, str]] = ANCHORS, more: str = ""
) -> Any:
    """Verdict and reasons by deploy, the names of approved baselines, the last view."""
    (folder / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
    (folder / "anchors.jsonl").write_text("".join(json.dumps(anchor) + "\n" for anchor in anchors))
    config = folder / "c.toml"
    config.write_text(
        '[corpus]\n[source.file]\npath = "events.jsonl"\n[dense]\nengine = "none"\n[segments]\nmin_anchors = 1\n'
        '[anchors]\npath = "anchors.jsonl"\n[baseline]\nbootstrap = "first-deploy"\n[policy]\nbounds = false\n'
        f'[http]\nenabled = false\n[state]\npath = "state.db"\n{more}'
    )
    with opened(config) as monitor:
        assert to_end(monitor)
        store = monitor.parts.store
        records = {one.deploy_id: store.deploy(one.deploy_id) for one in monitor.ledger}
        verdicts = {name: of.verdict for name, of in records.items() if of is not None}
        return verdicts, [one.name for one in store.baselines() if one.approval is not None], monitor.published


def test_a_corpus_with_something_in_it_passes(tmp_path: Path) -> None:
    verdicts, baselines, _ = judged(tmp_path, [*GOOD, marker(0), up(3, GOOD[3]["text"], 1), marker(1)])
    assert verdicts["d1"].verdict == "pass", verdicts["d1"].reasons
    assert baselines == ["main"]


@pytest.mark.parametrize(
    ("chunks", "reason"),
    [
        ([], "the corpus is empty"),
        ([up(0, "x"), {"op": "delete", "chunk_id": "0#1", "event_time": TIMES[0]}], "the corpus is empty"),
        ([up(at, "") for at in range(20)], "no anchor finds anything in 20 chunk(s)"),
        ([up(at, " \n ") for at in range(20)], "no anchor finds anything in 20 chunk(s)"),
        (GOOD[:4], "the corpus has 4 chunk(s), and lists of 10 hold all of them"),
    ],
)
def test_nothing_or_too_little_is_a_reason(tmp_path: Path, chunks: list[dict[str, Any]], reason: str) -> None:
    verdicts, baselines, view = judged(tmp_path, [*chunks, marker(0), *chunks, marker(1)])
    for name in ("d0", "d1"):
        assert verdicts[name].verdict == "unknown"
        assert any(said.startswith(reason) for said in verdicts[name].reasons), verdicts[name].reasons
    assert isinstance(view, Published)
    assert view.verdict.verdict == "unknown"
    assert baselines == []


def test_anchors_without_a_word_are_a_reason(tmp_path: Path) -> None:
    odd = [{"id": f"w{at}", "text": text} for at, text in enumerate(("???", "\U0001f600", "!"))]
    verdicts, _, _ = judged(tmp_path, [*GOOD, marker(0), *GOOD[:3], marker(1)], [*ANCHORS, *odd])
    assert verdicts["d1"].verdict == "unknown"
    assert "3 of 13 anchors hold no word" in " ".join(verdicts["d1"].reasons)


BROKEN = [up(at, f"{WORDS[at % 10]} new", 1, version=-1) for at in range(30)]


def test_a_deploy_that_was_set_aside_is_unknown_and_the_next_whole_one_is_not(tmp_path: Path) -> None:
    stream = [*GOOD, marker(0), *BROKEN, marker(1), *(up(at, GOOD[at]["text"], 2) for at in range(30)), marker(2)]
    verdicts, _, view = judged(tmp_path, stream)
    assert verdicts["d1"].verdict == "unknown"
    assert "30 of 30 changes were set aside" in verdicts["d1"].reasons[0]
    assert verdicts["d2"].verdict == "pass", verdicts["d2"].reasons
    assert view.verdict.verdict == "pass"


def test_a_chunk_that_changes_mode_counts_as_set_aside(tmp_path: Path) -> None:
    versioned = [up(at, GOOD[at]["text"], 1, version=str(at)) for at in range(30)]
    verdicts, _, _ = judged(tmp_path, [*GOOD, marker(0), *versioned, marker(1)])
    assert "30 of 30 changes" in verdicts["d1"].reasons[0]


def test_what_is_odd_is_counted_and_taken(tmp_path: Path) -> None:
    odd = [up(3, GOOD[3]["text"], 0, event_time="1970-01-01T00:00:00Z")]
    _, _, view = judged(tmp_path, [*GOOD, *odd, marker(0)])
    assert view.counters["doubtful", "far_time"] == 1
    assert len(view.report.corpus) == 1
    said = "far_time: 1 taken dated more than 20 years away from the stream"
    document = report_document(view.report, view.verdict)
    assert document["remarks"] == [said]
    assert said not in document["problems"]
    assert f"note: {said}" in report_table(document).splitlines()
    assert said in [line.value for line in pipeline(view)]
    jsonschema.validate(document, report_schema())


def test_what_this_run_took_although_odd_is_in_its_closing_lines(tmp_path: Path) -> None:
    """Not what an earlier one took: that stays in the report."""
    odd = [up(3, GOOD[3]["text"], 0, event_time="1970-01-01T00:00:00Z")]
    _, _, view = judged(tmp_path, [*GOOD, *odd, marker(0)])
    said = "far_time: 1 taken dated more than 20 years away from the stream"
    whole = Tally.of(view.counters)
    assert doubts_said(whole.doubtful) == (said,)
    assert not doubts_said(whole.since(whole).doubtful)
    with opened(tmp_path / "c.toml") as monitor:
        assert said not in list(closing(monitor, whole.since(whole), []))
        assert list(closing(monitor, whole, []))[1] == said
