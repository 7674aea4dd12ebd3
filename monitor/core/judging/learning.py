"""Limits learnt from a corpus's own approved deploys: how many results are new at an ordinary one.

Some corpora renew a tenth of their results with every deploy, others next to nothing, and one constant is too narrow
for the first and too wide for the second. Only the limit on new results is learnt: churn is a habit, but an answer
that is lost is lost however often that happens.

Deploys of one corpus being alike, the next ordinary one is beyond the greatest of n with probability 1 / (n + 1) (the
distribution-free tolerance limit of Wilks, Annals of Mathematical Statistics 12, 1941), so from `FEWEST` approved
deploys on the limit of a segment is `ROOM` times the greatest share of new results among them. It stands within two
constants of the policy: at least `FLOOR` times its limit, for fewer new results than that are nobody's harm, and at
most that limit itself. Beyond the policy's limit only a person teaches, who put a baseline in force behind a deploy
that had more; and never beyond `CAP` times it. So deploys that pass by themselves, however slowly they grow, allow
nothing that was not allowed before.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from monitor.core.judging.policy import LearntLimit, Rule

FEWEST = 20
"""Approved deploys from which on a limit is learnt; before, the policy's holds."""
WINDOW = 100
"""Deploys that are looked at, the newest, for those that were approved."""
ROOM = 1.5
FLOOR, CAP = 0.5, 2.0


class CountedPlace(NamedTuple):
    """Where new results were counted: a leg, and a segment of a dimension."""

    leg: str
    dimension: str
    segment: str


@dataclass(frozen=True, slots=True)
class ApprovedDeploy:
    """A deploy that was compared with the one before it and approved.

    Args:
        deploy_id: its id.
        by_person: whether somebody put a baseline in force behind it; else it passed its gate.
        new: mean new results, where they were measured.
    """

    deploy_id: str
    by_person: bool
    new: Mapping[CountedPlace, float]


def learnt(rules: Sequence[Rule], approved: Sequence[ApprovedDeploy]) -> tuple[Rule, ...]:
    """The rules with what was learnt for each segment; equal arguments give equal rules.

    Args:
        rules: the policy.
        approved: of the newest `WINDOW` deploys.
    """
    gates: dict[CountedPlace, list[float]] = defaultdict(list)
    people: dict[CountedPlace, list[float]] = defaultdict(list)
    for one in approved:
        for place, value in one.new.items():
            (people if one.by_person else gates)[place].append(value)
    places = sorted(gates.keys() | people.keys())
    return tuple(
        replace(
            rule,
            learnt=tuple(
                LearntLimit(place.segment, limited(rule.max, gates[place], people[place]), count)
                for place in places
                if (place.leg, place.dimension) == (rule.leg, rule.dimension)
                and (count := len(gates[place]) + len(people[place])) >= FEWEST
            ),
        )
        if rule.learns and rule.max is not None
        else rule
        for rule in rules
    )


def limited(own: float, gates: Sequence[float], people: Sequence[float]) -> float:
    """The limit from what approved deploys had.

    Args:
        own: the policy's.
        gates: new results of deploys that passed.
        people: of those that a person approved.

    >>> limited(0.75, [0.1, 0.4], []), limited(0.75, [0.1], []), limited(0.75, [0.7], []), limited(0.75, [0.1], [1.2])
    (0.6000000000000001, 0.375, 0.75, 1.2)
    """
    passed = min(own, ROOM * max(gates, default=0.0))
    return min(CAP * own, max(FLOOR * own, passed, *people))
