"""Rules of integrity: what is wrong with a corpus by construction, judged before any ranked list.

Each holds the share of the corpus that something is wrong with (`core.index.statistics.integrity`) against a limit,
as a point value: what was counted needs no confidence bounds. A deploy that said which segment it would change is not
held to account for that segment, by these rules as by no others: all else is.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Literal, NamedTuple, cast

from monitor.core.index.statistics.integrity import FAULTS, PINNED, Integrity, IntegrityFault
from monitor.core.judging.policy import Finding, Rule, Severity, place
from monitor.core.measures.newcomers import METRIC as NEWCOMERS
from monitor.core.measures.newcomers import Newcomers
from monitor.core.model.events import Segment
from monitor.core.model.placewise import others, taking
from monitor.core.model.report import ALL, Concern, DriftReport, Leg, Measurement, VerdictName
from monitor.core.model.segments import SOURCE

FEW = 3
"""Chunks concerned from which on a share of them is judged: one page more or less is nobody's incident."""
IN_SEGMENT = 5.0
"""A segment may lose five times the share that the corpus may: 10 points of its answers where that is 2."""
_REMEMBERED = 1 << 13
"""Findings: from report to report most parts of the corpus are as they were."""
NAMED = 5
"""Documents that a finding names in words."""


@dataclass(frozen=True, slots=True)
class IntegrityRule:
    """A limit on the share of the corpus that something is wrong with.

    Args:
        name: in the configuration.
        metric: the share.
        limit: over the whole corpus.
        said: what is wrong with the documents that are named, in words.
        ground: why the limit is what it is.
        severity: whether it decides.
    """

    name: str
    metric: IntegrityFault | Literal["new_hub_ratio"]
    limit: float
    said: str
    ground: str
    severity: Severity = "critical"
    apart: str = ""
    """A dimension in whose segments it is not asked, for there the share is all or nothing by construction."""
    lab: tuple[str, ...] = ()
    """Rows of the drift lab that it decides (docs/lab): a kind and how much of it; where there are none, the limit is
    a matter of construction alone."""

    @property
    def key(self) -> str:
        """Its name in the configuration."""
        return self.name.replace("-", "_")


