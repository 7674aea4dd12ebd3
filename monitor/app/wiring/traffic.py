"""Traffic, as configured: where queries are read, and what becomes of them."""

from pathlib import Path

from monitor.adapters.query_log.reading import read_query_log
from monitor.app.configuration import Configuration
from monitor.app.health import Clocks
from monitor.app.traffic import TrafficPlan, TrafficWatch
from monitor.app.traffic_section import TrafficSection
from monitor.app.wiring.logs import build_log
from monitor.app.wiring.retrieval import Space
from monitor.core.traffic.marks import TrafficMarks
from monitor.ports import Source


def build_traffic(configuration: Configuration, space: Space, clocks: Clocks) -> TrafficWatch | None:
    """The traffic that is read beside the corpus; None where none is configured.

    Raises:
        ConfigurationError: the log's settings are wrong, or the key is missing.
    """
    chosen = configuration.traffic
    if chosen is None:
        return None
    return traffic_watch(
        configuration, chosen, space, build_log(configuration, chosen, "traffic"), clocks, limited=True
    )


def traffic_watch(
    configuration: Configuration,
    chosen: TrafficSection,
    space: Space,
    source: Source,
    clocks: Clocks,
    *,
    limited: bool,
) -> TrafficWatch:
    """The traffic of any source of records in the configured form.

    Raises:
        ConfigurationError: the key is missing.
    """
    dense = configuration.dense.adapter is not None
    plan = TrafficPlan(
        keep_days=chosen.keep_days,
        max_rows=chosen.max_rows,
        seconds=chosen.seconds,
        least=chosen.least_coverage,
        k=max(configuration.measure.depths),
        dimension=space.dimension if dense else 0,
        distance=configuration.corpus.distance,
        filter_by=configuration.dense.filter_by,
        dimensions=configuration.segments.dimensions,
        cap=configuration.segments.cap,
        held_out=_pair(chosen.held_out),
        tuning=tuple(text for path in chosen.tuning for text in _texts(configuration.located(path))),
    )
    marks = TrafficMarks(chosen.key.get_secret_value())
    read = chosen.kind.reader(chosen.fields, plan.dimension)
    return TrafficWatch(plan, source, read, marks, space.encoder, clocks, limited=limited)


def _texts(path: Path) -> list[str]:
    """The queries of a file that something was tuned on, in any form of `anchors build`."""
    read = read_query_log(path)
    read.require_mostly_read(path)
    return [of.text for of in read.queries]


def _pair(said: str) -> tuple[str, str]:
    name, _, value = said.partition("=")
    return name, value
