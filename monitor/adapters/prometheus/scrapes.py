"""Scrapes: answered at once, with the newest page there is and its age, however long the next one takes."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from monitor.adapters.prometheus.exporter import MetricsPage
from monitor.adapters.prometheus.families import plain
from monitor.adapters.prometheus.text import page_text
from monitor.core.records.published import Published

PATIENCE = 0.5
"""Seconds that a scrape waits for a page of now before it takes the last one: most are there within milliseconds."""
FIRST_PATIENCE = 5.0
"""The same where there is no last one; still well within what Prometheus waits for a scrape."""


@dataclass(frozen=True, slots=True)
class _Page:
    text: bytes
    at: float
    """Wall-clock seconds of the view it shows, 0.0 before the first view."""


class Scrapes:
    """The text of /metrics for any number of threads.

    The page of a view is worked out and rendered in a thread of its own, one at a time: while the loop works off a
    backlog that may take longer than a scraper waits, and a scraper that hears nothing knows nothing.

    Args:
        published: the last view; may take long.
        patience: seconds to wait for a page of now.
        first: seconds to wait where there is no page yet.
        clock: wall-clock seconds since the epoch.
    """

    def __init__(
        self,
        published: Callable[[], Published | None],
        *,
        patience: float = PATIENCE,
        first: float = FIRST_PATIENCE,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._published, self._patience, self._first, self._clock = published, patience, first, clock
        self._metrics = MetricsPage()
        self._guard = threading.Lock()
        self._under_way: threading.Event | None = None
        self._last: _Page | None = None

    def page(self) -> bytes:
        """The newest page that can be had without waiting long, its age in its last series."""
        self._begun().wait(self._patience if self._last is not None else self._first)
        last = self._last
        if last is None:
            return self._metrics.render(None)
        if not last.at:
            return last.text
        return last.text + page_text([plain("metrics_age_seconds", max(0.0, self._clock() - last.at))])

    def _begun(self) -> threading.Event:
        """The rendering under way, or a new one; set when it is over."""
        with self._guard:
            if self._under_way is None:
                self._under_way = threading.Event()
                threading.Thread(target=self._render, args=(self._under_way,), name="metrics", daemon=True).start()
            return self._under_way

    def _render(self, over: threading.Event) -> None:
        try:
            view = self._published()
            text = self._metrics.render(view)
            self._last = _Page(text, 0.0 if view is None else view.health.turned)
        finally:
            with self._guard:
                self._under_way = None
            over.set()
