"""Judgements after re-chunking: each of the five states by hand, and on a corpus that is cut in every way."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.index.duplicates.content_sketch import ContentSketch
from monitor.core.index.duplicates.foreign_texts import text_shingles
from monitor.core.model.anchors import Anchor
from monitor.core.model.events import chunk_key
from monitor.core.traffic.carrying import CarriedJudgement, JudgementState, by_state, carried
from monitor.core.traffic.proposal import proposals
from tests.core.traffic.test_coverage import anchor_set

WORDS = [f"word{at:03d}" for at in range(200)]


def text(first: int, last: int) -> str:
    return " ".join(WORDS[first:last])


def placed(now: dict[str, str], then: dict[str, str], judged: str = "old") -> CarriedJudgement:
    shingles = dict(zip(now, text_shingles(list(now.values())), strict=True))
    said = {chunk_key(name): ContentSketch.of(text_shingles([of])[0]) for name, of in then.items()}
    (found,) = carried([Anchor("a", "q", relevant={judged: 2.0})], list(shingles.items()), said)
    assert (found.anchor_id, found.chunk_id, found.grade) == ("a", judged, 2.0)
    return found


OLD = {"old": text(0, 60)}


@pytest.mark.parametrize(
    ("now", "state", "to"),
    [
        ({"old": text(0, 60)}, "valid", ("old",)),
        ({"old": text(0, 40) + " and more"}, "valid", ("old",)),
        ({"old": text(90, 120)}, "gone", ()),
        ({"old": text(60, 120), "before": text(0, 60)}, "moved", ("before",)),
        ({"new": text(0, 60), "other": text(60, 120)}, "moved", ("new",)),
        ({"new": text(2, 60)}, "moved", ("new",)),
        ({"long": text(0, 150)}, "merged", ("long",)),
        ({"long": text(0, 150), "new": text(0, 60)}, "moved", ("new",)),
        ({"left": text(0, 35), "right": text(34, 60)}, "split", ("left", "right")),
        ({"left": text(0, 30)}, "gone", ()),
        ({"other": text(60, 120)}, "gone", ()),
        ({}, "gone", ()),
    ],
)
def test_by_hand(now: dict[str, str], state: str, to: tuple[str, ...]) -> None:
    found = placed(now, OLD)
    assert (found.state, found.to) == (state, to)


def test_what_is_live_and_whose_text_then_is_not_known_stands() -> None:
    assert placed({"old": text(90, 120)}, {}).state is JudgementState.VALID


def test_what_a_chunk_said_is_needed_to_find_it_again() -> None:
    assert placed({"new": text(0, 60)}, {}).state is JudgementState.GONE
    assert placed({"new": text(0, 60)}, {"old": "?!"}).state is JudgementState.GONE


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(8, 60), min_size=1, max_size=6), st.lists(st.integers(8, 60), min_size=1, max_size=6))
def test_no_judgement_is_lost_where_a_document_is_only_cut_anew(before: list[int], after: list[int]) -> None:
    """Two ways to cut one text: every old chunk of some size is found in the new ones, whole or in parts."""
    whole = min(sum(before), sum(after))

    def cut(sizes: list[int]) -> dict[str, str]:
        made, at = {}, 0
        for size in sizes:
            made[f"{len(sizes)}-{at}"] = text(at, min(at + size, whole))
            at += size
        return {name: of for name, of in made.items() if len(of.split()) >= 30}

    then, now = cut(before), {f"n{name}": of for name, of in cut(after).items()}
    covered = set(" ".join(now.values()).split())
    for name, said in then.items():
        found = placed(now, then, name)
        if found.state is JudgementState.GONE:
            pieces = [of for of in now.values() if len(set(of.split()) & set(said.split())) >= 0.8 * len(of.split())]
            held = set(" ".join(pieces).split()) & set(said.split())
            assert len(held) < len(said.split()) or not set(said.split()) <= covered
        else:
            assert set(found.to) <= set(now)


def test_all_states_are_counted() -> None:
    assert by_state([placed({}, OLD)]) == {"valid": 0, "moved": 0, "split": 0, "merged": 0, "gone": 1}
    assert carried([], [], {}) == ()


def test_a_proposal_carries_the_judgements_of_an_anchor_over() -> None:
    anchor = Anchor("a", "q", relevant={"old": 2.0, "lost": 1.0, "here": 1.0})
    judged = (
        CarriedJudgement("a", "old", 2.0, JudgementState.SPLIT, ("left", "here")),
        CarriedJudgement("a", "lost", 1.0, JudgementState.GONE),
        CarriedJudgement("a", "here", 1.0, JudgementState.VALID, ("here",)),
    )
    (found,) = proposals((), (), (), judged, anchor_set(anchor), days=0)
    assert (found.kind, found.anchor.relevant) == ("relabel", {"left": 2.0, "here": 2.0, "lost": 1.0})
    assert found.reason == "judged chunks were cut anew: 1 split, 1 gone"
    assert proposals((), (), (), judged[2:], anchor_set(anchor), days=0) == ()
