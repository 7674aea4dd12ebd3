"""The ids of ASCII words by their bytes: most words of most texts, without a string or a dictionary for each."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.lexical.kernels_words import LONGEST, NONE, Words, WordTable, place, scan

_END = "\0" * 24
_ROOM = 1 << 12
_NOTHING = np.zeros(0, np.uint64)


class ByteWords:
    """What a vocabulary's dictionary knows of ASCII words, once more in arrays; it may know less, never otherwise.

    A word of up to 16 bytes is two numbers, compared whole, so what is found is right whatever the hashes are. An
    id whose word is forgotten leaves its places in the table behind: they match nothing, and are gone when the table
    is made anew, as often as it is half full.

    Args:
        low, high: `packed` of the words that are known already.
    """

    def __init__(self, low: NDArray[np.uint64] = _NOTHING, high: NDArray[np.uint64] = _NOTHING) -> None:
        self._table = WordTable(np.full(_ROOM, NONE, np.int32), low, high)
        self._filled = 0
        self._fresh: list[int] = np.flatnonzero(low).tolist()

    @property
    def packed(self) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """The first eight bytes of each word, and the next eight, by id; 0 for a word that is not held."""
        return self._table.low, self._table.high

    def learn(self, token_id: int, token: str) -> None:
        """This id stands for this token from here on."""
        if token_id >= len(self._table.low):
            room = np.zeros(max(_ROOM, len(self._table.low)), np.uint64)
            low, high = (np.concatenate((of, room)) for of in (self._table.low, self._table.high))
            self._table = self._table._replace(low=low, high=high)
        packed = token.encode("ascii").ljust(LONGEST, b"\0") if token.isascii() and len(token) <= LONGEST else b""
        self._table.low[token_id] = int.from_bytes(packed[:8], "little")
        self._table.high[token_id] = int.from_bytes(packed[8:], "little")
        self._fresh.append(token_id)

    def forget(self, ids: Sequence[int]) -> None:
        """These ids stand for nothing."""
        self._table.low[ids] = self._table.high[ids] = 0

    def look_up(self, texts: Sequence[str]) -> tuple[NDArray[np.int32], NDArray[np.int64], dict[int, str]]:
        """Cut ASCII texts into words as `tokenize` does, and find their ids.

        Args:
            texts: n texts.

        Returns:
            The ids of all words, int32, negative where they are not known here; words of each text, (n,) int64; and
            the unknown words by place.
        """
        self._settle()
        joined = bytearray("\0".join([*texts, _END]), "ascii")
        letters = np.frombuffer(joined, np.uint8, len(joined) & -8)
        most = len(joined) // 2 + 1
        made = Words(np.empty(most, np.int32), np.empty(2 * most + 8, np.int64), np.empty(len(texts), np.int64))
        ends = np.cumsum([len(text) + 1 for text in texts], dtype=np.int64)
        count = scan(letters, ends, self._table, made)
        ids = made.ids[:count].copy()
        missing = np.flatnonzero(ids == NONE)
        unknown = zip(missing.tolist(), made.edges[: 2 * count].reshape(-1, 2)[missing].tolist(), strict=True)
        return ids, made.counts, {at: joined[start:end].decode("ascii") for at, (start, end) in unknown}

    def _settle(self) -> None:
        """Put the words learnt since the last time into the table."""
        if not self._fresh:
            return
        self._filled += len(self._fresh)
        fresh = np.array(self._fresh, np.int32)
        self._fresh.clear()
        if 2 * self._filled > len(self._table.places):
            fresh = np.flatnonzero(self._table.low).astype(np.int32)
            size = max(_ROOM, 1 << (4 * len(fresh)).bit_length())
            self._table, self._filled = self._table._replace(places=np.full(size, NONE, np.int32)), len(fresh)
        place(self._table, fresh)
