"""The looks of a proof of erasure and what they come to, from tables."""

import math

import numpy as np
import pytest

from monitor.core.erasure.corpus_looks import CopySearch, content_of, copies_result, events_result, items_of, likeness
from monitor.core.erasure.index_looks import IndexListing, ServedResult, among_served, by_id, by_listing
from monitor.core.erasure.model import (
    ErasedContent,
    ErasedItem,
    ErasureAnswer,
    ErasureFinding,
    ErasureVerdict,
    LookOutcome,
    LookResult,
    overall,
)
from monitor.core.index.duplicates.content_sketch import ContentSketch
from monitor.core.index.duplicates.foreign_texts import text_shingles
from monitor.core.model.changes import NO_SLOT, ChunkRow
from monitor.core.model.events import Position, chunk_key, text_hash

TEXT = "rotate the signing key of every tenant once in ninety days and tell the owner"
COPY = ErasureFinding("b", "copy")
CHUNK = ErasureFinding("a", "chunk")


def row(chunk_id: str, text: str, *, live: bool, doc: str = "") -> ChunkRow:
    place, slot = Position("t", 0, 1), 0 if live else NO_SLOT
    return ChunkRow(
        chunk_key(chunk_id), chunk_id, doc or chunk_id[0], 0, (), "", 5, text_hash(text), None, place, slot
    )


def look(outcome: LookOutcome, *findings: ErasureFinding) -> LookResult:
    return LookResult("copies", outcome, "", findings, len(findings))


@pytest.mark.parametrize(
    ("results", "accept", "verdict"),
    [
        ((), False, "unknown"),
        ((look("absent"), look("nothing")), False, "erased"),
        ((look("nothing"),), False, "erased"),
        ((look("absent"), look("unknown")), False, "unknown"),
        ((look("unknown"), look("found", COPY)), False, "retrievable"),
        ((look("found", COPY),), True, "erased"),
        ((look("found", COPY), look("unknown")), True, "unknown"),
        ((look("found", COPY, CHUNK),), True, "retrievable"),
    ],
)
def test_verdicts(results: tuple[LookResult, ...], accept: bool, verdict: str) -> None:
    assert ErasureAnswer(ErasedItem("a", "chunk", ()), results, accept).verdict == verdict


def test_of_several_the_worst_counts_and_nothing_is_unknown() -> None:
    item = ErasedItem("a", "chunk", ())
    made = {"erased": ErasureAnswer(item, (look("absent"),)), "unknown": ErasureAnswer(item, (look("unknown"),))}
    assert overall([]) is ErasureVerdict.UNKNOWN
    assert overall([made["erased"], made["unknown"]]) is ErasureVerdict.UNKNOWN
    assert overall([made["unknown"], ErasureAnswer(item, (look("found", CHUNK),))]) is ErasureVerdict.RETRIEVABLE


def test_a_chunk_goes_before_a_document_and_an_id_is_asked_once() -> None:
    rows = [row("a1", "x", live=False), row("a2", "y", live=True), row("a", "z", live=True, doc="q")]
    found = items_of(["a", "q", "a1", "no", "a"], rows)
    assert [(item.asked, item.kind, [of.chunk_id for of in item.rows]) for item in found] == [
        ("a", "chunk", ["a"]), ("q", "document", ["a"]), ("a1", "chunk", ["a1"]), ("no", "unknown", []),
    ]  # fmt: skip
    assert events_result(found[0]).outcome == "found"
    assert events_result(found[2]).outcome == "absent"
    assert found[3].named == ("no",)


@pytest.mark.parametrize(
    ("other", "kind"),
    [(TEXT, "copy"), (f"{TEXT} again", "near copy"), (" ".join(TEXT.split()[:9]), "part"), ("delete a user", None)],
)
def test_copies_are_told_by_hash_and_by_words(other: str, kind: str | None) -> None:
    (item,) = items_of(["a"], [row("a", TEXT, live=False)])
    shingles = text_shingles([TEXT, other])
    content = content_of(item, {item.rows[0].key: ContentSketch.of(shingles[0])}, {})
    search = CopySearch([item], [content])
    search.feed([row("b", other, live=True)], shingles[1:])
    result = copies_result(item, content, search.findings(0))
    assert [of.found_as for of in result.findings] == ([kind] if kind else [])
    assert result.outcome == ("found" if kind else "absent")


