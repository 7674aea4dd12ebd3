"""A few words of each text, chosen by their hashes alone: they tell whether a text is in the words of a corpus."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.ragged import Pieces
from monitor.core.index.statistics.kernels_word_samples import least_words

WIDTH = 4
"""Words of a text: the odds that three of four are unknown by chance fall with the fourth power, a byte costs n."""
NO_WORD = 0


def sampled_words(tokens: Sequence[NDArray[np.int32]], hashes: NDArray[np.uint64]) -> NDArray[np.uint32]:
    """The least hashes of each text's distinct words among a fixed quarter of all words: those that end in two zero
    bits.

    A word of the sample of one text is in that of another that has it, unless `WIDTH` lesser ones are there.

    Args:
        tokens: n arrays of token ids.
        hashes: (v,) uint64 by token id, the same for a word in every run.

    Returns:
        (n, WIDTH) uint32, ascending, NO_WORD behind the last.

    Source: Broder, "On the resemblance and containment of documents", SEQUENCES 1997.
    """
    made, pieces = np.full((len(tokens), WIDTH), NO_WORD, np.uint32), Pieces.of(tokens)
    least_words(pieces.flat, pieces.lengths, hashes, made)
    return made
