"""`corpus-drift migrate` against a monitor elsewhere: what it prints, and its exit codes."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from monitor.app.migration_formats import gate_text
from monitor.app.migration_text import explain_text, status_text
from monitor.cli import main
from monitor.core.migration.document import FIELDS, migration_document
from monitor.core.migration.evidence import MigrationEvidence
from monitor.core.migration.model import Pace, Phase
from monitor.core.migration.verdict import MigrationAssessment
from monitor.core.model.fixes import NAMED
from tests.adapters.serving import served
from tests.adapters.web.page.test_migration import faulty, judged, site
from tests.core.migration.views import COVERED, view

Said = Callable[[], tuple[str, str]]


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Said:
    def read() -> tuple[str, str]:
        found = capsys.readouterr()
        return found.out, found.err

    return read


@contextmanager
def monitor(of: MigrationAssessment | None) -> Iterator[str]:
    with served(site(of)) as at:
        yield at.url


CODES = {
    0: judged(),
    1: judged(faulty("a#1", "b#2")),
    3: judged(view(phase=Phase.BACKFILLING)),
}


@pytest.mark.parametrize("code", CODES)
def test_the_gate_ends_with_the_codes_of_the_house(code: int, said: Said) -> None:
    with monitor(CODES[code]) as url:
        assert main(["migrate", "gate", "--monitor", url]) == code
        out, err = said()
        assert str(CODES[code].verdict) in out
        assert err == ""
        assert main(["migrate", "gate", "--monitor", url, "--json"]) == code
        assert json.loads(said()[0])["migration"] == "e5"
        assert main(["migrate", "status", "--monitor", url]) == 0
        assert main(["migrate", "explain", "--monitor", url]) == 0


def test_what_is_undecided_can_be_decided_by_hand(said: Said) -> None:
    with monitor(CODES[3]) as url:
        assert main(["migrate", "gate", "--monitor", url, "--on-inconclusive", "pass"]) == 0
        out, err = said()
        assert err == ""
        assert "warning: verdict BACKFILLING taken as pass by --on-inconclusive" in out
        assert main(["migrate", "gate", "--monitor", url, "--on-inconclusive", "fail"]) == 1


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("form", ["text", "json", "junit", "markdown"])
def test_the_gate_answers_in_every_form_into_a_file(code: int, form: str, said: Said, tmp_path: Path) -> None:
    path = tmp_path / "answer"
    with monitor(CODES[code]) as url:
        assert main(["migrate", "gate", "--monitor", url, "--format", form]) == code
        whole = said()[0]
        assert main(["migrate", "gate", "--monitor", url, "--format", form, "--output", str(path)]) == code
        summary = said()[0]
    assert path.read_text(encoding="utf-8").rstrip() == whole.rstrip()
    assert summary.endswith(f"{form} answer in {path}\n")
    assert str(CODES[code].verdict) in summary
    assert str(CODES[code].verdict) in whole
    if form == "junit":
        suite = ET.fromstring(whole)  # noqa: S314 - our own
        wrong = sum(int(suite.attrib[name]) for name in ("failures", "errors"))
        assert (bool(wrong), int(suite.attrib["tests"])) == (bool(code), 11)
        assert (int(suite.attrib["failures"]) > 0) == (code == 1)


def test_a_migration_gate_that_cannot_be_had_leaves_unknown_in_the_file(said: Said, tmp_path: Path) -> None:
    path = tmp_path / "answer.json"
    asked = ["migrate", "gate", "--output", str(path), "--monitor"]
    assert main([*asked, "http://127.0.0.1:9", "--format", "json"]) == 4
    made = json.loads(path.read_text(encoding="utf-8"))
    assert (made["verdict"], made["gate"], made["state"]) == ("UNKNOWN", "unknown", "unanswered")
    with monitor(None) as url:
        assert main([*asked, url, "--format", "junit"]) == 2
    assert "no encoder migration is configured" in path.read_text(encoding="utf-8")
    assert main(["migrate", "gate", "--monitor", "http://127.0.0.1:9", "--json", "--format", "junit"]) == 2
    assert "--json and --format junit: expected one of them" in said()[1]


def test_the_next_command_asks_whom_this_one_asked(said: Said) -> None:
    with monitor(CODES[1]) as url:
        assert main(["migrate", "status", "--monitor", url]) == 0
        assert f"corpus-drift migrate status --monitor {url} --fix jsonl" in said()[0]
    with monitor(judged(view(phase=Phase.NOT_STARTED))) as url:
        assert main(["migrate", "status", "--monitor", url, "--json"]) == 0
        step = json.loads(said()[0])["next"]
    assert (step["verb"], step["command"]) == ("estimate", ""), "an estimate needs a configuration, and none is here"


def test_the_fix_list_is_for_a_pipeline(said: Said) -> None:
    with monitor(CODES[1]) as url:
        assert main(["migrate", "status", "--monitor", url, "--fix", "jsonl"]) == 0
        lines = [json.loads(line) for line in said()[0].splitlines()]
    assert lines == [
        {"action": "write", "chunk_id": name, "doc_id": "", "source": "", "reason": "missing", "since": None}
        for name in ("a#1", "b#2")
    ]
    with monitor(CODES[0]) as url:
        assert main(["migrate", "status", "--monitor", url, "--fix", "jsonl"]) == 0
        assert said() == ("", "")
    many = replace(COVERED, missing=NAMED + 7, missing_ids=tuple(f"c{at}" for at in range(NAMED)))
    with monitor(judged(view(coverage=many))) as url:
        assert main(["migrate", "status", "--monitor", url, "--fix", "jsonl"]) == 0
        out, err = said()
    assert len(out.splitlines()) == NAMED
    assert "7 more are counted but not named yet" in err


def test_no_migration_is_said_in_one_line(said: Said) -> None:
    with monitor(None) as url:
        assert main(["migrate", "gate", "--monitor", url]) == 2
        assert "no encoder migration is configured" in said()[1]
    assert main(["migrate", "gate"]) == 2
    assert main(["migrate", "gate", "--monitor", "http://127.0.0.1:9"]) == 4


@pytest.mark.parametrize("known", [MigrationEvidence(), None], ids=["nothing known", "all known"])
@pytest.mark.parametrize("text", [status_text, gate_text, explain_text])
def test_unknown_is_said_as_that(known: MigrationEvidence | None, text: Callable[[object], str]) -> None:
    of = view(pace=Pace(), coverage=replace(COVERED, stale=None))
    made = migration_document(judged(of) if known is None else judged(of, known))
    assert made.keys() >= FIELDS
    shown = text(made)
    assert "nan" not in shown.lower()
    assert "None" not in shown
    assert text is gate_text or "unknown stale" in shown
