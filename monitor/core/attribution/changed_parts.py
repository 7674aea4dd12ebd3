"""The documents of a source that changed since a baseline, by how many of their chunks did."""

from collections import Counter
from collections.abc import Iterable

from monitor.core.attribution.attribution import ChangedPart, PartsOf
from monitor.core.index.baseline import Snapshot
from monitor.core.index.corpus import ChunkRow
from monitor.core.model.events import Segment
from monitor.core.model.segments import SOURCE

MOST = 200
"""Documents kept of a source, the most changed first; what the others have is missing in the sum of the shares."""


def changed_parts(rows: Iterable[ChunkRow], baseline: Snapshot) -> PartsOf:
    """By source, the shares of its documents in its chunks that came, changed or went since a baseline.

    Args:
        rows: all chunks, delete marks included.
        baseline: what stands before its positions is older.
    """
    counts: dict[str, Counter[tuple[str, Segment]]] = {}
    since = baseline.positions
    for row in rows:
        topic, partition, offset = row.origin
        if offset >= since.get(f"{topic}/{partition}", 0):
            source = next((value for name, value in row.segment if name == SOURCE), "")
            counts.setdefault(source, Counter())[row.doc_id, row.segment] += 1

    def parts(source: str) -> tuple[ChangedPart, ...]:
        found = counts.get(source, Counter())
        total = sum(found.values())
        ranked = sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))[:MOST]
        return tuple(ChangedPart(doc_id, segment, count / total) for (doc_id, segment), count in ranked)

    return parts
