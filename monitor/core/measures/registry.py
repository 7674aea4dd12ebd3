"""The registry: every measure, and every other metric that may be exported.

The report, its statistics, the ranges that the judge assumes, the exporter's help, dashboards/METRICS.md and the
colours of the page are read from here. A new measure is one object in the tuple of its family, and its test.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import get_args

from monitor.core.measures import (
    contents,
    corpus,
    health,
    integrity,
    migrations,
    production,
    rounds,
    stability,
    traffic,
)
from monitor.core.measures.entry import Metric
from monitor.core.measures.measure import MEAN, UNBOUNDED, AnyMeasure, Family, Group, Range


@dataclass(frozen=True, eq=False)
class MeasureRegistry:
    """Measures by name, in the order in which reports list those of one table, and the monitor's own metrics.

    Args:
        measures: all of them, of distinct names.
        others: title -> metrics that are no measures.
    """

    measures: tuple[AnyMeasure, ...]
    others: Mapping[str, tuple[Metric, ...]]

    def __post_init__(self) -> None:
        names = [of.name for family in (self.measures, *self.others.values()) for of in family]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            message = f"registry: {', '.join(twice)} stands in it twice, expected distinct names"
            raise ValueError(message)

    @cached_property
    def families(self) -> Mapping[str, tuple[Metric, ...]]:
        """Title -> its metrics, in the order they are documented."""
        made: dict[str, tuple[Metric, ...]] = {
            title: tuple(of for of in self.measures if of.family == title) for title in get_args(Family)
        }
        return {**made, **self.others}

    @cached_property
    def entries(self) -> Mapping[str, Metric]:
        """Name without prefix and suffix -> what may be exported."""
        return {of.name: of for family in self.families.values() for of in family}

    @cached_property
    def by_name(self) -> Mapping[str, AnyMeasure]:
        """Name -> measure."""
        return {of.name: of for of in self.measures}

    def entry(self, name: str) -> Metric:
        """The entry of a metric.

        Raises:
            LookupError: if it has none: such a metric may not be exported.
        """
        found = self.entries.get(name)
        if found is None:
            message = f"metric {name!r} has no entry in monitor/core/measures and may not be exported"
            raise LookupError(message)
        return found

    def group(self, *groups: Group) -> list[AnyMeasure]:
        """The measures whose values are columns of these groups."""
        return [of for of in self.measures if of.needs is not None and of.needs.group in groups]

    def by_segment(self) -> list[AnyMeasure]:
        """The measures that have values of a segment as a whole: first those that have no others."""
        return sorted((of for of in self.measures if of.by_segment is not None), key=lambda of: of.needs is not None)

    def statistics(self, metric: str) -> tuple[str, ...]:
        """What is exported of a metric's values; the mean of one that is not registered."""
        found = self.by_name.get(metric)
        return MEAN if found is None else found.statistics

    def range(self, metric: str) -> Range:
        """The values one anchor can have; unbounded for what is not registered."""
        found = self.by_name.get(metric)
        return UNBOUNDED if found is None else found.range

    def plus(self, *measures: AnyMeasure) -> "MeasureRegistry":
        """A registry with more measures; this one stays as it is."""
        return replace(self, measures=(*self.measures, *measures))


REGISTRY = MeasureRegistry(
    (
        *stability.RANKING,
        *stability.SCORED,
        *stability.BY_CONTENT,
        *stability.ANSWERED,
        *stability.BY_DOCUMENT,
        *stability.AGAINST_PINNED,
        *contents.DISAGREEMENT,
        *contents.SERVED,
        *contents.HELD,
        *contents.COVERAGE,
        *contents.LABELLED,
        *contents.GHOSTS,
        *contents.DEAD,
        *contents.STABILITY,
        *contents.SEGMENTWISE,
        *contents.EXPLAINED,
        *contents.IN_THE_GATE,
        *corpus.CORPUS,
        *integrity.INTEGRITY,
        *corpus.IN_INDEX,
        *production.PRODUCTION,
    ),
    {
        "Verdicts and segments": health.VERDICTS,
        "Alarms between deploys": rounds.ALARMS,
        "Stream and state": health.STREAM,
        "Replays of the real index": health.REPLAYS,
        "Production's retriever": health.PRODUCTION,
        "Engine and audits": health.ENGINE,
        "Shards": health.SHARDS,
        "Encoder migration": migrations.MIGRATION,
        "Anchors and traffic": traffic.TRAFFIC,
    },
)
"""What the product measures and exports."""
