"""The vocabulary: ids are dense, counts are exact, nothing grows, hashes depend on the token alone."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from monitor.core.index.lexical.vocabulary import UNKNOWN, Vocabulary
from monitor.core.text.tokens import tokenize

WORDS = st.sampled_from([f"w{n}" for n in range(30)] + ["straße", "日本", "naïve"])


def test_encode_follows_the_tokenizer() -> None:
    vocabulary = Vocabulary()
    first, empty, second = vocabulary.encode(["alpha beta alpha", "  ", "beta gamma"])
    assert first.tolist() == [first[0], second[0], first[0]]
    assert empty.dtype == np.int32
    assert len(empty) == 0
    assert len(vocabulary) == 3
    assert list(vocabulary.encode([])) == []


LETTERS = st.text(st.sampled_from("aZ09_ .\0\x7f\n"), max_size=40)
TEXTS = st.one_of(st.lists(WORDS, max_size=6).map(" ".join), LETTERS, st.text(max_size=20))


def spelt(vocabulary: Vocabulary, texts: list[str]) -> list[list[str]]:
    """The tokens that the ids of texts stand for now."""
    return [[vocabulary.token(token_id) for token_id in ids.tolist()] for ids in vocabulary.encode(texts)]


@settings(max_examples=100, deadline=None)
@given(batches=st.lists(st.lists(TEXTS, max_size=4), max_size=12))
def test_ids_stand_for_the_tokens_of_the_tokenizer(batches: list[list[str]]) -> None:
    """Whatever was forgotten in between, and whichever id is used again."""
    vocabulary = Vocabulary()
    for texts in batches:
        assert spelt(vocabulary, texts) == [tokenize(text) for text in texts]
        assert len(vocabulary) == len({token for text in texts for token in tokenize(text)})
        vocabulary.recycle()


def test_words_of_any_length_and_many_of_them() -> None:
    """Words beyond sixteen bytes, equal in their first sixteen, and more words than the first table holds."""
    vocabulary = Vocabulary()
    long = " ".join("abcdefghij0123456789"[:length] for length in range(1, 21))
    many = [" ".join(f"word{10 * batch + at}x{at}" for at in range(2000)) for batch in range(5)]
    for texts in ([long, long.upper()], many, [long, *many]):
        vocabulary.retain(np.unique(np.concatenate(vocabulary.encode(texts))))
        vocabulary.recycle()
        assert spelt(vocabulary, texts) == [tokenize(text) for text in texts]


def test_every_ascii_character_anywhere() -> None:
    """Alone, between words and within them, at each place of eight bytes, at the beginnings and ends of texts too."""
    vocabulary = Vocabulary()
    texts = [
        text
        for code in range(128)
        for one in (chr(code), 2 * chr(code), 9 * chr(code))
        for text in (
            one,
            f"a{one}b",
            f"{one}word{one}longer than eight{one}",
            f"{'x' * (code % 9)}{one}sixteen0letters0{one}",
        )
    ]
    assert spelt(vocabulary, texts) == [tokenize(text) for text in texts]
    assert spelt(vocabulary, texts[::-1]) == [tokenize(text) for text in texts[::-1]]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text("aZ09 _-", max_size=40), max_size=8))
def test_dense_and_sparse_edges(texts: list[str]) -> None:
    vocabulary = Vocabulary()
    for _ in range(2):
        assert spelt(vocabulary, texts) == [tokenize(text) for text in texts]


def test_hashes_do_not_depend_on_history() -> None:
    left, right = Vocabulary(), Vocabulary()
    right.encode(["zeta eta theta"])
    token, other = left.encode(["naïve"])[0], right.encode(["naïve"])[0]
    assert token[0] != other[0]
    assert left.hashes[token[0]] == right.hashes[other[0]] != 0


def test_lookup_interns_nothing_and_survives_lone_surrogates() -> None:
    vocabulary = Vocabulary()
    assert vocabulary.lookup(["nobody"]).tolist() == [UNKNOWN]
    assert len(vocabulary) == 0
    assert len(vocabulary.pin([["a\ud800"]])[0]) == 1


def test_loose_ids_are_used_again() -> None:
    vocabulary = Vocabulary()
    for step in range(50):
        vocabulary.encode([f"only{step} here{step}"])
        assert vocabulary.recycle() == 2
    assert len(vocabulary) == 0
    assert vocabulary.capacity == 1024


def test_grows_past_its_first_room() -> None:
    vocabulary = Vocabulary()
    ids = vocabulary.encode([" ".join(f"t{n}" for n in range(5000))])[0]
    vocabulary.retain(ids)
    assert vocabulary.recycle() == 0
    assert vocabulary.capacity >= 5000
    assert int(vocabulary.document_frequency.sum()) == 5000


def test_pins_hold_until_let_go() -> None:
    vocabulary = Vocabulary()
    pinned = vocabulary.pin([["anchor", "anchor", "term"]])
    assert vocabulary.recycle() == 0
    vocabulary.unpin(pinned)
    assert vocabulary.recycle() == 2
    assert vocabulary.lookup(["anchor"]).tolist() == [UNKNOWN]


def test_frequencies_beyond_the_histogram() -> None:
    """Tokens in more documents than the histogram has places are found as well, and on the way back."""
    vocabulary = Vocabulary()
    often, seldom = vocabulary.encode(["often seldom"])[0].tolist()
    for documents in (4094, 4095, 4096, 9000):
        held = int(vocabulary.document_frequency[often])
        vocabulary.retain(np.array([often] * (documents - held) + [seldom], np.int32))
        found = dict(zip(*(array.tolist() for array in vocabulary.frequencies()), strict=True))
        assert found == {documents: 1, int(vocabulary.document_frequency[seldom]): 1}
    vocabulary.release(np.array([often] * 8999, np.int32))
    assert [array.tolist() for array in vocabulary.frequencies()] == [[1, 4], [1, 1]]


def test_released_twice_is_refused() -> None:
    vocabulary = Vocabulary()
    ids = vocabulary.encode(["once"])[0]
    vocabulary.retain(ids)
    vocabulary.release(ids)
    with pytest.raises(ValueError, match="released more often than retained"):
        vocabulary.release(ids)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.lists(WORDS, max_size=6).map(" ".join), st.integers(0, 5)), max_size=40))
def test_counts_equal_a_recount(steps: list[str | int]) -> None:
    """A text adds a live document, a number removes one: frequencies and size equal those of the live texts."""
    vocabulary = Vocabulary()
    live: list[tuple[str, NDArray[np.int32]]] = []
    for step in steps:
        if isinstance(step, str):
            ids = np.unique(vocabulary.encode([step])[0])
            vocabulary.retain(ids)
            live.append((step, ids))
        elif live:
            vocabulary.release(live.pop(step % len(live))[1])
        vocabulary.recycle()
        expected = Counter(token for text, _ in live for token in set(tokenize(text)))
        assert len(vocabulary) == len(expected)
        found = vocabulary.document_frequency[vocabulary.lookup(list(expected))] if expected else np.zeros(0)
        assert found.tolist() == list(expected.values())
        assert int(vocabulary.document_frequency.sum()) == sum(expected.values())
