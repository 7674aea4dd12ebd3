"""Coverage, pace and odd vectors of a target, each one pass over arrays by slot: 1 ms per 100,000 chunks."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.core.measures.comparison.facts import source_of
from monitor.core.migration.model import Coverage, Pace, SegmentCoverage, VectorFaults
from monitor.core.migration.target import COVERED, DEAD, MISSING, SAME_VECTOR, STALE, TargetVersion
from monitor.core.migration.target_points import NOT_UNIT, ZERO
from monitor.core.model.events import chunk_key
from monitor.core.model.fixes import NAMED
from monitor.core.model.report import ALL
from monitor.core.model.segments import value_of

SECOND = 1_000_000
"""Microseconds."""
WINDOW = 1_000
"""The newest writes that pace is taken from."""
_SETTLING = 3
_EXAMPLES = 10


def coverage(
    target: TargetVersion,
    *,
    settle: float,
    dimensions: Sequence[str] = (),
    target_points: int | None = None,
    source_points: int | None = None,
    unscanned: bool = False,
) -> Coverage:
    """How the target stands to the live chunks now.

    Args:
        target: after the last batch.
        settle: seconds of event time for which a difference is no fault yet.
        dimensions: by whose segments it is told apart.
        target_points: points by the target index's own count.
        source_points: points by the count of the index in production.
        unscanned: see `Coverage`.
    """
    horizon = target.corpus.newest_event_time - int(settle * SECOND)
    codes = target.codes.copy()
    since = np.where(codes == STALE, np.maximum(target.changed, target.written), target.changed)
    codes[((codes == MISSING) | (codes == STALE)) & (since > horizon)] = _SETTLING
    counts = np.bincount(codes[codes != DEAD], minlength=_SETTLING + 1)
    alone = [row for row in target.beyond.values() if row.point.event_time <= horizon]
    resurrected, foreign = (sorted(row.chunk_id for row in alone if row.known is known) for known in (True, False))
    ids = {
        "missing_ids": _ids(target, codes == MISSING),
        "stale_ids": _ids(target, codes == STALE),
        "resurrected_ids": tuple(resurrected[:NAMED]),
        "foreign_ids": tuple(foreign[:NAMED]),
    }
    return Coverage(
        live=int(counts.sum()),
        covered=int(counts[COVERED]),
        missing=int(counts[MISSING]),
        stale=int(counts[STALE]),
        resurrected=len(resurrected),
        foreign=len(foreign),
        settling=int(counts[_SETTLING]),
        unsettled_points=len(target.beyond) - len(alone),
        target_points=target_points,
        source_points=source_points,
        settle_seconds=settle,
        unscanned=unscanned,
        by_segment=tuple(_segments(target, codes, dimensions)),
        **ids,
        about=_about(target, [name for named in ids.values() for name in named]),
    )


def _about(target: TargetVersion, names: Sequence[str]) -> dict[str, tuple[str, str, int]]:
    """Document, source and event time of chunks that the events know."""
    rows = ((name, target.corpus.row(chunk_key(name))) for name in names)
    return {name: (row.doc_id, source_of(row), row.event_time) for name, row in rows if row is not None}


def pace(target: TargetVersion, *, begun: int | None, uncovered: int) -> Pace:
    """How fast the target fills, by its newest writes.

    Args:
        target: after the last batch.
        begun: event time at which the migration began, None before it did: chunks that are older are backfilled.
        uncovered: live chunks still to be covered.
    """
    if begun is None:
        return Pace(eta_seconds=float("nan") if uncovered else 0.0)
    covered = np.flatnonzero(target.codes == COVERED)
    changed, written = target.changed[covered], target.written[covered]
    lags = _newest(written, (changed > begun) & (written >= changed), written - changed) / SECOND
    now = target.corpus.newest_event_time
    old, new = ((changed <= begun) & (written > begun)), changed > begun
    backfill, live = (_rate(_newest(written, which, written), now) for which in (old, new))
    eta = uncovered / backfill if uncovered and backfill > 0 else float("nan") if uncovered else 0.0
    p50, p95 = np.quantile(lags, (0.5, 0.95)).tolist() if len(lags) else (float("nan"), float("nan"))
    return Pace(p50, p95, backfill, live, eta)


def vector_faults(target: TargetVersion) -> VectorFaults:
    """What is odd about the vectors of live chunks that the target holds, as they came."""
    held = np.flatnonzero(target.codes >= STALE)
    marks = target.marks[held]
    unequal = _unequal(target, held)
    odd = np.concatenate((held[(marks & (NOT_UNIT | ZERO)) > 0], unequal))
    names = sorted({target.names[slot] for slot in odd.tolist()})
    unit = int(((marks & NOT_UNIT) > 0).sum()) if target.contract.normalisation == "l2" else None
    zero = int(((marks & ZERO) > 0).sum())
    return VectorFaults(len(held), unit, zero, len(unequal), tuple(names[:_EXAMPLES]))


def _segments(target: TargetVersion, codes: NDArray[np.int8], dimensions: Sequence[str]) -> Iterable[SegmentCoverage]:
    live = np.flatnonzero(codes != DEAD)
    segments = target.segments.segments
    width = _SETTLING + 1
    cells = target.segments.slots[live] * width + codes[live]
    counted = np.bincount(cells, minlength=len(segments) * width).reshape(-1, width)
    yield _segment(ALL, ALL, counted.sum(axis=0))
    for dimension in dimensions:
        found: defaultdict[str, NDArray[np.int64]] = defaultdict(lambda: np.zeros(width, np.int64))
        for segment, counts in zip(segments, counted, strict=False):
            if counts.any():
                found[value_of(dimension, segment)] += counts
        yield from (_segment(dimension, name, counts) for name, counts in sorted(found.items()))


def _segment(dimension: str, segment: str, counts: NDArray[np.int64]) -> SegmentCoverage:
    missing, stale, covered, settling = counts.tolist()
    return SegmentCoverage(dimension, segment, int(counts.sum()), covered, missing, stale, settling)


def _ids(target: TargetVersion, which: NDArray[np.bool_]) -> tuple[str, ...]:
    """The first ids; of many, those of the first slots, so that a million of them are not sorted by name."""
    slots = np.flatnonzero(which)[:NAMED]
    return tuple(sorted(target.names[slot] for slot in slots.tolist()))


def _newest(written: NDArray[np.int64], which: NDArray[np.bool_], values: NDArray[np.int64]) -> NDArray[np.int64]:
    """The values of the newest writes among some."""
    at = np.flatnonzero(which)
    if len(at) > WINDOW:
        at = at[np.argpartition(written[at], len(at) - WINDOW)[len(at) - WINDOW :]]
    return values[at]


def _rate(times: NDArray[np.int64], now: int) -> float:
    """Writes per second from the first of these to now: a rate falls while nothing comes."""
    if len(times) < 2:
        return 0.0 if len(times) == 0 else float("nan")
    return len(times) * SECOND / max(now - int(times.min()), 1)


def _unequal(target: TargetVersion, held: NDArray[np.int64]) -> NDArray[np.int64]:
    """Slots whose content equals that of the slot before them, by content hash, while the vectors do not."""
    digests = target.digests(held)
    order = np.argsort(digests, kind="stable")
    slots, sorted_digests = held[order], digests[order]
    twins = np.flatnonzero(sorted_digests[1:] == sorted_digests[:-1])
    left, right = target.vectors[slots[twins]], target.vectors[slots[twins + 1]]
    wide, other = left.astype(np.float64), right.astype(np.float64)
    lengths = np.linalg.norm(wide, axis=1) * np.linalg.norm(other, axis=1)
    cosine = (wide * other).sum(axis=1) / np.where(lengths > 0.0, lengths, 1.0)
    unequal: NDArray[np.int64] = slots[twins + 1][cosine < SAME_VECTOR]
    return unequal
