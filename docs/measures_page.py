"""The page of measures, written from the registry."""

import math
from collections.abc import Iterator

from monitor.core.measures.measure import AnyMeasure, Range
from monitor.core.measures.registry import REGISTRY, MeasureRegistry

_HEAD = """# Measures

<!-- Written by `python -m docs` from monitor/core/measures; a test keeps them equal. -->

Everything the monitor can say about your retrieval, one row each. A policy rule names a measure by the name in the
first column (`metric = "collapsed_swaps"`) and one of its statistics (`stat = "p95"`); Prometheus has it as
`corpus_drift_` + name. [How measures are defined](definitions.md) has the formulas and the edge cases, and
[Metrics](metrics.md) has the exported form with all labels.

* **range** is what one anchor's value can be; `k` is the depth of the list. It is also what the gate assumes, at
  worst, of an anchor that could not be measured.
* **better** says which direction is good news, where one is.
* **statistics** are taken over the anchors of a segment, weighted by the anchors' weights. Any measure of anchors
  that has a limit in `measure.beyond` has the statistic `share` too: the share of its anchors above that limit.
* What cannot be measured is NaN with a reason. It is never 0, and it never passes a gate.
"""


def measures_page(registry: MeasureRegistry = REGISTRY) -> str:
    """The whole page."""
    titles: dict[str, list[AnyMeasure]] = {}
    for measure in registry.measures:
        if measure.family is not None:
            titles.setdefault(measure.family, []).append(measure)
    order = [title for title in registry.families if title in titles]
    return "\n".join([_HEAD, *(line for title in order for line in _table(title, titles[title]))])


def _table(title: str, measures: list[AnyMeasure]) -> Iterator[str]:
    yield f"## {title}\n"
    yield "| measure | what it is | when it rises | range | better | statistics |"
    yield "|---|---|---|---|---|---|"
    for of in measures:
        statistics = ", ".join(of.statistics) if of.needs is not None or of.by_segment is not None else "see Metrics"
        yield (
            f"| `{of.name}` | {of.help} | {of.rises} | {_range(of.range)} | {of.better or 'neither'} | {statistics} |"
        )
    yield ""


def _range(values: Range) -> str:
    if math.isinf(values.low) and math.isinf(values.high):
        return "any"
    high = "k" if values.per_depth and values.high == 1 else f"{values.high:g}{' k' if values.per_depth else ''}"
    return f"{values.low:g} to {high}"
