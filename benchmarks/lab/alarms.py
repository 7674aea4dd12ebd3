"""The product's own alarms between deploys, as one more detector: evidence that churn is above what is normal.

A round is a deploy, one a day, as the streams have it: in production it is an hour. The two series are the legs over
all anchors. What is normal is learnt from a stream's ordinary deploys, repeated to a year of them, all approved.
One deploy alone is rarely evidence enough, and need not be: that is the gate's. What creeps is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.lab import truth
from benchmarks.lab.corpus import applied
from benchmarks.lab.peers import Said
from benchmarks.lab.run import Bench, moved
from monitor.core.alarms.budget import PageBudget
from monitor.core.alarms.detector import alarms_over
from monitor.core.alarms.normal import normal_churn

BUDGET, ROUND = PageBudget.of("1 per 30d"), 86_400.0
LEARNT = 365
"""Approved rounds. The product waits for 48 and keeps 1,344: with more of them the bound comes nearer to the mean."""
Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Alarms:
    """The e-detector over a stream's deploys.

    Args:
        learnt: approved rounds by leg: the share of results that each exchanged, in [0, 1].
    """

    learnt: Mapping[truth.Leg, Sequence[float]]
    name: str = "alarms (ours)"

    def says(self, outcome: Document) -> Sequence[Said | None]:
        """After the approved rounds, deploy by deploy; of a history nothing, it was learnt from."""
        deploys = outcome["deploys"]
        if outcome["group"] == "ordinary" or not all(self.learnt.values()):
            return [None] * len(deploys)
        raised = np.zeros(len(deploys), bool)
        limit = BUDGET.limit(len(self.learnt), ROUND)
        for leg, known in self.learnt.items():
            rounds = np.array([*known, *(one["moved"][leg] for one in deploys)])
            raised |= alarms_over(rounds, normal_churn(known), limit)[len(known) :]
        return [Said(bool(one)) for one in raised]


def alarms(bench: Bench) -> Alarms:
    """The detector that has learnt a stream's ordinary deploys."""
    corpus, lists = bench.stream.corpus, bench.before
    learnt: dict[truth.Leg, list[float]] = {leg: [] for leg in truth.LEGS}
    for _, changes in bench.stream.deploys:
        after = applied(corpus, changes)
        now = truth.brute_force(after, bench.stream.anchors, distance=bench.stream.distance)
        for leg, share in moved(lists, now, corpus, after).items():
            learnt[leg].append(share)
        corpus, lists = after, now
    return Alarms({leg: (known * LEARNT)[:LEARNT] for leg, known in learnt.items()})
