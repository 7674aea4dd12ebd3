"""Content hashes of the live chunks, read where they stand instead of being copied for every report."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar, overload

import numpy as np

from monitor.core.index.corpus import NO_SLOT, Corpus

T = TypeVar("T")


class ContentHashes(Mapping[int, str]):
    """Content hash by chunk key, of live chunks only: what the corpus says at the moment it is asked.

    Args:
        corpus: the chunk table.
    """

    def __init__(self, corpus: Corpus) -> None:
        self._corpus, self._row = corpus, corpus.row

    def __getitem__(self, key: int) -> str:
        said = self.get(key)
        if said is None:
            raise KeyError(key)
        return said

    def __contains__(self, key: object) -> bool:
        return isinstance(key, int) and self.get(key) is not None

    @overload
    def get(self, key: int, default: None = None, /) -> str | None: ...
    @overload
    def get(self, key: int, default: str | T, /) -> str | T: ...
    def get(self, key: int, default: str | T | None = None, /) -> str | T | None:
        """The content hash of a live chunk, else `default`; tens of thousands are asked for at once."""
        row = self._row(key)
        return default if row is None or row.slot == NO_SLOT else row.content_hash

    def of(self, keys: Sequence[int]) -> list[str | None]:
        """The content hash of each live chunk, None for others; all are read at once."""
        now = self._corpus.columns(np.array(keys, np.int64))
        return [said if live else None for live, said in zip(now.live.tolist(), now.content_hashes(), strict=True)]

    def __iter__(self) -> Iterator[int]:
        return (row.key for row in self._corpus.rows() if row.live)

    def __len__(self) -> int:
        return len(self._corpus)


def hashes_of(keys: Sequence[int], hashes: Mapping[int, str]) -> list[str | None]:
    """The content hash of each chunk, None where none is known; at once where they are read from the corpus."""
    return hashes.of(keys) if isinstance(hashes, ContentHashes) else [hashes.get(key) for key in keys]
