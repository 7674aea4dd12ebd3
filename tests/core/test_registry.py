"""The registry: one entry per name, named and described as Prometheus asks."""

import re

import pytest

from monitor.core.measures.entry import MEASURED, PREFIX, Metric
from monitor.core.measures.registry import REGISTRY

BOUNDED = {
    "leg", "k", "dimension", "segment", "stat", "kind", "reason", "rule", "severity", "verdict", "cause", "topic",
    "partition", "source", "embedding_version", "watched", "version", "deploy",
    "migration", "old", "new", "phase", "metric", "weight", "state", "hours", "shard",
    "direction",
}  # fmt: skip
"""Labels whose values are bounded; `deploy` on the one information metric only, and what a migration is called is
configuration, as are the classes of hours and how many shards there are."""
ENTRIES = [of for family in REGISTRY.families.values() for of in family]


def test_every_name_is_there_once() -> None:
    assert len(REGISTRY.entries) == len(ENTRIES) > 60
    assert len({of.exported for of in ENTRIES}) == len(ENTRIES)


@pytest.mark.parametrize("of", ENTRIES, ids=lambda of: of.name)
def test_an_entry_is_complete(of: Metric) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]*", of.name)
    assert not of.name.startswith(PREFIX)
    assert not of.name.endswith(("_total", "_info", "_count", "_sum", "_bucket"))
    assert of.unit
    assert len(of.help) > 10
    assert not of.help.endswith(".")  # a line of exposition, not a sentence of a page
    assert "|" not in of.help + of.rises + of.unit  # they stand in a table
    assert (of.rises == "") == (of.kind == "info")
    assert set(of.labels) <= BOUNDED
    assert "deploy" not in of.labels or of.kind == "info"


@pytest.mark.parametrize("of", ENTRIES, ids=lambda of: of.name)
def test_the_name_says_the_unit(of: Metric) -> None:
    if of.name.endswith("_ratio"):
        assert of.unit == "ratio"
    if of.name.endswith("_seconds"):
        assert of.unit == "seconds"
    if of.name.endswith("_bytes"):
        assert of.unit == "bytes"


def test_measurements_have_the_labels_of_a_measurement() -> None:
    for title in ("Ranking stability", "Scores"):
        assert {of.labels for of in REGISTRY.families[title]} == {MEASURED}


def test_a_name_without_entry_is_refused() -> None:
    with pytest.raises(LookupError, match="'no_such_metric' has no entry"):
        REGISTRY.entry("no_such_metric")
