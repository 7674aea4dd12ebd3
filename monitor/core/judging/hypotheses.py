"""From a rule to what is tested: one side of one rule in one segment, over the anchors that were measured."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.baseline import Snapshot
from monitor.core.judging.bounds import AnchorSample, ConfidenceBounds, mean_bounds, quantile_bounds
from monitor.core.judging.clusters import Witnesses, documents_of
from monitor.core.judging.policy import Rule, value_range
from monitor.core.judging.resampling import Values
from monitor.core.measures.comparison.alignment import Alignment
from monitor.core.measures.comparison.summary import Summarised, above
from monitor.core.measures.comparison.tables import LEGS
from monitor.core.measures.formulas.columns import Name
from monitor.core.measures.noise import carried
from monitor.core.model.events import Segment
from monitor.core.model.report import ALL, SHARE, Leg, Measurement
from monitor.core.reporting.drift import Compared

POOLED = "pooled"
"""The segment of those that are too small to pass alone."""
ROUNDING = 1e-9
"""An estimate this near the tolerance is at it."""
LEVELS: Mapping[str, float | None] = {"mean": None, SHARE: None, "p05": 0.05, "p50": 0.5, "p95": 0.95}
"""Statistics with bounds, and the level of those that are quantiles."""


@dataclass(frozen=True, slots=True, eq=False)
class GateEvidence:
    """What the gate looks at besides the report.

    Args:
        baseline: the snapshot compared with.
        noise: per-anchor values of columns between two independently built indexes of the same corpus, in the order
            of the comparison, NaN where not known; no entry: there is none by construction, or none was measured.
        expected: the segment that the deploy said it would change, empty: it said nothing.
        out_of_scope: by leg, (P,) 1 where an anchor's list changed by chunks outside of `expected`, 0 where not, NaN
            where not known.
        eroded: like `noise`, the distance of `baseline` itself to the pinned one, where that is another.
    """

    baseline: Snapshot
    noise: Mapping[tuple[Leg, Name], Values] = field(default_factory=dict)
    expected: Segment = ()
    out_of_scope: Mapping[Leg, Values] = field(default_factory=dict)
    eroded: Mapping[tuple[Leg, Name], Values] = field(default_factory=dict)

    def inside(self, alignment: Alignment) -> NDArray[np.bool_]:
        """(P,) bool: anchors of the expected segment; nobody where the deploy said nothing."""
        marks = list(self.baseline.anchors.values())
        wanted = set(self.expected)
        return np.array([bool(wanted) and wanted <= set(marks[row].segment) for row in alignment.then], np.bool_)


@dataclass(frozen=True, slots=True, eq=False)
class Hypothesis:
    """One side of a rule in one segment. Harm is the rule's metric, oriented so that more is worse.

    Args:
        rule: whose limit; its segment is the one that is tested.
        sign: 1 where the metric may not be above `rule.max`, -1 where it may not be below `rule.min`.
        value: the point estimate, as the metric states it.
        missing: anchors expected but not measured.
        sample: the harm of the measured ones.
        noise: their harm between two builds of the same index, NaN where not known; None: none.
    """

    rule: Rule
    sign: int
    value: float
    missing: int
    sample: AnchorSample
    noise: Values | None = None

    @property
    def tolerance(self) -> float:
        """The harm that is allowed."""
        limit = self.rule.max if self.sign > 0 else self.rule.min
        assert limit is not None  # noqa: S101 - a side exists only where its limit does
        return self.sign * limit

    @property
    def severe(self) -> float:
        """The harm that a PASS has to exclude: that of the rule, or else what is more than tolerated."""
        return self.tolerance if self.rule.severe is None else self.sign * self.rule.severe

    @property
    def usual(self) -> float:
        """The harm that a FAIL has to exclude: that of ordinary deploys by the rule, else all that is tolerated."""
        return self.tolerance if self.rule.usual is None else self.sign * self.rule.usual

    @property
    def within(self) -> bool:
        """Whether the estimate is tolerated; not if there is none.

        A limit is tolerated itself; but of all anchors, harm begins there where the rule says what is usual. Twenty
        anchors of a segment are at theirs with two, which is little to go by.
        """
        slack = -ROUNDING if self.rule.usual is not None and self.rule.dimension == ALL else ROUNDING
        return self.sign * self.value <= self.tolerance + slack

    @property
    def unmeasured_too(self) -> bool:
        """Whether the harm is tolerated however bad the anchors are that were not measured; without a severe harm to
        exclude that is for the bounds to say.
        """
        open_ = 1.0 - self.sample.covered
        if self.rule.severe is None or not open_ > ROUNDING:
            return True
        return self.sample.covered * self.sign * self.value + open_ * self.sample.range[1] <= self.tolerance

    @property
    def level(self) -> float | None:
        """Of a quantile, of the harm; None for means."""
        level = LEVELS[self.rule.stat]
        return level if level is None or self.sign > 0 else 1.0 - level

    def doubts(self, bounds: ConfidenceBounds) -> int:
        """How far from a PASS: 1 where the estimate is beyond the tolerance, and 1 where severe harm is possible."""
        return (not self.within) + (not bounds.upper <= self.severe)

    def bounds(self) -> ConfidenceBounds:
        """Bounds of the harm; p is that of the harm and, where there is noise, of its excess over the noise too."""
        found = _bounds(self.sample, self.usual, self.level)
        if self.noise is None:
            return found
        return replace(found, p=max(found.p, self._excess(self.noise)))

    def _excess(self, noise: Values) -> float:
        """P-value of "no more harm than between two builds of the same index", anchor by anchor."""
        known = ~np.isnan(noise)
        if not known.any():
            return 0.0
        of, values, noise = self.sample, self.sample.values[known], noise[known]
        low, high = of.range
        if self.level is not None:
            values, noise, low, high = above(values, self.tolerance), above(noise, self.tolerance), 0.0, 1.0
        within = None if of.within is None else of.within[known]
        ends = (low - high, high - low)
        beyond = AnchorSample(
            values - noise, of.weights[known], of.cluster_ids[known], ends, within=within, drawn=of.drawn
        )
        return mean_bounds(beyond, 0.0).p

    def too_small(self) -> bool:
        """Whether a calm segment of this size could not pass alone.

        With no harm at all in any anchor, the bound of a mean would still use up more than half the tolerance (or not
        exclude the severe harm, where the rule has one), or that of a quantile the share that may lie beyond it: such
        a segment says nothing but FAIL.
        """
        low, high = self.sample.range
        if not np.isfinite(high - low):
            return False
        unharmed = replace(self.sample, values=np.zeros(len(self.sample.values)), range=(0.0, 1.0), covered=1.0)
        reach = mean_bounds(unharmed, 0.0).upper
        if self.level is not None:
            return reach > 1.0 - self.level
        most = (low + self.tolerance) / 2.0 if self.rule.severe is None else self.severe
        return low + reach * (high - low) > most


@dataclass(frozen=True, slots=True, eq=False)
class JudgedAnchors:
    """The anchors that are judged, looked up once for all rules.

    Args:
        compared: columns and alignment; it has an alignment, for a comparison without one has problems.
        evidence: what else is looked at.
        inside: (P,) bool, anchors of the expected segment.
        witnesses: by leg, which anchors stand or fall together.
        documents: how many each segment of the baseline's corpus had.
    """

    compared: Compared
    evidence: GateEvidence
    alignment: Alignment
    inside: NDArray[np.bool_]
    witnesses: Mapping[str, Witnesses]
    documents: Mapping[tuple[str, str], int]

    @classmethod
    def of(cls, compared: Compared, evidence: GateEvidence, alignment: Alignment) -> "JudgedAnchors":
        """Look up clusters and the expected anchors."""
        legs = [leg for leg in LEGS if leg in evidence.baseline.lists]
        then = alignment.then
        witnesses: dict[str, Witnesses] = {leg: Witnesses.of(evidence.baseline, leg, then) for leg in legs}
        return cls(
            compared, evidence, alignment, evidence.inside(alignment), witnesses, documents_of(evidence.baseline)
        )

    def hypotheses(self, rule: Rule, measured: Sequence[Measurement]) -> Iterator[Hypothesis | Measurement]:
        """What a rule tests; a measurement without per-anchor values comes back as it is, to be judged as a point.

        Anchors of the expected segment are left out where the deploy names one: they have their own limit.
        """
        values, about = self.column(rule), self.about(rule)
        for one in measured:
            if values is None or rule.stat not in LEVELS:
                yield one
                continue
            mask = _mask(self.alignment, one) & about
            value = None if np.any(mask & self.inside) else one.value
            for sign in ([1] if rule.max is not None else []) + ([-1] if rule.min is not None else []):
                yield self.tested(replace(rule, segment=one.segment), sign, values, mask & ~self.inside, value)

    def tested(
        self, rule: Rule, sign: int, values: Values, mask: NDArray[np.bool_], value: float | None = None
    ) -> Hypothesis:
        """One hypothesis over some anchors.

        Args:
            rule: whose limit; its segment is where.
            sign: see `Hypothesis`.
            values: (P,) the metric, NaN where not measured.
            mask: (P,) bool, the anchors it is about.
            value: the estimate as reported; worked out where None.
        """
        known = mask & ~np.isnan(values)
        weights = self.alignment.weights
        stored = self.evidence.noise.get((rule.leg, Name(rule.metric, rule.k)))
        noise = None if stored is None else self._counted(rule, stored)
        low, high = value_range(rule)
        mass, witnesses = float(weights[mask].sum()), self._witnesses(rule)
        sample = AnchorSample(
            sign * values[known],
            weights[known],
            witnesses.documents[known],
            (low, high) if sign > 0 else (-high, -low),
            float(weights[known].sum()) / mass if mass else 0.0,
            witnesses.answers[known],
            witnesses.drawn(self.documents, (rule.dimension, rule.segment), known),
        )
        found = sign * estimate(sample, rule.stat, sign) if value is None else value
        missing = int(np.count_nonzero(mask & ~known))
        return Hypothesis(rule, sign, found, missing, sample, None if noise is None else sign * noise[known])

    def stood(self, of: Hypothesis) -> Hypothesis | None:
        """The same question to the baseline instead of the deploy: how far it had gone from the pinned one itself.

        None for other questions, and where lists of the baseline are not known that the deploy has.
        """
        stored = self.evidence.eroded.get((of.rule.leg, Name(of.rule.metric, of.rule.k)))
        values = None if stored is None else self._counted(of.rule, stored)
        if values is None:
            return None
        made = self.tested(of.rule, of.sign, values, self.about(of.rule) & ~self.inside)
        return made if made.missing <= of.missing else None

    def _witnesses(self, rule: Rule) -> Witnesses:
        """Those of the leg's own first results; what compares both legs goes by the dense ones where there are."""
        return self.witnesses[rule.leg] if rule.leg in self.witnesses else next(iter(self.witnesses.values()))

    def column(self, rule: Rule) -> Values | None:
        """(P,) the rule's values in the order of the comparison that is judged; None: it is judged as a point.

        NaN where an anchor was not measured, or never asked: a measure on labels is about those that have any, and
        the pinned baseline beside a moving one compares with anchors of its own.
        """
        of, name = self._table(rule), Name(rule.metric, rule.k)
        if of is None:
            return None
        found: Values = of.table.values[of.table.names.index(name)]
        if of.alignment is not self.alignment:
            found = carried({(of.table.leg, name): found}, of.alignment, self.alignment)[of.table.leg, name]
        return self._counted(rule, found)

    def _table(self, rule: Rule) -> Summarised | None:
        name = Name(rule.metric, rule.k)
        tables = (of for of in self.compared.tables if of.table.leg == rule.leg)
        return next((of for of in tables if name in of.table.names), None)

    def about(self, rule: Rule) -> NDArray[np.bool_]:
        """(P,) bool, the anchors that a rule's measure is about; see `column`."""
        of, now = self._table(rule), self.alignment.now
        return np.ones(len(now), np.bool_) if of is None else np.isin(now, of.alignment.now)

    def _counted(self, rule: Rule, values: Values) -> Values | None:
        """What a rule's statistic is over: for a share, whether each anchor is above the metric's limit."""
        if rule.stat != SHARE:
            return values
        limit = self.compared.summaries.limits.get(rule.metric)
        return None if limit is None else above(values, limit)


