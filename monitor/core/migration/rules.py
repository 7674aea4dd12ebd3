"""The ten rules: each says PASS, FAIL, INCONCLUSIVE or UNKNOWN of a migration, with the reason in one line. Pure.

Rules 1 to 8 decide. Rule 9 warns; rule 10 sizes the change: good encoders overlap little, so overlap never decides.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from monitor.core.migration.evidence import MigrationEvidence
from monitor.core.migration.limits import GateLimits
from monitor.core.migration.model import Coverage, MigrationView, Phase
from monitor.core.migration.quality import QualityDifference
from monitor.core.model.report import VerdictName

NEARER = 0.05
"""How much nearer to the other version production's results may be: versions that agree are told apart by nothing."""
FAR = 0.1
"""Least share of production's results that the version in force lists. A reranker leaves more; queries of another
encoder bring what no version lists."""
SHOWN = 3
"""Ids or segments named in a reason."""


@dataclass(frozen=True, slots=True)
class RuleFinding:
    """What one rule says.

    Args:
        rule: `R1` to `R10`.
        title: what it asks, in a few words.
        verdict: its answer.
        reason: one line: what was found, and the limit.
        decides: whether it can keep a migration from being READY.
        waits: whether it is unknown only because what measures it has not run yet.
    """

    rule: str
    title: str
    verdict: VerdictName
    reason: str
    decides: bool = True
    waits: bool = False


@dataclass(frozen=True, slots=True)
class _Case:
    view: MigrationView
    evidence: MigrationEvidence
    limits: GateLimits

    @property
    def cut_over(self) -> bool:
        return self.view.phase is Phase.CUT_OVER


class _Answer(NamedTuple):
    verdict: VerdictName
    reason: str
    waits: bool = False


def _waits(reason: str) -> _Answer:
    return _Answer("unknown", f"not measured yet: {reason}", waits=True)


def _within(holds: bool, said: str, expected: str) -> _Answer:
    return _Answer("pass", said) if holds else _Answer("fail", f"{said}; expected {expected}")


def _settled(said: str, apart: int) -> _Answer:
    """Two counts that are apart by no more than what is settling."""
    return _Answer("inconclusive", f"{said}; changes are settling") if apart else _Answer("pass", said)


def findings(view: MigrationView, evidence: MigrationEvidence, limits: GateLimits) -> tuple[RuleFinding, ...]:
    """All ten, in order."""
    case = _Case(view, evidence, limits)
    made = []
    for number, (title, answer, decides) in enumerate(RULES, 1):
        said = answer(case)
        made.append(RuleFinding(f"R{number}", title, said.verdict, said.reason, decides(case), said.waits))
    return tuple(made)


def _complete(case: _Case) -> _Answer:
    """R1: no chunk is missing, stale, resurrected or foreign."""
    of = case.view.coverage
    counted = _counts(of)
    known = [f"{count:,} {name}" for name, count, _ in counted if count]
    if known:
        named = [chunk for _, count, ids in counted if count for chunk in ids][:SHOWN]
        return _Answer(
            "fail", f"{', '.join(known)} of {of.live:,} live chunks: {', '.join(named) or 'ids not known'}"
        )
    unknown = [name for name, count, _ in counted if count is None]
    if unknown:
        return _Answer(
            "unknown", f"{', '.join(unknown)}: not known; the target's points could not be listed with their content"
        )
    if not of.live:
        return _Answer("unknown", "no live chunk: nothing is migrated")
    if of.settling or of.unsettled_points:
        waiting = of.settling + of.unsettled_points
        return _Answer(
            "inconclusive", f"{waiting:,} changes are younger than {of.settle_seconds:g} s: not decided yet"
        )
    if of.unscanned:
        return _waits("the target's points have not been listed since it may have changed")
    return _Answer("pass", f"all {of.live:,} live chunks have a vector of their content, and nothing else is there")


def _counts(of: Coverage) -> Sequence[tuple[str, int | None, tuple[str, ...]]]:
    return (
        ("missing", of.missing, of.missing_ids),
        ("stale", of.stale, of.stale_ids),
        ("resurrected", of.resurrected, of.resurrected_ids),
        ("foreign", of.foreign, of.foreign_ids),
    )


def _counted(case: _Case) -> _Answer:
    """R2: the target counts as many points as chunks are live."""
    of = case.view.coverage
    if of.target_points is None:
        return _Answer("unknown", "the target does not say how many points it holds")
    open_ = of.settling + of.unsettled_points
    apart = abs(of.target_points - of.live)
    said = f"{of.target_points:,} points in the target, {of.live:,} live chunks"
    if apart > open_:
        return _Answer("fail", said)
    return _settled(said, apart)


