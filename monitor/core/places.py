"""Where events stand that come without a position: behind everything that was read."""

from collections.abc import Mapping

from monitor.core.index.corpus import Corpus
from monitor.core.model.events import CorpusEvent, Delete, Located, Partition, Position, Upsert, chunk_key

ALONE = Partition("changeset", 0)
"""Where events stand that come to a corpus that never read a partition."""


class Places:
    """Counts on from the positions read: an event of a chunk stands in the partition that the chunk came from.

    Args:
        positions: next offset by partition; none: one partition of its own.
    """

    def __init__(self, positions: Mapping[Partition, int] | None = None) -> None:
        self._next = dict(positions or {}) or {ALONE: 0}

    @property
    def positions(self) -> Mapping[Partition, int]:
        """Next offset by partition."""
        return self._next

    def located(self, event: CorpusEvent, corpus: Corpus) -> Located:
        """The event at the next place."""
        row = None
        if isinstance(event, Upsert | Delete):
            row = corpus.row(chunk_key(event.chunk.chunk_id if isinstance(event, Upsert) else event.chunk_id))
        part = row.position.source if row is not None and row.position.source in self._next else min(self._next)
        self._next[part] += 1
        return Located(Position(*part, self._next[part] - 1), event)


def named_positions(positions: Mapping[Partition, int]) -> dict[str, int]:
    """Next offset by `topic/partition`."""
    return {part.name: at for part, at in sorted(positions.items())}