def pooled(small: Sequence[Hypothesis]) -> Hypothesis:
    """Segments that are too small to pass alone, as one."""
    first = small[0]
    samples = [one.sample for one in small]
    mass = sum(float(one.weights.sum()) / one.covered for one in samples)
    sample = AnchorSample(
        np.concatenate([one.values for one in samples]),
        np.concatenate([one.weights for one in samples]),
        np.concatenate([one.cluster_ids for one in samples]),
        first.sample.range,
        sum(float(one.weights.sum()) for one in samples) / mass,
        np.concatenate([one.cluster_ids if one.within is None else one.within for one in samples]),
        min(one.drawn for one in samples),
    )
    noises = [one.noise for one in small if one.noise is not None]
    noise = np.concatenate(noises) if len(noises) == len(small) else None
    value = first.sign * estimate(sample, first.rule.stat, first.sign)
    rule = replace(first.rule, segment=POOLED)
    if any(one.rule.note for one in small):  # each allows for its own growth: together for an average anchor's
        masses = [float(one.weights.sum()) for one in samples]
        limits = [(one.rule.max or 0.0, one.rule.severe or 0.0) for one in small]
        most, severe = np.average(np.array(limits), axis=0, weights=masses).tolist()
        rule = replace(rule, max=most, severe=None if rule.severe is None else severe, note="with the growth of each")
    return Hypothesis(rule, first.sign, value, sum(one.missing for one in small), sample, noise)


def estimate(sample: AnchorSample, stat: str, sign: int) -> float:
    """The harm itself: the weighted mean, or the quantile as `measure.aggregate` reads it; NaN without anchors."""
    if not len(sample.values):
        return float("nan")
    level = LEVELS[stat]
    if level is None:
        return float(sample.weights @ sample.values) / float(sample.weights.sum())
    at = np.quantile(sign * sample.values, level, method="inverted_cdf", weights=sample.weights)
    return sign * float(at)


def _bounds(sample: AnchorSample, tolerance: float, level: float | None) -> ConfidenceBounds:
    return mean_bounds(sample, tolerance) if level is None else quantile_bounds(sample, tolerance, level)


def _mask(alignment: Alignment, measured: Measurement) -> NDArray[np.bool_]:
    grouping = next(of for of in alignment.groupings if of.dimension == measured.dimension)
    made: NDArray[np.bool_] = grouping.codes == grouping.segments.index(measured.segment)
    return made
