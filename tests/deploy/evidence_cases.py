"""For each alert on evidence: series under which it fires, and others under which it must not."""

from collections.abc import Iterator

from tests.deploy.pipeline_cases import DAY, Known, cases_of, moving, own, stamp
from tests.deploy.promtool import TARGET, Case, Firing, Series, always

HOUR_MINUTES = 60
LEARNT = 48
PLACE = 'dimension="source",leg="dense",segment="api"'
OTHER = 'dimension="source",leg="lexical",segment="api"'
_SAID = f'corpus="docs",{{}},{TARGET},leg="dense",segment="api",severity="critical"'.format('dimension="source"')


def evidence(name: str, value: float | str, labels: str = PLACE) -> Series:
    return own(f"evidence_{name}log10", always(value, 3 * HOUR_MINUTES), labels)


def evidence_cases() -> Iterator[Case]:
    limits = (evidence("limit_", 4.158), evidence("limit_", 4.158, OTHER))
    fired = Firing(1, "CorpusDriftEvidence", (_SAID,))
    yield Case("CorpusDriftEvidence: at its limit, in that segment", [evidence("", 4.158), *limits], [fired])
    beyond = [evidence("", 6.0), evidence("", 4.1, OTHER), *limits]
    yield Case("CorpusDriftEvidence: beyond it, in that segment", beyond, [fired])
    for value in (4.157, -2.0, "NaN"):
        quiet = [Firing(minute, "CorpusDriftEvidence") for minute in (1, 60, 120)]
        yield Case(f"CorpusDriftEvidence: {value}", [evidence("", value), *limits], quiet)
    one = own("evidence_log10", [*always(5.0, 59), *always(0.5, 120)], PLACE)
    gone = [Firing(59, "CorpusDriftEvidence", (_SAID,)), Firing(64, "CorpusDriftEvidence")]
    yield Case("CorpusDriftEvidence: gone with the next round", [one, *limits], gone)
    yield from cases_of((_OVERDUE,))
    yield from learning_cases()


_OVERDUE = Known(
    "CorpusDriftRoundsOverdue",
    "warning",
    9,
    13,
    (stamp("last_round", 600.0 - 10_800.0),),
    ((moving("last_round", 7_000.0),), (own("last_round_timestamp_seconds", always("NaN")),)),
)


def learning_cases() -> Iterator[Case]:
    """Three weeks of minutes: told apart, since only the rules on evidence can be evaluated so often."""
    alert, end = "CorpusDriftStillLearning", 21 * DAY // 60
    said = f'corpus="docs",hours="working",{TARGET},severity="warning"'
    for count, fires in ((LEARNT - 1, True), (LEARNT, False)):
        series = own("approved_rounds", [f"{count}x{end + 10}"], 'hours="working"')
        late = Firing(end + 2, alert, (said,) if fires else ())
        yield Case(f"{alert}: {count} rounds", [series], [Firing(end - 2, alert), late])
