"""What to do about a verdict: who is restored, taken out, mended, and which queries are tried again."""

from dataclasses import replace

import pytest

from monitor.core.index.statistics.integrity import FAULTS as MEASURED
from monitor.core.judging.integrity import INTEGRITY_RULES
from monitor.core.judging.policy import Finding, Severity
from monitor.core.measures.newcomers import METRIC
from monitor.core.model.losses import Displacer, Fate, Loss, LostAnswer
from monitor.core.model.report import Share, ShareKind, VerdictName
from monitor.core.records.advice import ADVISED, FAULTS, advice, blamed_documents
from tests.adapters.views import finding


def lost(anchor: str, fate: Fate, document: str) -> LostAnswer:
    return LostAnswer(anchor, f"how {anchor}?", fate, f"{document}#1", document, "other.md")


def of(leg: str, *queries: LostAnswer, by: tuple[Displacer, ...] = ()) -> Loss:
    return Loss(leg, 10, 0.1, len(queries), 30, None, None, (), queries, by)  # type: ignore[arg-type]  # a leg


def wrong(metric: str, *documents: str, verdict: VerdictName = "fail", severity: Severity = "critical") -> Finding:
    return replace(finding("s", "why"), metric=metric, documents=documents, verdict=verdict, severity=severity)


def test_lost_answers_name_what_to_restore_and_what_came_before_them() -> None:
    dense = of("dense", lost("a", "gone", "keys.md"), lost("b", "gone", "keys.md"), lost("c", "displaced", "cli.md"))
    lexical = of(
        "lexical", lost("b", "gone", "keys.md"), lost("d", "gone", "api.md"),
        by=(Displacer("ads.md", 4), Displacer("spam.md", 1)),
    )  # fmt: skip
    made = list(advice(["CORPUS"], [dense, lexical], ()))
    assert [one.action for one in made] == ["advice", "restore_documents", "look_at_documents", "try_queries"]
    assert made[1].items == ("keys.md (2 answers)", "api.md (1 answer)"), "an anchor counts once, on whatever leg"
    assert made[2].items == ("ads.md (in 4 lists)", "spam.md (in 1 list)")
    assert made[3].items == ("a: how a?", "b: how b?", "c: how c?", "d: how d?")


def test_findings_that_decide_name_what_to_mend() -> None:
    found = [
        wrong("reembedded_ratio", "a.md", "b.md"),
        wrong("reembedded_ratio", "b.md", "c.md"),
        wrong("wordless_ratio", "d.md", verdict="pass"),
        wrong("copied_ratio", "e.md", severity="warning"),
        wrong("something_new", "f.md"),
        wrong("collapsed_swaps"),
    ]
    made = [(one.title, one.items) for one in advice([], [], found)]
    assert made == [
        ("embed again, with the baseline's encoder", ("a.md", "b.md", "c.md")),
        ("look at what something_new found", ("f.md",)),
    ]


def test_nothing_wrong_is_nothing_to_do() -> None:
    assert list(advice([], [of("dense")], [])) == []


def test_every_kind_is_known_to_the_schemas() -> None:
    loss = of("dense", lost("a", "gone", "x"), by=(Displacer("y", 1),))
    made = list(advice(["INDEX"], [loss], [wrong("reembedded_ratio", "a.md")]))
    assert tuple(one.action for one in made) == ADVISED


@pytest.mark.parametrize("metric", sorted(FAULTS))
def test_words_are_of_measures_that_exist(metric: str) -> None:
    assert metric in {*MEASURED, METRIC}


def test_every_rule_of_integrity_that_decides_says_what_to_do() -> None:
    assert {of.metric for of in INTEGRITY_RULES if of.severity == "critical"} <= FAULTS.keys()


def test_blame_names_documents_the_heaviest_first() -> None:
    blame = [
        Share("dense", "document", "a.md", 0.2, 2.0, 1),
        Share("dense", "document", "(others)", 0.8, 8.0, 4, ShareKind.OTHERS),
        Share("lexical", "document", "b.md", 1.0, 3.0, 1),
        Share("lexical", "source", "docs", 1.0, 3.0, 1),
        Share("lexical", "document", "a.md", 0.1, 1.0, 1),
    ]
    assert blamed_documents(blame) == ("b.md", "a.md")
