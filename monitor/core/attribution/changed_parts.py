"""The documents of a source that changed since a baseline, by how many of their chunks did."""

from collections import Counter, defaultdict
from heapq import nsmallest

from monitor.core.attribution.attribution import ChangedPart, PartsOf
from monitor.core.index.changed_chunks import ChangedChunks
from monitor.core.model.events import Segment
from monitor.core.model.segments import source_in

MOST = 200
"""Documents kept of a source, the most changed first; what the others have is missing in the sum of the shares."""


def changed_parts(changed: ChangedChunks) -> PartsOf:
    """By source, the shares of its documents in its chunks that came, changed or went since a baseline.

    New chunks of a segment that say the same are one culprit, named by the document of the first that came.
    """
    counts = defaultdict[str, Counter[tuple[str, Segment]]](Counter)
    for (doc_id, segment), chunks in changed.documents.items():
        counts[source_in(segment)][doc_id, segment] += chunks
    for (segment, _), text in changed.texts.items():
        counts[source_in(segment)][text.doc_id, segment] += text.chunks

    def parts(source: str) -> tuple[ChangedPart, ...]:
        found = counts.get(source, Counter())
        total = sum(found.values())
        ranked = nsmallest(MOST, found.items(), key=lambda pair: (-pair[1], pair[0]))
        return tuple(ChangedPart(doc_id, segment, count / total) for (doc_id, segment), count in ranked)

    return parts
