"""Each limit of the default policy cites rows of the drift lab, and the lab's committed results have those rows."""

import doctest
import json
from typing import Any

import pytest

from docs import limits
from monitor.core.judging.default_policy import ERODED_LAB, QUESTIONS, SEGMENT, WHOLE
from monitor.core.judging.integrity import INTEGRITY_RULES, NEW_HUB_RULE
from tests.docs.pages import ROOT, text

AFTER: dict[str, Any] = json.loads((ROOT / "docs" / "lab" / "after.json").read_text(encoding="utf-8"))
BY_CONSTRUCTION = {"unequal-twins", "foreign-version", "rescaled"}
"""Nothing in the lab is decided by these: other rules see the same vectors first, and its streams are of cosine."""
SINCE = {"rescaled"}
"""Rules that came after the committed results."""
CITED = {of.name: of.lab for of in (*INTEGRITY_RULES, NEW_HUB_RULE)} | {of.metric: of.lab for of in QUESTIONS}
CITED["pinned_kept_answers_ratio"] = ERODED_LAB


def planted() -> dict[str, list[str]]:
    """By row, the groups of the runs that it stands for."""
    made: dict[str, list[str]] = {}
    for one in AFTER["outcomes"]:
        made.setdefault(f"{one['kind']} {one['share']:.1%}", []).append(one["group"])
    return made


@pytest.mark.parametrize("name", CITED)
def test_a_limit_cites_rows_that_the_committed_lab_has(name: str) -> None:
    rows = planted()
    for row in CITED[name]:
        assert row in rows, f"{name} cites {row!r}, which docs/lab/after.json does not have"
        assert set(rows[row]) <= {"loss", "incident"}, f"{row} is no harm, so it is no ground for a limit"
    assert bool(CITED[name]) != (name in BY_CONSTRUCTION)


@pytest.mark.parametrize("rule", INTEGRITY_RULES, ids=lambda of: of.name)
def test_no_run_without_harm_is_beyond_a_limit_of_integrity_and_what_failed_is(rule: Any) -> None:
    (found,) = [of for of in AFTER["limits"] if of["name"] == rule.name] or [None]
    if found is None:
        assert rule.name in SINCE
        return
    assert found["limit"] == rule.limit
    assert found["harmless"] is None or found["harmless"] <= rule.limit
    assert found["least"] is None or found["least"] > rule.limit


def test_the_pages_say_the_limits() -> None:
    page, reference = text("docs/gate.md"), text("deploy/corpus-drift.toml")
    assert f"| {WHOLE.lost[0] * 100:g} and {WHOLE.lost[1] * 100:g} of 100 | {SEGMENT.lost[0] * 100:g} and" in page
    for rule in (*INTEGRITY_RULES, NEW_HUB_RULE):
        assert f"\n#{rule.key} = {rule.limit:g}\n" in reference
        assert f"| `{rule.name}` | " in page
        for row in rule.lab:
            assert row in page
            assert row in reference.replace("\n# ", " ")


def test_examples_run_and_a_page_without_its_place_is_refused() -> None:
    assert doctest.testmod(limits).failed == 0
    with pytest.raises(ValueError, match="expected '<!-- answers"):
        limits.gate_page("nothing")
