"""What has to be done to the target, chunk by chunk, for a pipeline: write, embed again or delete."""

from collections.abc import Iterator

from monitor.core.migration.model import Coverage
from monitor.core.model.fixes import Fix, FixList, FixReason

FAULTS = (FixReason.MISSING, FixReason.STALE, FixReason.RESURRECTED, FixReason.FOREIGN)
"""In the order in which they are mended: a missing chunk is encoded and written, a stale one encoded again; what is
not in the corpus goes."""


def fix_list(coverage: Coverage) -> FixList:
    """The fixes of all faults whose chunks are named, kind by kind, ids in order; the others are counted."""
    fixes = tuple(_fixes(coverage))
    counts = (getattr(coverage, fault) or 0 for fault in FAULTS)
    return FixList(fixes, sum(counts) - len(fixes))


def _fixes(coverage: Coverage) -> Iterator[Fix]:
    for fault in FAULTS:
        for chunk_id in getattr(coverage, f"{fault}_ids"):
            yield Fix.of(fault, chunk_id, *coverage.about.get(chunk_id, ("", "", None)))
