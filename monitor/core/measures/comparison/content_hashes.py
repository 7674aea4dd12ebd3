"""Content hashes of the live chunks, read where they stand instead of being copied for every report."""

from collections.abc import Iterator, Mapping
from typing import TypeVar, overload

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

    def __iter__(self) -> Iterator[int]:
        return (row.key for row in self._corpus.rows() if row.live)

    def __len__(self) -> int:
        return len(self._corpus)
