"""How far a bootstrap from files is, as the state keeps it."""

from collections.abc import Mapping
from dataclasses import dataclass

from monitor.core.model.events import Partition


@dataclass(frozen=True, slots=True)
class FilesMark:
    """How far a bootstrap from files is.

    Args:
        plan: digest of the files and of how they are read: it goes on with the same alone.
        rows: how many were read.
        total: how many there are.
        upto: next offset by partition of the stream, up to which files may hold changes that the stream repeats.
    """

    plan: str
    rows: int
    total: int
    upto: Mapping[Partition, int]

    @property
    def finished(self) -> bool:
        """Whether all rows were read: before that the state is a part of a corpus, and nothing may be said of it."""
        return self.rows >= self.total
