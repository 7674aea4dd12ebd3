"""The auditor of the lexical leg: right lists pass, every kind of wrong list is seen."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rank_bm25 import BM25Okapi

from monitor.adapters.audit import RankBm25Auditor
from monitor.core.index.audit import AuditedList
from monitor.core.index.lexical.bm25 import Bm25Scorer

DOCUMENTS = [["a", "b"], ["c", "c"], ["a", "a"], ["d"], ["a", "b"], [], ["e", "f"], ["g"], ["c", "a", "h", "i"]]
QUERY = ["a", "c"]
SCORES = np.asarray(BM25Okapi(DOCUMENTS).get_scores(QUERY))
"""Documents 0 and 4 are copies; 1, 2, 8 are the other hits."""
RIGHT = sorted((0, 1, 2, 4, 8), key=lambda at: (-SCORES[at], at))


def listed(positions: list[int], depth: int, *, admitted: list[int] | None = None) -> AuditedList:
    passing = np.isin(np.arange(len(DOCUMENTS)), range(len(DOCUMENTS)) if admitted is None else admitted)
    places = np.array(positions, np.int64)
    return AuditedList(QUERY, passing, places, SCORES[places], depth)


def count(*lists: AuditedList) -> list[int]:
    return RankBm25Auditor(Bm25Scorer()).mismatches(DOCUMENTS, lists)


def test_right_lists_at_every_depth() -> None:
    assert len(set(SCORES[RIGHT].tolist())) == 4  # one tie, or the test shows nothing about ties
    assert count(*(listed(RIGHT[:depth], depth) for depth in range(1, 9))) == [0] * 8


def test_right_lists_under_a_filter() -> None:
    passing = [1, 4, 8, 3]
    within = [at for at in RIGHT if at in passing]
    assert count(listed(within, 4, admitted=passing), listed([], 4, admitted=[3])) == [0, 0]


def swapped_copies() -> list[int]:
    other = {0: 4, 4: 0}
    return [other.get(at, at) for at in RIGHT]


@pytest.mark.parametrize(
    ("wrong", "depth"),
    [
        (RIGHT[1:], 10),  # the best is missing
        (RIGHT[:-1], 10),  # the last is missing although there is room
        ([], 10),
        (RIGHT[1:4], 3),
        ([*RIGHT, 3], 10),  # not a hit
        ([RIGHT[1], RIGHT[0], *RIGHT[2:]], 10),  # order
        (swapped_copies(), 10),  # order of a tie
        ([*RIGHT[:-1], RIGHT[0]], 10),  # one twice
    ],
)
def test_wrong_lists(wrong: list[int], depth: int) -> None:
    assert count(listed(wrong, depth))[0] > 0


def test_a_tie_cut_at_the_wrong_copy() -> None:
    cut = RIGHT.index(0) + 1
    assert RIGHT[cut] == 4
    assert count(listed(RIGHT[:cut], cut)) == [0]
    assert count(listed([*RIGHT[: cut - 1], 4], cut)) == [1]


def test_wrong_scores_dead_results_and_results_against_the_filter() -> None:
    right = listed(RIGHT, 10)
    off = SCORES[RIGHT] + np.array([1e-6, 0, 0, 0, 0])
    close = SCORES[RIGHT] + np.array([1e-12, 0, 0, 0, 0])
    dead = np.array([*RIGHT[:-1], -1], np.int64)
    assert count(
        AuditedList(QUERY, right.admitted, right.positions, off, 10),
        AuditedList(QUERY, right.admitted, right.positions, close, 10),
        AuditedList(QUERY, right.admitted, dead, right.scores, 10),
        listed(RIGHT, 10, admitted=RIGHT[1:]),
    ) == [1, 0, 2, 2]  # dead: the result and the one lacking; filtered: the result and the length


def test_no_documents_and_no_lists() -> None:
    none = AuditedList(QUERY, np.zeros(0, np.bool_), np.zeros(0, np.int64), np.zeros(0), 5)
    auditor = RankBm25Auditor(Bm25Scorer())
    assert auditor.mismatches([], [none]) == [0]
    assert auditor.mismatches(DOCUMENTS, []) == []


def test_only_the_variant_that_the_library_defines() -> None:
    auditor = RankBm25Auditor(Bm25Scorer("lucene"))
    assert RankBm25Auditor(Bm25Scorer()).defined
    assert not auditor.defined
    with pytest.raises(ValueError, match="lucene"):
        auditor.mismatches(DOCUMENTS, [listed(RIGHT, 10)])


@settings(deadline=None)
@given(st.lists(st.lists(st.sampled_from("abcd"), max_size=4), min_size=1, max_size=12), st.integers(1, 5))
def test_a_plain_sort_is_right(documents: list[list[str]], depth: int) -> None:
    """Ties, empty documents, negative scores: what the definition gives is never called wrong."""
    query = ["a", "b", "a"]
    scored = np.asarray(BM25Okapi(documents).get_scores(query)) if any(documents) else np.zeros(len(documents))
    hits = [at for at, tokens in enumerate(documents) if {"a", "b"} & set(tokens)]
    best = np.array(sorted(hits, key=lambda at: (-scored[at], at))[:depth], np.int64)
    audited = AuditedList(query, np.ones(len(documents), np.bool_), best, scored[best], depth)
    assert RankBm25Auditor(Bm25Scorer()).mismatches(documents, [audited]) == [0]
