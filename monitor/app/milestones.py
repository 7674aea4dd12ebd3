"""The BM25 statistics at the barriers since a baseline, from the deploys' records; each record is read once."""

from collections.abc import Sequence
from dataclasses import replace

from monitor.core.attribution import StatisticsCheckpoint
from monitor.core.index.baseline import Judged, Snapshot
from monitor.core.index.lexical.sources import SourceStatistics, Totals
from monitor.ports import StateStore


class Milestones:
    """Totals by deploy, as many as are needed for the baseline in use: bounded by the deploys that are kept.

    Args:
        store: keeps the deploys' records.
    """

    def __init__(self, store: StateStore) -> None:
        self._store = store
        self._kept: dict[str, Totals | None] = {}
        self._terms: tuple[str, ...] = ()

    def note(self, deploy_id: str, statistics: SourceStatistics | None) -> None:
        """The statistics at the barrier of the deploy that is judged now: its record need not be read."""
        self._kept[deploy_id] = self._shared(statistics)

    def since(self, baseline: Snapshot, ledger: Sequence[Judged]) -> list[StatisticsCheckpoint]:
        """The barriers behind a baseline, oldest first."""
        behind = [one.deploy_id for one in ledger if _behind(one, baseline)]
        self._kept = {name: self._kept[name] if name in self._kept else self._totals(name) for name in behind}
        return [StatisticsCheckpoint(name, self._kept[name]) for name in behind]

    def _totals(self, deploy_id: str) -> Totals | None:
        return self._shared(self._store.statistics(deploy_id))

    def _shared(self, statistics: SourceStatistics | None) -> Totals | None:
        if statistics is None:
            return None
        totals = statistics.totals()
        if totals.terms != self._terms:
            self._terms = totals.terms
        # one tuple for all deploys of the same anchors
        return replace(totals, terms=self._terms)


def _behind(judged: Judged, baseline: Snapshot) -> bool:
    return any(end > baseline.positions.get(where, 0) for where, end in judged.positions.items())
