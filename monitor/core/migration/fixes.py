"""What has to be done to the target, chunk by chunk, for a pipeline: write, embed again or delete."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from monitor.core.migration.model import Coverage

Action = Literal["write", "embed", "delete"]
ACTIONS: tuple[tuple[str, Action], ...] = (
    ("missing", "write"),
    ("stale", "embed"),
    ("resurrected", "delete"),
    ("foreign", "delete"),
)
"""A missing chunk is encoded and written, a stale one encoded again; what is not in the corpus goes."""


@dataclass(frozen=True, slots=True)
class TargetFix:
    """One chunk, what to do with its point in the target, and the fault that it mends."""

    chunk_id: str
    action: Action
    fault: str


def fix_list(coverage: Coverage) -> Iterator[TargetFix]:
    """The fixes of all faults whose chunks are named, kind by kind, ids in order."""
    for fault, action in ACTIONS:
        for chunk_id in getattr(coverage, f"{fault}_ids"):
            yield TargetFix(chunk_id, action, fault)


def unnamed(coverage: Coverage) -> int:
    """Faults that are counted but whose chunks are not named: a view names so many of each kind only."""
    counts = (getattr(coverage, fault) or 0 for fault, _ in ACTIONS)
    return sum(counts) - sum(1 for _ in fix_list(coverage))