def test_without_a_sketch_near_copies_are_unknown_unless_a_list_remembers_them() -> None:
    (item,) = items_of(["a"], [row("a", TEXT, live=False)])
    (shingles,) = text_shingles([TEXT])
    assert copies_result(item, content_of(item, {}, {}), []).outcome == "unknown"
    remembered = {item.rows[0].key: (text_hash(TEXT), shingles)}
    assert copies_result(item, content_of(item, {}, remembered), []).outcome == "absent"
    other = {item.rows[0].key: ("of an earlier text", shingles)}
    assert copies_result(item, content_of(item, {}, other), []).outcome == "unknown"
    assert copies_result(item, content_of(item, {}, {}, text=TEXT), []).outcome == "absent"


def test_an_index_that_does_not_answer_is_unknown() -> None:
    (item,) = items_of(["a"], [row("a1", "x", live=False, doc="a"), row("a2", "y", live=True, doc="a")])
    assert by_id(item, "unreachable").outcome == "unknown"
    assert by_id(item, {"a2": ""}).outcome == "absent"  # that one is live
    assert [of.chunk_id for of in by_id(item, {"a1": ""}).findings] == ["a1"]


@pytest.mark.parametrize(
    ("listing", "outcome"),
    [
        (IndexListing(9, 0, (), {}, frozenset()), "absent"),
        (IndexListing(9, 1, (), {}, frozenset()), "unknown"),
        (IndexListing(9, 0, ("z",), {}, frozenset()), "unknown"),
        (IndexListing(9, 0, (), {}, frozenset(), "deadline"), "unknown"),
        (IndexListing(9, 1, ("z",), {"b": text_hash(TEXT)}, frozenset(), "deadline"), "found"),
        (IndexListing(9, 0, (), {}, frozenset({"a"})), "found"),
    ],
)
def test_a_listing_that_is_not_whole_is_unknown(listing: IndexListing, outcome: str) -> None:
    (item,) = items_of(["a"], [row("a", TEXT, live=False)])
    content = ErasedContent(frozenset({text_hash(TEXT)}), (), 0)
    assert by_listing(item, content, listing).outcome == outcome


@pytest.mark.parametrize(
    ("result", "found"),
    [
        (ServedResult("a", "", "q"), "chunk"),
        (ServedResult("b", text_hash(TEXT), "q"), "copy"),
        (ServedResult("live", "", "q"), None),
        (ServedResult("near", "", "q"), "near copy"),
        (ServedResult("stray", "", "", 0.99), "alike"),
        (ServedResult("stray", "", "", 0.9), None),
        (ServedResult("stray", "", "q"), None),
        (ServedResult("live", "", "", 1.0), None),
    ],
)
def test_what_a_served_list_holds(result: ServedResult, found: str | None) -> None:
    (item,) = items_of(["a"], [row("a", TEXT, live=False)])
    content = ErasedContent(frozenset({text_hash(TEXT)}), (), 0)
    keys = {chunk_key("live"), chunk_key("near")}
    made = among_served(
        "questions", item, content, [result], asked=1, failed={}, copies={"near": "near copy"}, live=keys.__contains__
    )
    assert [of.found_as for of in made.findings] == ([found] if found else [])
    failed = among_served(
        "questions", item, content, [], asked=2, failed={"deadline": 1}, copies={}, live=keys.__contains__
    )
    assert (failed.outcome, failed.said) == ("unknown", "2 questions asked; 1 not answered (deadline)")


def test_likeness_is_one_for_the_same_vector() -> None:
    vector = np.array([3.0, 4.0])
    own = float(vector @ vector)
    assert likeness(own, own, euclid=False) == 1.0
    other = np.array([0.0, 5.0])
    distance = float(np.linalg.norm(vector - other))
    assert likeness(-distance, own, euclid=True) == pytest.approx(float(vector @ other) / own)
    assert math.isnan(likeness(1.0, 0.0, euclid=False))
