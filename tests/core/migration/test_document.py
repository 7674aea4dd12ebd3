"""What is said of a migration as a document, and the fix list."""

import json
import math
from dataclasses import replace

from monitor.core.migration.document import migration_document
from monitor.core.migration.fixes import fix_list
from monitor.core.migration.limits import GateLimits
from monitor.core.migration.model import Pace, Phase
from monitor.core.migration.next_step import next_command, next_step
from monitor.core.migration.verdict import assess
from monitor.core.model.fixes import NAMED
from tests.core.migration.views import COVERED, clicks, evidence, quality, view

FAULTY = replace(
    COVERED, covered=996, missing=1, stale=1, resurrected=1, foreign=1,
    missing_ids=("a",), stale_ids=("b",), resurrected_ids=("c",), foreign_ids=("d",),
)  # fmt: skip


def test_each_fault_has_its_fix() -> None:
    assert [(fix.chunk_id, fix.action) for fix in fix_list(FAULTY).fixes] == [
        ("a", "write"), ("b", "embed"), ("c", "delete"), ("d", "delete"),
    ]  # fmt: skip
    assert fix_list(FAULTY).unnamed == 0
    many = replace(FAULTY, missing=NAMED + 5, missing_ids=tuple(map(str, range(NAMED))))
    assert fix_list(many).unnamed == 5
    assert not fix_list(replace(COVERED, resurrected=None, foreign=None)).fixes


def test_the_document_is_json_and_unknown_is_null() -> None:
    known = evidence(quality=(quality(detectable=math.nan),), clicks=clicks())
    made = migration_document(assess(view(pace=Pace()), known, GateLimits()))
    again = json.loads(json.dumps(made, allow_nan=False))
    assert again["pace"]["eta_seconds"] is None
    assert again["quality"][0]["detectable"] is None
    assert again["coverage"]["ratio"] == 1.0
    assert again["window_left_seconds"] is None
    assert (again["migration"], again["verdict"], again["gate"]) == ("e5", "READY", "pass")
    assert [rule["rule"] for rule in again["rules"]] == [f"R{number}" for number in range(1, 11)]


def test_every_verdict_has_a_next_step() -> None:
    said = {}
    for phase in Phase:
        for coverage in (COVERED, FAULTY):
            for known in (evidence(), evidence(audit=None), evidence(quality=())):
                made = assess(view(phase=phase, coverage=coverage), known, GateLimits())
                sentence, verb = next_step(made)
                command = next_command(verb, "-c x.toml", "x.toml")
                assert sentence.endswith((".", "configuration."))
                assert command.startswith("corpus-drift migrate ")
                assert "-c x.toml" in command
                said[made.verdict, phase, coverage is FAULTY] = sentence
    assert len(set(said.values())) >= 8
