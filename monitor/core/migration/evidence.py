"""What is known of a migration beyond its view: quality, audit, clicks, side effects. Absent is unknown."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from monitor.core.migration.blind_audit import BlindAudit
from monitor.core.migration.cheap_judging import JudgedSign, SlotToJudge
from monitor.core.migration.clicks import InterleavingCredit
from monitor.core.migration.quality import QualityDifference
from monitor.core.migration.side_effects import AnswerShape, SuggestedThreshold


@dataclass(frozen=True, slots=True)
class ProxyFigures:
    """A label-free proxy of quality in both versions, NaN where it is not known; more is better."""

    name: str
    old: float
    new: float


@dataclass(frozen=True, slots=True)
class ClickFigures:
    """What a log of clicks says.

    Args:
        impressions: lists that somebody saw.
        unsupported: share of the new version's slots never shown (see `clicks.unsupported_share`).
        credit: of interleaved impressions.
        versions: impressions since the cutover, or all before it, by the embedding version of their query.
        kept_promise: since the cutover, mean overlap of what was shown with the new version's own lists; NaN before.
    """

    impressions: int
    unsupported: float
    credit: InterleavingCredit
    versions: Mapping[str, int] = field(default_factory=dict)
    kept_promise: float = math.nan


@dataclass(frozen=True, slots=True)
class NearestVersion:
    """Which version's lists production's own retriever is nearer to: mean shares of its top-k that each version
    lists.

    Over `anchors` that production and both versions answered.
    """

    old: float
    new: float
    anchors: int


@dataclass(frozen=True, slots=True)
class MigrationEvidence:
    """All of it.

    Args:
        quality: the metric that decides: overall first, then segments. Empty: nothing is labelled.
        other_quality: the other metrics, shown beside it.
        audit: None where it was not made.
        auditable: whether something can encode texts anew.
        clicks: None without a log.
        production: what production's own retriever serves; None where it is not asked.
        shapes: of the old version's lists and of the new one's.
        source_mix_divergence: of the two, in bits.
        thresholds: by name of the configured threshold.
        proxies: rewrite stability, agreement with the lexical leg.
        to_judge: results in which the versions differ and that nobody judged, those that decide most first.
        sign: where the difference in gain can still lie, given what is judged; None without lists of both versions.
        remarks: why something is not there, one line each.
    """

    quality: tuple[QualityDifference, ...] = ()
    other_quality: tuple[QualityDifference, ...] = ()
    audit: BlindAudit | None = None
    auditable: bool = False
    clicks: ClickFigures | None = None
    production: NearestVersion | None = None
    shapes: tuple[AnswerShape, AnswerShape] | None = None
    source_mix_divergence: float = math.nan
    thresholds: Mapping[str, SuggestedThreshold] = field(default_factory=dict)
    proxies: Sequence[ProxyFigures] = ()
    to_judge: Sequence[SlotToJudge] = ()
    sign: JudgedSign | None = None
    remarks: tuple[str, ...] = ()
