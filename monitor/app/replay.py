"""Replays: which anchors are asked of the real index now, and what it served last."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from monitor.core.anchors import AnchorSet
from monitor.core.lists import RankedLists
from monitor.ports import Replay, Retriever


class Served:
    """The served list of every anchor, refreshed by selective and full replays.

    Between full replays only anchors that a change can have touched, and those that failed before, are asked again.

    Args:
        retriever: the dense leg of the real index.
        anchors: the anchors.
        k: depth of the lists.
        deadline: seconds a replay may take in total.
    """

    def __init__(self, retriever: Retriever, anchors: AnchorSet, *, k: int, deadline: float) -> None:
        self._retriever = retriever
        self._anchors = anchors
        self._k, self._deadline = k, deadline
        self.lists = RankedLists.unknown(len(anchors), k)
        self.failures: dict[int, str] = {}
        self.hashes: dict[int, str] = {}
        """Content hash by chunk key as the index says, for the chunks in the served lists."""
        self.names: dict[int, str] = {}
        self.seconds: NDArray[np.float64] = np.zeros(0)
        """Latencies of the last replay, per anchor asked."""

    def refresh(self, touched: NDArray[np.int64], *, full: bool) -> Replay:
        """Replay the anchors touched (or all) and keep what came; a failed anchor's list becomes unknown."""
        failed = np.array(sorted(self.failures), np.int64)
        rows = np.arange(len(self._anchors)) if full else np.union1d(touched, failed)
        replay = self._retriever.replay(self._anchors, rows, k=self._k, deadline=self._deadline)
        self.lists = self.lists.replaced(rows, replay.lists)
        for row in rows.tolist():
            self.failures.pop(row, None)
        self.failures.update(replay.failures)
        self.seconds = replay.seconds
        self._remember(replay)
        return replay

    def _remember(self, replay: Replay) -> None:
        listed = set(self.lists.keys.ravel().tolist())
        self.hashes = _kept(self.hashes, replay.hashes, listed)
        self.names = _kept(self.names, replay.names, listed)


def _kept(old: Mapping[int, str], new: Mapping[int, str], listed: set[int]) -> dict[int, str]:
    return {key: value for key, value in {**old, **new}.items() if key in listed}
