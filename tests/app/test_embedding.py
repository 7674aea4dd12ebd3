"""Vectors of arriving chunks: whose they are, how they are prepared, and what is refused."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from monitor.app.embedding import Embedder
from monitor.core.index.corpus import Corpus
from monitor.core.model.events import Chunk, Delete, Heartbeat, Located, Position, Upsert
from monitor.core.model.plausibility import doubtful_vectors
from monitor.core.model.scoring import Distance, prepare
from monitor.ports import UnreachableError

Vector = NDArray[np.float32]


def vector(*numbers: float) -> Vector:
    return np.array(numbers, np.float32)


def upsert(
    name: str, given: Vector | None = None, *, text: str = "", offset: int = 0, version: int | None = 3
) -> Located:
    chunk = Chunk(name, "doc", 1, text or name, given, "event", (("source", "s"),), 5, "hash")
    return Located(Position("t", 0, offset), Upsert(chunk, version))


class LengthEncoder:
    """Encodes a text as its length and one; remembers what it was asked."""

    embedding_version = "encoder"
    dimension = 2

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.asked.append(list(texts))
        return np.array([[len(text), 1.0] for text in texts], np.float32)


def lookup(known: Mapping[str, Vector]) -> Mapping[str, Vector]:
    return known


def chunks(batch: Sequence[Located]) -> list[Chunk]:
    return [located.event.chunk for located in batch if isinstance(located.event, Upsert)]


def test_vectors_of_events_are_prepared_and_the_rest_of_the_event_stays() -> None:
    given, (before,) = upsert("a", vector(3.0, 4.0)), chunks([upsert("a", vector(3.0, 4.0))])
    kept, refused = Embedder(2, Distance.COSINE).embed([given])
    assert refused == []
    (chunk,) = chunks(kept)
    assert chunk.vector is not None
    np.testing.assert_array_equal(chunk.vector, vector(0.6, 0.8))
    for name in (
        "chunk_id",
        "doc_id",
        "ordinal",
        "text",
        "embedding_version",
        "segment",
        "event_time",
        "content_hash",
    ):
        assert getattr(chunk, name) == getattr(before, name)
    assert isinstance(kept[0].event, Upsert)
    assert (kept[0].position, kept[0].event.version) == (given.position, 3)
    assert chunk is chunks([given])[0], "a batch is taken over, its chunks are not copied"


@pytest.mark.parametrize("dimension", [0, 2])
def test_an_event_that_says_no_time_stays_one(dimension: int) -> None:
    located = upsert("a", vector(3.0, 4.0))
    assert isinstance(located.event, Upsert)
    given = Located(located.position, replace(located.event, undated=True))
    (kept,), _ = Embedder(dimension, Distance.COSINE).embed([given])
    assert isinstance(kept.event, Upsert)
    assert kept.event.undated


@pytest.mark.parametrize("distance", [Distance.DOT, Distance.EUCLID])
def test_other_distances_keep_the_numbers(distance: Distance) -> None:
    kept, _ = Embedder(2, distance).embed([upsert("a", vector(3.0, 4.0))])
    np.testing.assert_array_equal(chunks(kept)[0].vector, vector(3.0, 4.0))


@pytest.mark.parametrize("distance", list(Distance))
@pytest.mark.parametrize("numbers", [np.float32, np.float64])
def test_what_is_odd_is_counted_as_it_came(distance: Distance, numbers: type) -> None:
    """Vectors of zeros, with a huge component, and longer than that without one; blocks of 128 at a time."""
    sizes = np.array([0.0, 1e-45, 1.0, 0.4e18, 0.6e18, 0.999e18, 1.001e18, 3e38])
    for chosen in (sizes, sizes[1:3], sizes[:3], sizes[1:5], sizes[1:6], np.repeat(sizes[::-1], 30)):
        rows: NDArray[np.float32] = np.outer(chosen, [1.0, -1.0, 0.5, 1.0]).astype(numbers)
        embedder = Embedder(4, distance)
        kept, _ = embedder.embed([upsert(f"c{at}", row.copy()) for at, row in enumerate(rows)])
        assert embedder.doubts() == doubtful_vectors(rows, cosine=distance is Distance.COSINE)
        found = np.stack([chunk.vector for chunk in chunks(kept) if chunk.vector is not None])
        assert found.tobytes() == prepare(rows, distance).tobytes()


def test_a_vector_does_not_depend_on_its_batch() -> None:
    rng = np.random.default_rng(5)
    vectors = rng.standard_normal((300, 384)).astype(np.float32)
    embedder = Embedder(384, Distance.COSINE)
    together = chunks(embedder.embed([upsert("c", row) for row in vectors])[0])
    for row, chunk in zip(vectors, together, strict=True):
        alone = chunks(embedder.embed([upsert("c", row)])[0])[0]
        assert alone.vector is not row
        np.testing.assert_array_equal(alone.vector, chunk.vector)


def test_order_is_kept_and_other_events_pass() -> None:
    beat, gone = Located(Position("t", 0, 1), Heartbeat(1)), Located(Position("t", 0, 2), Delete("x"))
    batch = [beat, upsert("a", vector(1.0, 0.0), offset=3), gone, upsert("b", vector(0.0, 1.0), offset=4)]
    kept, refused = Embedder(2, Distance.COSINE).embed(batch)
    assert [located.position for located in kept] == [located.position for located in batch]
    assert (kept[0], kept[2], refused) == (beat, gone, [])
    assert Embedder(2, Distance.COSINE).embed([]) == ([], [])


def test_without_any_vector_the_upsert_is_refused_and_the_others_stay() -> None:
    batch = [upsert("a"), upsert("b", vector(1.0, 0.0)), upsert("c", vector(1.0, 2.0, 3.0))]
    kept, refused = Embedder(2, Distance.COSINE).embed(batch)
    assert [chunk.chunk_id for chunk in chunks(kept)] == ["b"]
    assert [(located, error.reason) for located, error in refused] == [
        (batch[0], "no_vector"),
        (batch[2], "wrong_dimension"),
    ]
    assert "chunk_id 'a'" in refused[0][1].detail
    assert "expected 2" in refused[1][1].detail


def test_what_comes_without_a_vector_is_read_from_the_index_then_encoded() -> None:
    encoder = LengthEncoder()
    known = {"a": vector(1.0, 0.0)}
    embedder = Embedder(2, Distance.DOT, lookup=lambda _: lookup(known), encoder=encoder)
    kept, refused = embedder.embed([upsert("a"), upsert("b", text="four"), upsert("c", vector(9.0, 9.0))])
    assert refused == []
    assert [list(chunk.vector) for chunk in chunks(kept) if chunk.vector is not None] == [[1, 0], [4, 1], [9, 9]]
    assert encoder.asked == [["four"]]


def test_two_texts_of_one_chunk_in_a_batch_have_their_own_vectors() -> None:
    embedder = Embedder(2, Distance.DOT, encoder=LengthEncoder())
    kept, _ = embedder.embed([upsert("a", text="one"), upsert("a", text="three")])
    assert [list(chunk.vector) for chunk in chunks(kept) if chunk.vector is not None] == [[3, 1], [5, 1]]


def test_the_encoder_names_the_version_of_what_it_encoded_only() -> None:
    kept, _ = Embedder(2, Distance.DOT, encoder=LengthEncoder()).embed([upsert("a"), upsert("b", vector(1.0, 1.0))])
    assert [chunk.embedding_version for chunk in chunks(kept)] == ["encoder", "event"]


def test_the_encoder_names_the_version_of_what_it_encoded_beside_a_lookup_too() -> None:
    embedder = Embedder(2, Distance.DOT, lookup=lambda _: {"a": vector(1.0, 0.0)}, encoder=LengthEncoder())
    kept, _ = embedder.embed([upsert("a"), upsert("b")])
    assert [chunk.embedding_version for chunk in chunks(kept)] == ["event", "encoder"]


def test_an_unreachable_encoder_is_the_callers_to_try_again() -> None:
    class Down(LengthEncoder):
        def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
            message = f"no answer for {len(texts)} text(s)"
            raise UnreachableError(message)

    with pytest.raises(UnreachableError, match="no answer"):
        Embedder(2, Distance.DOT, encoder=Down()).embed([upsert("a")])


def test_nothing_is_asked_when_every_event_has_its_vector() -> None:
    def never(_: Sequence[str]) -> Mapping[str, Vector]:
        message = "the index was asked for nothing"
        raise AssertionError(message)

    assert len(Embedder(2, Distance.DOT, lookup=never).embed([upsert("a", vector(1.0, 1.0))])[0]) == 1


def test_without_a_dense_leg_events_lose_their_vectors() -> None:
    kept, refused = Embedder(0, Distance.COSINE).embed([upsert("a", vector(1.0, 2.0)), upsert("b")])
    assert refused == []
    assert [chunk.vector for chunk in chunks(kept)] == [None, None]
    corpus = Corpus(0)
    assert [change.kind for change in corpus.apply(kept).changes] == ["new", "new"]


def test_preparing_twice_moves_no_number_visibly() -> None:
    once = prepare(np.random.default_rng(1).standard_normal((200, 64)).astype(np.float32), Distance.COSINE)
    np.testing.assert_allclose(prepare(once, Distance.COSINE), once, rtol=2e-7)


@pytest.mark.parametrize(("migrating", "length", "taken"), [(True, 2, True), (False, 2, False), (True, 0, False)])
def test_a_chunk_with_only_a_vector_of_another_version_is_taken_while_a_migration_is_watched(
    migrating: bool, length: int, taken: bool
) -> None:
    bare = Chunk("a", "doc", 1, "a", None, "event", (), 5, "hash", {"new": np.ones(length, np.float32)})
    given = [Located(Position("t", 0, 0), Upsert(bare)), upsert("b", vector(3.0, 4.0), offset=1)]
    kept, refused = Embedder(2, Distance.COSINE, migrating=migrating).embed(given)
    assert [chunk.chunk_id for chunk in chunks(kept)] == (["a", "b"] if taken else ["b"])
    assert [error.reason for _, error in refused] == ([] if taken else ["no_vector"])
    assert [chunk.vector is None for chunk in chunks(kept)] == ([True, False] if taken else [False])


def test_the_version_of_what_encoded_a_refused_vector_stays_with_it() -> None:
    class Long(LengthEncoder):
        def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
            return np.ones((len(texts), 3), np.float32)

    kept, refused = Embedder(2, Distance.DOT, encoder=Long()).embed([upsert("a"), upsert("b", vector(1.0, 1.0))])
    assert [error.reason for _, error in refused] == ["wrong_dimension"]
    assert [chunk.embedding_version for chunk in chunks(kept)] == ["event"]
