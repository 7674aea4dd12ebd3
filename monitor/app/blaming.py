"""When blame is worked out again: at every deploy and for another baseline, else as often as its cost allows."""

from collections.abc import Callable

from monitor.app.health import Clocks
from monitor.core.attribution import Attribution
from monitor.core.attribution.culprits import DriftAttribution
from monitor.core.evaluation import Evaluation
from monitor.core.index.baseline import Snapshot

PAUSES = 199.0
"""Between deploys it takes at most half a percent of the time: one stall in two hundred stays out of a p99."""


class Blaming:
    """Holds who moved the lists, as it was last worked out; reports show that until it is worked out again.

    Args:
        clocks: the monotonic one paces.
        pause: seconds between two times at the least.
    """

    def __init__(self, clocks: Clocks, pause: float) -> None:
        self._clocks, self._pause = clocks, pause
        self._last: tuple[Snapshot | None, DriftAttribution | None] = (None, None)
        self._behind = False
        self._next = 0.0

    def soon(self) -> None:
        """Somebody asks who moved the lists: the next measurement works it out, whatever the time."""
        self._next = 0.0

    def forget(self) -> None:
        """What was worked out is of other anchors."""
        self._last = (None, None)

    def owed(self, baseline: Snapshot | None) -> bool:
        """Whether the last report went without, and it is time for it."""
        return self._behind and self._due(baseline)

    def attributions(self) -> tuple[Attribution, ...] | None:
        """Who moved the lists by the last blame; None where there was nothing to compare with."""
        culprits = self._last[1]
        return None if culprits is None else culprits.attributions

    def evaluated(
        self, baseline: Snapshot | None, deploy_id: str, evaluate: Callable[[bool], Evaluation]
    ) -> Evaluation:
        """What `evaluate` finds; it is told whether to work out blame, and gets the last one where it does not."""
        began = self._clocks.monotonic()
        self._behind = not (deploy_id or self._due(baseline))
        found = evaluate(not self._behind)
        if self._behind:
            of, culprits = self._last
            return found.blaming(culprits) if of is baseline else found
        self._last = (baseline, found.compared.culprits)
        now = self._clocks.monotonic()
        self._next = now + max(self._pause, PAUSES * (now - began))
        return found

    def _due(self, baseline: Snapshot | None) -> bool:
        return self._last[0] is not baseline or self._clocks.monotonic() >= self._next