def _sound(case: _Case) -> _Answer:
    """R3: every vector keeps the contract, equal content has equal vectors, and the blind audit found no other."""
    faults, audit, limits = case.view.faults, case.evidence.audit, case.limits
    wrong = (
        ("not of unit length", faults.not_unit or 0),
        ("without direction", faults.zero),
        ("unlike their equal content", faults.unequal),
    )
    found = [f"{count:,} vectors {name}" for name, count in wrong if count]
    if found:
        return _Answer("fail", f"{'; '.join(found)}: {', '.join(faults.examples[:SHOWN]) or 'see the quarantine'}")
    if audit is not None and audit.failed:
        share = f"up to {audit.mixed_most:.1%} may be of another encoder"
        return _Answer(
            "fail", f"{len(audit.failed)} of {audit.checked} stored vectors are not what the encoder makes; {share}"
        )
    if not faults.checked:
        return _waits("no vector of the target was seen")
    if audit is None and not case.evidence.auditable:
        return _Answer("unknown", "nothing can encode texts anew for the blind audit: expected [migration.encoder]")
    if audit is None:
        return _waits("the blind audit")
    least = min(limits.audit, case.view.coverage.live)
    said = f"{faults.checked:,} vectors keep the contract; blind audit 0 of {audit.checked}"
    if audit.checked < least:
        return _Answer("inconclusive", f"{said}; expected {least} audited")
    return _Answer("pass", f"{said} wrong, so a mix is at most {audit.mixed_most:.1%}")


def _serves(case: _Case) -> _Answer:
    """R4: the new index is at rest and finds what is there, nearly as well as the old one."""
    old, new = case.view.serving
    limits = case.limits
    if new.problems:
        return _Answer("unknown", new.problems[0])
    if not new.asked:
        return _waits("no shadow read of the new version")
    if new.ready is not True:
        if new.ready is None:
            return _Answer("unknown", "the new index does not say whether it is at rest")
        return _Answer("inconclusive", "the new index is not at rest: its optimiser works")
    if math.isnan(new.ann_recall) or math.isnan(old.ann_recall):
        return _Answer("unknown", "recall against the exact lists is not known for both versions")
    least = max(limits.least_recall, old.ann_recall - limits.recall_loss)
    said = f"recall {new.ann_recall:.3f} against the exact lists, the old index {old.ann_recall:.3f}"
    return _within(new.ann_recall >= least, said, f"at least {least:.3f}")


def _fast(case: _Case) -> _Answer:
    """R5: the new version answers about as fast, and fails no more often."""
    old, new = case.view.serving
    if not (new.asked and old.asked):
        return _waits("no shadow read of both versions")
    if new.failures is None or old.failures is None or math.isnan(new.p95) or math.isnan(old.p95):
        return _Answer("unknown", "latency or failures are not known for both versions")
    if new.failures > old.failures:
        return _Answer("fail", f"{new.failures} of {new.asked} queries failed, {old.failures} in the old version")
    said = f"p95 {new.p95 * 1e3:.1f} ms, the old version {old.p95 * 1e3:.1f} ms"
    most = case.limits.slowdown * old.p95
    return _within(new.p95 <= most, said, f"at most {most * 1e3:.1f} ms")


def _no_worse(case: _Case) -> _Answer:
    """R6: the paired quality difference is not below the margin, overall and in every segment."""
    found = case.evidence.quality
    if not found or not found[0].n:
        return _Answer("unknown", "no anchor has judgements or known items: nobody can say which version is better")
    for verdict in ("fail", "unknown", "inconclusive"):
        wrong = [of for of in found if of.verdict == verdict]
        if wrong:
            more = f"; and {len(wrong) - 1} more segments" if len(wrong) > 1 else ""
            return _Answer(wrong[0].verdict, f"{quality_line(wrong[0])}{more}")
    return _Answer("pass", quality_line(found[0]))


def quality_line(of: QualityDifference) -> str:
    """One difference in words."""
    where = "" if of.dimension == "all" else f" in {of.dimension}={of.segment}"
    said = (
        f"{of.metric}@{of.depth}{where} {of.old:.3f} -> {of.new:.3f}: {of.difference:+.3f} "
        f"({of.lower:+.3f} to {of.upper:+.3f}) on {of.n} anchors, allowed {-of.margin:+.3f}"
    )
    if of.verdict == "inconclusive" and not math.isnan(of.detectable):
        said += f"; a loss below {of.detectable:.3f} cannot be told from none on so few"
        said += f", about {of.needed:,} would decide" if of.needed else ""
    return said


