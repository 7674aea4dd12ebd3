"""Rules of integrity over whole corpora: each harmful change fails by its rule, no harmless one by any."""

import json
from dataclasses import replace
from typing import Literal

import jsonschema
import msgspec
import numpy as np
import pytest

from monitor.adapters.stores.sqlite.report_form import plain_report, report_of
from monitor.core.index.statistics.integrity import FAULTS
from monitor.core.judging.integrity import (
    INTEGRITY_RULES,
    NEW_HUB_LIMIT,
    IntegrityLimits,
    KeptFindings,
    integrity_findings,
    integrity_rules,
)
from monitor.core.judging.policy import Finding, Verdict
from monitor.core.measures.newcomers import CHANCE
from monitor.core.model.events import chunk_key
from monitor.core.records.documents import report_document, report_schema
from monitor.core.session import Session
from tests.core.judging.integrity_cases import (
    DIMENSION,
    HARMFUL,
    HARMLESS,
    Piece,
    corpus,
    deploy,
    embedded,
    questions,
    said,
    session,
)

CORPUS = corpus()


def changed(name: str) -> Session:
    """The corpus, approved, and then that change."""
    made = session(CORPUS)
    made.compare_with(made.snapshot("main"))
    deploy(made, CORPUS, HARMFUL[name][1](CORPUS) if name in HARMFUL else HARMLESS[name](CORPUS))
    return made


def failed(verdict: Verdict, severity: str = "critical") -> list[Finding]:
    return [of for of in verdict.findings if of.leg == "corpus" and of.verdict == "fail" and of.severity == severity]


@pytest.mark.parametrize("name", HARMFUL)
def test_harm_fails_by_its_rule(name: str) -> None:
    verdict = changed(name).judge(deploy_id="d1")
    assert f"{HARMFUL[name][0]}-all" in {of.rule for of in failed(verdict)}, [
        (of.rule, of.segment, of.value) for of in verdict.findings if of.leg == "corpus"
    ]
    assert verdict.verdict == "fail"


@pytest.mark.parametrize("name", HARMLESS)
def test_no_harm_no_finding(name: str) -> None:
    verdict = changed(name).judge(deploy_id="d1")
    assert [(of.rule, of.segment, of.value) for of in failed(verdict)] == []


@pytest.mark.parametrize(("pages", "verdict"), [(10, "pass"), (24, "fail")])
def test_a_new_source_is_held_against_the_corpus_not_against_itself(pages: int, verdict: str) -> None:
    """Of a source that was not there everything is new: within it the share says nothing. 10 of 370 are 2.7%."""
    made = session(CORPUS)
    made.compare_with(made.snapshot("main"))
    text = [" ".join(f"matter{at}x{word}" for word in range(60)) for at in range(pages)]
    deploy(made, CORPUS, [*CORPUS, *(said(replace(CORPUS[0], id=f"w{at}", doc=f"w{at}", source="wiki"), text[at])
                                     for at in range(pages))])  # fmt: skip
    found = [of for of in made.judge(deploy_id="d1").findings if of.rule.startswith("foreign-source")]
    assert [(of.rule, of.verdict) for of in found] == [("foreign-source-all", verdict)]


def test_copies_are_half_of_what_is_there() -> None:
    verdict = changed("every text a second time").judge(deploy_id="d1")
    assert [of.value for of in failed(verdict) if of.rule == "copied-all"] == [0.5]


def poisoned(segment: str) -> tuple[Session, list[Piece]]:
    """A page that holds what every fourth question asks, in ten chunks."""
    made = session(CORPUS)
    asked = [" ".join(one.text.split()[5:12]) for one in CORPUS[::12]]
    texts = [" ".join(asked[at::10]) for at in range(10)]
    pages = [Piece(f"p#{at}", "p", at, text, segment, embedded(text)) for at, text in enumerate(texts)]
    made.compare_with(made.snapshot("main"))
    made.apply(page.upsert() for page in pages)
    return made, pages


def test_a_page_in_many_lists_is_a_hub_and_named() -> None:
    made, pages = poisoned("blog")
    (found,) = (of for of in made.judge(deploy_id="d1").findings if of.rule == "new-hub-lexical")
    lists, keys = made.lists()["lexical"], [chunk_key(page.id) for page in pages]
    now = np.isin(lists.keys, keys).any(axis=1).mean()
    assert now > 0.2
    assert (found.verdict, found.documents, found.n) == ("fail", ("p",), len(lists))
    assert NEW_HUB_LIMIT < found.value <= now - CHANCE / len(lists)
    assert found.reason.endswith("in p")


