"""What is read: files in the order of their names, cut into pieces, and where a row of all stands."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import accumulate
from typing import Any, NamedTuple, Protocol

import msgspec

from monitor.core.records.filled import FilePiece

PIECE = 8_192
"""Rows of a piece at most: of 384 numbers some 12 MB of vectors."""


class PlannedFile(NamedTuple):
    """A file as it is when the plan is made.

    Args:
        name: below what is read, for people; the order of names is that of the rows.
        path: where it is read.
        groups: rows of each of its parts.
        stamp: what tells it from another file of that name.
        schema: its columns, of pyarrow.
    """

    name: str
    path: str
    groups: tuple[int, ...]
    stamp: str
    schema: Any

    @property
    def rows(self) -> int:
        """How many there are."""
        return sum(self.groups)


class CorpusFiles(Protocol):
    """Files of one form at one place."""

    def planned(self) -> list[PlannedFile]:
        """All files, in the order of their names.

        Raises:
            ConfigurationError: there is none, or one is of another form.
            UnreachableError: the place cannot be read.
        """
        ...

    def rows(self, piece: FilePiece, columns: Sequence[str]) -> Any:
        """Some columns of a piece, a record batch of pyarrow.

        Raises:
            UnreachableError: the file cannot be read, or has other rows than planned.
        """
        ...


@dataclass(frozen=True, slots=True)
class FilePlan:
    """All rows of all files, numbered.

    Args:
        files: in order.
        read_as: what decides what the rows mean: fields, stream, partitioner.
    """

    files: Sequence[PlannedFile]
    read_as: Sequence[object]

    @property
    def total(self) -> int:
        """How many rows there are."""
        return sum(file.rows for file in self.files)

    def digest(self) -> str:
        """Of the files and of how they are read: a bootstrap goes on with the same alone."""
        said = [[(file.name, file.groups, file.stamp) for file in self.files], list(self.read_as)]
        return blake2b(msgspec.json.encode(said), digest_size=16).hexdigest()

    def pieces(self, rows: int = 0) -> Iterator[FilePiece]:
        """The pieces behind so many rows, where a piece ended; none reaches over a part of a file."""
        offset = 0
        for file in self.files:
            first = 0
            for group, there in enumerate(file.groups):
                for skip in range(0, there, PIECE):
                    count = min(PIECE, there - skip)
                    if offset >= rows:
                        yield FilePiece(file.name, file.path, group, skip, count, first, offset)
                    first, offset = first + count, offset + count

    def place(self, offset: int) -> tuple[str, int]:
        """The file of a row, and its number in it, from 0."""
        ends = list(accumulate(file.rows for file in self.files))
        at = bisect_right(ends, offset)
        return self.files[at].name, offset - (ends[at] - self.files[at].rows)
