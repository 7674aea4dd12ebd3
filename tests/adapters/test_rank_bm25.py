"""The audit against the library itself, on the cases in which the library fails, and on planted mistakes."""

import numpy as np
import pytest
from rank_bm25 import BM25Okapi

from monitor.adapters.rank_bm25 import mismatches, reference_scores
from monitor.core.index.lexical.bm25 import Bm25Scorer

DOCUMENTS = [["a", "b", "a"], ["b", "c"], ["c"], [], ["a", "d", "d"]]


def test_equals_the_library() -> None:
    queries = [["a", "c"], ["a", "a", "z"], []]
    found = reference_scores(DOCUMENTS, queries, Bm25Scorer(k1=1.2, b=0.6, epsilon=0.3))
    oracle = BM25Okapi(DOCUMENTS, k1=1.2, b=0.6, epsilon=0.3)
    np.testing.assert_array_equal(found, [oracle.get_scores(query) for query in queries])
    assert found.shape == (3, 5)


def test_a_repeated_term_counts_twice() -> None:
    once, twice = reference_scores(DOCUMENTS, [["d"], ["d", "d"]], Bm25Scorer())
    np.testing.assert_allclose(twice, 2.0 * once)
    assert once[4] > 0.0


@pytest.mark.parametrize("documents", [[], [[]], [[], []]])
def test_where_the_library_divides_by_zero(documents: list[list[str]]) -> None:
    found = reference_scores(documents, [["a"], ["b"]], Bm25Scorer())
    np.testing.assert_array_equal(found, np.zeros((2, len(documents))))


def test_an_empty_document_at_b_one_scores_zero() -> None:
    assert reference_scores(DOCUMENTS, [["a"]], Bm25Scorer(b=1.0))[0, 3] == 0.0


def test_only_okapi_is_defined() -> None:
    with pytest.raises(ValueError, match="'okapi', got 'lucene'"):
        reference_scores(DOCUMENTS, [["a"]], Bm25Scorer("lucene"))


def test_mismatches_sees_wrong_scores_and_missed_documents() -> None:
    expected = np.array([3.0, 2.0, 1.0, -np.inf])
    assert mismatches(expected, np.array([3.0, 2.0]), np.array([0, 1])) == 0
    assert mismatches(expected, np.array([3.0, 2.0 + 1e-10]), np.array([0, 1])) == 0
    assert mismatches(expected, np.array([3.0, 2.1]), np.array([0, 1])) == 1
    assert mismatches(expected, np.array([3.0, 1.0]), np.array([0, 2])) == 1
    assert mismatches(expected, np.array([3.0, 2.0, 1.0, 0.0]), np.array([0, 1, 2, 3])) == 1
    assert mismatches(expected, np.zeros(0), np.zeros(0, np.int64)) == 0
    assert mismatches(expected, np.array([np.nan]), np.array([0])) == 1
