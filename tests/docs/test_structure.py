"""The page on the structure, held against the tree."""

import re

import pytest

from tests.docs.pages import ROOT, text
from tests.test_layers import FLOORS

PAGE = text("docs/structure.md")


def test_the_floors_on_the_page_are_those_that_are_enforced() -> None:
    table = PAGE.partition("| floor of `core`")[2].partition("\n\n")[0]
    named = [name for row in table.splitlines()[2:] for name in re.findall(r"`([a-z_.]+)`", row.split("|")[1])]
    assert named == [*FLOORS, "session.py"]


def test_rooms_of_adapters_are_named() -> None:
    folders = {path.parent.name for path in (ROOT / "monitor" / "adapters").glob("*/__init__.py")}
    row = next(line for line in PAGE.splitlines() if line.startswith("| `monitor/adapters`"))
    assert folders == set(re.findall(r"`([a-z_]+)`", row))


def test_own_code_where_a_library_is_at_hand_is_about_as_long_as_the_page_says() -> None:
    found = re.findall(r"^\| `([a-z_/]+\.py)` \| (\d+) \|", PAGE, re.MULTILINE)
    assert len(found) >= 5
    for name, count in found:
        lines = len((ROOT / "monitor" / name).read_text(encoding="utf-8").splitlines())
        assert lines == pytest.approx(int(count), rel=0.2), name
