"""Replays: which anchors are asked of the real index now, and what it served last."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from monitor.core.measures.formulas.moved import absent
from monitor.core.model.anchors import AnchorSet, rows_after
from monitor.core.model.index_config import IndexConfig
from monitor.core.model.lists import RankedLists
from monitor.core.model.report import CauseEvidence
from monitor.ports import Replay, Retriever

LEFT_ALONE = "left_alone"
"""Failure reason of an anchor that was not asked because the index just failed for every anchor."""

NAMED = 5
"""Points without a chunk id that are named."""


class Served:
    """The served list of every anchor, refreshed by selective and full replays.

    Between full replays only anchors that a change can have touched, and those that failed before, are asked again.

    Args:
        retriever: the dense leg of the real index.
        anchors: the anchors.
        k: depth of the lists.
        deadline: seconds a replay may take in total.
        pause: seconds to leave an index alone after a replay in which every anchor failed.
    """

    def __init__(
        self, retriever: Retriever, anchors: AnchorSet, *, k: int, deadline: float, pause: float = 10.0
    ) -> None:
        self._retriever = retriever
        self._anchors = anchors
        self._k, self._deadline, self._pause = k, deadline, pause
        self._not_before = -math.inf
        self.problems: tuple[str, ...] = ()
        """Why no served list means anything now; asked anew at each full replay."""
        self.busy: tuple[str, ...] = ()
        """Why no deploy can be judged by the last full replay: the index was at work on itself."""
        self.lists = RankedLists.unknown(len(anchors), k)
        self.failures: dict[int, str] = {}
        self._foreign: dict[int, Sequence[str]] = {}
        """Points without a chunk id among an anchor's first k results."""
        self.hashes: dict[int, str] = {}
        """Content hash by chunk key as the index says, for the chunks in the served lists."""
        self.repeated = RankedLists.unknown(len(anchors), k)
        """What the full replay before the last one served, of anchors that no event touched in between."""
        self._steady = np.zeros(len(anchors), np.bool_)
        self.restated: Sequence[int] = ()
        """Chunks of which the index said something else in the last replay than before."""
        self.names: dict[int, str] = {}
        self._listed: NDArray[np.int64] = np.zeros((0, k), np.int64)
        """Keys of the lists that `hashes` and `names` were kept for last."""
        self.seconds: NDArray[np.float64] = np.zeros(0)
        """Latencies of the last replay, per anchor asked."""

    def reanchor(self, anchors: AnchorSet, kept: NDArray[np.int64]) -> None:
        """Other anchors from here on, see `anchors.kept_rows`; nothing is known of new questions yet."""
        failures = {row: self.failures[kept[row]] for row in rows_after(kept, self.failures).tolist()}
        foreign = {row: self._foreign[kept[row]] for row in rows_after(kept, self._foreign).tolist()}
        self._anchors, self.failures, self._foreign = anchors, failures, foreign
        self.lists = self.lists.arranged(kept)
        self.repeated = RankedLists.unknown(len(anchors), self._k)
        self._steady = np.zeros(len(anchors), np.bool_)

    @property
    def foreign_places(self) -> int:
        """Places of the lists that points without a chunk id hold in the index."""
        return sum(len(points) for points in self._foreign.values())

    @property
    def nameless(self) -> Sequence[str]:
        """The points without a chunk id in the lists, in order."""
        return sorted({point for points in self._foreign.values() for point in points})

    def evidence(self) -> Iterator[CauseEvidence]:
        """Points without a chunk id in the lists point at the index: somebody else writes to it."""
        if not self._foreign:
            return
        points = self.nameless
        named = ", ".join(f"{point:.60}" for point in points[:NAMED])
        more = f" and {len(points) - NAMED} more" if len(points) > NAMED else ""
        where = f"{self.foreign_places} places of {len(self._foreign)} served lists"
        yield CauseEvidence("INDEX", f"{where} are held by points without a chunk id, left out: {named}{more}")

    def configuration(self) -> IndexConfig | None:
        """How the index is configured, by its own words."""
        return self._retriever.configuration()

    def remarks(self) -> tuple[str, ...]:
        """What is to be known of the index beside the numbers."""
        return (*self._retriever.remarks(), *(found.said for found in self.evidence()))

    def twin(self, rebuilt: Callable[..., RankedLists | None]) -> RankedLists | None:
        """What an index built apart serves, asked as this one is; None where two builds cannot differ."""
        return rebuilt(self._anchors, k=self._k, deadline=self._deadline)

    def refresh(self, touched: NDArray[np.int64], now: float, *, full: bool) -> Replay | None:
        """Replay the anchors touched (or all) and keep what came; a failed anchor's list becomes unknown.

        Args:
            touched: anchors to ask besides those that failed before.
            now: a monotonic clock's seconds.
            full: ask all of them, whatever happened before (at barriers and on schedule).

        Returns:
            The replay; None when there was nothing to ask, or the index is left alone for a while.
        """
        failed = np.array(sorted(self.failures), np.int64)
        rows = np.arange(len(self._anchors)) if full else np.union1d(touched, failed) if len(failed) else touched
        if not len(rows):
            return None
        self._steady[rows if not full else touched] = False
        if not full and now < self._not_before:
            self.lists = self.lists.replaced(touched, RankedLists.unknown(len(touched), self._k))
            self.failures.update(dict.fromkeys(touched.tolist(), LEFT_ALONE))
            for row in touched.tolist():
                self._foreign.pop(row, None)
            return None
        if full:
            self.problems = tuple(self._retriever.problems())
            self.busy = tuple(self._retriever.busy())
        replay = self._retriever.replay(self._anchors, rows, k=self._k, deadline=self._deadline)
        # Anchors that fail again when asked alone say nothing of the index: the others must not pay for them.
        telling = len(rows) > len(failed) or len(rows) == len(self._anchors)
        self._not_before = now + self._pause if telling and len(replay.failures) == len(rows) else -math.inf
        if full:
            self.repeated = replace(self.lists, known=self.lists.known & self._steady)
            self._steady[:] = True
        self.lists = self.lists.replaced(rows, replay.lists)
        for row in rows.tolist():
            self.failures.pop(row, None)
            self._foreign.pop(row, None)
        self.failures.update(replay.failures)
        self._foreign.update(replay.foreign)
        self.seconds = replay.seconds
        self._remember(replay)
        return replay

    def _remember(self, replay: Replay) -> None:
        """Keep what the index says of the chunks in its lists; only slots that changed are looked at."""
        before, keys = self.hashes, self.lists.keys
        if not (before or self.names or replay.hashes or replay.names):  # it says nothing of any chunk
            self._listed, self.restated = keys, []
            return
        gone = absent(self._listed[self._listed != keys] if self._listed.shape == keys.shape else self._listed, keys)
        here = set(replay.lists.keys.ravel().tolist())
        unlisted = [key for key in {**replay.names, **replay.hashes} if key not in here]
        if unlisted:
            gone = np.union1d(gone, absent(np.array(unlisted, np.int64), keys))
        self._listed = keys
        self.restated = [key for key, said in replay.hashes.items() if before.get(key, "") != said]
        self.restated += [key for key in gone.tolist() if key in before]
        # others may hold the dictionaries of before
        self.hashes = _without({**before, **replay.hashes}, gone.tolist())
        self.names = _without({**self.names, **replay.names}, gone.tolist())


def _without(said: dict[int, str], gone: Sequence[int]) -> dict[int, str]:
    for key in gone:
        said.pop(key, None)
    return said
