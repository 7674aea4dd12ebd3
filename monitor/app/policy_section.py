"""The policy section of the configuration file: rules, as the judge takes them."""

from typing import Literal

from pydantic import Field, model_validator

from monitor.core.judging.integrity import IN_SEGMENT, INTEGRITY_RULES, NEW_HUB, NEW_HUB_LIMIT, IntegrityLimits
from monitor.core.judging.policy import Rule
from monitor.core.measures.registry import REGISTRY
from monitor.core.model.report import ALL
from monitor.kinds import Section

RuleName = Literal[
    "reembedded", "rescaled", "unequal_twins", "foreign_version", "lost_content", "boilerplate", "wordless",
    "repetitive", "implausible_time", "leftover", "copied", "echoed", "relabelled", "strange_words", "foreign_source",
    "new_hub",
]  # fmt: skip
_DEFAULTS = {of.name: of.limit for of in INTEGRITY_RULES}


class RuleEntry(Section):
    """One `[[policy.rule]]`."""

    name: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_+-]{0,79}$")
    metric: str
    leg: Literal["dense", "lexical", "production", "both", "corpus"] = "dense"
    stat: str = "mean"
    k: int | None = None
    dimension: str = ALL
    segment: str = "*"
    min: float | None = None
    max: float | None = None
    severity: Literal["critical", "warning"] = "critical"
    min_anchors: int = Field(20, ge=1)
    for_: float = Field(300.0, ge=0, alias="for")
    ground: str = ""
    severe: float | None = None
    """What a PASS has to exclude; not given: anything beyond the limit."""
    usual: float | None = None
    """What a FAIL has to exclude; not given: all within the limit."""
    weight: float = Field(1.0, gt=0, le=1000)

    @model_validator(mode="after")
    def _limited(self) -> "RuleEntry":
        if self.min is None and self.max is None:
            message = f"policy.rule {self.name!r} has neither min nor max"
            raise ValueError(message)
        if self.severe is not None:
            self._apart("severe", self.severe, sign=1)
        if self.usual is not None:
            self._apart("usual", self.usual, sign=-1)
        return self

    def _apart(self, name: str, value: float, *, sign: int) -> None:
        """Refuse a value that is not beyond the rule's one limit (sign 1), or not within it (-1)."""
        low, high = self.min, self.max
        if (low is None) == (high is None):
            message = f"policy.rule {self.name!r}: {name} = {value:g} needs either min or max, not both"
            raise ValueError(message)
        limit, harm = (
            (f"max = {high:g}", value - high) if high is not None else (f"min = {low:g}", (low or 0.0) - value)
        )
        if not sign * harm > 0.0:
            than = "more" if (sign > 0) == (high is not None) else "less"
            message = f"policy.rule {self.name!r}: {name} = {value:g}, expected {than} than {limit}"
            raise ValueError(message)

    def rule(self, k: int) -> Rule:
        """As the judge takes it; where the entry names no depth, `k` is it if the metric has any."""
        measure = REGISTRY.by_name.get(self.metric)
        depth = 0 if self.leg == "corpus" or (measure is not None and not measure.deep) else k
        return Rule(
            self.name,
            self.metric,
            self.leg,
            self.stat,
            depth if self.k is None else self.k,
            self.dimension,
            self.segment,
            self.min,
            self.max,
            self.severity,
            self.min_anchors,
            self.for_,
            self.ground,
            severe=self.severe,
            usual=self.usual,
            weight=self.weight,
        )


class IntegritySection(Section):
    """Limits of the rules of integrity: shares of the corpus, in 0..1."""

    off: tuple[RuleName, ...] = ()
    reembedded: float = Field(_DEFAULTS["reembedded"], gt=0, le=1)
    rescaled: float = Field(_DEFAULTS["rescaled"], gt=0, le=1)
    unequal_twins: float = Field(_DEFAULTS["unequal-twins"], gt=0, le=1)
    foreign_version: float = Field(_DEFAULTS["foreign-version"], gt=0, le=1)
    lost_content: float = Field(_DEFAULTS["lost-content"], gt=0, le=1)
    boilerplate: float = Field(_DEFAULTS["boilerplate"], gt=0, le=1)
    wordless: float = Field(_DEFAULTS["wordless"], gt=0, le=1)
    repetitive: float = Field(_DEFAULTS["repetitive"], gt=0, le=1)
    implausible_time: float = Field(_DEFAULTS["implausible-time"], gt=0, le=1)
    leftover: float = Field(_DEFAULTS["leftover"], gt=0, le=1)
    copied: float = Field(_DEFAULTS["copied"], gt=0, le=1)
    echoed: float = Field(_DEFAULTS["echoed"], gt=0, le=1)
    strange_words: float = Field(_DEFAULTS["strange-words"], gt=0, le=1)
    foreign_source: float = Field(_DEFAULTS["foreign-source"], gt=0, le=1)
    relabelled: float = Field(_DEFAULTS["relabelled"], gt=0, le=1)
    new_hub: float = Field(NEW_HUB_LIMIT, gt=0, le=1)
    in_segment: float = Field(IN_SEGMENT, ge=1)
    """Times the limit that a segment is allowed."""

    def limits(self) -> IntegrityLimits:
        """As the judge takes them."""
        named = {of.name: float(getattr(self, of.name.replace("-", "_"))) for of in INTEGRITY_RULES}
        named[NEW_HUB] = self.new_hub
        return IntegrityLimits(frozenset(name.replace("_", "-") for name in self.off), named, self.in_segment)


class PolicySection(Section):
    """Thresholds. `rule` entries come on top of the default ones unless `defaults` is false."""

    defaults: bool = True
    bounds: bool = True
    """False: deploys are judged by point estimates, as alerts are; for anchor sets too small for bounds."""
    learn: bool = True
    """Whether the limit on new results is learnt from this corpus's own approved deploys."""
    integrity: IntegritySection = IntegritySection()
    rule: tuple[RuleEntry, ...] = ()
