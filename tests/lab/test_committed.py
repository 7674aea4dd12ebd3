"""What is committed of the lab: pages hold what the results say, and nothing that speaks of detection is typed in."""

import json
import re
from pathlib import Path

import pytest

from benchmarks.lab.__main__ import committed
from benchmarks.lab.catalogue import KINDS
from benchmarks.lab.page import BEGIN, filled, page
from monitor.core.judging.integrity import INTEGRITY_RULES

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
REMAKE = "run: python -m benchmarks.lab --page docs/lab.md"
RUNS = committed(DOCS / "lab.md")


def test_the_page_is_written_from_the_results() -> None:
    assert (DOCS / "lab.md").read_text(encoding="utf-8") == page(RUNS), REMAKE


def test_figures_of_detection_are_written_from_the_results() -> None:
    text = (DOCS / "figures.md").read_text(encoding="utf-8")
    assert text.count(BEGIN) == 1
    assert text == filled(text, RUNS), REMAKE
    assert RUNS["after"]["scores"]["corpus-drift"]["harmful found"] in text


@pytest.mark.parametrize("name", RUNS)
def test_every_run_has_its_table_picture_and_command(name: str) -> None:
    run = RUNS[name]
    text = (DOCS / "lab" / f"{name}.md").read_text(encoding="utf-8")
    assert run["command"] in text
    assert f"docs/lab/{name}" in run["command"]
    assert "/work" not in json.dumps(run)
    assert all(f"| {name} | {one['harmful found']} |" in text for name, one in run.get("scores", {}).items())
    assert (DOCS / "lab" / f"{name}.svg").read_text(encoding="utf-8").startswith("<svg")


def test_grounds_of_limits_name_planted_kinds() -> None:
    grounds = "; ".join(rule.ground for rule in INTEGRITY_RULES)
    cited = {name for said in re.findall(r"lab: ([\w, ]+)", grounds) for name in said.split(", ")}
    assert len(cited) > 5
    assert cited <= set(KINDS)
