"""What is committed of the lab: pages hold what the results say, and nothing that speaks of detection is typed in."""

import json
from pathlib import Path

import pytest

from benchmarks.lab.__main__ import committed
from benchmarks.lab.page import BEGIN, filled, page

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
