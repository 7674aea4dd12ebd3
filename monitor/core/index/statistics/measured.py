"""All measurements of the corpus at one moment, and the profile of it that is kept with a snapshot."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.divergence import jensen_shannon
from monitor.core.index.statistics import ages
from monitor.core.index.statistics.cells import VERSION
from monitor.core.index.statistics.counters import (
    CHANGED_NONZERO_VECTORS,
    CHANGED_SUMS,
    NONZERO_VECTORS,
    SegmentCounters,
)
from monitor.core.index.statistics.embedding import (
    NONE,
    FeatureSpread,
    NearestCosines,
    cosines,
    null_of_shift,
    spread,
)
from monitor.core.index.statistics.features import FREQUENCIES, ONE, Features
from monitor.core.index.statistics.histogram import EarlierDistribution
from monitor.core.index.statistics.integrity import PINNED, Integrity
from monitor.core.index.statistics.population import Population
from monitor.core.index.statistics.profile import Distribution, Profile, SegmentProfile, Terms
from monitor.core.index.statistics.segments import (
    NO_BASELINE,
    NO_CHUNKS,
    OTHER_VERSION,
    AgainstAll,
    SegmentLayout,
    absent,
    numbers_of,
    of_version,
)
from monitor.core.index.statistics.view import NamedSegment, StatisticsView
from monitor.core.model.report import ALL, OTHER, Concern, Measurement

AGE = "age"
NAMED = 10
"""Documents that are named of a measurement of integrity."""
_QUANTILES = (0.05, 0.5, 0.95)
_STATS = ("p05", "p50", "p95")
_KNOWN = 4096
"""Distributions remembered at once."""
_SPANS = tuple(64.0 * 2.0**step for step in range(26))
"""Ages told apart in a mix: each twice as old, from 64 seconds on."""


@dataclass(frozen=True, slots=True, eq=False)
class CachedSegment:
    """A segment as it was measured last.

    Args:
        row: its counters then.
        base: what it was laid out for.
        layout: of what is said.
        at: the newest event time, which ages are counted from.
        numbers: of the lines.
        said: all of it.
    """

    row: SegmentCounters
    base: tuple[object, ...]
    layout: SegmentLayout
    at: int
    numbers: NDArray[np.float64]
    said: tuple[Measurement, ...]


@dataclass(frozen=True, slots=True, eq=False)
class SharedTerms:
    """Anchor terms that the baseline had too: their places among those of now, and their idf then, both (m,).

    Args:
        terms: of now.
        then: of the baseline.
    """

    terms: tuple[str, ...]
    then: Terms
    places: NDArray[np.int64]
    idf: NDArray[np.float64]

    @classmethod
    def of(cls, terms: tuple[str, ...], then: Terms) -> "SharedTerms":
        """Look every term up."""
        at = {term: place for place, term in enumerate(terms)}
        found = [(at[term], idf) for term, idf in then.idf.items() if term in at]
        places, idf = zip(*found, strict=True) if found else ((), ())
        return cls(terms, then, np.array(places, np.int64), np.array(idf, np.float64))


@dataclass(slots=True, eq=False)
class Cache:
    """What was worked out for counters that have not changed since; safe to share between threads: entries are
    replaced whole.

    Args:
        segments: by dimension and segment.
    """

    segments: dict[tuple[str, str], CachedSegment] = field(default_factory=dict)
    nearest: tuple[NDArray[np.float32], NearestCosines, Sequence[float]] | None = None
    """A sample of the live chunks, how near they are to each other, and the quantiles of that."""
    spread: tuple[NDArray[np.float32], FeatureSpread] | None = None
    """A sample of the changed chunks, and its spread."""
    mixes: dict[str, tuple[Sequence[Sequence[float]], float]] = field(default_factory=dict)
    """By dimension: the counts of both sides, and their divergence."""
    together: tuple[tuple[SegmentLayout, ...], AgainstAll] | None = None
    """What segments are worked out against, side by side."""
    versions: tuple[tuple[bytes, bytes, Mapping[int, tuple[int, str]]], dict[int, set[str]]] | None = None
    """What tells which cells have chunks, and the embedding versions by row."""
    shared: "SharedTerms | None" = None
    """The terms of now and then that are the same."""
    earlier: dict[int, EarlierDistribution] = field(default_factory=dict)
    """Distributions of the baseline, by the identity of what they are of."""

    def versions_of(self, view: StatisticsView) -> dict[int, set[str]]:
        """See `StatisticsView.versions`: seldom does a cell fill or empty."""
        members, rows = view.cells
        key = (members > 0).tobytes(), rows.tobytes(), view.names
        kept = self.versions
        if kept is None or kept[0] != key:
            kept = self.versions = key, view.versions()
        return kept[1]

    def against(self, layouts: tuple[SegmentLayout, ...]) -> AgainstAll:
        """What the numbers of these segments are worked out against."""
        kept = self.together
        if kept is None or kept[0] != layouts:
            kept = self.together = layouts, AgainstAll.of(layouts)
        return kept[1]

    def known(self, then: Distribution) -> EarlierDistribution:
        """A distribution of the baseline, made ready once."""
        found = self.earlier.get(id(then))
        if found is None or found.of is not then:
            kept = self.earlier if len(self.earlier) < _KNOWN else {}
            found = EarlierDistribution(then)
            self.earlier = {**kept, id(then): found}
        return found


@dataclass(frozen=True, eq=False)
class Measurable:
    """The corpus at one moment and the baseline's profile: measured when somebody looks, any time, in any thread.

    Args:
        view: the moment.
        then: the baseline's profile, None without a baseline that has one.
        cap: the most segments of a dimension.
        features: of vectors, None without a dense leg.
        cache: shared between moments.
    """

    view: StatisticsView
    then: Profile | None
    cap: int
    features: Features | None
    cache: Cache
    integrity: Integrity | None = None
    """What is wrong by construction; None where nobody can tell."""
    since_pinned: Integrity | None = None
    """The same against the pinned baseline beside a moving one; None where there is no other."""

    def measurements(self) -> tuple[Measurement, ...]:
        """All of them, `all` first."""
        made: list[Measurement] = []
        versions = self.cache.versions_of(self.view)
        earlier = {} if self.then is None else {(one.dimension, one.segment): one for one in self.then.segments}
        known = [
            (named, _of(named, versions), None if _pooled(named) else earlier.get((named.dimension, named.segment)))
            for named in self._named
        ]
        measured = iter(self._segments([of for of in known if of[0].dimension != VERSION]))
        for named, own, then in known:
            if named.dimension != VERSION:
                made += next(measured)
            elif self.features is not None:
                made += of_version(named, then)
            if named.dimension == ALL:
                made += self._whole(self.view.profile(named, own), then, named)
        if self.integrity is not None:
            made += self.integrity.measurements(self._places)
        if self.since_pinned is not None:
            made += self.since_pinned.measurements(self._places, PINNED)
        return tuple(made)

    def concerns(self) -> tuple[Concern, ...]:
        """The documents that the measurements of integrity are about."""
        return () if self.integrity is None else tuple(self.integrity.concerns(self._places, NAMED))

    @cached_property
    def _named(self) -> Sequence[NamedSegment]:
        """All that is told apart."""
        return list(self.view.segments(self.cap))

    @cached_property
    def _places(self) -> Sequence[tuple[str, str]]:
        """Dimension and segment of all that is told apart, and of what the baseline told apart and is gone."""
        now = [(one.dimension, one.segment) for one in self._named]
        then = () if self.then is None else self.then.segments
        every = dict.fromkeys([*now, *((one.dimension, one.segment) for one in then)])
        return [where for where in every if where[0] != VERSION]

    def profile(self, population: Population | None) -> Profile:
        """What is kept with a snapshot."""
        versions, view = self.cache.versions_of(self.view), self.view
        segments = tuple(view.profile(named, _of(named, versions)) for named in self._named)
        upserts, repeated = view.upserts
        return Profile(view.now, segments, view.mixes(), view.terms, upserts, repeated, population)

    def _segments(
        self, of: Sequence[tuple[NamedSegment, tuple[str, ...], SegmentProfile | None]]
    ) -> Sequence[tuple[Measurement, ...]]:
        """All measurements of segments, with their versions and the baseline's; those that did not move are the very
        objects.
        """
        view, cache = self.view, self.cache
        said: list[tuple[Measurement, ...]] = [()] * len(of)
        stale: list[tuple[int, tuple[object, ...], SegmentLayout, CachedSegment | None]] = []
        for at, (named, versions, then) in enumerate(of):
            where, row = (named.dimension, named.segment), named.row
            directed = bool(row.counts[NONZERO_VECTORS])
            base: tuple[object, ...] = (versions, then, view.compared, self.then is None, directed)
            kept = cache.segments.get(where)
            if kept is None or kept.base != base:
                why = absent(*where, baseline=self.then is not None)
                layout = SegmentLayout.of(named, versions, then, why, compared=view.compared, known=cache.known)
                stale.append((at, base, layout, None))
            elif kept.row is not row or kept.at != view.now:
                stale.append((at, base, kept.layout, kept))
            else:
                said[at] = kept.said
        if stale:
            rows, layouts = [of[at][0].row for at, *_ in stale], tuple(layout for _, _, layout, _ in stale)
            before = [None if kept is None else kept.numbers for *_, kept in stale]
            numbers, moved = numbers_of(
                rows, ages.ascending(view.reference, view.now), cache.against(layouts), before
            )
            for (at, base, layout, kept), row, own, lines in zip(stale, rows, numbers, moved, strict=True):
                said[at] = made = layout.said(own, lines, () if kept is None else kept.said)
                cache.segments[layout.where] = CachedSegment(row, base, layout, view.now, own, made)
        return said

    def _whole(self, now: SegmentProfile, then: SegmentProfile | None, named: NamedSegment) -> Iterator[Measurement]:
        """What is measured over the whole corpus only."""
        yield from self._mixes(now, then)
        yield from self._repeated()
        yield from self._terms(now)
        if self.features is not None:
            yield from self._density(now, self.features)
            yield from self._null(now, then, named, self.features)

    def _mixes(self, now: SegmentProfile, then: SegmentProfile | None) -> Iterator[Measurement]:
        mixes = self.view.mixes()
        for dimension, mix in mixes.items():
            earlier = None if self.then is None else self.then.mixes.get(dimension)
            names = sorted({*mix, *(earlier or {})})
            sides = [[float(side.get(name, 0)) for name in names] for side in (earlier or {}, mix)]
            yield self._divergence(now, dimension, sides)
        spans = [_spans(one.ages) if one is not None else [] for one in (then, now)]
        yield self._divergence(now, AGE, spans)

    def _divergence(self, now: SegmentProfile, dimension: str, sides: Sequence[Sequence[float]]) -> Measurement:
        value, kept = NONE, self.cache.mixes.get(dimension)
        if self.then is not None and len(sides[0]) == len(sides[1]) and sides[0]:
            if kept is None or kept[0] != sides:
                kept = self.cache.mixes[dimension] = sides, float(jensen_shannon(*map(np.array, sides)))
            value = kept[1]
        why = NO_BASELINE if self.then is None else NO_CHUNKS
        return _said("segment_mix_divergence", (dimension, ALL), "mean", value, n=now.chunks, why=why)

    def _repeated(self) -> Iterator[Measurement]:
        then = self.then
        upserts, repeated = self.view.upserts
        if then is not None:
            upserts, repeated = upserts - then.upserts, repeated - then.repeated
        ratio = repeated / upserts if upserts > 0 else NONE
        yield _said("noop_upsert_ratio", (ALL, ALL), "mean", ratio, n=max(upserts, 0), why="no_upserts")

    def _terms(self, now: SegmentProfile) -> Iterator[Measurement]:
        held, then = self.view.lexical, None if self.then is None else self.then.terms
        if held is None:
            return
        moved = np.zeros(0)
        if then is not None:
            shared = self.cache.shared
            if shared is None or shared.terms is not held.terms or shared.then is not then:
                shared = self.cache.shared = SharedTerms.of(held.terms, then)
            moved = np.abs(held.idf[shared.places] - shared.idf)
        longer = NONE if then is None else held.average_length - then.average_length
        why = NO_BASELINE if self.then is None else "no_shared_terms"
        yield _said("average_length_change", (ALL, ALL), "mean", longer, n=now.chunks, why=why)
        # no list of so many numbers is made to be added up
        mean, most = (math.fsum(moved.data) / len(moved), float(moved.max())) if len(moved) else (NONE, NONE)
        yield _said("idf_change", (ALL, ALL), "mean", mean, n=len(moved), why=why)
        yield _said("idf_change", (ALL, ALL), "max", most, n=len(moved), why=why)
        earlier = NONE if then is None else float(then.absent)
        yield _said(
            "absent_anchor_terms", (ALL, ALL), "mean", float(held.out_of_vocabulary), earlier, n=len(held.terms)
        )

    def _density(self, now: SegmentProfile, features: Features) -> Iterator[Measurement]:
        sample, kept = self.view.live, self.cache.nearest
        if kept is None or kept[0] is not sample:
            found = cosines(features, sample, None if kept is None else kept[1])
            kept = self.cache.nearest = sample, found, found.quantiles(_QUANTILES)
        mixed = len(now.versions) != 1
        for stat, value in zip(_STATS, kept[2], strict=True):
            why = OTHER_VERSION if mixed else "too_few_vectors"
            n = len(sample)
            yield _said("embedding_density", (ALL, ALL), f"nearest_{stat}", NONE if mixed else value, n=n, why=why)

    def _null(
        self, now: SegmentProfile, then: SegmentProfile | None, named: NamedSegment, features: Features
    ) -> Iterator[Measurement]:
        cut, p_value, why = NONE, NONE, NO_BASELINE
        if then is not None:
            why = OTHER_VERSION if len(now.versions) != 1 or now.versions != then.versions else "too_few_changes"
        if then is not None and self.view.compared and why != OTHER_VERSION:
            sample, kept = self.view.changed, self.cache.spread
            if kept is None or kept[0] is not sample:
                kept = self.cache.spread = sample, spread(features, sample, None if kept is None else kept[1])
            summed = named.row.sums[CHANGED_SUMS] / (ONE * math.sqrt(FREQUENCIES))
            changed = int(named.row.counts[CHANGED_NONZERO_VECTORS]), summed
            cut, p_value = null_of_shift(then, now, changed, kept[1])
        for stat, value in (("null_p95", cut), ("p_value", p_value)):
            yield _said("embedding_shift", (ALL, ALL), stat, value, n=now.directed, why=why)


def _of(named: NamedSegment, versions: dict[int, set[str]]) -> tuple[str, ...]:
    return tuple(sorted({version for row in named.at for version in versions.get(row, ())}))


def _pooled(named: NamedSegment) -> bool:
    """Whether a segment is what the cap left over: the baseline's may be of other values."""
    return named.segment == OTHER and len(named.at) != 1


def _spans(ages: Distribution) -> list[float]:
    counts = np.bincount(np.searchsorted(np.array(_SPANS), ages[0]), ages[1], minlength=len(_SPANS) + 1)
    spans: list[float] = counts.tolist()
    return spans


def _said(
    metric: str, where: tuple[str, str], stat: str, value: float, earlier: float = NONE, *, n: int, why: str = ""
) -> Measurement:
    reason = why if math.isnan(value) else ""
    return Measurement(metric, "corpus", 0, *where, stat, value, n, n, earlier, reason)
