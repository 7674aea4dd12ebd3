"""Losses as people count them: how many, where, which, and who stands in their place."""

import json
from dataclasses import replace

import pytest
from jsonschema import Draft202012Validator

from monitor.core.index.baseline import ListLeg, Member
from monitor.core.measures.comparison.facts import MemberFacts
from monitor.core.model.events import chunk_key
from monitor.core.model.lists import RankedLists
from monitor.core.model.losses import Displacer, Loss, LostAnswer, LostIn
from monitor.core.model.report import DriftReport
from monitor.core.records.documents import loss_document, loss_schema
from monitor.core.reporting.drift import Drift, Observation, SegmentScope
from tests.core.snapshots import FINGERPRINT, anchor_set, plain, seen, snapshot

HASHES = {name: f"says {name}" for name in "abcxyz"}


def _report(weights: tuple[float, ...], then: tuple[str, ...], view: Observation) -> DriftReport:
    marks = [(("kind", "new" if at < 5 else "old"),) for at in range(len(then))]
    anchors = anchor_set(marks, weights=weights)
    before = snapshot(anchors, {"lexical": plain(*then)}, hashes=HASHES)
    return Drift(anchors, FINGERPRINT, SegmentScope(("kind",), 9, 1), (2, 1), {}).evaluate(before, None, view)


def test_what_was_lost_is_counted_named_and_weighed() -> None:
    """Ten anchors, the first of weight 11: it and two others lose `a` to `x`, whose document is `flood`."""
    lists: dict[ListLeg, RankedLists] = {"lexical": plain("xb", "xb", "xb", *["ab"] * 7)}
    facts = MemberFacts({chunk_key("x"): Member("x", "flood", "", "says x")}, {})
    view = replace(seen(lists, hashes=HASHES), facts=facts)
    (loss,) = _report((11.0, *[1.0] * 9), ("ab",) * 10, view).losses
    assert (loss.leg, loss.k, loss.lost, loss.anchors) == ("lexical", 2, 3, 10)
    assert loss.share == pytest.approx(13 / 20)
    assert (loss.gone, loss.displaced) == (None, None), "only lists were kept: nobody knows"
    assert loss.segments == (LostIn("kind", "new", 3, 5),)
    assert loss.queries[0] == LostAnswer("a0", "question 0", "lost", "a", "doc", "flood")
    assert [one.anchor for one in loss.queries] == ["a0", "a1", "a2"]
    assert loss.said == (
        "lexical: about 65 of 100 queries lost the answer they had (3 of 10 anchors); most: 3 of 5 in kind=new"
    )
    document = json.loads(json.dumps(loss_document(loss)))
    Draft202012Validator(loss_schema()).validate(document)


def test_nothing_lost_is_said_as_that() -> None:
    (loss,) = _report((), ("ab", "ba"), seen({"lexical": plain("ba", "ba")}, hashes=HASHES)).losses
    assert (loss.lost, loss.share, loss.queries, loss.segments) == (0, 0.0, (), ())
    assert loss.said == "lexical: none of 2 queries lost the answer it had"


def test_unknown_lists_are_not_counted() -> None:
    (loss,) = _report((), ("ab", "-", "ab"), seen({"lexical": plain("xy", "ab", "-")}, hashes=HASHES)).losses
    assert (loss.lost, loss.anchors, loss.share) == (1, 1, 1.0)


def test_the_line_says_fates_and_who_displaced() -> None:
    loss = Loss("dense", 10, 0.004, 3, 500, 1, 2, displaced_by=(Displacer("guide.md", 2),))
    assert loss.said == (
        "dense: fewer than 1 of 100 queries lost the answer they had (3 of 500 anchors, 1 gone, 2 displaced); "
        "displaced by: guide.md (2)"
    )