def test_an_expected_segment_is_not_held_to_account_and_all_else_is() -> None:
    made, _ = poisoned("blog")
    verdict = made.judge(deploy_id="d1", expected=(("source", "blog"),))
    assert [of.verdict for of in verdict.findings if of.rule.startswith("new-hub")] == ["pass", "pass"]
    verdict = made.judge(deploy_id="d1", expected=(("source", "api"),))
    assert "new-hub-lexical" in [of.rule for of in verdict.findings if of.verdict == "fail"]


def test_a_declared_deletion_passes_and_another_fails() -> None:
    made = session(CORPUS)
    made.compare_with(made.snapshot("main"))
    deploy(made, CORPUS, [one for one in CORPUS if one.source != "blog"])
    said = failed(made.judge(deploy_id="d1"))
    assert {(of.rule, of.segment, round(of.value, 2)) for of in said if of.rule.startswith("lost")} == {
        ("lost-content-all", "all", 0.33), ("lost-content-source", "blog", 1.0)
    }  # fmt: skip
    assert failed(made.judge(deploy_id="d1", expected=(("source", "blog"),))) == []
    other = failed(made.judge(deploy_id="d1", expected=(("source", "api"),)))
    assert {(of.rule, round(of.value, 2)) for of in other} == {
        ("lost-content-all", 0.5),
        ("lost-content-source", 1.0),
    }
    assert failed(made.judge(deploy_id="d1", expected=(("team", "blog"),))) != []


def test_findings_name_the_documents_that_are_concerned() -> None:
    (whole,) = (of for of in failed(changed("a tenth of the documents lost").judge(deploy_id="d1"))
                if of.rule == "lost-content-all")  # fmt: skip
    lost = {f"d{at}" for at in range(0, 90, 10)}
    assert set(whole.documents) == lost
    assert (round(whole.value, 3), whole.n) == (0.1, 360)
    assert whole.reason.startswith("lost_content_ratio: 10.0% of 360 chunks of the corpus, allowed at most 2.0%")
    assert whole.reason.endswith(" and 4 more")


def test_foreign_vectors_are_named_as_a_cause_though_every_text_changed_too() -> None:
    made = changed("vectors of another encoder with a trivial edit")
    assert made.report().causes[0].cause == "ENCODER"
    assert all(of.cause != "ENCODER" for of in changed("an ordinary edit in each fifth chunk").report().causes)


def test_what_is_found_can_be_stored() -> None:
    made, _ = poisoned("blog")
    report, verdict = made.evaluate("d1", rules=made.default_policy()).judged()
    assert (
        report_of(msgspec.msgpack.decode(msgspec.msgpack.encode(plain_report(report)))).concerns
        == report.concerns
        != ()
    )
    document = report_document(report, verdict)
    jsonschema.validate(json.loads(json.dumps(document)), report_schema())
    assert "p" in {name for of in document["verdict"]["findings"] for name in of["documents"]}


def test_a_restarted_session_finds_the_same() -> None:
    """The same baseline over an engine that was filled in one piece."""
    name = "a tenth turned into error pages"
    made, after = changed(name), HARMFUL[name][1](CORPUS)
    again = session(after)
    again.compare_with(made.baseline)
    found, other = ([one for one in of.report().measurements if one.metric in FAULTS] for of in (made, again))
    assert found == other
    assert made.report().concerns == again.report().concerns


def test_a_view_between_deploys_says_the_same() -> None:
    made = changed("a tenth emptied")
    evaluation = made.evaluate(rules=made.default_policy())
    assert "wordless-all" in {of.rule for of in failed(evaluation.judged()[1])}


def test_a_baseline_without_contents_is_unknown_and_blocks_nobody() -> None:
    made = session(CORPUS)
    made.compare_with(made.snapshot("main", population=False))
    verdict = made.judge(deploy_id="d1")
    unknown = [of for of in verdict.findings if of.verdict == "unknown"]
    assert {of.rule for of in unknown} == {f"{of.name}-all" for of in INTEGRITY_RULES}
    assert {of.severity for of in unknown} == {"warning"}
    assert verdict.verdict != "unknown"


