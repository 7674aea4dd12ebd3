"""New results that nobody is shown to suffer from: when the answers decide for them, and when not."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from monitor.core.judging.hypotheses import GateEvidence
from monitor.core.judging.judgement import judge_deploy
from monitor.core.judging.kept_answers import beside_kept_answers
from monitor.core.judging.policy import Finding, Verdict
from monitor.core.measures.formulas.columns import Name
from monitor.core.model.report import VerdictName
from tests.core.judging.cases import Values, baseline, compared, rule

KEPT, NEW = Name("kept_answers_ratio", 10), Name("new_results", 10)
RULES = (
    rule("kept", metric=KEPT.metric, max=None, min=0.98, severe=0.9),
    rule("kept-source", metric=KEPT.metric, max=None, min=0.9, severe=0.7, dimension="source"),
    rule("new", metric=NEW.metric, max=0.75, severe=2.0),
    rule("new-source", metric=NEW.metric, max=1.0, severe=4.0, dimension="source"),
)
SOUND = Finding(
    "lost-content-all", "critical", "lost_content_ratio", "corpus", 0, "mean", "all", "all", "pass", 0.0, 0.02, 9, ""
)
FEW = [*["s0"] * 900, *["s1"] * 30]
DOCUMENTS = [*range(900), *[900 + at % 3 for at in range(30)]]
"""The small source has three documents: whatever is wanted of it, it is too small for."""


def judged(kept: Values, new: Values, integrity: Sequence[Finding] = (SOUND,)) -> Verdict:
    made = compared({KEPT: kept, NEW: new}, FEW)
    return judge_deploy(RULES, made, made.report(), GateEvidence(baseline(FEW, DOCUMENTS)), integrity)


def columns(lost: Sequence[int] = (), *, everywhere: float = 0.0, small: float = 3.0) -> tuple[Values, Values]:
    """Who lost an answer; new results of the large source, and of one document of the three of the small one."""
    kept, new = np.ones(930), np.full(930, everywhere)
    kept[list(lost)] = 0.0
    new[900::3] = 3 * small
    return kept, new


@pytest.mark.parametrize(
    ("case", "values", "expected"),
    [
        ("many new results in a few documents, every answer kept", columns(), "pass"),
        ("an answer lost elsewhere, within what is shown to be allowed", columns([3]), "pass"),
        ("so many lost elsewhere that the whole is not shown to be fine", columns(range(15)), "inconclusive"),
        ("too many answers lost there, but not shown", columns(range(901, 916, 3)), "inconclusive"),
        (
            "too many new results everywhere, shown not to be severe, every answer kept",
            columns(everywhere=1.2),
            "pass",
        ),
        ("the same where so many answers are lost", columns(range(15), everywhere=1.2), "fail"),
        ("new results that may be severe fail all the same", columns(everywhere=2.5), "fail"),
    ],
)
def test_answers_decide_where_new_results_cannot(case: str, values: tuple[Values, Values], expected: str) -> None:
    said = judged(*values)
    assert said.verdict == expected, (case, said)


def test_what_decides_nothing_stays_a_finding_and_says_why() -> None:
    said = judged(*columns())
    (new,) = [one for one in said.findings if (one.rule, one.segment) == ("new-source", "s1")]
    assert (new.verdict, new.severity) == ("inconclusive", "warning")
    assert new.reason.endswith("decides nothing, for the answers there are shown to be kept")


@pytest.mark.parametrize(
    "integrity",
    [
        pytest.param((), id="nobody asked about integrity"),
        pytest.param((replace(SOUND, verdict="fail", severity="warning"),), id="something is wrong, as a warning"),
        pytest.param((SOUND, replace(SOUND, verdict="unknown", severity="warning")), id="something is not known"),
    ],
)
def test_nothing_is_looked_over_unless_integrity_is_known_to_be_sound(integrity: Sequence[Finding]) -> None:
    assert judged(*columns(), integrity=integrity).verdict == "inconclusive"


def test_other_depths_legs_and_places_say_nothing() -> None:
    kept = replace(
        SOUND, rule="kept", metric=KEPT.metric, leg="dense", k=10, value=1.0, limit=0.98, lower=0.99, upper=1.0
    )
    new = replace(kept, rule="new", metric=NEW.metric, verdict="inconclusive", value=0.8, limit=0.75)
    assert [one.severity for one in beside_kept_answers([kept, new], [SOUND])] == ["critical", "warning"]
    for other in (
        replace(kept, leg="lexical"),
        replace(kept, k=5),
        replace(kept, lower=0.97),
        replace(kept, stat="p50"),
    ):
        assert beside_kept_answers([other, new], [SOUND]) == [other, new]


@pytest.mark.parametrize(
    ("upper", "severe", "severity"),
    [(1.9, 2.0, "warning"), (2.0, 2.0, "warning"), (2.1, 2.0, "critical"), (1.9, float("nan"), "critical")],
)
def test_too_many_new_results_are_looked_over_where_severe_ones_are_excluded(
    upper: float, severe: float, severity: str
) -> None:
    kept = replace(SOUND, rule="kept", metric=KEPT.metric, leg="dense", k=10, limit=0.98, value=1.0, lower=0.99)
    new = replace(
        kept, rule="new", metric=NEW.metric, verdict="fail", value=1.3, limit=0.75, upper=upper, severe=severe
    )
    assert beside_kept_answers([kept, new], [SOUND])[1].severity == severity


@pytest.mark.parametrize(
    ("value", "verdict", "severity"),
    [(0.995, "pass", "warning"), (0.99, "pass", "warning"), (0.985, "pass", "critical"), (0.995, "fail", "critical")],
)
def test_answers_are_kept_too_where_no_more_than_usual_are_lost(
    value: float, verdict: VerdictName, severity: str
) -> None:
    """The bound alone does not say so: it is below the limit."""
    kept = replace(SOUND, rule="kept", metric=KEPT.metric, leg="dense", k=10, limit=0.98, value=value, lower=0.97)
    kept = replace(kept, verdict=verdict)
    new = replace(kept, rule="new", metric=NEW.metric, verdict="inconclusive", value=0.8, limit=0.75)
    usual = rule("kept", metric=KEPT.metric, max=None, min=0.98, severe=0.9, usual=0.99)
    assert beside_kept_answers([kept, new], [SOUND], [usual])[1].severity == severity
    assert beside_kept_answers([kept, new], [SOUND])[1].severity == "critical"
