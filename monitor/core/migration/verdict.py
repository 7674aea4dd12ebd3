"""The verdict on a migration: where it stands and what may be done next. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from monitor.core.migration.evidence import MigrationEvidence
from monitor.core.migration.limits import GateLimits
from monitor.core.migration.model import MigrationView, Phase
from monitor.core.migration.rules import RuleFinding, findings
from monitor.core.model.report import VerdictName
from monitor.core.text.wording import duration

SECOND = 1_000_000
GIVES_WAY = ("R3", "R4", "R5", "R6", "R7")
"""Rules whose failure after the cutover hurts users now. What is missing (R1, R2) is mended in place."""


class MigrationVerdict(StrEnum):
    """What is said of a migration."""

    NOT_STARTED = "NOT_STARTED"
    BACKFILLING = "BACKFILLING"
    SHADOWING = "SHADOWING"
    READY = "READY"
    NOT_READY = "NOT_READY"
    INCONCLUSIVE = "INCONCLUSIVE"
    UNKNOWN = "UNKNOWN"
    HOLD = "HOLD"
    ROLL_BACK = "ROLL_BACK"
    COMPLETE = "COMPLETE"

    @property
    def gate(self) -> VerdictName:
        """What a gate makes of it: READY and COMPLETE pass, NOT_READY and ROLL_BACK fail."""
        if self in (MigrationVerdict.READY, MigrationVerdict.COMPLETE):
            return "pass"
        if self in (MigrationVerdict.NOT_READY, MigrationVerdict.ROLL_BACK):
            return "fail"
        return "unknown" if self is MigrationVerdict.UNKNOWN else "inconclusive"


@dataclass(frozen=True, slots=True, eq=False)
class MigrationAssessment:
    """A migration at one position of the stream, judged.

    Args:
        view: what was measured.
        evidence: what is known beyond it.
        limits: what it was judged by.
        findings: the ten rules.
        verdict: the answer.
        reasons: why, the first the most important; empty for READY and COMPLETE.
    """

    view: MigrationView
    evidence: MigrationEvidence
    limits: GateLimits
    findings: tuple[RuleFinding, ...]
    verdict: MigrationVerdict
    reasons: tuple[str, ...]

    @property
    def window_left(self) -> float | None:
        """Seconds of event time until the rollback window ends; None before the cutover."""
        return _window_left(self.view, self.limits)


def assess(view: MigrationView, evidence: MigrationEvidence, limits: GateLimits) -> MigrationAssessment:
    """Judge a migration.

    Rule 1: before its first marker it is NOT_STARTED; until its backfill says that it is done, BACKFILLING. Rule 2:
    in shadow, any deciding rule that FAILs makes it NOT_READY. Rule 3: else, if all that is unknown only waits for
    what measures it, SHADOWING; if anything else is unknown, UNKNOWN. Rule 4: else INCONCLUSIVE if any rule is; else
    READY. Rule 5: after the cutover a rule of `GIVES_WAY` that FAILs makes it ROLL_BACK while the old version is
    complete (R8), and HOLD where it is not: going back would lose chunks. Rule 6: else HOLD until the rollback window
    is over, every deciding rule passes and, for the rules of what users see, nothing is unknown; then COMPLETE. Rule
    7: what was rolled back is NOT_READY; what ended is COMPLETE if it had been cut over.
    """
    found = findings(view, evidence, limits)
    verdict, reasons = _verdict(view, found, limits)
    return MigrationAssessment(view, evidence, limits, found, verdict, tuple(reasons))


def _verdict(
    view: MigrationView, found: Sequence[RuleFinding], limits: GateLimits
) -> tuple[MigrationVerdict, list[str]]:
    deciding = [of for of in found if of.decides]
    match view.phase:
        case Phase.NOT_STARTED:
            said = f"no begin marker of migration {view.migration_id!r} was seen"
            return MigrationVerdict.NOT_STARTED, [f"{said}; the quarantine has markers of any other"]
        case Phase.BACKFILLING:
            return MigrationVerdict.BACKFILLING, ["the backfill has not said that it is done"]
        case Phase.SHADOWING:
            return _in_shadow(deciding)
        case Phase.CUT_OVER:
            return _after_cutover(view, deciding, limits)
        case Phase.ROLLED_BACK:
            return MigrationVerdict.NOT_READY, ["it was rolled back; another try is another migration"]
        case Phase.ENDED:
            cut = any(change.phase is Phase.CUT_OVER for change in view.changes)
            back = any(change.phase is Phase.ROLLED_BACK for change in view.changes)
            if cut and not back:
                return MigrationVerdict.COMPLETE, []
            return MigrationVerdict.NOT_READY, ["it ended without a cutover that stood"]


def _in_shadow(deciding: Sequence[RuleFinding]) -> tuple[MigrationVerdict, list[str]]:
    failed, unknown, open_ = (_said(deciding, name) for name in ("fail", "unknown", "inconclusive"))
    if failed:
        return MigrationVerdict.NOT_READY, failed
    if unknown:
        waits = all(of.waits for of in deciding if of.verdict == "unknown")
        return (MigrationVerdict.SHADOWING if waits else MigrationVerdict.UNKNOWN), unknown
    return (MigrationVerdict.INCONCLUSIVE, open_) if open_ else (MigrationVerdict.READY, [])


def _after_cutover(
    view: MigrationView, deciding: Sequence[RuleFinding], limits: GateLimits
) -> tuple[MigrationVerdict, list[str]]:
    hurting = _said([of for of in deciding if of.rule in GIVES_WAY], "fail")
    possible = all(of.verdict in ("pass", "inconclusive") for of in deciding if of.rule == "R8")
    if hurting:
        if possible:
            return MigrationVerdict.ROLL_BACK, hurting
        return MigrationVerdict.HOLD, [*hurting, "no rollback: the old version is not complete (R8)"]
    open_ = [line for name in ("fail", "unknown", "inconclusive") for line in _said(deciding, name)]
    left = _window_left(view, limits)
    if left is None or left > 0.0:
        return MigrationVerdict.HOLD, [f"the rollback window is open for {duration(left or 0.0)} more", *open_]
    return (MigrationVerdict.HOLD, open_) if open_ else (MigrationVerdict.COMPLETE, [])


def _said(found: Sequence[RuleFinding], verdict: VerdictName) -> list[str]:
    return [f"{of.rule} {of.title}: {of.reason}" for of in found if of.verdict == verdict]


def _window_left(view: MigrationView, limits: GateLimits) -> float | None:
    cut = next((change.event_time for change in reversed(view.changes) if change.phase is Phase.CUT_OVER), None)
    return None if cut is None else max(0.0, limits.window_seconds - (view.now - cut) / SECOND)
