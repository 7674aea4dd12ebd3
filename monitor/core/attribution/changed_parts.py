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

    New chunks of a segment that say the same are one culprit, named by the document of the first that came.

    Args:
        rows: all chunks, delete marks included.
        baseline: what stands before its positions is older.
    """
    changed: dict[str, list[ChunkRow]] = {}
    first: dict[tuple[Segment, str], ChunkRow] = {}
    since = baseline.positions
    for row in rows:
        topic, partition, offset = row.origin
        if offset >= since.get(f"{topic}/{partition}", 0):
            source = next((value for name, value in row.segment if name == SOURCE), "")
            changed.setdefault(source, []).append(row)
            if _copies(row):
                known = first.setdefault((row.segment, row.content_hash), row)
                first[row.segment, row.content_hash] = min(known, row, key=lambda of: (of.origin, of.chunk_id))
    counts = {
        source: Counter(
            (of.doc_id, of.segment)
            for row in found
            for of in [first[row.segment, row.content_hash] if _copies(row) else row]
        )
        for source, found in changed.items()
    }

    def parts(source: str) -> tuple[ChangedPart, ...]:
        found = counts.get(source, Counter())
        total = sum(found.values())
        ranked = sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))[:MOST]
        return tuple(ChangedPart(doc_id, segment, count / total) for (doc_id, segment), count in ranked)

    return parts


def _copies(row: ChunkRow) -> bool:
    """Whether a chunk is new, so that others may be copies of it, or it of them."""
    return row.live and row.how == "new" and bool(row.content_hash)
