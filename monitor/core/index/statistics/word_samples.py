"""A few words of each text, chosen by their hashes alone: they tell whether a text is in the words of a corpus."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

WIDTH = 4
"""Words of a text: the odds that three of four are unknown by chance fall with the fourth power, a byte costs n."""
NO_WORD = 0
_KEPT = np.uint64(3)
"""Of the hashes those that end in two zero bits: a quarter of all words, the same in every text."""
_HALF = np.uint64(32)


def sampled_words(tokens: Sequence[NDArray[np.int32]], hashes: NDArray[np.uint64]) -> NDArray[np.uint32]:
    """The least hashes of each text's distinct words among a fixed quarter of all words.

    A word of the sample of one text is in that of another that has it, unless `WIDTH` lesser ones are there.

    Args:
        tokens: n arrays of token ids.
        hashes: (v,) uint64 by token id, the same for a word in every run.

    Returns:
        (n, WIDTH) uint32, ascending, NO_WORD behind the last.

    Source: Broder, "On the resemblance and containment of documents", SEQUENCES 1997.
    """
    made = np.full((len(tokens), WIDTH), NO_WORD, np.uint32)
    rows = np.repeat(np.arange(len(tokens), dtype=np.uint64), [len(ids) for ids in tokens])
    words = hashes[np.concatenate([np.zeros(0, np.int32), *tokens])]
    chosen = words & _KEPT == 0
    keys = np.unique((rows[chosen] << _HALF) | (words[chosen] >> _HALF))
    row = (keys >> _HALF).astype(np.int64)
    rank = np.arange(len(keys)) - np.searchsorted(row, row)
    first = rank < WIDTH
    made[row[first], rank[first]] = keys[first].astype(np.uint32)
    return made
