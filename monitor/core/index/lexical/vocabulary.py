"""Tokens as small integers: one tokenisation feeds BM25, document frequencies and shingles."""

from collections.abc import Sequence
from hashlib import blake2b
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.distinct import distinct
from monitor.core.arrays.image import Image
from monitor.core.arrays.ragged import Pieces
from monitor.core.index.lexical.kernels import recount, tally
from monitor.core.index.lexical.words import ByteWords
from monitor.core.text.tokens import tokenize

UNKNOWN = -1
"""The id of a token that nobody holds."""

_ROOM = 1024
_COUNTED = 4096
"""Length of the histogram of document frequencies; its last place stands for all greater ones."""


def word_hash(token: str) -> int:
    """64 bits of BLAKE2b over a word, the same in every run."""
    return int.from_bytes(blake2b(token.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


class _Intern(dict[str, int]):
    """A dictionary that gives a token it does not know the next id (one look-up per token, no branch)."""

    def __init__(self, owner: "Vocabulary") -> None:
        super().__init__()
        self._owner = owner

    def __missing__(self, token: str) -> int:
        return self._owner._admit(token)


class Vocabulary:
    """token -> int32 id with counts of live documents, bounded: ids that nobody holds are used again.

    An id is held by the live documents that contain its token (`retain`, `release`) and by pins (anchors).
    What `encode` hands out is loose until it is retained: `recycle`, called once a batch has been applied, puts
    ids that nobody holds back. Their `hashes` stay readable until the next `encode`. Ids depend on history, so
    nothing that must be reproducible may depend on their order; `hashes` depend on the token alone.

    Not thread-safe: one writer.
    """

    def __init__(self) -> None:
        self.hashes: NDArray[np.uint64] = np.zeros(_ROOM, np.uint64)
        """(capacity,) by id: BLAKE2b-8 of the token's UTF-8, equal in every run; stale where the id is free."""
        self.document_frequency: NDArray[np.int32] = np.zeros(_ROOM, np.int32)
        """(capacity,) by id: live documents that contain the token, as retained."""
        self._histogram: NDArray[np.int64] = np.zeros(_COUNTED, np.int64)
        self._pins: NDArray[np.int32] = np.zeros(_ROOM, np.int32)
        self._words = ByteWords()
        self._ids = _Intern(self)
        self._tokens: list[str] = []
        self._free: list[int] = []
        self._loose: list[NDArray[np.int32]] = []
        self._fresh: list[int] = []
        self._counted: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None
        """What `frequencies` said last, if that still holds."""

    def __len__(self) -> int:
        """Tokens that have an id now, loose ones included."""
        return len(self._ids)

    @property
    def capacity(self) -> int:
        """One more than the largest id there can be now: the length of the arrays by id."""
        return len(self.hashes)

    def token(self, token_id: int) -> str:
        """The token of an id; "" for one that is free."""
        return self._tokens[token_id]

    def encode(self, texts: Sequence[str]) -> Pieces:
        """Tokenise texts and intern their tokens.

        Args:
            texts: n texts.

        Returns:
            n int32 arrays of token ids in text order, repeats included (empty for a text without tokens); read
            them before the next `recycle`, unless they are retained.
        """
        plain = [text for text in texts if text.isascii()]
        ids, counts, unknown = self._words.look_up(plain)
        for at, word in unknown.items():
            ids[at] = self._ids[word]
        made = Pieces(ids, counts)
        if len(plain) == len(texts):
            return made
        easy, others = iter(made), iter(self._encode([text for text in texts if not text.isascii()]))
        return Pieces.of([next(easy if text.isascii() else others) for text in texts])

    def _encode(self, texts: Sequence[str]) -> list[NDArray[np.int32]]:
        """`encode` by strings: for texts of any script."""
        tokens = [tokenize(text) for text in texts]
        return _parts(self._intern(tokens), [len(one) for one in tokens])

    def lookup(self, tokens: Sequence[str]) -> NDArray[np.int32]:
        """The ids of tokens, UNKNOWN where there is none; interns nothing. (n,) int32."""
        known = self._ids
        return np.array([known.get(token, UNKNOWN) for token in tokens], np.int32)

    def pin(self, queries: Sequence[Sequence[str]]) -> list[NDArray[np.int32]]:
        """Intern the tokens of queries and hold them until `unpin` is called with what this returns."""
        flat = self._intern(queries)
        np.add.at(self._pins, flat, 1)
        return _parts(flat, [len(one) for one in queries])

    def unpin(self, queries: Sequence[NDArray[np.int32]]) -> None:
        """Let go of ids held by `pin`."""
        for ids in queries:
            np.subtract.at(self._pins, ids, 1)
            self._loose.append(ids)

    def retain(self, ids: NDArray[np.int32]) -> None:
        """Count one more live document for each id; a document brings each of its distinct ids once."""
        self._counted = None
        recount(self.document_frequency, self._histogram, ids, 1)

    def release(self, ids: NDArray[np.int32]) -> None:
        """Count one live document less for each id.

        Raises:
            ValueError: a count would fall below zero, so something was released twice.
        """
        self._counted = None
        if recount(self.document_frequency, self._histogram, ids, -1) < len(ids):
            message = "vocabulary: a token was released more often than retained"
            raise ValueError(message)
        self._loose.append(ids[self.document_frequency[ids] == 0])

    def frequencies(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The distinct document frequencies of tokens in live documents, ascending, and how many tokens have each.

        The histogram behind it makes the average idf a sum over a few thousand terms, whatever the vocabulary.
        """
        if self._counted is None:
            self._counted = tally(self.document_frequency, self._histogram)
        return self._counted

    def recycle(self) -> int:
        """Put ids that nobody holds back for use; returns how many. Call it once a batch has been applied."""
        candidates = distinct([np.array(self._fresh, np.int64), *self._loose])
        self._fresh.clear()
        self._loose.clear()
        unheld = (self.document_frequency[candidates] == 0) & (self._pins[candidates] == 0)
        idle = candidates[unheld].tolist()
        for token_id in idle:
            if self._ids.pop(self._tokens[token_id], None) is not None:
                self._tokens[token_id] = ""
                self._free.append(token_id)
        self._words.forget(idle)
        return len(idle)

    def image(self) -> Image:
        """See `image`; pins are not part of it."""
        held = len(self._tokens)
        low, high = (of[:held] for of in self._words.packed)
        arrays = {"hashes": self.hashes[:held], "frequency": self.document_frequency[:held], "low": low, "high": high}
        return {"tokens": self._tokens, **arrays}

    def resume(self, image: Image) -> None:
        """Take up what was there in the place of all that is here; whoever holds pins pins anew."""
        tokens: list[str] = image["tokens"]
        held, room = len(tokens), max(_ROOM, len(tokens) * 5 // 4)
        self.hashes, self.document_frequency = np.zeros(room, np.uint64), np.zeros(room, np.int32)
        self._pins = np.zeros(room, np.int32)
        self.hashes[:held], self.document_frequency[:held] = image["hashes"], image["frequency"]
        top = len(self._histogram) - 1
        self._histogram = np.bincount(np.minimum(self.document_frequency, top), minlength=top + 1)
        self._counted = None
        self._tokens = tokens
        self._free = [at for at, token in enumerate(tokens) if not token]
        self._ids = _Intern(self)
        self._ids.update((token, at) for at, token in enumerate(tokens) if token)
        self._words = ByteWords(image["low"], image["high"])
        self._loose, self._fresh = [], []

    def _intern(self, documents: Sequence[Sequence[str]]) -> NDArray[np.int32]:
        total = sum(len(one) for one in documents)
        return np.fromiter(map(self._ids.__getitem__, chain.from_iterable(documents)), np.int32, total)

    def _admit(self, token: str) -> int:
        if self._free:
            token_id = self._free.pop()
            self._tokens[token_id] = token
        else:
            token_id = len(self._tokens)
            self._tokens.append(token)
            if token_id == self.capacity:
                self._grow()
        self.hashes[token_id] = word_hash(token)
        self._ids[token] = token_id
        self._words.learn(token_id, token)
        self._fresh.append(token_id)
        return token_id

    def _grow(self) -> None:
        room = self.capacity
        self.hashes = np.concatenate((self.hashes, np.zeros(room, np.uint64)))
        self.document_frequency = np.concatenate((self.document_frequency, np.zeros(room, np.int32)))
        self._pins = np.concatenate((self._pins, np.zeros(room, np.int32)))


def _parts(flat: NDArray[np.int32], counts: Sequence[int] | NDArray[np.int64]) -> list[NDArray[np.int32]]:
    """The array cut into pieces of these lengths."""
    ends = np.cumsum(counts, dtype=np.int64).tolist()
    return [flat[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True)] if ends else []
