"""The words of each language of a corpus, and which texts are in words that nobody says there."""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.statistics.content_sets import within
from monitor.core.index.statistics.contents import Contents
from monitor.core.index.statistics.integrity import Mask
from monitor.core.index.statistics.population import Population
from monitor.core.index.statistics.word_samples import NO_WORD
from monitor.core.model.events import chunk_key

_LANGUAGE = 100
"""Chunks from which on a language's words are known."""
_SEVERAL = 3
"""Sampled words below which a text's language cannot be told."""
_MOST = 0.75
"""Share of its sampled words that are not known from which on a text is strange."""


class LanguageWords(NamedTuple):
    """The words of each language of a corpus.

    Args:
        languages: codes of those with chunks enough to know their words.
        words: with their language, as `in_language` says them.
        alone: by chunk, whether its words stand in no other one, so that others would not know them either.
    """

    languages: NDArray[np.uint64]
    words: NDArray[np.uint64]
    alone: Mask


@lru_cache(maxsize=4)
def vocabulary(of: Population, dimension: int) -> LanguageWords:
    """Of a baseline, which is compared with many times, by the values of one dimension."""
    contents = cast("Contents", of.contents)
    codes = value_codes(of.values, dimension)[of.cells] if len(of.cells) else np.zeros(0, np.uint64)
    said = in_language(contents.words, codes)
    words, counts = np.unique(said, return_counts=True)
    languages, chunks = np.unique(codes, return_counts=True)
    alone = strange(contents.words, within(said, words[counts > 1]))
    return LanguageWords(languages[chunks >= _LANGUAGE], words, alone)


def value_codes(values: Sequence[tuple[str, ...]], dimension: int) -> NDArray[np.uint64]:
    """A 32-bit hash of the value of each cell in one dimension."""
    return np.array([chunk_key(of[dimension]) & 0xFFFF_FFFF for of in values], np.uint64)


def in_language(words: NDArray[np.uint32], languages: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Words, each with the language it is said in."""
    made: NDArray[np.uint64] = (languages << np.uint64(32))[:, None] | words
    return made


def strange(words: NDArray[np.uint32], known: Mask) -> Mask:
    """Which texts have at least three sampled words, and three of four of them are not known."""
    there = words != NO_WORD
    count, unknown = there.sum(axis=1), (there & ~known).sum(axis=1)
    found: Mask = (count >= _SEVERAL) & (unknown >= _MOST * count)
    return found
