"""METRICS.md, written from the registry of measures."""

from collections.abc import Iterator

from monitor.core.measures.entry import MEASURED, Metric
from monitor.core.measures.registry import REGISTRY, MeasureRegistry

_HEAD = """# Metrics

Written by `python -m dashboards` from `monitor/core/measures`; a test keeps them equal. What a measurement is
exactly (formula, range, ties, empty lists) stands in the docstring of its function in `monitor/core`.

* A value that is not measurable is `NaN`, never 0, and what is not known has no series. `NaN` never passes a gate.
* Internally bigger is better on every score: a Euclid score is the negated distance, and a positive drop is worse.
* Measurements of the report have the labels `leg` (`dense`, `lexical`, `both` for a comparison of the two, `corpus`
  for the chunks themselves), `k` (depth of the lists, 0 where none applies), `dimension`, `segment` and `stat`
  (`mean`, `p05`, `p50`, `p95`, weighted over the anchors; `share`, of the anchors above a limit of `measure.beyond`;
  `pooled`, of all their scores; the chunks' own have others, such as `new`, `modified` and `deleted`, or `psi`, the
  population stability index against the baseline). They are written `M` below.
* Labels are bounded: segments over `segments.cap` are pooled in `other`, and no label ever holds the id of a chunk,
  document or query. The one deploy id is on `corpus_drift_last_deploy_info`.
* The text is rendered once per report, on the first scrape, and kept until the next one.
"""


def metrics_page(registry: MeasureRegistry = REGISTRY) -> str:
    """The whole page."""
    tables = (line for title, family in registry.families.items() for line in _table(title, family))
    return "\n".join([_HEAD, *tables]) + "\n"


def _table(title: str, family: tuple[Metric, ...]) -> Iterator[str]:
    yield f"## {title}\n"
    yield "| metric | type, unit | labels | what it is | when it rises |"
    yield "|---|---|---|---|---|"
    for of in family:
        labels = "M" if of.labels == MEASURED else ", ".join(f"`{label}`" for label in of.labels)
        yield f"| `{of.exported}` | {of.kind}, {of.unit} | {labels} | {of.help} | {of.rises} |"
    yield ""
