"""The latent-semantic encoder against dense linear algebra, and its promises on empty and odd input."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import linalg, sparse

from monitor.adapters.encoders import latent_model as latent
from monitor.adapters.encoders.latent_model import LatentModel, Sparse, fit
from monitor.core.text.tokens import tokenize

WORDS = [f"w{number}" for number in range(120)]


def corpus(size: int, seed: int = 3) -> list[str]:
    """Zipfian texts about ten themes, so that there is something latent."""
    draw = np.random.default_rng(seed)
    odds = 1 / np.arange(1, 121)
    made = []
    for _ in range(size):
        turned = np.roll(odds, 12 * int(draw.integers(10)))
        made.append(" ".join(draw.choice(WORDS, size=int(draw.integers(3, 25)), p=turned / turned.sum())))
    return made


def dense_tfidf(texts: list[str], model: LatentModel) -> NDArray[np.float64]:
    """The slow obvious TF-IDF: one cell at a time, from the definition."""
    made = np.zeros((len(texts), len(model.terms)))
    documents = {term: sum(term in tokenize(text) for text in texts) for term in model.terms}
    for row, text in enumerate(texts):
        words = tokenize(text)
        for column, term in enumerate(model.terms):
            if term in words:
                idf = math.log((1 + len(texts)) / (1 + documents[term])) + 1
                made[row, column] = (1 + math.log(words.count(term))) * idf
    return made


def unit(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    norms = np.linalg.norm(matrix, axis=1, keepdims=True)
    return np.asarray(matrix / np.where(norms == 0, 1, norms))


def test_encodes_as_the_full_svd_does() -> None:
    texts = corpus(300)
    model = fit(texts, np.random.default_rng(1), dimension=200)
    plain = dense_tfidf(texts, model)
    left = unit(plain)
    # d is above the rank: the directions span everything, so cosines must equal those of the TF-IDF rows.
    encoded = model.encode(texts).astype(np.float64)
    np.testing.assert_allclose(encoded @ encoded.T, left @ left.T, atol=2e-5)


def test_finds_the_leading_singular_subspace() -> None:
    texts = corpus(400)
    model = fit(texts, np.random.default_rng(1), dimension=10)
    plain = unit(dense_tfidf(texts, model))
    _, values, right = linalg.svd(plain, full_matrices=False)
    best = math.sqrt(float((values[10:] ** 2).sum()))
    basis = model.components.astype(np.float64)
    np.testing.assert_allclose(basis.T @ basis, np.eye(10), atol=1e-5)
    kept = np.linalg.norm(plain - plain @ basis @ basis.T)
    assert best <= kept + 1e-6
    assert kept <= best * 1.001
    angles = linalg.subspace_angles(right[:8].T, basis)
    assert angles.max() < 0.1


def test_directions_of_a_matrix_with_a_known_answer() -> None:
    wanted, _ = np.linalg.qr(np.random.default_rng(5).standard_normal((40, 3)))
    left, _ = np.linalg.qr(np.random.default_rng(6).standard_normal((60, 3)))
    full = sparse.csr_matrix((left * [8.0, 4.0, 2.0]) @ wanted.T)
    matrix = Sparse(
        full.indptr.astype(np.int64), full.indices.astype(np.int64), full.data.astype(np.float32), full.shape[1]
    )
    found = latent.leading_directions(matrix, 10, np.random.default_rng(0))
    assert found.shape == (40, 3), "directions that rounding explains are left out"
    np.testing.assert_allclose(np.abs(found.T @ wanted), np.eye(3), atol=1e-5)
    assert (found[np.abs(found).argmax(axis=0), range(3)] > 0).all()


@given(st.integers(0, 40), st.integers(1, 30), st.integers(1, 7), st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_sparse_products_equal_scipy(rows: int, width: int, dimension: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    full = sparse.random(rows, width, density=0.2, random_state=draw, format="csr", dtype=np.float32)
    full.sort_indices()
    mine = Sparse(full.indptr.astype(np.int64), full.indices.astype(np.int64), full.data, width)
    right = draw.standard_normal((width, dimension), dtype=np.float32)
    np.testing.assert_allclose(mine.times(right), full @ right, atol=1e-5)
    left = draw.standard_normal((rows, dimension), dtype=np.float32)
    np.testing.assert_allclose(mine.transposed().times(left), full.T @ left, atol=1e-5)


def test_products_cross_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latent, "BLOCK_ENTRIES", 7)
    monkeypatch.setattr(latent, "BLOCK_TEXTS", 5)
    texts = [*corpus(60), "", "unseen words only"]
    model = fit(texts, np.random.default_rng(2), dimension=6)
    monkeypatch.undo()
    whole = fit(texts, np.random.default_rng(2), dimension=6)
    assert model.content_hash == whole.content_hash
    np.testing.assert_array_equal(model.encode(texts), whole.encode(texts))


@given(st.lists(st.text(max_size=40), max_size=25), st.integers(1, 12))
@settings(max_examples=60, deadline=None)
def test_any_text_gives_a_unit_or_zero_vector(texts: list[str], dimension: int) -> None:
    model = fit(texts, np.random.default_rng(0), dimension=dimension)
    vectors = model.encode(texts)
    assert vectors.shape == (len(texts), dimension)
    assert vectors.dtype == np.float32
    norms = np.linalg.norm(vectors.astype(np.float64), axis=1)
    assert ((np.abs(norms - 1) < 1e-6) | (norms == 0)).all()
    for text, norm in zip(texts, norms, strict=True):
        if not set(tokenize(text)) & set(model.terms):
            assert norm == 0


def test_a_vector_does_not_depend_on_its_batch() -> None:
    texts = corpus(500)
    model = fit(texts, np.random.default_rng(4), dimension=32)
    together = model.encode(texts)
    for at in (0, 17, 499):
        np.testing.assert_array_equal(model.encode([texts[at]])[0], together[at])
    order = np.random.default_rng(1).permutation(500)
    np.testing.assert_array_equal(model.encode([texts[at] for at in order]), together[order])


def test_the_seed_decides_the_bits() -> None:
    texts = corpus(200)
    first = fit(texts, np.random.default_rng(7), dimension=16)
    assert first.content_hash == fit(texts, np.random.default_rng(7), dimension=16).content_hash
    assert first.content_hash != fit(texts, np.random.default_rng(8), dimension=16).content_hash
    assert first.content_hash != fit(texts[:-1], np.random.default_rng(7), dimension=16).content_hash


def test_vocabulary_is_bounded_and_ties_go_by_term() -> None:
    texts = ["b a c", "c b a d", "c once"]
    assert latent.vocabulary(texts, most_terms=9, least_documents=2)[0] == ("a", "b", "c")
    terms, documents = latent.vocabulary(texts, most_terms=2, least_documents=1)
    assert terms == ("a", "c")
    assert documents.tolist() == [2, 3]


@pytest.mark.parametrize("texts", [[], [""], ["one two", "three four"], ["!!!", "???"]])
def test_nothing_to_learn_encodes_to_zero(texts: list[str]) -> None:
    model = fit(texts, np.random.default_rng(0), dimension=4)
    assert model.terms == ()
    np.testing.assert_array_equal(model.encode(["one two", ""]), np.zeros((2, 4), np.float32))


def test_a_rank_below_the_dimension_pads_with_zero() -> None:
    model = fit(["alpha beta", "alpha beta", "alpha gamma gamma", "gamma"], np.random.default_rng(0), dimension=8)
    assert model.components.shape == (3, 8)
    assert not model.components[:, 3:].any()


def test_related_texts_are_nearer_than_unrelated_ones() -> None:
    texts = corpus(600)
    model = fit(texts, np.random.default_rng(0), dimension=10)
    one, same, other = model.encode(["w0 w1 w2 w3", "w1 w4 w5", "w72 w73 w74"]).astype(np.float64)
    assert one @ same > one @ other + 0.3


def test_a_dimension_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="dimension of the latent encoder: 0, expected at least 1"):
        fit(["a"], np.random.default_rng(0), dimension=0)
