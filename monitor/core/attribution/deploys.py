"""Deploys of events: an event belongs to the first deploy whose barrier lies behind it."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from monitor.core.index.baseline import Judged
from monitor.core.model.events import Position

NO_DEPLOY = "(no deploy yet)"
UNKNOWN_DEPLOY = "(unknown)"
NOWHERE: Mapping[str, int] = MappingProxyType({})


class DeployTimeline:
    """The barriers of the judged deploys on every partition.

    Args:
        ledger: judged deploys, oldest first; one whose positions were not kept claims nothing.
        current: the deploy that is judged now and is not in the ledger yet, "" between deploys: it has what comes
            after all others.
        since: next offsets of the baseline. A change that stood before them was set aside then and given another try
            since: nobody knows in which deploy.
    """

    def __init__(self, ledger: Sequence[Judged], current: str = "", since: Mapping[str, int] = NOWHERE) -> None:
        self.current = current or NO_DEPLOY
        self._since = since
        self._ends: dict[str, list[int]] = {}
        self._names: dict[str, list[str]] = {}
        for judged in ledger:
            for where, end in judged.positions.items():
                ends = self._ends.setdefault(where, [])
                # A barrier that closed without a marker here lies where the partition stood.
                ends.append(max(end, ends[-1]) if ends else end)
                self._names.setdefault(where, []).append(judged.deploy_id)

    def of(self, position: Position) -> str:
        """The deploy that brought an event."""
        where = f"{position.topic}/{position.partition}"
        if position.offset < self._since.get(where, 0):
            return UNKNOWN_DEPLOY
        ends = self._ends.get(where, [])
        at = bisect_right(ends, position.offset)
        return self._names[where][at] if at < len(ends) else self.current

    def only_since(self, positions: Sequence[tuple[str, int]]) -> str:
        """The one deploy that has everything since these next offsets, "" where there are several."""
        found: set[str] = set()
        for where, start in positions:
            ends = self._ends.get(where, [])
            at = bisect_right(ends, start)
            found.update((*self._names.get(where, [])[at:], self.current))
        return found.pop() if len(found) == 1 else ""
