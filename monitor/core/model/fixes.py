"""The fix list: what a pipeline has to do, chunk by chunk, to the served index or to a migration's target."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from itertools import islice
from typing import Any, Literal

NAMED = 1_000
"""Fixes that a list names; further ones are only counted. Of a migration it is as many of each fault."""
FixAction = Literal["delete", "write", "embed", "review"]
"""Delete the point; write the chunk as the events have it; encode it again; have somebody look."""


class FixReason(StrEnum):
    """The fault that a fix mends."""

    DELETED = "deleted"
    """The index serves a chunk that the events deleted."""
    OTHER_CONTENT = "other_content"
    """The index states another content than the events do."""
    OTHER_ENCODER = "other_encoder"
    """It is embedded by another version than the anchors."""
    NO_EVENT = "no_event"
    """The index serves a chunk that no event tells of, or whose delete mark is forgotten."""
    NO_CHUNK_ID = "no_chunk_id"
    """A point that bears no chunk id holds places of the lists; `chunk_id` is the point's own id."""
    MISSING = "missing"
    """Of a migration: the target lacks it."""
    STALE = "stale"
    """Of a migration: the target has it with other content."""
    RESURRECTED = "resurrected"
    """Of a migration: the target has what the events deleted."""
    FOREIGN = "foreign"
    """Of a migration: the target has what no event made."""


ACTIONS: dict[FixReason, FixAction] = {
    FixReason.DELETED: "delete",
    FixReason.OTHER_CONTENT: "write",
    FixReason.OTHER_ENCODER: "embed",
    FixReason.NO_EVENT: "review",
    FixReason.NO_CHUNK_ID: "review",
    FixReason.MISSING: "write",
    FixReason.STALE: "embed",
    FixReason.RESURRECTED: "delete",
    FixReason.FOREIGN: "delete",
}
"""What mends each fault. What no event tells of may be right, and the stream wrong: somebody has to look."""


@dataclass(frozen=True, slots=True)
class Fix:
    """One chunk, and what to do with its point.

    Args:
        action: what to do.
        chunk_id: the chunk.
        doc_id: its document, "" where nobody knows.
        source: its source, "" likewise.
        reason: the fault that it mends.
        since: event time (microseconds) of the event that the index does not agree with, None where none is known.
    """

    action: FixAction
    chunk_id: str
    doc_id: str
    source: str
    reason: FixReason
    since: int | None

    @classmethod
    def of(
        cls, reason: FixReason, chunk_id: str, doc_id: str = "", source: str = "", since: int | None = None
    ) -> "Fix":
        """The fix of a fault.

        >>> Fix.of(FixReason.DELETED, "guide.md#3").action
        'delete'
        """
        return cls(ACTIONS[reason], chunk_id, doc_id, source, reason, since)


@dataclass(frozen=True, slots=True)
class FixList:
    """Fixes in order, at most NAMED, and how many faults are counted but not named."""

    fixes: tuple[Fix, ...] = ()
    unnamed: int = 0

    @classmethod
    def cut(cls, fixes: Iterable[Fix]) -> "FixList":
        """The first fixes; the others are counted.

        >>> many = (Fix.of(FixReason.DELETED, str(at)) for at in range(1_003))
        >>> made = FixList.cut(many)
        >>> len(made.fixes), made.unnamed
        (1000, 3)
        """
        each = iter(fixes)
        named = tuple(islice(each, NAMED))
        return cls(named, sum(1 for _ in each))

    def document(self) -> dict[str, Any]:
        """As a document: the fixes, and how many are not named."""
        return {"fixes": [asdict(fix) for fix in self.fixes], "unnamed": self.unnamed}


NOTHING = FixList()
"""Of an index that serves what the events say."""
