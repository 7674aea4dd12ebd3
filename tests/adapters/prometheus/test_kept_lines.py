"""A page that kept what did not move is, byte for byte, the page of somebody who renders for the first time."""

import math
from dataclasses import replace
from random import Random

import pytest

from monitor.adapters.prometheus.exporter import MetricsPage, alive, reported
from monitor.adapters.prometheus.text import page_text
from monitor.core.index.baseline import Judged
from monitor.core.judging.policy import Finding
from monitor.core.model.problems import Problem, ProblemKind
from monitor.core.model.report import (
    BaselineIdentity,
    CauseClass,
    Measurement,
    SegmentSize,
    Share,
    VerdictName,
)
from monitor.core.records.published import AnchorsTaken, Audited, EngineWork, ProductionHealth, Published
from tests.adapters.views import HOSTILE, finding, health, measurement, view

METRICS = (
    ("swaps", "mean"),
    ("swaps", "p95"),
    ("gap", "mean"),
    ("chunks", "new"),
    ("embedding_version_chunks", "mean"),
)
VALUES = (0.0, -0.0, 1.5, math.nan, math.inf, 1e300, 12_345_678.9)
VERDICTS: tuple[VerdictName, ...] = ("pass", "fail", "inconclusive", "unknown")


def laid_out(random: Random) -> list[Measurement]:
    """Measurements of some segments, some of them with hostile names, at two depths."""
    return [
        measurement(metric, segment, random.choice(VALUES), stat=stat, k=k, n=random.randrange(9))
        for k in (10, 5)
        for segment in random.sample(HOSTILE, 3)
        for metric, stat in METRICS
        if metric != "embedding_version_chunks" or k == 10
    ]


def found(random: Random) -> list[Finding]:
    made = [replace(finding(of, of), verdict=random.choice(VERDICTS)) for of in random.sample(HOSTILE, 4)]
    return [replace(one, rule=f"r{at}") for at, one in enumerate(made)]


@pytest.mark.parametrize("seed", range(5))
def test_pages_one_after_the_other(seed: int) -> None:
    random, page = Random(seed), MetricsPage()
    measurements, findings = laid_out(random), found(random)
    for _ in range(25):
        what = random.randrange(6)
        if what == 0:
            measurements = laid_out(random)
        elif what == 1:
            measurements = measurements[random.randrange(3) :]
        else:
            for at in random.choices(range(len(measurements)), k=random.randrange(4)):
                moved = replace_one(random, measurements[at])
                measurements = [*measurements[:at], moved, *measurements[at + 1 :]]
        if random.random() < 0.3:
            findings = found(random) if random.random() < 0.5 else findings[::-1]
        shown = view((), measurements)
        shown = replace(shown, verdict=replace(shown.verdict, findings=tuple(findings)))
        text = page.render(shown)
        assert text == MetricsPage().render(shown)
        assert text == page_text(reported(shown)) + page_text(alive(shown))


def replace_one(random: Random, of: Measurement) -> Measurement:
    return of._replace(value=random.choice(VALUES), n=random.randrange(9))


def changed(random: Random, shown: Published) -> Published:
    """The view with something of what stands around its measurements made another, or as it was once."""
    report, well = shown.report, shown.health
    share = Share("dense", "source", random.choice(HOSTILE), random.random(), 2.0, 1)
    reports = (
        {"segments": tuple(SegmentSize("source", of, 9, 8, random.random() < 0.5) for of in HOSTILE)},
        {"problems": (Problem(random.choice(list(ProblemKind)), "of it"),)},
        {"baseline": random.choice([None, BaselineIdentity("main", random.randrange(9), "d0", "ann")])},
        {"blame": random.choice([(), (share,)])},
        {"causes": random.choice([(), (CauseClass("INDEX", 1.0, 1, ()),)])},
        {"corpus": {"chunks": float(random.randrange(9))}},
        {"changed_anchors": random.randrange(3)},
    )
    healths = (
        {"audits": {"dense": Audited(random.randrange(2), 3, 1.7e9, 0.5, random.choice(["", "leg_off"]))}},
        {"engine": EngineWork({"dense": random.randrange(3)}, {"dense": 2}, {"dense": 1}, 0, 0, 9, 1)},
        {"anchors": random.choice([None, AnchorsTaken(9, random.randrange(2), "")])},
        {"production": ProductionHealth(False, 1.7e9, {}, (0.1, 0.2, random.random()))},
        {"turned": well.turned + 1.0},
    )
    views = (
        {"ledger": random.choice([(), (Judged(random.choice(HOSTILE), 9, "pass"),)])},
        {"counters": {("events", "upsert", "new"): random.randrange(3)}},
        {"verdict": replace(shown.verdict, verdict=random.choice(VERDICTS))},
    )
    at = random.randrange(len(reports) + len(healths) + len(views))
    if at < len(reports):
        return replace(shown, report=replace(report, **reports[at]))
    if at < len(reports) + len(healths):
        return replace(shown, health=replace(well, **healths[at - len(reports)]))
    return replace(shown, **views[at - len(reports) - len(healths)])


@pytest.mark.parametrize("seed", range(5))
def test_pages_around_which_everything_moves(seed: int) -> None:
    random, page = Random(seed), MetricsPage()
    shown = view(HOSTILE, health=health(production=ProductionHealth(False, 1.7e9, {})))
    for _ in range(80):
        shown = changed(random, shown)
        text = page.render(shown)
        assert text == MetricsPage().render(shown)
        assert text == page_text(reported(shown)) + page_text(alive(shown))