def _asked_rightly(case: _Case) -> _Answer:
    """R7: production asks the version that is in force, with queries of its encoder."""
    view, clicks = case.view, case.evidence.clicks
    expected = view.new.version if case.cut_over else view.old.version
    alias = view.alias
    if alias is not None and (alias.problem or alias.version != expected):
        leads = alias.problem or f"alias {alias.alias!r} leads to {alias.target!r} ({alias.version})"
        return _Answer("fail", f"{leads}; expected {expected}")
    others = 0 if clicks is None else sum(count for of, count in clicks.versions.items() if of and of != expected)
    if clicks is not None and others:
        return _Answer("fail", f"{others:,} of {clicks.impressions:,} queries bore another version than {expected}")
    if case.cut_over and clicks is not None and clicks.kept_promise < case.limits.promise:
        share = f"{clicks.kept_promise:.0%} of what production shows is what the new version lists"
        return _Answer("fail", f"{share}, expected {case.limits.promise:.0%}: is the query encoder the new one?")
    served = case.evidence.production
    if served is not None:
        right, wrong = (served.new, served.old) if case.cut_over else (served.old, served.new)
        said = f"production shows {right:.0%} of what {expected} lists, {wrong:.0%} of what the other version lists"
        holds = right >= FAR and wrong - right <= NEARER
        return _within(holds, said, "to be near to it: are alias and query encoder of one version?")
    if alias is None and clicks is None:
        return _Answer("unknown", "nothing says whom production asks: expected an alias, a click log or [production]")
    if case.cut_over and clicks is None:
        return _Answer("unknown", f"the alias leads to {expected}; with whose encoder it is asked, nothing shows")
    return _Answer("pass", f"production asks {expected}")


def _returns(case: _Case) -> _Answer:
    """R8: the old version is complete as well, so that a rollback loses nothing."""
    of = case.view.coverage
    if of.source_points is None:
        return _Answer("unknown", "the old index does not say how many points it holds: is a rollback possible?")
    said = f"{of.source_points:,} points in the old index, {of.live:,} live chunks"
    apart = abs(of.source_points - of.live)
    if apart > of.settling + of.unsettled_points:
        return _Answer("fail", f"{said}: a rollback would lose {apart:,}; are the old writes stopped?")
    return _settled(said, apart)


def _proxies(case: _Case) -> _Answer:
    """R9: proxies without labels; they warn."""
    known = [of for of in case.evidence.proxies if not math.isnan(of.old - of.new)]
    if not known:
        return _Answer("unknown", "no rewrites and no lexical leg to compare with")
    worst = min(known, key=lambda of: of.new - of.old)
    said = f"{worst.name} {worst.old:.3f} -> {worst.new:.3f}"
    return _within(
        worst.old - worst.new <= case.limits.proxy_loss, said, f"to fall by {case.limits.proxy_loss:g} at most"
    )


def _overlap(case: _Case) -> _Answer:
    """R10: how many results change; it says how large the change is, never whether it is good."""
    overall = next((of for of in case.view.shadow if of.dimension == "all"), None)
    if overall is None or not overall.anchors:
        return _waits("no lists of both versions")
    return _Answer("pass", f"{overall.swaps:.1f} of {overall.k} results change on average; that decides nothing")


def _always(case: _Case) -> bool:
    del case
    return True


def _never(case: _Case) -> bool:
    del case
    return False


def _seen(case: _Case) -> bool:
    """Whether anything at all says whom production asks; where nothing can, the rule only warns."""
    known = case.evidence
    return case.view.alias is not None or known.clicks is not None or known.production is not None


RULES: tuple[tuple[str, Callable[[_Case], _Answer], Callable[[_Case], bool]], ...] = (
    ("complete", _complete, _always),
    ("counts agree", _counted, _always),
    ("vectors are sound", _sound, _always),
    ("index finds what is there", _serves, _always),
    ("fast enough", _fast, _always),
    ("answers no worse", _no_worse, _always),
    ("asked with the right encoder", _asked_rightly, _seen),
    ("rollback possible", _returns, _always),
    ("proxies without labels", _proxies, _never),
    ("size of the change", _overlap, _never),
)
