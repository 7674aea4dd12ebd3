"""Looking at the real index as a whole, at full replays: how many points it has, and whether a sample is there."""

from collections import deque
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from monitor.core.index.corpus import Corpus
from monitor.core.index.index_sample import SAMPLE, IndexSample, compared
from monitor.core.model.report import CauseEvidence, Measurement
from monitor.ports import Retriever, Unanswered

T = TypeVar("T")

COUNT_SECONDS = 15.0
"""Between two questions for the number of points: an index that does not answer must not slow every turn."""
SECONDS = 5.0
"""For one look at the sample: it is one small request."""


class Sampling:
    """Remembers which chunks changed so recently that production may still be writing them to its index.

    Args:
        settle: seconds that a change may take to arrive there; 0 where the monitor fills the index itself.
    """

    def __init__(self, settle: float) -> None:
        self._settle = settle
        self._recent: deque[tuple[float, Sequence[int]]] = deque()
        self.last: IndexSample | None = None
        """What was found at the last full replay, None before the first."""
        self._said: tuple[tuple[Measurement, ...], tuple[CauseEvidence, ...]] = (), ()
        self._points: int | None = None
        self._next_count = 0.0

    def changed(self, keys: Sequence[int], now: float) -> None:
        """These chunks changed at this time of the monotonic clock."""
        if self._settle:
            self._recent.append((now, keys))
            self._forget(now)

    def evidence(self) -> tuple[CauseEvidence, ...]:
        """What the last full replay found in the index as a whole that points at a cause."""
        return self._said[1]

    def measurements(self) -> tuple[Measurement, ...]:
        """The index as a whole, as it was at the last full replay."""
        return self._said[0]

    def points(self, retriever: Retriever | None, now: float) -> int | None:
        """Points in the real index, asked at intervals and after a full replay; None where nobody can say."""
        if retriever is not None and now >= self._next_count:
            self._next_count = now + COUNT_SECONDS
            points = retriever.count()
            self._points = None if isinstance(points, Unanswered) else points
        return self._points

    def look(self, corpus: Corpus, retriever: Retriever, now: float) -> None:
        """Count the points, and look for a sample of the live chunks that had time to arrive.

        The sample is chosen by the newest event time, so the same stream looks for the same chunks.
        """
        self._forget(now)
        self._next_count = now
        recent = np.array(sorted({key for _, keys in self._recent for key in keys}), np.int64)
        keys, unsettled = corpus.sample(recent, salt=corpus.newest_event_time, count=SAMPLE)
        wanted = {row.chunk_id: row.content_hash for row in corpus.known(keys.tolist())}
        points, hidden = _said(retriever.count()), _said(retriever.hidden())
        hashes = _said(retriever.content_hashes(list(wanted), deadline=SECONDS)) if wanted else {}
        self.last = made = compared(len(corpus), points, wanted, hashes, len(unsettled), hidden=hidden)
        self._said = tuple(made.measurements()), tuple(made.evidence())

    def _forget(self, now: float) -> None:
        while self._recent and self._recent[0][0] <= now - self._settle:
            self._recent.popleft()


def _said(answer: T | Unanswered) -> T | str:
    """What the index answered, or the name of what kept it from answering."""
    return answer.reason if isinstance(answer, Unanswered) else answer
