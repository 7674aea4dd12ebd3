"""Attributions folded up to sources, documents, segments, deploys and offset ranges."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.core.blame.attribution import Attribution, Cause, Statistics
from monitor.core.blame.changes import Event
from monitor.core.blame.deploys import DeployLine
from monitor.core.report import Leg, Share
from monitor.core.segments import value_of

STATISTICS = "(lexical statistics)"
UNEXPLAINED = "(unexplained)"
UNNAMED = "(no source)"
OTHERS = "(others)"
MOST = 20
"""Shares kept per leg and level; the rest is summed under `(others)`."""
Name = Callable[[Event], str]


def blamed(attribution: Attribution, deploys: DeployLine, *, since: Mapping[str, int]) -> tuple[Share, ...]:
    """One leg's shares by source, document and deploy, the largest first.

    Args:
        attribution: of the leg.
        deploys: to which deploy an event belongs.
        since: next offsets of the baseline.
    """
    return (
        *folded(attribution, "source", by_source, statistics=None),
        *folded(attribution, "document", lambda event: event.doc_id),
        *by_deploys(attribution, deploys, since),
    )


def by_deploys(attribution: Attribution, deploys: DeployLine, since: Mapping[str, int]) -> list[Share]:
    """One leg's shares by deploy; where nobody knows whose statistics moved, a deploy's if it is the only one."""
    told, only = attribution.by_deploy(), deploys.only_since(tuple(since.items()))
    statistics = None if told is not None else only or STATISTICS
    of = attribution if told is None else told
    return folded(of, "deploy", lambda event: deploys.of(event.position), statistics=statistics)


def by_source(event: Event) -> str:
    """The event's source."""
    return event.source or UNNAMED


def by_segment(dimension: str) -> Name:
    """The event's segment in a dimension, as `language=de`."""
    return lambda event: f"{dimension}={value_of(dimension, event.segment)}"


def named(causes: Sequence[Cause], name: Name, statistics: str | None) -> list[str]:
    """A name per cause, and the name of the unexplained behind them; `statistics` None: whose they are."""
    found = []
    for cause in causes:
        if not isinstance(cause, Statistics):
            found.append(name(cause))
        elif statistics is None:
            found.append(cause.name or STATISTICS)
        else:
            found.append(statistics)
    return [*found, UNEXPLAINED]


def folded(
    attribution: Attribution, level: str, name: Name, *, statistics: str | None = STATISTICS, most: int = MOST
) -> list[Share]:
    """Shares of one leg's churn by name, the largest first; they add up to 1, or there are none.

    Args:
        attribution: of the leg.
        level: what the names are.
        name: of an event.
        statistics: the name of moved BM25 statistics; None: of whoever moved them.
        most: shares kept; the rest is summed under `(others)`.
    """
    if not len(attribution.row):
        return []
    names = named(attribution.causes, name, statistics)
    distinct = {said: at for at, said in enumerate(dict.fromkeys(names))}
    # -1, the unexplained, is the last name
    number = np.array([distinct[said] for said in names])[attribution.cause]
    slots, anchors = _weighed(number, attribution, len(distinct))
    total = sum(slots)
    ranked = sorted(
        ((said, at) for said, at in distinct.items() if anchors[at]), key=lambda of: (-slots[of[1]], of[0])
    )
    leg: Leg = attribution.leg
    made = [Share(leg, level, said, slots[at] / total, slots[at], anchors[at]) for said, at in ranked[:most]]
    left = sum(slots[at] for _, at in ranked[most:])
    if left:
        rest = np.isin(number, [at for _, at in ranked[most:]])
        made.append(Share(leg, level, OTHERS, left / total, left, len(np.unique(attribution.row[rest]))))
    return made


def _weighed(number: NDArray[np.int64], attribution: Attribution, count: int) -> tuple[list[float], list[int]]:
    """Slots and anchors by name; added one by one, in the order of the lists."""
    slots: list[float] = np.bincount(number, weights=attribution.part, minlength=count).tolist()
    width = int(attribution.row.max()) + 1
    pairs = np.unique(number * width + attribution.row)
    anchors: list[int] = np.bincount(pairs // width, minlength=count).tolist()
    return slots, anchors
