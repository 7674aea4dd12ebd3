"""A click log: what is understood, what is refused in one line, and that a change is seen."""

import contextlib
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.adapters.click_log import ClickLog, impression
from monitor.core.migration.clicks import Impression

IDS = {"how do I rotate a key?": "q1", "billing": "q2"}
ASKED = [*((anchor, text) for text, anchor in IDS.items()), ("q3", "billing")]
LINE = {
    "query_id": "q1",
    "version": "old:v1",
    "shown": ["a", "b"],
    "clicked": ["b"],
    "teams": ["old", "new"],
    "time": "2026-01-01T00:00:01Z",
}


def written(path: Path, *lines: object) -> Path:
    path.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines))
    return path


def test_a_line_by_hand() -> None:
    assert impression(LINE, IDS) == Impression(
        "q1", "old:v1", ("a", "b"), ("b",), ("old", "new"), 1_767_225_601_000_000
    )
    assert impression({"query": "billing", "clicked": ["a"]}, IDS) == Impression("q2", "", (), ("a",))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ([], "list; expected an object"),
        ({}, "query_id, query: expected one of them"),
        ({**LINE, "teams": ["old"]}, "teams: 1 for 2 shown"),
        ({**LINE, "teams": ["old", "mine"]}, "expected 'old', 'new' or ''"),
        ({**LINE, "version": 3}, "version: 3; expected an embedding version"),
        ({**LINE, "shown": "ab"}, "shown: expected at most 1,000 texts"),
        ({**LINE, "clicked": [1]}, "clicked: expected at most"),
        ({**LINE, "time": "2026-01-01T00:00:00"}, "expected RFC 3339 with its offset"),
        ({**LINE, "time": "soon"}, "soon"),
    ],
)
def test_what_is_wrong_is_said(line: object, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        impression(line, IDS)


def test_wrong_lines_are_counted_and_the_others_are_read(tmp_path: Path) -> None:
    path = written(tmp_path / "clicks.jsonl", LINE, "{no json", {**LINE, "query_id": "nobody"}, {}, "", LINE)
    log = ClickLog(path)
    found, said = log.read(ASKED)
    assert [of.query for of in found] == ["q1", "q1"], "queries that are no anchors are left out"
    assert said.startswith(f"{path}: 2 lines are not understood, the first: line 2:")
    assert log.read(ASKED)[0] is found, "read once"
    written(path, LINE)
    again, said = log.read(ASKED)
    assert (len(again), said) == (1, "")
    assert "clicks" in ClickLog(tmp_path / "clicks").read(ASKED)[1]


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*LINE, "query"]), inner, max_size=4)
        ),
    )
)
def test_whatever_a_line_holds_is_an_impression_or_refused(line: object) -> None:
    with contextlib.suppress(ValueError, TypeError):
        assert isinstance(impression(line, IDS), Impression)
