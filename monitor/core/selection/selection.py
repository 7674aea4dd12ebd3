"""Anchor choice from a query log: count, merge spellings, share out by segment, spread by k-center."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from monitor.core.model.anchors import Anchor
from monitor.core.model.events import Segment
from monitor.core.model.report import ALL
from monitor.core.model.segments import value_of
from monitor.core.selection.quotas import quotas
from monitor.core.text.tokens import tokenize


@dataclass(frozen=True, slots=True, eq=False)
class LoggedQuery:
    """A query as the log has it: how often it was asked, and a vector where the log carries one."""

    text: str
    count: int = 1
    segment: Segment = ()
    vector: NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """Queries that are the same for our purpose, under their most frequent spelling (ties: the first seen)."""

    text: str
    count: int
    segment: Segment
    vector: NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True)
class Chosen:
    """One choice: which candidate, why, how far it was from those chosen before it (NaN: nothing before), weight."""

    candidate: int
    segment: str
    reason: Literal["most_frequent", "most_distant"]
    distance: float
    weight: float


@dataclass(frozen=True, slots=True)
class SegmentShare:
    """What a segment got: its candidates, its queries, its quota; how far its worst candidate is from a choice."""

    segment: str
    candidates: int
    queries: int
    quota: int
    radius: float


@dataclass(frozen=True, slots=True)
class AnchorSelection:
    """The choice, segment by segment (by name) and within one in the order of choosing."""

    chosen: tuple[Chosen, ...]
    segments: tuple[SegmentShare, ...] = field(default=())


def normal_form(text: str) -> str:
    """What makes two queries the same: their words, lower-cased, without punctuation. Empty: not a query.

    >>> normal_form("  How do I  Deploy?")
    'how do i deploy'
    """
    return " ".join(tokenize(text))


def merge_spellings(queries: Sequence[LoggedQuery]) -> tuple[list[Candidate], Mapping[str, int]]:
    """Count equal queries (same normal form, same segment), most frequent first, ties by normal form and segment.

    Returns:
        The candidates, and how many log entries ended how: `kept` (one per candidate), `merged`, `no_words`.
    """
    groups: dict[tuple[str, Segment], list[LoggedQuery]] = {}
    outcomes = Counter({"kept": 0, "merged": 0, "no_words": 0})
    for query in queries:
        form = normal_form(query.text)
        if not form:
            outcomes["no_words"] += 1
            continue
        group = groups.setdefault((form, query.segment), [])
        outcomes["merged" if group else "kept"] += 1
        group.append(query)
    made = [(key, _fold(group)) for key, group in groups.items()]
    made.sort(key=lambda pair: (-pair[1].count, pair[0]))
    return [candidate for _, candidate in made], outcomes


def select(
    candidates: Sequence[Candidate],
    vectors: NDArray[np.float32],
    count: int,
    *,
    dimension: str = ALL,
    floor: int = 0,
    damping: float = 0.5,
) -> AnchorSelection:
    """Choose `count` anchors: a quota for each segment by its queries, spread by weighted k-center within it.

    Args:
        candidates: n candidates, ordered; the order breaks all ties, nothing is random.
        vectors: (n, d) float32 of unit length.
        count: anchors wanted; fewer candidates: all of them.
        dimension: the segment attribute (or a combination with `+`) that gets quotas; `all`: none.
        floor: the least a segment gets, as far as it has candidates and `count` reaches.
        damping: the exponent of a query's frequency in the k-center weight; 0 ignores frequency, 1 takes it whole.

    Returns:
        The selection. Weights of the chosen are their frequencies divided by their mean, so they average 1.
    """
    names = [ALL if dimension == ALL else value_of(dimension, one.segment) for one in candidates]
    grouped = _by_segment(candidates, names)
    asked = np.array([one.count for one in candidates], np.float64)
    sizes = [len(rows) for rows in grouped.values()]
    shared = quotas([float(asked[rows].sum()) for rows in grouped.values()], count, capacities=sizes, floor=floor)
    picks: list[tuple[int, str, float]] = []
    segments: list[SegmentShare] = []
    for (name, rows), quota in zip(grouped.items(), shared.tolist(), strict=True):
        order, gaps, radius = k_center(vectors[rows], asked[rows] ** damping, quota)
        picks += [(int(rows[at]), name, gap) for at, gap in zip(order, gaps.tolist(), strict=True)]
        segments.append(SegmentShare(name, len(rows), int(asked[rows].sum()), quota, radius))
    mean = float(np.mean([asked[at] for at, _, _ in picks])) if picks else 1.0
    chosen = tuple(
        Chosen(at, name, "most_frequent" if math.isnan(gap) else "most_distant", gap, float(asked[at]) / mean)
        for at, name, gap in picks
    )
    return AnchorSelection(chosen, tuple(segments))


def k_center(
    vectors: NDArray[np.float32], weights: NDArray[np.float64], count: int
) -> tuple[NDArray[np.int64], NDArray[np.float64], float]:
    """Greedy weighted k-center: the heaviest point, then always the one with the largest weight times distance.

    The radius max_i w_i * min_c ||x_i - c|| is at most 1 + max w / min w times the best possible one: twice it for
    equal weights. Ties go to the heavier, then to the earlier point. O(n d count).

    Args:
        vectors: (n, d) float32.
        weights: (n,) float64, positive.
        count: points wanted, cut at n.

    Returns:
        (c,) int64 the points in order of choice; (c,) float64 the plain distance of each to those before it (NaN for
        the first); the weighted radius that is left (0 when all points are chosen or there are none).

    Source: Gonzalez, Theoretical Computer Science 38 (1985); weights: Dyer and Frieze, Operations Research Letters 3
    (1985).
    """
    count = min(count, len(vectors))
    order = np.argsort(-weights, kind="stable")
    wide, heavy = vectors[order].astype(np.float64), weights[order]
    nearest = np.full(len(wide), np.inf)
    gain = heavy.copy()
    chosen = np.zeros(count, np.int64)
    gaps = np.full(count, np.nan)
    for step in range(count):
        at = int(np.argmax(gain))
        chosen[step] = order[at]
        gaps[step] = nearest[at] if step else np.nan
        apart = wide - wide[at]
        nearest = np.minimum(nearest, np.sqrt(np.einsum("ij,ij->i", apart, apart)))
        gain = np.where(gain == -np.inf, gain, nearest * heavy)
        gain[at] = -np.inf
    left = gain[gain > -np.inf]
    return chosen, gaps, float(left.max()) if count and len(left) else 0.0


def as_anchors(
    candidates: Sequence[Candidate],
    selection: AnchorSelection,
    vectors: NDArray[np.float32],
    *,
    embedding_version: str,
) -> list[Anchor]:
    """The chosen candidates as anchors. Ids come from normal form and segment, so a rebuild keeps them."""
    made: list[Anchor] = []
    for one in selection.chosen:
        query = candidates[one.candidate]
        named = repr((normal_form(query.text), query.segment)).encode()
        made.append(
            Anchor(
                f"q-{blake2b(named, digest_size=8).hexdigest()}",
                query.text,
                vectors[one.candidate],
                query.segment,
                one.weight,
                embedding_version=embedding_version,
            )
        )
    return made


def _fold(group: Sequence[LoggedQuery]) -> Candidate:
    """One candidate of equal queries."""
    spellings: Counter[str] = Counter()
    for query in group:
        spellings[query.text.strip()] += query.count
    text = max(spellings, key=lambda spelling: spellings[spelling])
    vector = next((query.vector for query in group if query.vector is not None), None)
    return Candidate(text, spellings.total(), group[0].segment, vector)


def _by_segment(candidates: Sequence[Candidate], names: Sequence[object]) -> dict[str, NDArray[np.int64]]:
    """Rows of each segment, segments by name, rows in order."""
    rows: dict[str, list[int]] = {}
    for at in range(len(candidates)):
        rows.setdefault(str(names[at]), []).append(at)
    return {name: np.array(rows[name], np.int64) for name in sorted(rows)}
