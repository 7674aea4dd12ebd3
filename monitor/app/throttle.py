"""When what the lists hold is measured again: at every deploy, else as often as its cost allows."""

from monitor.app.health import Clocks

PAUSES = 99.0
"""Between deploys it takes at most a hundredth of the time: it stops the loop for a third of a second where there are
100,000 chunks, and whoever looks twenty times a second is not to meet that in one look of a hundred."""


class RefreshThrottle:
    """Says whether a report may show what the lists hold as it was last measured.

    Args:
        clocks: the monotonic one paces.
    """

    def __init__(self, clocks: Clocks) -> None:
        self._clocks = clocks
        self._next = 0.0
        self._behind = False

    def brief(self, deploy_id: str) -> bool:
        """Whether a brief look will do now; never for a deploy."""
        return not deploy_id and self._clocks.monotonic() < self._next

    def owed(self) -> bool:
        """Whether the last look was brief, and it is time for a whole one."""
        return self._behind and self._clocks.monotonic() >= self._next

    def looked(self, *, brief: bool, since: float) -> None:
        """A look that began then is over."""
        self._behind = brief
        if not brief:
            now = self._clocks.monotonic()
            self._next = now + PAUSES * (now - since)
