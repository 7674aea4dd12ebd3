"""What a bootstrap from files reads: pieces of files, and their rows as events."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from monitor.core.model.changes import Change
from monitor.core.model.events import Located
from monitor.core.model.plausibility import Doubt
from monitor.core.records.committed import Quarantined
from monitor.core.shards.filling import FilledSums


class FilePiece(NamedTuple):
    """Some rows of one file that follow each other.

    Args:
        file: its name below what is read, for people.
        path: where it is read.
        group: the part of the file (a row group) that holds them.
        skip: rows of that part before them.
        rows: how many there are.
        first: number of the first in the file, from 0.
        offset: number of the first among the rows of all files.
    """

    file: str
    path: str
    group: int
    skip: int
    rows: int
    first: int
    offset: int


@dataclass(frozen=True, slots=True, eq=False)
class ReadRows:
    """What the rows of a piece say.

    Args:
        events: in order, vectors prepared; a position's offset is the row's number among all.
        aside: rows that cannot be believed, in order.
        doubts: what is odd and taken all the same.
    """

    events: list[Located]
    aside: list[Quarantined]
    doubts: Counter[Doubt]

    @classmethod
    def joined(cls, parts: Iterable["ReadRows"]) -> "ReadRows":
        """Of several pieces, in order."""
        made = cls([], [], Counter())
        for of in parts:
            made.events.extend(of.events)
            made.aside.extend(of.aside)
            made.doubts.update(of.doubts)
        return made


@dataclass(frozen=True, slots=True, eq=False)
class FilledRows:
    """What some pieces came to.

    Args:
        sums: of all shards.
        aside: rows that cannot be believed.
        doubts: what is odd and taken all the same.
        changes: for the store of a corpus that is whole; shards keep their own.
    """

    sums: FilledSums
    aside: list[Quarantined]
    doubts: Counter[Doubt]
    changes: tuple[Change, ...] = ()
