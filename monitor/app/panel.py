"""The panel of anchors while the monitor runs: what its newest change alone made."""

from collections.abc import Sequence

from monitor.core.traffic.panel import PanelBridge


class PanelWatch:
    """Keeps the bridges of the newest changeover; used by the loop's thread alone."""

    def __init__(self) -> None:
        self.bridges: tuple[PanelBridge, ...] = ()
        self._owed = False

    def resume(self, kept: Sequence[PanelBridge]) -> None:
        """Go on with what the state holds."""
        self.bridges = tuple(kept)

    def changed(self, bridges: tuple[PanelBridge, ...]) -> None:
        """Other anchors were taken up."""
        self.bridges, self._owed = bridges, True

    def commit(self) -> tuple[PanelBridge, ...] | None:
        """What the next commit keeps; None where it is what was kept before."""
        owed, self._owed = self._owed, False
        return self.bridges if owed else None
