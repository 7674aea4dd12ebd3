"""The drift report: all measurements at one position of the stream, immutable."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property, lru_cache
from operator import itemgetter
from typing import Literal, NamedTuple

from monitor.core.model.fixes import NOTHING, FixList
from monitor.core.model.losses import Loss
from monitor.core.model.problems import Problem

Leg = Literal["dense", "lexical", "production", "both", "corpus"]
"""`production` is the whole retriever as users get it, `both` compares dense and lexical, `corpus` is about the
chunks themselves."""
VerdictName = Literal["pass", "fail", "inconclusive", "unknown"]

ALL = "all"
"""The dimension, and its only segment, that holds every anchor."""
SHARE = "share"
"""The statistic that counts the anchors above a limit."""
OTHER = "other"
"""The segment that pools what is too small or over the cap."""


class Measurement(NamedTuple):
    """One number. A report makes a thousand of them, and a named tuple is made in a quarter of a dataclass's time.

    `value` is NaN with a `reason` when it is not measurable, never 0 instead; beside a value `reason` says what is
    missing in it. `n` says how many anchors (or chunks) it rests on, `expected` how many it should rest on. `k` is 0
    where no depth applies. `stat` is `mean`, `p05`, `p50`, `p95`, `share` or the like. `baseline` is the baseline's
    own value where the metric has one, else NaN.
    """

    metric: str
    leg: Leg
    k: int
    dimension: str
    segment: str
    stat: str
    value: float
    n: int
    expected: int
    baseline: float = float("nan")
    reason: str = ""
    covered: float = 1.0
    """Share of the expected anchors' weight that `n` stands for, in 0..1."""


@dataclass(frozen=True, slots=True)
class SegmentSize:
    """Anchors of a segment: in the baseline and now, and whether it is watched (enough anchors in the baseline)."""

    dimension: str
    segment: str
    baseline_anchors: int
    anchors: int
    watched: bool


class ShareKind(StrEnum):
    """Whose a share is; stored with reports, so a value never changes its meaning."""

    NAMED = "named"
    """Of what the name says: a source, a document, a deploy."""
    STATISTICS = "statistics"
    """Of moved BM25 statistics for which nobody can be named."""
    UNEXPLAINED = "unexplained"
    """Of no event."""
    NO_SOURCE = "no_source"
    """Of events that name no source."""
    OTHERS = "others"
    """Of all who are not told apart."""


@dataclass(frozen=True, slots=True)
class Share:
    """A share of one leg's churn: who caused `slots` of the entered and exited slots, over how many anchors.

    `level` is `source`, `path` (`reference/…`: the prefixes of document ids that hold the blame), `document`,
    `segment` (of every dimension, as `language=de`) or `deploy`; `share` is in 0..1. `kind` says whether `name` is
    somebody's.
    """

    leg: Leg
    level: str
    name: str
    share: float
    slots: float
    anchors: int
    kind: ShareKind = ShareKind.NAMED


@dataclass(frozen=True, slots=True)
class Concern:
    """The documents that a measurement is about, those most concerned first; `count` says how many there are in all.

    `documents` is bounded: it may name fewer.
    """

    metric: str
    leg: Leg
    dimension: str
    segment: str
    documents: tuple[str, ...]
    count: int


CauseName = Literal[
    "CORPUS", "INDEX", "CONFIG", "ENCODER", "LEXICAL STATISTICS", "QUERY SIDE", "PIPELINE", "PRODUCTION"
]


@dataclass(frozen=True, slots=True)
class CauseEvidence:
    """Something found that points at a cause, in words."""

    cause: CauseName
    said: str


@dataclass(frozen=True, slots=True)
class CauseClass:
    """A class of causes that holds, from construction (see `core.attribution.cause`).

    `slots` is how many entered and exited slots it explains, `anchors` in how many lists; both are 0 for a cause that
    says why lists cannot be compared. `evidence` says in words what was found.
    """

    cause: CauseName
    slots: float
    anchors: int
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BaselineIdentity:
    """Which approved snapshot the report compares with."""

    name: str
    captured_event_time: int
    deploy_id: str
    approved_by: str
    kept_as: Literal["baseline", "deploy"] = "baseline"
    """`deploy`: it is the own snapshot of that deploy, to which a moving mode advanced."""
    reason: str = ""
    """Why it stands: a person's words, that its gate passed, or that nobody decided about it."""


@dataclass(frozen=True)
class DriftReport:
    """All measurements at one position of the stream.

    `problems` are reasons why nothing may be concluded (no baseline, fingerprint differs, gap, stale input,
    barrier incomplete): any of them makes the verdict UNKNOWN. `now` is the newest event time, never the wall clock.
    `corpus` holds counts (chunks, documents). Nothing in a report depends on the wall clock: the same stream gives
    the same bytes.
    """

    deploy_id: str
    now: int
    positions: Mapping[str, int]
    fingerprint: str
    baseline: BaselineIdentity | None
    measurements: tuple[Measurement, ...]
    segments: tuple[SegmentSize, ...] = ()
    corpus: Mapping[str, float] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    blame: tuple[Share, ...] = ()
    changed_anchors: int = 0
    """Anchors left out because their own text or vector differs from the baseline's."""
    causes: tuple[CauseClass, ...] = ()
    """The classes of causes that hold, the largest first."""
    losses: tuple[Loss, ...] = ()
    """The answers that each leg's anchors lost since the baseline, at the judged depth."""
    concerns: tuple[Concern, ...] = ()
    """The documents that the measurements of integrity are about."""
    remarks: tuple[str, ...] = ()
    """What is to be known beside the numbers, such as odd values that were taken; it makes nothing unknown."""
    fix_list: FixList = NOTHING
    """What to do to the served index where it does not serve what the events say; empty where nobody was blamed."""

    def of(self, metric: str) -> Sequence[Measurement]:
        """The measurements of one metric, in their order."""
        found = self._found.get(metric)
        if found is None:
            found = self._found[metric] = tuple(self.measurements[at] for at in self.places.get(metric, ()))
        return found

    @cached_property
    def _found(self) -> dict[str, tuple[Measurement, ...]]:
        return {}

    @cached_property
    def places(self) -> Mapping[str, Sequence[int]]:
        """By metric, the places of its measurements, ascending."""
        return _places(tuple(map(_METRIC, self.measurements)))

    @property
    def unsettled(self) -> bool:
        """Whether only the state of the index keeps it from a verdict, so that it can still be judged later."""
        kinds = [of.kind for of in self.problems]
        return any(kind.of_index for kind in kinds) and not any(kind.of_stream for kind in kinds)


_METRIC = itemgetter(Measurement._fields.index("metric"))


@lru_cache(maxsize=8)
def _places(metrics: tuple[str, ...]) -> Mapping[str, Sequence[int]]:
    """Where each metric stands: reports of one configuration are laid out alike."""
    made: dict[str, list[int]] = {}
    for at, metric in enumerate(metrics):
        made.setdefault(metric, []).append(at)
    return made


def judged_depth(measurements: Sequence[Measurement]) -> int:
    """The depth that people are shown and the default policy judges: the first of the configured ones.

    A report lists its measurements in the order of the configured depths, so that is the first depth there is; 0
    where nothing was measured at any depth.
    """
    return next((item.k for item in measurements if item.k), 0)
