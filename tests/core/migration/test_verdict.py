"""The ten rules and the verdict, as tables: each row breaks one thing."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.migration.blind_audit import BlindAudit
from monitor.core.migration.evidence import MigrationEvidence, NearestVersion, ProxyFigures
from monitor.core.migration.limits import GateLimits
from monitor.core.migration.model import AliasResolution, MigrationView, Phase, PhaseChange, VectorFaults
from monitor.core.migration.rules import findings
from monitor.core.migration.verdict import MigrationVerdict, assess
from tests.core.migration.views import COVERED, CUT, HOUR, NOW, clicks, evidence, quality, serving, view

LIMITS = GateLimits()
NAN = math.nan


def said(rule: str, of: MigrationView, known: MigrationEvidence | None = None) -> tuple[str, str]:
    found = {made.rule: made for made in findings(of, known or evidence(), LIMITS)}
    return found[rule].verdict, found[rule].reason


def covered(**changed: object) -> MigrationView:
    return view(coverage=replace(COVERED, **changed))  # type: ignore[arg-type]


def both(**changed: object) -> MigrationView:
    return view(serving=(serving("old:v1"), serving("new:v2", **changed)))


CASES: list[tuple[str, MigrationView, MigrationEvidence | None, str, str]] = [
    ("R1", view(), None, "pass", "all 1,000 live chunks"),
    (
        "R1",
        covered(covered=999, missing=1, missing_ids=("a#1",)),
        None,
        "fail",
        "1 missing of 1,000 live chunks: a#1",
    ),
    ("R1", covered(covered=998, stale=2, stale_ids=("b", "c")), None, "fail", "2 stale"),
    ("R1", covered(resurrected=1, resurrected_ids=("z",)), None, "fail", "1 resurrected"),
    ("R1", covered(foreign=3), None, "fail", "3 foreign of 1,000 live chunks: ids not known"),
    ("R1", covered(stale=None), None, "unknown", "stale"),
    ("R1", covered(stale=None, missing=1), None, "fail", "1 missing"),
    ("R1", covered(covered=996, settling=4), None, "inconclusive", "4 changes are younger than 30 s"),
    ("R1", covered(unscanned=True), None, "unknown", "not been listed"),
    ("R1", covered(live=0, covered=0), None, "unknown", "no live chunk"),
    ("R2", view(), None, "pass", "1,000 points in the target"),
    ("R2", covered(target_points=None), None, "unknown", "does not say"),
    ("R2", covered(target_points=997), None, "fail", "997 points"),
    ("R2", covered(target_points=997, settling=3), None, "inconclusive", "settling"),
    ("R3", view(), None, "pass", "0 of 300"),
    ("R3", view(), evidence(audit=None), "unknown", "not measured yet"),
    ("R3", view(), evidence(audit=None, auditable=False), "unknown", "[migration.encoder]"),
    ("R3", view(), evidence(audit=BlindAudit(300, (4, 9), 0.2)), "fail", "2 of 300 stored vectors"),
    ("R3", view(), evidence(audit=BlindAudit(100, (), 1.0)), "inconclusive", "expected 300"),
    ("R3", view(faults=VectorFaults(1_000, 7, 0, 0, ("a",))), None, "fail", "7 vectors not of unit length: a"),
    ("R3", view(faults=VectorFaults(1_000, None, 0, 0)), None, "pass", "keep the contract"),
    ("R3", view(faults=VectorFaults(1_000, 0, 2, 1)), None, "fail", "2 vectors without direction"),
    ("R3", view(faults=VectorFaults()), None, "unknown", "no vector"),
    ("R4", view(), None, "pass", "recall 0.990"),
    ("R4", both(ann_recall=0.94), None, "fail", "at least 0.980"),
    ("R4", both(ann_recall=0.975), None, "fail", "at least 0.980"),
    ("R4", both(ann_recall=0.985), None, "pass", "0.985"),
    ("R4", both(ann_recall=NAN), None, "unknown", "not known"),
    ("R4", both(ready=False), None, "inconclusive", "optimiser"),
    ("R4", both(ready=None), None, "unknown", "does not say"),
    ("R4", both(problems=("another distance",)), None, "unknown", "another distance"),
    ("R4", both(asked=0), None, "unknown", "no shadow read"),
    ("R5", view(), None, "pass", "p95 4.0 ms"),
    ("R5", both(p95=0.0049), None, "fail", "at most 4.8 ms"),
    ("R5", both(p95=0.0048), None, "pass", "4.8 ms"),
    ("R5", both(failures=1), None, "fail", "1 of 500 queries failed"),
    ("R5", both(failures=None), None, "unknown", "not known"),
    ("R5", both(p95=NAN), None, "unknown", "not known"),
    ("R5", both(asked=0), None, "unknown", "no shadow read"),
    ("R6", view(), None, "pass", "ndcg@10 0.710 -> 0.740: +0.030 (+0.010 to +0.050) on 500 anchors, allowed -0.020"),
    ("R6", view(), evidence(quality=()), "unknown", "nobody can say"),
    ("R6", view(), evidence(quality=(quality("fail"),)), "fail", "+0.030"),
    ("R6", view(), evidence(quality=(quality("inconclusive"),)), "inconclusive", "a loss below 0.020 cannot be told"),
    (
        "R6",
        view(),
        evidence(quality=(quality(), quality("fail", dimension="language", segment="de"))),
        "fail",
        "in language=de",
    ),
    ("R7", view(), None, "pass", "production asks old:v1"),
    ("R7", view(alias=None), None, "unknown", "nothing says whom production asks"),
    (
        "R7",
        view(alias=AliasResolution("chunks", "x", "new:v2")),
        None,
        "fail",
        "leads to 'x' (new:v2); expected old:v1",
    ),
    ("R7", view(alias=AliasResolution("chunks", "", "", "no such alias")), None, "fail", "no such alias"),
    ("R7", view(), evidence(clicks=clicks(versions={"new:v2": 3})), "fail", "3 of 400 queries"),
    (
        "R7",
        view(),
        evidence(production=NearestVersion(0.7, 0.3, 50)),
        "pass",
        "production shows 70% of what old:v1 lists",
    ),
    ("R7", view(), evidence(production=NearestVersion(0.3, 0.7, 50)), "fail", "are alias and query encoder of one"),
    ("R7", view(alias=None), evidence(production=NearestVersion(0.9, 0.92, 50)), "pass", "old:v1"),
    ("R8", view(), None, "pass", "1,000 points in the old index"),
    ("R8", covered(source_points=None), None, "unknown", "is a rollback possible?"),
    ("R8", covered(source_points=990), None, "fail", "would lose 10"),
    ("R9", view(), None, "unknown", "no rewrites"),
    ("R9", view(), evidence(proxies=(ProxyFigures("agreement", 0.5, 0.3),)), "fail", "agreement 0.500 -> 0.300"),
    ("R9", view(), evidence(proxies=(ProxyFigures("agreement", 0.5, 0.6),)), "pass", "0.600"),
    ("R9", view(), evidence(proxies=(ProxyFigures("agreement", 0.5, NAN),)), "unknown", "no rewrites"),
    ("R10", view(), None, "pass", "6.0 of 10 results change"),
    ("R10", view(shadow=()), None, "unknown", "no lists"),
]


@pytest.mark.parametrize(("rule", "of", "known", "verdict", "words"), CASES)
def test_each_rule(rule: str, of: MigrationView, known: MigrationEvidence | None, verdict: str, words: str) -> None:
    found, reason = said(rule, of, known)
    assert (found, words in reason) == (verdict, True), (found, reason)
    assert "\n" not in reason


def test_each_rule_has_every_verdict_it_can_give() -> None:
    """What decides is proved to pass and to fail."""
    for number in range(1, 9):
        given_ = {verdict for rule, _, _, verdict, _ in CASES if rule == f"R{number}"}
        assert {"pass", "fail", "unknown"} <= given_


def verdict(of: MigrationView, known: MigrationEvidence | None = None) -> MigrationVerdict:
    return assess(of, known or evidence(), LIMITS).verdict


LATE = NOW + 80 * HOUR
AFTER: dict[str, object] = {
    "phase": Phase.CUT_OVER, "changes": CUT, "alias": AliasResolution("chunks", "chunks-new", "new:v2"),
}  # fmt: skip
AGREED = evidence(clicks=clicks(versions={"new:v2": 400}, kept_promise=0.97))


def test_the_way_of_a_migration() -> None:
    assert verdict(view(phase=Phase.NOT_STARTED, changes=())) is MigrationVerdict.NOT_STARTED
    assert verdict(view(phase=Phase.BACKFILLING)) is MigrationVerdict.BACKFILLING
    assert verdict(view(), evidence(audit=None)) is MigrationVerdict.SHADOWING
    assert verdict(view()) is MigrationVerdict.READY
    assert verdict(view(**AFTER), AGREED) is MigrationVerdict.HOLD
    assert verdict(view(**{**AFTER, "now": LATE}), AGREED) is MigrationVerdict.COMPLETE
    ended = (*CUT, PhaseChange("end", Phase.ENDED, NOW))
    assert verdict(view(phase=Phase.ENDED, changes=ended)) is MigrationVerdict.COMPLETE


def test_what_stops_it_in_shadow() -> None:
    assert verdict(covered(missing=1)) is MigrationVerdict.NOT_READY
    assert verdict(covered(missing=1), evidence(audit=None)) is MigrationVerdict.NOT_READY
    assert verdict(covered(stale=None)) is MigrationVerdict.UNKNOWN
    assert verdict(view(), evidence(quality=())) is MigrationVerdict.UNKNOWN
    assert verdict(view(), evidence(quality=(quality("inconclusive"),))) is MigrationVerdict.INCONCLUSIVE
    assert verdict(view(), evidence(proxies=(ProxyFigures("x", 0.9, 0.1),))) is MigrationVerdict.READY, "R9 warns"
    assert verdict(view(alias=None)) is MigrationVerdict.READY, "before the cutover nothing was switched"


def test_after_the_cutover() -> None:
    slow = {**AFTER, "serving": (serving("old:v1"), serving("new:v2", p95=0.1))}
    assert verdict(view(**slow), AGREED) is MigrationVerdict.ROLL_BACK
    stopped = {**slow, "coverage": replace(COVERED, source_points=900)}
    made = assess(view(**stopped), AGREED, LIMITS)
    assert made.verdict is MigrationVerdict.HOLD
    assert "no rollback: the old version is not complete (R8)" in made.reasons
    unmoved = {**AFTER, "alias": AliasResolution("chunks", "chunks-old", "old:v1")}
    assert verdict(view(**unmoved), AGREED) is MigrationVerdict.ROLL_BACK
    old_encoder = evidence(clicks=clicks(versions={"new:v2": 10, "old:v1": 390}))
    assert verdict(view(**AFTER), old_encoder) is MigrationVerdict.ROLL_BACK
    broken = evidence(clicks=clicks(versions={"new:v2": 400}, kept_promise=0.02))
    assert verdict(view(**AFTER), broken) is MigrationVerdict.ROLL_BACK
    garbled = evidence(production=NearestVersion(0.01, 0.02, 80))
    assert verdict(view(**{**AFTER, "now": LATE}), garbled) is MigrationVerdict.ROLL_BACK, "old queries, new vectors"
    near = evidence(production=NearestVersion(0.2, 0.6, 80))
    assert verdict(view(**{**AFTER, "now": LATE}), near) is MigrationVerdict.COMPLETE
    other = evidence(production=NearestVersion(0.8, 0.2, 80))
    assert verdict(view(**AFTER), other) is MigrationVerdict.ROLL_BACK
    lost = {**AFTER, "now": LATE, "coverage": replace(COVERED, missing=1, covered=999)}
    assert verdict(view(**lost), AGREED) is MigrationVerdict.HOLD, "what is missing is mended in place"


def test_after_a_rollback() -> None:
    back = (*CUT, PhaseChange("rollback", Phase.ROLLED_BACK, NOW))
    assert verdict(view(phase=Phase.ROLLED_BACK, changes=back)) is MigrationVerdict.NOT_READY
    ended = (*back, PhaseChange("end", Phase.ENDED, NOW))
    assert verdict(view(phase=Phase.ENDED, changes=ended)) is MigrationVerdict.NOT_READY


def test_the_window_counts_event_time_from_the_cutover() -> None:
    assert assess(view(), evidence(), LIMITS).window_left is None
    assert assess(view(**AFTER), AGREED, LIMITS).window_left == LIMITS.window_seconds - 3_600.0
    assert assess(view(**{**AFTER, "now": LATE}), AGREED, LIMITS).window_left == 0.0


@given(st.sampled_from(CASES))
def test_nothing_unknown_or_failed_is_ready(
    case: tuple[str, MigrationView, MigrationEvidence | None, str, str],
) -> None:
    rule, of, known, found, _ = case
    made = assess(of, known or evidence(), LIMITS)
    decides = {finding.rule: finding.decides for finding in made.findings}[rule]
    assert (made.verdict is MigrationVerdict.READY) <= (found == "pass" or not decides)
    assert bool(made.reasons) == (made.verdict is not MigrationVerdict.READY)


def test_gates_read_the_verdict() -> None:
    passing = {of for of in MigrationVerdict if of.gate == "pass"}
    assert passing == {MigrationVerdict.READY, MigrationVerdict.COMPLETE}
    assert {of for of in MigrationVerdict if of.gate == "fail"} == {
        MigrationVerdict.NOT_READY, MigrationVerdict.ROLL_BACK,
    }  # fmt: skip
