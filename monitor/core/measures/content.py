"""Measurements of the corpus itself: how many chunks, and how many of them are copies, per segment."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

from monitor.core.index.duplicates.duplicates import Copies
from monitor.core.index.maintained import CopyIndex
from monitor.core.model.report import ALL, OTHER, Measurement


def content(duplicates: CopyIndex, dimensions: Sequence[str], *, cap: int) -> Iterator[Measurement]:
    """Chunks, `duplicate_ratio` and `near_duplicate_ratio` of every dimension and segment, `all` first.

    duplicate_ratio = chunks with an exact copy / chunks; near_duplicate_ratio: with a near copy (shingle Jaccard
    >= 0.8, exact ones included) / chunks; both in [0, 1]. An empty corpus has 0 chunks and NaN ratios with a reason.

    Args:
        duplicates: the live counts.
        dimensions: configured dimensions; segments beyond `cap`, the smallest, are summed as `other`.
        cap: the most segments of a dimension.
    """
    whole = _sum(duplicates.counts(ALL).values())
    yield from _measured(ALL, ALL, whole)
    for dimension in dimensions:
        for segment, copies in _capped(duplicates.counts(dimension), cap):
            yield from _measured(dimension, segment, copies)


def _capped(counts: Mapping[str, Copies], cap: int) -> list[tuple[str, Copies]]:
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1].chunks, pair[0]))
    rest = [copies for _, copies in ranked[cap:]]
    return ranked[:cap] + ([(OTHER, _sum(rest))] if rest else [])


def _sum(counts: Iterable[Copies]) -> Copies:
    found = list(counts)
    return Copies(sum(of.chunks for of in found), sum(of.exact for of in found), sum(of.near for of in found))


@lru_cache(maxsize=1 << 12)
def _measured(dimension: str, segment: str, copies: Copies) -> tuple[Measurement, ...]:
    """The measurements of one segment; most segments are as they were the turn before."""
    n, none = copies.chunks, float("nan")
    reason = "" if n else "no_chunks"
    values = (
        ("chunks", float(n), ""),
        ("duplicate_ratio", copies.exact / n if n else none, reason),
        ("near_duplicate_ratio", copies.near / n if n else none, reason),
    )
    return tuple(
        Measurement(metric, "corpus", 0, dimension, segment, "mean", value, n, n, none, why)
        for metric, value, why in values
    )
