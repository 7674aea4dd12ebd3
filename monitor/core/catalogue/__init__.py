"""The catalogue: every metric that may be exported, what it means, and what it means when it rises.

The exporter takes help texts from here and refuses a name that is not here; dashboards/METRICS.md is written from
it. A new measurement gets its entry in the file of its family.
"""

from collections.abc import Mapping

from monitor.core.catalogue.confidence import CONFIDENCE, LABELLED
from monitor.core.catalogue.corpus import CORPUS
from monitor.core.catalogue.entry import MEASURED, PREFIX, Entry
from monitor.core.catalogue.index import INDEX
from monitor.core.catalogue.monitor import ENGINE, REPLAYS, STREAM, VERDICTS
from monitor.core.catalogue.ranking import RANKING
from monitor.core.catalogue.scores import SCORES

__all__ = ["CATALOGUE", "FAMILIES", "MEASURED", "PREFIX", "Entry", "entry"]

FAMILIES: Mapping[str, tuple[Entry, ...]] = {
    "Ranking stability": RANKING,
    "Scores": SCORES,
    "Confidence without labels": CONFIDENCE,
    "With labels": LABELLED,
    "Index against corpus": INDEX,
    "The corpus itself": CORPUS,
    "Verdicts and segments": VERDICTS,
    "Stream and state": STREAM,
    "Replays of the real index": REPLAYS,
    "Engine and audits": ENGINE,
}
"""Title of a family -> its metrics, in the order they are documented."""
CATALOGUE: Mapping[str, Entry] = {of.name: of for family in FAMILIES.values() for of in family}
"""Name without prefix and suffix -> entry."""


def entry(name: str) -> Entry:
    """The entry of a metric.

    Raises:
        LookupError: if it has none: such a metric may not be exported.
    """
    found = CATALOGUE.get(name)
    if found is None:
        message = f"metric {name!r} has no entry in monitor/core/catalogue and may not be exported"
        raise LookupError(message)
    return found
