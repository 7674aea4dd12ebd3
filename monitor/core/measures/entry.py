"""One exported metric, described."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["gauge", "counter", "histogram", "info"]

PREFIX = "corpus_drift_"
"""Before every exported name."""
MEASURED = ("leg", "k", "dimension", "segment", "stat")
"""Labels of a measurement of the report."""


@dataclass(frozen=True, slots=True)
class Metric:
    """What a metric is.

    Args:
        name: without the prefix, and for a counter without `_total`, for an information metric without `_info`.
        unit: what one of it is: `ratio` (0..1), `swaps`, `seconds`, `chunks`, ...
        help: one line for the metrics page.
        rises: what it means when it rises, for whoever reads a graph.
        labels: in the order of export.
        kind: the type.
    """

    name: str
    unit: str
    help: str
    rises: str
    labels: tuple[str, ...] = MEASURED
    kind: Kind = "gauge"

    @property
    def exported(self) -> str:
        """The name as it stands on the metrics page (a histogram's without its suffixes).

        >>> Metric("events", "events", "", "", (), "counter").exported
        'corpus_drift_events_total'
        """
        suffix = {"counter": "_total", "info": "_info"}.get(self.kind, "")
        return f"{PREFIX}{self.name}{suffix}"