INTEGRITY_RULES: tuple[IntegrityRule, ...] = (
    IntegrityRule(
        "reembedded", "reembedded_ratio", 0.02, "other vectors for the same text: ENCODER",
        "each such chunk can be an answer lost: 2 points of all answers, 10 in a segment, are a loss",
        lab=("mixed_versions 5.0%", "zero_vectors 5.0%"),
    ),
    IntegrityRule(
        "rescaled", "rescaled_ratio", 0.02, "vectors of another length for the same text: ENCODER",
        "one encoder gives one text one length, which dot products and Euclidean distances feel; with cosine it is 1",
    ),
    IntegrityRule(
        "unequal-twins", "unequal_twins_ratio", 0.02, "equal texts with unequal vectors: ENCODER",
        "one encoder gives equal texts equal vectors; the share that may be lost is that of reembedded",
    ),
    IntegrityRule(
        "foreign-version", "foreign_version_ratio", 0.02, "another embedding version beside the baseline's",
        "a label alone loses no answer: where vectors differ, reembedded decides", "warning",
    ),
    IntegrityRule(
        "lost-content", "lost_content_ratio", 0.02, "content lost that nothing replaced",
        "what is gone cannot be found: 2 points of all answers, 10 in a segment, are a loss",
        lab=("slow_loss 1.0%", "deleted_in_the_middle 5.0%"),
    ),
    IntegrityRule(
        "boilerplate", "boilerplate_ratio", 0.05, "new text that many documents say alike",
        "a new notice on some pages is ordinary; one chunk in twenty saying the same is an error page or a prefix",
        lab=("boilerplate_prefix 5.0%", "boilerplate_suffix 5.0%"),
    ),
    IntegrityRule(
        "wordless", "wordless_ratio", 0.02, "texts of fewer than three words that were not there",
        "an empty chunk answers nothing: 2 points of all answers, 10 in a segment, are a loss",
        lab=("emptied 5.0%", "segment_truncated 20.0%"),
    ),
    IntegrityRule(
        "repetitive", "repetitive_ratio", 0.03, "texts that repeat themselves",
        "they stand before answers and say little; joining chunks brought 1.6 in 100 (joined)",
        lab=("many_poison 5.0%",),
    ),
    IntegrityRule(
        "implausible-time", "implausible_time_ratio", 0.05, "dated more than 20 years away",
        "single wrong dates occur in every history; one chunk in twenty is a wrong unit or century",
        lab=("times_1970 5.0%", "times_2099 5.0%"),
    ),
    IntegrityRule(
        "leftover", "leftover_ratio", 0.03, "old chunks left beside new ones that say the same",
        "twice-chunked documents fill lists with one answer twice: 3 places in 100 are lost",
        lab=("old_chunks_left 5.0%",),
    ),
    IntegrityRule(
        "copied", "copied_ratio", 0.02, "new chunks that copy others exactly",
        "each copy takes a place in lists from another result: 2 places in 100 are lost",
        lab=("many_exact_copies 5.0%", "exact_copy_flood 5.0%"),
    ),
    IntegrityRule(
        "echoed", "echoed_ratio", 0.02, "new text that stands in other documents too",
        "near copies take places as copies do",
        lab=("foreign_product 5.0%", "deletes_lost 5.0%", "query_pages 5.0%"),
    ),
    IntegrityRule(
        "strange-words", "strange_words_ratio", 0.02, "words that nobody used there: garbled, or another language",
        "new matters bring some words; what is in unknown ones alone nobody finds: 2 points are a loss",
        lab=("stale_vectors 5.0%", "segment_garbled 5.0%"),
    ),
    IntegrityRule(
        "foreign-source", "foreign_source_ratio", 0.03, "of a source that was not there, and that nobody announced",
        "who adds a source knows it and can say so; one chunk in 33 of another is no accident",
        apart=SOURCE, lab=("leaked_drafts 5.0%",),
    ),
    IntegrityRule(
        "relabelled", "relabelled_ratio", 0.04, "attributes changed or gone though the text stayed",
        "a filter misses each such chunk; a page or two change their source, one in 25 does not",
        lab=("labels_lost 5.0%", "labels_wrong 5.0%"),
    ),
)  # fmt: skip
NEW_HUB, NEW_HUB_LIMIT = "new-hub", 0.02
NEW_HUB_ANCHORS = 100
"""The rule asks so many: of fewer, the limit is a list or two, and any new page of a small corpus stands in those."""
NEW_HUB_RULE = IntegrityRule(
    NEW_HUB, NEWCOMERS, NEW_HUB_LIMIT, "more anchors find new text than found any document of its size then",
    "as many as may lose their answer meet one new page beyond chance; FastAPI's own deploys came to 1 in 100",
    lab=("hub_document 20.0%", "keyword_poison 5.0%", "wide_hub 10.0%"),
)  # fmt: skip
METRICS: frozenset[str] = frozenset((*FAULTS, NEWCOMERS))
_Taking = Callable[[Sequence[Measurement]], tuple[Measurement, ...]]
_SAID: Mapping[str, str] = {str(rule.metric): rule.said for rule in INTEGRITY_RULES} | {NEWCOMERS: NEW_HUB_RULE.said}


@dataclass(frozen=True, slots=True)
class IntegrityLimits:
    """What a configuration says of these rules.

    Args:
        off: names of rules that are switched off.
        limits: by name of a rule, its limit over the whole corpus where it is not the default.
        in_segment: times that limit is allowed within a segment.
    """

    off: frozenset[str] = frozenset()
    limits: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    in_segment: float = IN_SEGMENT


DEFAULT = IntegrityLimits()


