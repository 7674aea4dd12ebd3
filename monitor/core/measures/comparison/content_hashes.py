"""Content hashes of the live chunks, read where they stand instead of being copied for every report."""

from collections.abc import Iterator, Mapping
from typing import TypeVar, overload

from monitor.core.index.corpus import Corpus

T = TypeVar("T")


class ContentHashes(Mapping[int, str]):
    """Content hash by chunk key, of live chunks only: what the corpus says at the moment it is asked.

    Args:
        corpus: the chunk table.
    """

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus

    def __getitem__(self, key: int) -> str:
        row = self._corpus.row(key)
        if row is None or not row.live:
            raise KeyError(key)
        return row.content_hash

    def __contains__(self, key: object) -> bool:
        row = self._corpus.row(key) if isinstance(key, int) else None
        return row is not None and row.live

    @overload
    def get(self, key: int, default: None = None, /) -> str | None: ...
    @overload
    def get(self, key: int, default: str | T, /) -> str | T: ...
    def get(self, key: int, default: str | T | None = None, /) -> str | T | None:
        """The content hash of a live chunk, else `default`; tens of thousands are asked for at once."""
        row = self._corpus.row(key)
        return default if row is None or not row.live else row.content_hash

    def __iter__(self) -> Iterator[int]:
        return (row.key for row in self._corpus.rows() if row.live)

    def __len__(self) -> int:
        return len(self._corpus)
