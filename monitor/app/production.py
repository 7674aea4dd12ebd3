"""Production's own retriever, asked on schedule and at each deploy: which lists it served last."""

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from monitor.app.health import Clocks
from monitor.core.index.result_mapping import ResultMapping
from monitor.core.model.anchors import AnchorSet
from monitor.core.model.lists import RankedLists
from monitor.core.model.production import ProductionLists
from monitor.core.records.committed import KeptProduction
from monitor.core.records.published import ProductionHealth
from monitor.ports import ProductionRetriever

RETRY = 60.0
"""Seconds until anchors that production did not answer for are asked again, though no schedule says so."""


class AskedProduction:
    """What production served every anchor when it was asked last.

    Args:
        retriever: asks it.
        anchors: the anchors.
        clocks: both clocks.
        k: depth of the lists.
        calls: 1, or 2: the second call tells what the retriever differs from itself by.
        deadline: seconds that all calls of one replay may take.
        every: seconds between two replays.
    """

    def __init__(
        self,
        retriever: ProductionRetriever,
        anchors: AnchorSet,
        clocks: Clocks,
        *,
        k: int,
        calls: int,
        deadline: float,
        every: float,
    ) -> None:
        self._retriever, self._anchors, self._clocks = retriever, anchors, clocks
        self._k, self._calls, self._deadline, self._every = k, calls, deadline, every
        self._next = clocks.monotonic() + every
        self._asked_at = 0.0
        self._latencies: tuple[float, float, float] | None = None
        self._last_error = ""
        self.lists = _nothing(anchors, k)
        """Unknown until it was asked."""

    def resume(self, kept: KeptProduction | None) -> None:
        """Nothing of it is kept: production is asked anew."""

    def kept(self) -> None:
        """Nothing is to be kept: after a restart production is asked anew."""

    def due(self) -> bool:
        """Whether the schedule asks for another replay, or for another try where some failed."""
        return self._clocks.monotonic() >= self._next

    def look(self, mapping: ResultMapping) -> None:
        """Ask for every anchor, twice where that is configured, within one deadline; what fails becomes unknown."""
        began, rows = self._clocks.monotonic(), np.arange(len(self._anchors))
        first = self._retriever.ask(self._anchors, rows, k=self._k, deadline=self._deadline)
        last_error = self._retriever.last_error()
        seconds = np.array([of.seconds for of in first.values() if not of.reason], np.float64)
        left = self._deadline - (self._clocks.monotonic() - began)
        answered = np.array([row for row, of in first.items() if not of.reason], np.int64)
        twice = self._calls > 1 and left > 0 and len(answered) > 0
        second = self._retriever.ask(self._anchors, answered, k=self._k, deadline=left) if twice else {}
        self.lists = mapping.lists_of(first, second, anchors=len(self._anchors), k=self._k)
        self._last_error = last_error or self._retriever.last_error()
        self._latencies = _quantiles(seconds[~np.isnan(seconds)])
        self._asked_at = self._clocks.wall()
        pause = min(RETRY, self._every) if self.lists.failures else self._every
        self._next = self._clocks.monotonic() + pause

    def changed(self) -> None:
        """The corpus changed: nothing to do until the next replay."""

    def passed(self) -> None:
        """A deploy is complete: it was asked anew for it."""

    def reanchor(self, anchors: AnchorSet, kept: NDArray[np.int64]) -> None:
        """Other anchors from here on; new questions are unknown until production is asked, which is due."""
        self._anchors, self.lists = anchors, self.lists.arranged(kept)
        if (kept < 0).any():
            self._next = self._clocks.monotonic()

    def health(self) -> ProductionHealth:
        """How it goes."""
        failures = Counter(self.lists.failures.values())
        return ProductionHealth(False, self._asked_at, failures, self._latencies, self._last_error)


def _nothing(anchors: AnchorSet, k: int) -> ProductionLists:
    unknown = RankedLists.unknown(len(anchors), k)
    return ProductionLists(unknown, unknown, failures=dict.fromkeys(range(len(anchors)), "not_asked"))


def _quantiles(seconds: NDArray[np.float64]) -> tuple[float, float, float] | None:
    if not len(seconds):
        return None
    p50, p95, p99 = np.quantile(seconds, (0.5, 0.95, 0.99)).tolist()
    return p50, p95, p99
