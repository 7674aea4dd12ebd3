"""Freshness: how long after its event a change can be found in an index that production fills itself."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from monitor.app.health import Clocks
from monitor.core.index.corpus import Corpus
from monitor.core.model.changes import ChunkRow
from monitor.core.records.published import Durations
from monitor.ports import Unanswered

BOUNDS = (1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3_600.0, 21_600.0, 86_400.0)
"""Seconds."""
WATCHED = 32
"""Changes looked for at a time: a sample, one small request."""
LOOK_SECONDS = 2.0
"""Between two looks: what the figure is accurate to."""
DEADLINE = 1.0
REST_SECONDS = 60.0
"""After a look that was not answered: an index in trouble must not slow every turn."""
GIVE_UP_SECONDS = 3_600.0


class Stating(Protocol):
    """The part of `Retriever` that is needed here."""

    def content_hashes(self, chunk_ids: Sequence[str], *, deadline: float) -> Mapping[str, str] | Unanswered:
        """See `Retriever`."""
        ...


class Freshness:
    """Looks by id for a sample of changed chunks until the index states their content hash.

    Freshness is the wall clock then minus the event time, 0 at least. A chunk that changed again, or is gone, is
    looked for no longer; neither is one of which the index states no content hash, or that does not come within an
    hour: that is what `index_missing_ratio` finds. A wall-clock figure, so never part of a report.

    Args:
        clocks: monotonic for pauses, wall for the figure.
        on: whether production fills the index; the monitor's own index is fresh by construction.
    """

    def __init__(self, clocks: Clocks, *, on: bool) -> None:
        self._clocks, self._on = clocks, on
        self._watched: dict[int, tuple[ChunkRow, float]] = {}
        self._next = 0.0
        self._seen = Durations.none(BOUNDS)

    def changed(self, keys: NDArray[np.int64], corpus: Corpus) -> None:
        """These chunks have new content now; as many are watched as there is room for."""
        now, room = self._clocks.monotonic(), WATCHED - len(self._watched)
        for row in corpus.known(keys[:room].tolist()) if self._on and room else ():
            self._watched[row.key] = (row, now)

    def look(self, index: Stating | None, corpus: Corpus) -> Durations | None:
        """Look for what is watched, when it is time; all figures so far, None where nothing is watched for ever."""
        now = self._clocks.monotonic()
        if not self._on or index is None:
            return None
        if now < self._next:
            return self._seen
        self._watched = {key: one for key, one in self._watched.items() if self._still(one, corpus, now)}
        if self._watched:
            wanted = {row.chunk_id: row for row, _ in self._watched.values()}
            hashes = index.content_hashes(list(wanted), deadline=DEADLINE)
            answered = {} if isinstance(hashes, Unanswered) else hashes
            self._next = now + (REST_SECONDS if isinstance(hashes, Unanswered) else LOOK_SECONDS)
            for name, content in answered.items():
                self._found(wanted[name], content)
        return self._seen

    @staticmethod
    def _still(one: tuple[ChunkRow, float], corpus: Corpus, now: float) -> bool:
        row, since = one
        known = corpus.row(row.key)
        same = known is not None and known.live and known.content_hash == row.content_hash
        return same and now - since <= GIVE_UP_SECONDS

    def _found(self, row: ChunkRow, content: str) -> None:
        if not content:  # the index states none: nobody can tell when it changed
            del self._watched[row.key]
        elif content == row.content_hash:
            del self._watched[row.key]
            self._seen = self._seen.observed(max(0.0, self._clocks.wall() - row.event_time / 1e6))
