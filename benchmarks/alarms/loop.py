"""Months of the product itself, from events to pages, on a clock of its own: harmless edits, so no page is due."""

import math
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from monitor.app.loop import Monitor
from monitor.core.index.baseline import Approval
from tests.app.rounds import Hours
from tests.corpora import Shape

MONTH = 720
LEARNT = 336
"""Rounds before the count begins: two weeks, which a person then approves."""


@dataclass(frozen=True)
class Counted:
    """What months came to: rounds looked at, alarms, the mean churn of a round and what was learnt as normal."""

    rounds: int
    alarms: int
    churn: float
    normal: float

    @property
    def months(self) -> float:
        """Of 30 days."""
        return self.rounds / MONTH


def harmless_months(months: float) -> Mapping[str, Counted]:
    """A corpus with both legs that is edited at random hours, nothing meant to harm, and one that repeats itself."""
    return {
        "a few chunks rewritten every few hours": counted(months, edits=0.2),
        "the same content again and again": counted(months, edits=0.0),
    }


def counted(
    months: float, *, edits: float, seed: int = 3, learnt: int = LEARNT, dense: bool = True, extra: str = ""
) -> Counted:
    """Run the loop for so many months of rounds.

    Args:
        months: how many.
        edits: chance of an hour to rewrite one to three chunks.
        seed: of the hours and the chunks.
        learnt: rounds before the count begins.
        dense: whether chunks have vectors, and an index that serves them.
        extra: more of the configuration.
    """
    generator, rounds = np.random.default_rng(seed), int(months * MONTH)
    with tempfile.TemporaryDirectory() as folder:
        hours = Hours(Path(folder), shape=Shape(chunks=240, deploys=1, anchors=60, dense=dense), extra=extra)
        with hours.opened() as monitor:
            alarms = monitor.parts.alarms
            assert alarms is not None
            hours.begin(monitor)
            for _ in range(learnt):
                _hour(hours, monitor, generator, edits)
            monitor.operations.accept("", Approval("ann", "two weeks as they should be", ""))
            before, normal, churn = alarms.state.alarms, math.nan, []
            for _ in range(rounds):
                _hour(hours, monitor, generator, edits)
                of = alarms.state.streams[next(iter(alarms.state.streams))]
                churn.append(of.churn)
                normal = normal if math.isnan(of.normal) else of.normal
            return Counted(rounds, alarms.state.alarms - before, float(np.nanmean(churn)), normal)


def _hour(hours: Hours, monitor: Monitor, generator: np.random.Generator, edits: float) -> None:
    if generator.random() < edits:
        hours.edit(int(generator.integers(1, 4)))
    elif edits == 0.0:
        hours.again(5)
    hours.pass_hour(monitor)
