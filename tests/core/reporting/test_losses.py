"""Losses as people count them: how many, where, which, and who stands in their place."""

import json
from dataclasses import replace

import pytest
from jsonschema import Draft202012Validator

from monitor.core.evaluation import kept_evaluation
from monitor.core.index.baseline import ListLeg, Member
from monitor.core.measures.comparison.facts import MemberFacts
from monitor.core.model.anchors import Anchor
from monitor.core.model.events import Chunk, Upsert, chunk_key, text_hash
from monitor.core.model.lists import RankedLists
from monitor.core.model.losses import Displacer, Loss, LostAnswer, LostIn
from monitor.core.model.report import DriftReport
from monitor.core.records.committed import DeployRecord
from monitor.core.records.documents import loss_document, loss_schema
from monitor.core.reporting.drift import Drift, Observation, SegmentScope
from monitor.core.session import Session
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


def _upsert(name: str, text: str, doc_id: str = "") -> Upsert:
    return Upsert(Chunk(name, doc_id or name, 0, text, None, "", (), 0, text_hash(text)))


@pytest.fixture
def flooded() -> Session:
    """Two questions, the first of which finds `flood` first where `k` stood."""
    texts = {"k": "rotate a key", "u": "delete a user", "i": "install it", "x": "upgrade it"}
    session = Session([Anchor("a", "rotate key"), Anchor("b", "delete user")], depths=(1,), min_anchors=1)
    session.apply([_upsert(*of) for of in texts.items()])
    session.compare_with(session.snapshot("main"))
    session.apply([_upsert("k", "nothing any more"), _upsert("n", "rotate the key", "flood")])
    return session


def _told(session: Session) -> list[str]:
    (loss,) = (of for of in session.report().losses if of.leg == "lexical")
    return [one.instead for one in loss.queries]


def test_a_leg_that_lost_what_it_had_lost_is_not_counted_again(flooded: Session) -> None:
    first = flooded.evaluate().compared.losses
    flooded.apply([_upsert("far", "of something else")])
    assert flooded.evaluate().compared.losses == first
    assert _told(flooded) == ["flood"]
    flooded.apply([_upsert("n", "rotate the key", "dam")])
    assert flooded.evaluate().compared.losses != first
    assert _told(flooded) == ["dam"], "the same chunk of another document"


def test_what_a_snapshot_kept_of_a_chunk_is_not_said_of_the_chunk_of_now(flooded: Session) -> None:
    then, report = flooded.snapshot("d1", "d1"), flooded.report()
    assert flooded.baseline is not None
    record = DeployRecord("d1", 0, flooded.judge(), report, then)
    flooded.apply([_upsert("n", "rotate the key", "dam")])
    flooded.evaluate()
    kept = kept_evaluation(flooded.drift, (), flooded.baseline, record).report()
    assert [one.instead for of in kept.losses for one in of.queries] == ["flood"]
    assert _told(flooded) == ["dam"]
