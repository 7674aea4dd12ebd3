"""Tokens over scripts, hostile texts, and the two paths (ASCII, Unicode) that must agree."""

import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.text.tokens import tokenize, visible

TABLE: dict[str, list[str]] = {
    "": [],
    " \t\n": [],
    "Hello, World!": ["hello", "world"],
    "snake_case __dunder__ _x": ["snake", "case", "dunder", "x"],
    "don't e.g. 3.14 v2": ["don", "t", "e", "g", "3", "14", "v2"],
    "Straße ÄRGER": ["straße", "ärger"],
    "e\u0301cole": ["école"],  # composed by NFKC
    "ﬁle ＦＵＬＬ ①② x²": ["file", "full", "12", "x2"],  # ligature, fullwidth, circled digits, superscript
    "Привет, МИР": ["привет", "мир"],
    "ΟΔΟΣ Ωμέγα": ["οδος", "ωμέγα"],  # the last sigma is a final one
    "İstanbul": ["i\u0307stanbul"],
    "हिन्दी में": ["हिन्दी", "में"],  # vowel signs and virama stay inside
    "اللُّغَة العربية": ["اللُّغَة", "العربية"],
    "שָׁלוֹם": ["שָׁלוֹם"],
    "𞤀𞤣𞤤𞤢𞤥𞥄": ["𞤢𞤣𞤤𞤢𞤥𞥄"],  # Adlam: capital letters and marks beyond 16 bits
    "ภาษาไทย": ["ภา", "าษ", "ษา", "าไ", "ไท", "ทย"],
    "你好世界": ["你好", "好世", "世界"],
    "我": ["我"],
    "日本語のテスト": ["日本", "本語", "語の", "のテ", "テス", "スト"],
    "人々 時々、": ["人々", "時々"],  # the iteration mark belongs to the run
    "二〇二六年": ["二〇", "〇二", "二六", "六年"],
    "ｶﾀｶﾅ": ["カタ", "タカ", "カナ"],  # halfwidth kana
    "한국어": ["한국", "국어"],
    "FastAPI入門v2": ["fastapi", "入門", "v2"],
    "入_門": ["入", "門"],
    "入\ufe0f門 葛\U000e0100城": ["入門", "葛城"],  # variation selectors choose a glyph, not a word
    "日\u0301本": ["日\u0301", "\u0301本"],
    "😀 👍🏽 ❤\ufe0f": [],
    "ok😀ok": ["ok", "ok"],
    "1\ufe0f\u20e3": ["1\u20e3"],
    "\u0301 \u0301a _\u0301": ["a"],  # a mark alone is no word
    "\u200ba\u200bb": ["a", "b"],
    "\x00a\x1fb": ["a", "b"],
}


@pytest.mark.parametrize(("text", "tokens"), TABLE.items())
def test_scripts(text: str, tokens: list[str]) -> None:
    assert tokenize(text) == tokens


def test_visible_characters_are_what_is_seen() -> None:
    assert visible("👩\u200d💻 ❤\ufe0f\n\t---\u200b") == "👩💻❤---"
    assert visible(" \n\u3000\u200b") == ""


@settings(deadline=None)
@given(st.text())
def test_tokens_are_lower_case_words_without_separators(text: str) -> None:
    for token in tokenize(text):
        assert token
        assert token == token.lower() or "\u03c3" in token or "\u03c2" in token
        assert not any(character.isspace() or character == "_" for character in token)


@settings(deadline=None)
@given(st.text(st.characters(min_codepoint=0, max_codepoint=0x10FFFF)))
def test_anything_is_tokenised_lone_surrogates_too(text: str) -> None:
    assert isinstance(tokenize(text), list)


@settings(deadline=None)
@given(st.text(st.characters(max_codepoint=0x7F)))
def test_the_fast_path_of_ascii_is_the_general_one(text: str) -> None:
    assert [*tokenize(text), "é"] == tokenize(text + " é")


@settings(deadline=None)
@given(st.text(st.characters(max_codepoint=0x0DFF, exclude_categories=["Cs"])))
def test_joined_tokens_of_spaced_scripts_are_the_same_tokens(text: str) -> None:
    once = tokenize(text)
    assert tokenize(" ".join(once)) == once


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_equivalent_spellings_are_the_same_tokens(text: str) -> None:
    assert tokenize(unicodedata.normalize("NFD", text)) == tokenize(unicodedata.normalize("NFC", text))


@settings(deadline=None)
@given(st.text(max_size=60), st.text(max_size=60))
def test_a_space_separates(left: str, right: str) -> None:
    assert tokenize(f"{left} \n {right}") == tokenize(left) + tokenize(right)


@settings(deadline=None)
@given(st.text("一二三", min_size=1, max_size=50))
def test_bigrams_of_a_run(text: str) -> None:
    tokens = tokenize(text)
    assert len(tokens) == max(1, len(text) - 1)
    assert "".join(token[0] for token in tokens) + tokens[-1][1:] == text


HOSTILE = {
    "marks in the worst order": "a" + "\u0301\u0316" * 200_000,
    "marks beyond 16 bits": "a" + "\U0001d165\U0001d16d\u0316" * 100_000,
    "one run of ideographs": "日" * 400_000,
    "underscores": "é" + "a_" * 200_000,
    "only underscores": "é" + "_" * 400_000,
    "ligatures that become 18 characters": "\ufdfa" * 20_000,
    "sigmas among apostrophes": ("Σ" + "'" * 99) * 4_000,
    "selectors": "日" + "\ufe0f" * 400_000,
    "jamo": "\u1100\u1161\u11a8" * 100_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_texts_take_linear_time(text: str) -> None:
    """Quadratic sorting of the first one takes over a minute; what is linear takes well under a second."""
    began = time.process_time()
    tokens = tokenize(text)
    assert time.process_time() - began < 20.0
    assert len(tokens) <= 20 * len(text)


def test_a_run_of_thirty_marks_is_left_alone_and_longer_ones_are_cut() -> None:
    assert tokenize("q" + "\u0316" * 30) == ["q" + "\u0316" * 30]
    assert tokenize("q" + "\u0316" * 31) == ["q" + "\u0316" * 30 + "\u034f\u0316"]
