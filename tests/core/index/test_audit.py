"""The rotation covers everything, and the brute force of the dense leg is the definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.index.audit import Rotation, differing, exact_lists
from monitor.core.index.corpus import Corpus
from monitor.core.model.anchors import Anchor, AnchorSet
from monitor.core.model.events import Chunk, Delete, Located, Position, Segment, Upsert
from monitor.core.model.lists import RankedLists
from monitor.core.model.scoring import Distance, scores


@given(st.integers(0, 40), st.integers(1, 12), st.integers(0, 9), st.data())
def test_every_row_has_its_turn_in_each_round(rows: int, count: int, seed: int, drawn: st.DataObject) -> None:
    rotation, seen = Rotation(rows, np.random.default_rng(seed)), set[int]()
    wrong = drawn.draw(st.lists(st.integers(0, max(0, rows - 1)), unique=True, max_size=rows))
    fresh = max(1, count - count // 2)
    for _ in range(-(-rows // fresh)):
        sample = rotation.take(count, wrong).tolist()
        assert len(sample) == min(count, rows)
        assert sample == sorted(set(sample))
        assert set(wrong[: count // 2]) <= set(sample)
        seen.update(sample)
    assert seen == set(range(rows))


def test_rounds_differ_and_a_seed_repeats_them() -> None:
    first, again, other = (Rotation(50, np.random.default_rng(seed)) for seed in (1, 1, 2))
    taken = [first.take(5).tolist() for _ in range(20)]
    assert taken == [again.take(5).tolist() for _ in range(20)]
    assert taken != [other.take(5).tolist() for _ in range(20)]
    assert taken[:10] != taken[10:]


def corpus_of(vectors: dict[str, list[float]], segments: dict[str, Segment] | None = None) -> Corpus:
    corpus = Corpus(2)
    for at, (chunk_id, vector) in enumerate(vectors.items()):
        segment = (segments or {}).get(chunk_id, ())
        chunk = Chunk(chunk_id, "d", 0, "", np.array(vector, np.float32), "v", segment, at, chunk_id)
        corpus.apply([Located(Position("t", 0, at), Upsert(chunk))])
    return corpus


def asked(*vectors: list[float], filters: tuple[Segment, ...] = ()) -> AnchorSet:
    rows = np.array(vectors, np.float32).reshape(len(vectors), 2)
    anchors = [Anchor(f"q{at}", "") for at in range(len(vectors))]
    return AnchorSet(anchors, rows, np.ones(len(vectors)), filters or ((),) * len(vectors))


def test_order_ties_filters_and_delete_marks_by_hand() -> None:
    de: Segment = (("language", "de"),)
    corpus = corpus_of({"c": [1, 0], "b": [1, 0], "gone": [9, 9], "a": [0, 2], "z": [1, 0]}, {"z": de, "a": de})
    corpus.apply([Located(Position("t", 0, 9), Delete("gone", 9))])
    found = exact_lists(
        corpus,
        asked([1, 0], [0, 1], [1, 0], filters=((), (), de)),
        np.array([0, 1, 2]),
        k=2,
        distance=Distance.DOT,
    )
    expected = RankedLists.of([[("b", 1.0), ("c", 1.0)], [("a", 2.0), ("b", 0.0)], [("z", 1.0), ("a", 0.0)]], depth=2)
    assert differing(expected, found).tolist() == [0, 0, 0]


@pytest.mark.parametrize("distance", list(Distance))
def test_many_vectors_equal_one_sort(distance: Distance) -> None:
    generator = np.random.default_rng(3)
    corpus = corpus_of({f"c{at}": generator.integers(-3, 4, 2).tolist() for at in range(300)})
    anchors = asked(*generator.integers(-3, 4, (5, 2)).tolist())
    found = exact_lists(corpus, anchors, np.arange(5), k=10, distance=distance)
    rows = []
    for query in anchors.vectors:
        scored = scores(corpus.vectors[: len(corpus.names)], query, distance).tolist()
        rows.append(sorted(zip(corpus.names, scored, strict=True), key=lambda pair: (-pair[1], pair[0])))
    assert differing(RankedLists.of(rows, 10), found).tolist() == [0] * 5


def test_an_empty_corpus_gives_empty_lists() -> None:
    found = exact_lists(Corpus(2), asked([1, 0]), np.array([0]), k=3, distance=Distance.COSINE)
    assert found.lengths.tolist() == [0]
    assert len(exact_lists(Corpus(2), asked(), np.zeros(0, np.int64), k=3, distance=Distance.COSINE)) == 0


def test_what_differs_is_counted() -> None:
    right = RankedLists.of([[("a", 2.0), ("b", 1.0)]], 3)
    for wrong, count in (
        ([("a", 2.0), ("b", 1.0)], 0),
        ([("a", 2.0), ("b", 1.0 + 2**-52)], 1),
        ([("a", float("nan")), ("b", 1.0)], 1),
        ([("b", 2.0), ("a", 1.0)], 2),
        ([("a", 2.0)], 2),  # the place and the length
        ([], 3),
        ([("a", 2.0), ("b", 1.0), ("c", 0.0)], 2),
    ):
        assert differing(right, RankedLists.of([wrong], 3)).tolist() == [count], wrong
