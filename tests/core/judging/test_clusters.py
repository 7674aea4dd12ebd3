"""Witnesses: which anchors stand or fall together, of how many documents they are a sample, and what that allows."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.index.baseline import Member
from monitor.core.judging.beta import share_excess
from monitor.core.judging.bounds import AnchorSample, mean_bounds
from monitor.core.judging.clusters import Witnesses, documents_of
from tests.core.judging.cases import baseline, sized

SEGMENTS = ["a"] * 4 + ["b"] * 2
DOCUMENTS = [0, 0, 1, 2, 3, 3]


def witnesses(documents: list[int] = DOCUMENTS, segments: list[str] = SEGMENTS) -> Witnesses:
    made = baseline(segments, documents)
    members = {
        key: Member(of.chunk_id, of.doc_id, of.source, of.content_hash, (("source", of.source),))
        for key, of in made.members.items()
    }
    return Witnesses.of(replace(made, members=members), "dense", np.arange(len(segments)))


def test_anchors_of_one_document_are_one_cluster_and_their_answers_several() -> None:
    made = witnesses()
    assert [len(set(made.documents.tolist())), len(set(made.answers.tolist()))] == [4, 6]
    assert made.documents[0] == made.documents[1] != made.documents[2]
    assert made.names == ("doc0", "doc0", "doc1", "doc2", "doc3", "doc3")


def test_documents_that_say_the_same_are_one() -> None:
    made = baseline(SEGMENTS, DOCUMENTS)
    keys = list(made.members)
    same = {**made.members, keys[5]: replace(made.members[keys[5]], content_hash=made.members[keys[0]].content_hash)}
    found = Witnesses.of(replace(made, members=same), "dense", np.arange(6))
    assert len({found.documents[at] for at in (0, 1, 4, 5)}) == 1
    assert found.answers[0] == found.answers[5] != found.answers[4]


SIZES = {("all", "all"): 10, ("source", "a"): 6, ("source", "b"): 1}


@pytest.mark.parametrize(
    ("case", "sizes", "where", "rows", "expected"),
    [
        ("nobody kept how many there were", {}, ("all", "all"), range(6), 0.0),
        ("four of ten", SIZES, ("all", "all"), range(6), 0.4),
        ("three of the segment's six", SIZES, ("source", "a"), range(4), 0.5),
        ("all that there are", SIZES, ("source", "b"), range(4, 6), 1.0),
        ("one of six, and one from elsewhere", SIZES, ("source", "a"), [0, 4], 2 / 7),
        ("a segment that the corpus does not have", SIZES, ("team", "x"), range(3), 0.2),
        ("more than there were: the profile is of larger segments", SIZES, ("source", "b"), [], 0.0),
    ],
)
def test_how_much_is_drawn(
    case: str, sizes: dict[tuple[str, str], int], where: tuple[str, str], rows: list[int], expected: float
) -> None:
    mask = np.zeros(6, np.bool_)
    mask[list(rows)] = True
    assert witnesses().drawn(sizes, where, mask) == pytest.approx(expected), case


def test_documents_are_counted_by_the_profile() -> None:
    assert documents_of(baseline(["a"], [0])) == {}
    assert documents_of(sized(baseline(["a"], [0]), {("all", "all"): 7, ("source", "a"): 3})) == {
        ("all", "all"): 7,
        ("source", "a"): 3,
    }


def sample(lost: list[int], questions: int, drawn: float) -> AnchorSample:
    """Documents of so many questions each, of which so many lost their answer; each question has one of its own."""
    values = np.concatenate([np.arange(questions) < of for of in lost]).astype(np.float64)
    documents = np.repeat(np.arange(len(lost)), questions)
    return AnchorSample(values, np.ones(len(values)), documents, (0.0, 1.0), 1.0, np.arange(len(values)), drawn)


def test_where_all_documents_are_asked_about_questions_alone_are_the_sample() -> None:
    """One of four documents is gone, with its ten questions."""
    whole = [mean_bounds(sample([10, 0, 0, 0], 10, drawn), 0.1) for drawn in (0.0, 0.5, 1.0)]
    assert whole[0].p > whole[1].p > whole[2].p == pytest.approx(share_excess(10, 40, 0.1))
    assert whole[0].p > 0.1, "of few of many documents, that one is gone shows little"
    assert whole[2].p < 0.01
    assert [of.clusters for of in whole] == [4, 4, 4]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=2, max_size=12), st.floats(0, 1), st.floats(0, 0.5))
def test_bounds_never_pass_those_of_questions_alone_and_close_in_with_what_is_drawn(
    lost: list[int], drawn: float, limit: float
) -> None:
    found, more = (mean_bounds(sample(lost, 4, of), limit) for of in (drawn, 1.0))
    none = mean_bounds(sample(lost, 4, 0.0), limit)
    assert none.lower - 1e-9 <= found.lower <= more.lower + 1e-9
    assert more.upper - 1e-9 <= found.upper <= none.upper + 1e-9
    if np.mean(lost) / 4 > limit:
        assert more.p - 1e-9 <= found.p <= none.p + 1e-9
    assert found.lower - 1e-9 <= np.mean(lost) / 4 <= found.upper + 1e-9