def integrity_rules(
    dimensions: Sequence[str], legs: Sequence[Leg], limits: IntegrityLimits = DEFAULT, *, k: int
) -> tuple[Rule, ...]:
    """The rules, each over the whole corpus and in every segment of each dimension but its `apart`.

    A part of the corpus is watched from the size on in which `FEW` chunks are the limit. Beside a moving baseline all
    of them are asked of the whole corpus since the pinned one too, with the same limits: what no deploy may do at
    once, many may not do little by little until a person looks and approves a baseline anew.

    Args:
        dimensions: configured dimensions.
        legs: the legs that are switched on.
        limits: what the configuration says.
        k: depth of the lists in which new hubs are looked for.
    """
    made: list[Rule] = []
    for of in INTEGRITY_RULES:
        whole = limits.limits.get(of.name, of.limit)
        for dimension in () if of.name in limits.off else (ALL, *(one for one in dimensions if one != of.apart)):
            limit = whole if dimension == ALL else min(1.0, whole * limits.in_segment)
            enough = max(1, math.ceil(FEW / limit)) if limit > 0 else 1
            made += [
                Rule(
                    f"{before}{of.name}-{dimension}", of.metric, "corpus", stat, 0, dimension, max=limit,
                    severity=of.severity, min_anchors=enough, ground=of.ground, bounds=False,
                )
                for before, stat in (("", "mean"), *((("pinned-", PINNED),) if dimension == ALL else ()))
            ]  # fmt: skip
    made += [
        Rule(
            f"{NEW_HUB}-{leg}", NEWCOMERS, leg, "max", k, max=limits.limits.get(NEW_HUB, NEW_HUB_LIMIT),
            min_anchors=NEW_HUB_ANCHORS, bounds=False,
            ground=NEW_HUB_RULE.ground,
        )
        for leg in (() if NEW_HUB in limits.off else legs)
    ]  # fmt: skip
    return tuple(made)


def is_integrity(rule: Rule) -> bool:
    """Whether a rule is judged here."""
    return rule.metric in METRICS and not rule.bounds


class KeptFindings:
    """What rules of integrity found last: most views between deploys find the same.

    It is replaced whole, so that several threads may ask.
    """

    def __init__(self) -> None:
        self._policy: tuple[tuple[Rule, ...], tuple[Rule, ...]] = (), ()
        self._last: _Found | None = None

    def elsewhere(self, rules: Sequence[Rule]) -> tuple[Rule, ...]:
        """Those of a policy that are not judged here."""
        of, (given, apart) = tuple(rules), self._policy
        if given != of:
            apart = tuple(rule for rule in of if not is_integrity(rule))
            self._policy = of, apart
        return apart

    def of(self, rules: Sequence[Rule], report: DriftReport) -> tuple[Finding, ...]:
        """See `integrity_findings`, where nothing is left out and no pinned baseline stands beside: it says nothing
        then but what rules, numbers and the documents concerned say.
        """
        last, asked, places, concerns = self._last, tuple(rules), report.places, report.concerns
        if last is None or last.places != places:
            take: _Taking = taking([at for metric in METRICS for at in places.get(metric, ())])
        else:
            take = last.take
            alike, told = last.rules == asked and last.concerns == concerns, take(report.measurements)
            if alike and _same(last.told, told):
                self._last = last._replace(told=told)  # the next report holds most of these objects
                return last.findings
        found = tuple(integrity_findings(rules, report))
        self._last = _Found(asked, places, take, take(report.measurements), concerns, found)
        return found


class _Found(NamedTuple):
    """What was found, and what it rests on; `take` takes the numbers that it is about out of a report's."""

    rules: tuple[Rule, ...]
    places: Mapping[str, Sequence[int]]
    take: _Taking
    told: tuple[Measurement, ...]
    concerns: tuple[Concern, ...]
    findings: tuple[Finding, ...]


def _same(before: Sequence[Measurement], now: Sequence[Measurement]) -> bool:
    """Whether these say the same; zeros are equal, and are said with their signs."""
    return all(
        now[at] == before[at] and math.copysign(1.0, now[at].value) == math.copysign(1.0, before[at].value)
        for at in others(now, before)
    )


