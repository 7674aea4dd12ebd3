"""Headings: markdown-it as the oracle, and linear time whatever the text."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from monitor.adapters.documents.markdown import markdown
from tests.adapters.documents.test_sections import KINDS, PIECES, Kind, split


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=14))
def test_headings_are_those_of_commonmark(lines: list[str]) -> None:
    """Without lists, quotes and tables (which are read more simply here) all agree."""
    lines = [
        "",
        *(line for line in lines if not line.startswith(("- ", "1.", ">", "|")) and line != "-"),
    ]
    tokens = MarkdownIt("commonmark").parse("\n".join(lines))
    wanted = [(t.map[0], int(t.tag[1])) for t in tokens if t.type == "heading_open" and t.map and t.level == 0]
    found = [(heading.start, heading.level) for heading in markdown("\n".join(lines)).headings]
    long = {at for at, _ in wanted} - {at for at, _ in found}
    assert [pair for pair in wanted if pair[0] not in long] == found
    assert all(_paragraph_length(lines, at) > 3 for at in long), "only setext headings of many lines are refused"


def _paragraph_length(lines: list[str], at: int) -> int:
    end = at + 1  # the first line is text, even where it looks like an underline
    while end < len(lines) and lines[end].strip() and lines[end] not in {"===", "---", "="}:
        end += 1
    return end - at


HOSTILE = {
    "unclosed comments": "<!--\n" * 1,
    "fences": "```\n~~~\n",
    "indented fences": "     ```\n",
    "html": "<div>\n",
    "html and headings": "<div>\n# x\n",
    "rules": "a\n---\n",
    "same heading": "# x\n",
    "brackets": "# [](" + "[](" * 50 + "\n",
    "tags": "# " + "<" * 200 + "\n",
    "literals": "::\n",
    "indented literals": "  ::\n",
    "overlines": "====\n",
    "fields": ":a:a:a:a:a:a:a\n====\n",
    "long paragraph": "word\n",
    "wide": "\ufdfa" * 50 + "\n",
    "deep lists": "- - - - - - - -\n",
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", HOSTILE)
def test_time_is_linear(name: str, kind: Kind) -> None:
    """Four times the text takes about four times as long: quadratic work would take sixteen times."""
    piece = HOSTILE[name]

    def seconds(size: int) -> float:
        text = piece * (size // len(piece))
        began = time.process_time()
        split(text, doc_id="d", kind=kind)
        return time.process_time() - began

    small = min(seconds(10_000) for _ in range(3))
    assert min(seconds(40_000) for _ in range(3)) < 10 * small + 0.1


def test_one_enormous_line() -> None:
    began = time.process_time()
    for character in "#`~=-<{[: \t*漢":
        for kind in KINDS:
            split(character * 200_000, doc_id="d", kind=kind)
    assert time.process_time() - began < 20.0
