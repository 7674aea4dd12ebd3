"""Generated pages are what their generators write, and what is written by hand names only what there is."""

import doctest
import re
from collections import Counter

import pytest

import monitor
from docs import examples_in_docstrings, lines, screenshots
from docs.__main__ import FOLDER, files
from docs.configuration_page import REFERENCE, configuration_page
from docs.lines import package, table
from monitor.core.measures.registry import REGISTRY
from tests.docs.pages import ROOT, text


@pytest.mark.parametrize("name", sorted(files()))
def test_committed_is_generated(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == files()[name], "run: python -m docs"


def test_every_picture_of_the_page_has_a_command_that_takes_it() -> None:
    assert {path.name for path in screenshots.FOLDER.glob("*.png")} == {*screenshots.HEIGHTS}


def test_the_page_of_measures_has_every_exported_measure() -> None:
    page = files()["measures.md"]
    for measure in REGISTRY.measures:
        assert page.count(f"| `{measure.name}` |") == (measure.family is not None)


def test_the_definitions_are_of_measures_that_there_are() -> None:
    cells = re.findall(r"^\| (`[^|]+`) \|", text("docs/definitions.md"), re.MULTILINE)
    named = [name for cell in cells for name in re.findall(r"`([a-z0-9_]+)`", cell)]
    assert len(named) >= 30
    assert [name for name in named if name not in REGISTRY.by_name] == []


def test_the_page_of_the_configuration_has_all_of_the_reference_file() -> None:
    page = configuration_page()
    for line in REFERENCE.read_text(encoding="utf-8").partition("\n[corpus]\n")[2].splitlines():
        if line and not line.startswith("# -----"):
            assert line in page, line


def test_the_page_of_commands_names_choices_and_defaults() -> None:
    page = files()["commands.md"]
    assert "| `--on-inconclusive` `error` or `pass` or `fail` | `error` |" in page
    assert "| `--rounds` | `0` |" in page
    assert "## `corpus-drift baseline accept`" in page


def test_the_page_of_the_api_has_every_public_name() -> None:
    page = files()["api.md"]
    for name in monitor.__all__:
        assert name.startswith("__") or re.search(rf"^::: monitor\.\S*\b{name}$", page, re.MULTILINE), name


def test_every_runbook_is_on_the_page_of_alerts() -> None:
    page = text("docs/alerts.md")
    for runbook in sorted((ROOT / "deploy" / "runbooks").glob("*.md")):
        assert f"| [{runbook.stem}](runbooks/{runbook.name}) |" in page


def test_examples_in_docstrings_run() -> None:
    for module in (examples_in_docstrings, lines):
        outcome = doctest.testmod(module)
        assert (outcome.failed, outcome.attempted > 0) == (0, True)


def test_lines_are_counted_by_package() -> None:
    assert package("monitor/adapters/kafka/source.py") == "monitor/adapters/kafka"
    assert package("monitor/core/session.py") == "monitor/core"
    made = table(Counter({"monitor/app": 1_200}), Counter({"monitor/app": 1_000, "monitor/demo": 300}))
    assert made.splitlines()[2:] == [
        "| monitor/app | 1,200 | 1,000 |",
        "| monitor/demo |  | 300 |",
        "| **all** | 1,200 | 1,300 |",
        "| **without the demo's room** | 1,200 | 1,000 |",
    ]