def integrity_findings(
    rules: Sequence[Rule],
    report: DriftReport,
    expected: Segment = (),
    shares: Integrity | None = None,
    arrived: Sequence[Newcomers] = (),
    since_pinned: Integrity | None = None,
) -> Iterator[Finding]:
    """What the rules of integrity find.

    Rule 1: what nobody could tell (a baseline of before contents were kept) is UNKNOWN, as a warning: it neither
    passes nor blocks. Rule 2: a part of the corpus that is too small for its limit is not watched. Rule 3: what the
    deploy said it would change is left out. Rule 4: beyond the limit: FAIL; else PASS.

    Args:
        rules: the policy; others than those of integrity are passed over.
        report: what was measured.
        expected: the segment that the deploy said it would change.
        shares: what is wrong in any part of the corpus; needed where there is an `expected`.
        arrived: documents that are new in the lists; likewise.
        since_pinned: what is wrong since the pinned baseline beside a moving one.
    """
    measured: dict[tuple[str, str, str, str], list[Measurement]] = {}
    for metric in METRICS:
        for one in report.of(metric):
            measured.setdefault((metric, one.leg, one.dimension, one.stat), []).append(one)
    concerns = {(of.metric, of.leg, of.dimension, of.segment): of for of in report.concerns}
    contents = any(leg == "corpus" for _, leg, *_ in measured)
    for rule in filter(is_integrity, rules):
        if rule.leg == "corpus" and rule.dimension == ALL and rule.stat != PINNED and not contents:
            said = f"{place(rule, ALL)}: not measurable: the baseline keeps no contents; approve a new one"
            yield _finding(rule, ALL, "unknown", (math.nan, 0), said, ())
        for one in measured.get((rule.metric, rule.leg, rule.dimension, rule.stat), []):
            named = concerns.get((rule.metric, rule.leg, one.dimension, one.segment))
            of = _Part(one.segment, one.value, one.n, *_NOBODY if named is None else (named.documents, named.count))
            if expected and rule.leg != "corpus":
                of = _arrived(rule, expected, arrived) or of
            elif rule.stat == PINNED and since_pinned is not None:
                of = _without(rule, one, expected, since_pinned)
            elif expected and shares is not None:
                of = _without(rule, one, expected, shares)
            if of.n >= rule.min_anchors and not math.isnan(of.value):
                yield _judged(rule, of)


class _Part(NamedTuple):
    """What is held against a limit: a share, how many chunks or anchors it rests on, the documents concerned."""

    segment: str
    value: float
    n: int
    documents: tuple[str, ...]
    concerned: int


_NOBODY: tuple[tuple[str, ...], int] = (), 0


def _without(rule: Rule, one: Measurement, expected: Segment, shares: Integrity) -> _Part:
    where, fault = (one.dimension, one.segment), cast("IntegrityFault", rule.metric)
    value, chunks = shares.share(fault, where, without=expected)
    documents = shares.documents(fault, where, without=expected)
    return _Part(one.segment, value, chunks, documents, len(documents))


def _arrived(rule: Rule, expected: Segment, arrived: Sequence[Newcomers]) -> _Part | None:
    for of in arrived:
        if of.leg == rule.leg:
            rest = of.without(expected)
            concern = next(rest.concern(), None)
            return _Part(
                ALL, rest.excess, rest.anchors, *(_NOBODY if concern is None else (concern.documents, concern.count))
            )
    return None


@lru_cache(maxsize=_REMEMBERED)
def _judged(rule: Rule, of: _Part) -> Finding:
    limit = rule.max if rule.max is not None else 1.0
    verdict: VerdictName = "fail" if of.value > limit else "pass"
    where = "the corpus" if rule.dimension == ALL else f"{rule.dimension}={of.segment}"
    rests = f"{of.n} chunks of {where}" if rule.leg == "corpus" else f"{of.n} anchors' {rule.leg} lists"
    since = " since the pinned baseline" if rule.stat == PINNED else ""
    said = f"{rule.metric}{since}: {of.value:.1%} of {rests}, allowed at most {limit:.1%}"
    if verdict == "fail":
        said += f": {_SAID[rule.metric]}"
        more = of.concerned - len(of.documents[:NAMED])
        named = ", ".join(of.documents[:NAMED]) + (f" and {more} more" if more > 0 else "")
        said += f" in {named}" if named else ""
    return _finding(rule, of.segment, verdict, (of.value, of.n), said, of.documents)


def _finding(
    rule: Rule, segment: str, verdict: VerdictName, rests_on: tuple[float, int], said: str, documents: tuple[str, ...]
) -> Finding:
    limit = rule.max if rule.max is not None else 1.0
    severity: Severity = "warning" if verdict == "unknown" else rule.severity
    return Finding(
        rule.name, severity, rule.metric, rule.leg, rule.k, rule.stat, rule.dimension, segment, verdict, rests_on[0],
        limit, rests_on[1], said, documents=documents[:10],
    )  # fmt: skip
