"""Shingles of texts that no chunk has: the same words give the same shingles as in the corpus."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.duplicates.shingles import shingle
from monitor.core.index.lexical.vocabulary import word_hash
from monitor.core.text.tokens import tokenize


def text_shingles(texts: Sequence[str]) -> list[NDArray[np.uint32]]:
    """The sorted distinct shingles of each text; empty for one in which nothing is seen.

    >>> left, right = text_shingles(["Rotate the key now", "rotate THE key, now"])
    >>> bool((left == right).all()), len(left)
    (True, 2)
    """
    ids: dict[str, int] = {}
    tokens = [np.array([ids.setdefault(word, len(ids)) for word in tokenize(text)], np.int32) for text in texts]
    made = shingle(tokens, np.array([word_hash(word) for word in ids], np.uint64), texts)
    return np.split(made.shingles, np.cumsum(made.counts)[:-1]) if texts else []
