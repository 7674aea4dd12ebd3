"""The past in a terminal: one character a point, with its figures beside it."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from monitor.core.records.history import HISTORY_LEGS, Series
from monitor.core.records.reading import Reading

BLOCKS = "▁▂▃▄▅▆▇█"
UNKNOWN = "·"
"""Of a point that is not known: never the lowest block."""
Document = Mapping[str, Any]


def sparkline(values: Sequence[float], low: float, high: float) -> str:
    """One block a value, from `low` to `high`; values beyond stand at the end, NaN is no block.

    >>> sparkline([0.0, 0.5, 1.0, float("nan"), 2.0], 0.0, 1.0)
    '▁▅█·█'
    """
    span = high - low
    made = []
    for value in values:
        if math.isnan(value):
            made.append(UNKNOWN)
            continue
        part = 0.5 if span <= 0 else min(1.0, max(0.0, (value - low) / span))
        made.append(BLOCKS[min(len(BLOCKS) - 1, int(part * len(BLOCKS)))])
    return "".join(made)


def past_rows(history: Document, metric: str) -> list[list[str]]:
    """Leg, segment, deploys and hours as blocks, now, worst, limit, how many are beyond it; the most beyond first.

    Args:
        history: see `history_document`.
        metric: which headline measure.
    """
    found: list[tuple[tuple[object, ...], list[str]]] = []
    for of in history["series"]:
        if of["metric"] != metric:
            continue
        deploys, hours = (_reading(of, kind, limits) for kind, limits in (("deploys", "deploy"), ("hours", "hour")))
        whole = Reading(deploys.series, deploys.values + hours.values, deploys.limits + hours.limits, (), ())
        worst, beyond = whole.worst, len(whole.beyond)
        row = [
            of["leg"],
            "all" if of["dimension"] == "all" else f"{of['dimension']}={of['segment']}",
            sparkline(deploys.values, *whole.axis),
            sparkline(hours.values, *whole.axis),
            _number(_newest(deploys, hours)),
            _number(math.nan if worst is None else whole.values[worst]),
            "" if math.isnan(whole.limit) else _number(whole.limit),
            str(beyond) if beyond else "",
        ]
        found.append(((of["dimension"] != "all", -beyond, HISTORY_LEGS.index(of["leg"]), row[1]), row))
    return [row for _, row in sorted(found, key=lambda pair: pair[0])]


def _reading(of: Document, kind: str, limits: str) -> Reading:
    values, allowed = (
        tuple(math.nan if value is None else float(value) for value in of[name])
        for name in (kind, f"{limits}_limits")
    )
    return Reading(Series(of["metric"], of["leg"]), values, allowed, (), ())


def _newest(deploys: Reading, hours: Reading) -> float:
    """Of the newest hour, else of the newest deploy."""
    return (hours.values or deploys.values or (math.nan,))[-1]


def _number(value: float) -> str:
    return "unknown" if math.isnan(value) else f"{value:.3f}"
