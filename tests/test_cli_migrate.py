"""`corpus-drift migrate` against a monitor elsewhere: what it prints, and its exit codes."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from monitor.app.migration_text import explain_text, gate_text, status_text
from monitor.cli import main
from monitor.core.migration.document import FIELDS, migration_document
from monitor.core.migration.evidence import MigrationEvidence
from monitor.core.migration.model import NAMED, Pace, Phase
from monitor.core.migration.verdict import MigrationAssessment
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
        assert "verdict BACKFILLING taken as pass by --on-inconclusive" in err
        assert "BACKFILLING" in out
        assert main(["migrate", "gate", "--monitor", url, "--on-inconclusive", "fail"]) == 1


def test_the_fix_list_is_for_a_pipeline(said: Said) -> None:
    with monitor(CODES[1]) as url:
        assert main(["migrate", "status", "--monitor", url, "--fix", "jsonl"]) == 0
        lines = [json.loads(line) for line in said()[0].splitlines()]
    assert lines == [
        {"chunk_id": "a#1", "action": "write", "fault": "missing"},
        {"chunk_id": "b#2", "action": "write", "fault": "missing"},
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