def test_limits_can_be_set_and_rules_switched_off() -> None:
    made = integrity_rules(
        ("source",), ("dense",), IntegrityLimits(frozenset({"copied"}), {"wordless": 0.5}, 3.0), k=5
    )
    by_name = {rule.name: rule for rule in made}
    assert "copied-all" not in by_name
    assert (by_name["wordless-all"].max, by_name["wordless-source"].max) == (0.5, 1.0)
    assert (by_name["lost-content-all"].max, by_name["lost-content-source"].max) == (0.02, 0.06)
    assert (by_name["lost-content-all"].min_anchors, by_name["lost-content-source"].min_anchors) == (150, 50)


def test_what_no_deploy_may_lose_at_once_many_may_not_lose_little_by_little() -> None:
    """A document a deploy, against the deploy before: calm each, and too much since the pinned one."""
    made = session(CORPUS)
    moving = pinned = made.snapshot("main")
    pages, verdicts = CORPUS, []
    for number in range(4):
        less = [one for one in pages if one.doc != f"d{number}"]
        made.compare_with(moving, pinned)
        deploy(made, pages, less)
        verdicts.append(made.judge(deploy_id=f"d{number}"))
        pages, moving = less, replace(made.snapshot(f"d{number}"), moving=True)
    assert not [of for of in verdicts[0].findings if "pinned" in of.rule], "it is the one compared with"
    whole = [next(of for of in said.findings if of.rule == "pinned-lost-content-all") for said in verdicts[1:]]
    assert [(of.verdict, round(of.value, 3)) for of in whole] == [("fail", 0.022), ("fail", 0.033), ("fail", 0.044)]
    assert set(whole[2].documents) == {"d0", "d1", "d2", "d3"}
    assert "lost_content_ratio since the pinned baseline: 4.4% of 360 chunks" in whole[2].reason
    assert not [of for said in verdicts for of in failed(said) if of.rule.startswith("lost-content")]
    # a person approves what there is: the distance begins anew
    made.compare_with(moving, made.snapshot("again"))
    assert not [of for of in made.judge(deploy_id="d9").findings if of.verdict == "fail"]


def test_without_another_baseline_nothing_is_asked_of_a_pinned_one() -> None:
    assert not [of for of in changed("the same again").judge(deploy_id="d1").findings if "pinned" in of.rule]


@pytest.mark.parametrize(("distance", "share"), [("dot", 0.25), ("euclid", 0.25), ("cosine", 0.0)])
def test_vectors_that_are_normalised_no_longer_fail_where_lengths_count(
    distance: Literal["dot", "euclid", "cosine"], share: float
) -> None:
    """With cosine, vectors are normalised as they come in, here and in the index: nothing is another."""
    made = Session(questions(CORPUS), dimension=DIMENSION, distance=distance, depths=(5,), dimensions=("source",))
    made.apply(piece.upsert() for piece in CORPUS)
    made.compare_with(made.snapshot("main"))
    made.apply(replace(piece, vector=3.0 * piece.vector).upsert() for piece in CORPUS[::4])
    verdict = made.judge(deploy_id="d1")
    (found,) = (of for of in verdict.findings if of.rule == "rescaled-all")
    assert found.value == pytest.approx(share, abs=0.01)
    assert found.verdict == ("fail" if share else "pass")
    causes = [one.cause for one in made.evaluate("d1").report().causes]
    assert ("ENCODER" in causes) == bool(share)


def test_what_was_found_last_is_said_again_only_of_the_same() -> None:
    """Numbers, names, rules, and what came before do not matter but where they are the same."""
    kept, made = KeptFindings(), session(CORPUS)
    made.compare_with(made.snapshot("main"))
    loose = integrity_rules((), ("dense",), IntegrityLimits(limits={"copied": 0.9}), k=3)
    usual = integrity_rules(("language",), ("dense", "lexical"), k=3)
    last = None
    for name in (None, "renumbered", *HARMFUL):
        if name is not None:
            made = changed(name)
        report = made.evaluate(rules=usual).report()
        for rules in (usual, loose, usual):
            found = kept.of(rules, report)
            assert repr(found) == repr(tuple(integrity_findings(rules, report)))
            assert kept.of(list(rules), report) is found
        assert found is not last
        last = found
