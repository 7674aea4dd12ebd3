"""Production overheard: the lists that users were served, read from a log of their searches; no query is ours."""

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.app.health import Clocks
from monitor.core.index.result_mapping import ResultMapping
from monitor.core.model.anchors import AnchorSet
from monitor.core.model.events import Partition, Record
from monitor.core.model.fingerprint import anchor_digest
from monitor.core.model.lists import RankedLists
from monitor.core.model.production import ProductionAnswer, ProductionLists
from monitor.core.records.committed import KeptProduction
from monitor.core.records.published import ProductionHealth
from monitor.ports import Source, UnreachableError

NOT_OVERHEARD = "not_overheard"
"""Why an anchor has no list: nobody searched for it since the newest deploy."""
UNMATCHED, UNREADABLE = "no_anchor", "unreadable"
"""Why a record of the log says nothing: it asks what no anchor asks, or it cannot be read."""
LOOK, RETRY = 1.0, 5.0
"""Seconds between two looks at the log, and until one that did not open is tried again."""
BATCH = 4_096
BATCHES = 16
"""Polls at one look, so that a long log does not hold the loop."""
Searches = Iterable[tuple[str, ProductionAnswer]]
Read = Callable[[bytes], Searches]
"""The searches in one record of a log, each a query with what was served; ValueError, one line, where it is none."""


def normal_text(text: str) -> str:
    """A query as queries are compared: NFKC, without case, one space between words.

    >>> normal_text("  Rotate  the KEY ")
    'rotate the key'
    """
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


class OverheardProduction:
    """The newest list that users were served for each anchor's query since the newest deploy.

    A list seen before a deploy says nothing of it: `passed` forgets all of them. Two lists seen for one query while
    the corpus did not change are two calls at one position: what they differ by is the retriever's noise.

    Args:
        source: the log's records.
        read: the searches in one.
        anchors: the anchors.
        clocks: both clocks.
        k: depth of the lists.
    """

    def __init__(self, source: Source, read: Read, anchors: AnchorSet, clocks: Clocks, *, k: int) -> None:
        self._source, self._read, self._clocks, self._k = source, read, clocks, k
        self._positions: Mapping[Partition, int] = {}
        self._started, self._dirty = False, False
        self._heard_at, self._last_error = 0.0, ""
        self._next_look = 0.0
        self._waiting: list[Record] = []
        """Records that came and were not taken yet."""
        self._skipped: Counter[str] = Counter()
        self._fresh = np.zeros(len(anchors), np.bool_)
        """Anchors whose list was seen since the corpus changed."""
        self._watch(anchors)
        unknown = RankedLists.unknown(len(anchors), k)
        self.lists = ProductionLists(unknown, unknown, failures=_unheard(unknown))

    def _watch(self, anchors: AnchorSet) -> None:
        self._anchors = anchors
        self._rows: dict[str, list[int]] = {}
        for row, anchor in enumerate(anchors.anchors):
            self._rows.setdefault(normal_text(anchor.text), []).append(row)

    def resume(self, kept: KeptProduction | None) -> None:
        """Go on where the state left off: with its lists of anchors that ask the same, and its place in the log."""
        if kept is None:
            return
        rows = {digest: row for row, digest in enumerate(kept.digests)}
        here = np.array([rows.get(anchor_digest(of), -1) for of in self._anchors.anchors], np.int64)
        self.lists = _whole(kept.lists.arranged(here))
        self._positions = kept.positions

    def due(self) -> bool:
        """Whether the log has something; it is looked at once a second at most."""
        now = self._clocks.monotonic()
        if not self._waiting and now >= self._next_look and self._open():
            self._next_look = now + LOOK
            self._poll()
        return bool(self._waiting)

    def _poll(self) -> None:
        polled = self._source.poll(BATCH, 0.0)
        self._skipped[UNREADABLE] += len(polled.faults)
        self._waiting += polled.records
        self._last_error = self._source.last_error()

    def look(self, mapping: ResultMapping) -> None:
        """Take what the log has by now."""
        if not self._open():
            return
        for _ in range(BATCHES):
            if not self._waiting:
                self._poll()
            if not self._waiting:
                return
            self._take(self._waiting, mapping)
            self._waiting = []
            self._positions, self._dirty = dict(self._source.positions()), True

    def _open(self) -> bool:
        if self._started:
            return True
        try:
            self._source.start(self._positions)
        except UnreachableError as error:
            self._last_error, self._next_look = str(error), self._clocks.monotonic() + RETRY
            return False
        self._started = True
        return True

    def _take(self, records: Sequence[Record], mapping: ResultMapping) -> None:
        for record in records:
            try:
                searches = list(self._read(record.value or b""))
            except ValueError:
                self._skipped[UNREADABLE] += 1
                continue
            for query, answer in searches:
                rows = self._rows.get(normal_text(query), ())
                self._skipped[UNMATCHED] += not rows
                for row in rows:
                    self._heard(row, answer, mapping)

    def _heard(self, row: int, answer: ProductionAnswer, mapping: ResultMapping) -> None:
        made = mapping.lists_of({row: answer}, {}, anchors=len(self._anchors), k=self._k)
        at, before = np.array([row]), self.lists
        again = before.lists if self._fresh[row] else RankedLists.unknown(len(self._anchors), self._k)
        lists, second = before.lists.replaced(at, made.lists.take(at)), before.again.replaced(at, again.take(at))
        self.lists = _whole(ProductionLists(lists, second, {**before.strangers, **made.strangers}))
        self._fresh[row] = True
        self._heard_at = self._clocks.wall()

    def changed(self) -> None:
        """The corpus changed: a list seen from now on is no second call to one seen before."""
        self._fresh[:] = False

    def passed(self) -> None:
        """A deploy is complete: what was served before says nothing of it."""
        unknown = RankedLists.unknown(len(self._anchors), self._k)
        self.lists, self._dirty = ProductionLists(unknown, unknown, failures=_unheard(unknown)), True

    def reanchor(self, anchors: AnchorSet, kept: NDArray[np.int64]) -> None:
        """Other anchors from here on."""
        self._watch(anchors)
        self._fresh = np.where(kept >= 0, self._fresh[kept], False)
        self.lists, self._dirty = _whole(self.lists.arranged(kept)), True

    def close(self) -> None:
        """Close the log."""
        self._source.close()

    def kept(self) -> KeptProduction | None:
        """What the next commit keeps; None where it is what was kept before."""
        if not self._dirty:
            return None
        self._dirty = False
        digests = [anchor_digest(of) for of in self._anchors.anchors]
        return KeptProduction(digests, self.lists, self._positions)

    def health(self) -> ProductionHealth:
        """How it goes."""
        failures = Counter(self.lists.failures.values())
        skipped = {reason: count for reason, count in self._skipped.items() if count}
        return ProductionHealth(True, self._heard_at, failures, None, self._last_error, skipped)


def _unheard(lists: RankedLists) -> dict[int, str]:
    return dict.fromkeys(np.flatnonzero(~lists.known).tolist(), NOT_OVERHEARD)


def _whole(of: ProductionLists) -> ProductionLists:
    """With the reason for every list that is not known, and the strangers that still stand somewhere."""
    listed = {*of.lists.keys.ravel().tolist(), *of.again.keys.ravel().tolist()}
    strangers = {key: name for key, name in of.strangers.items() if key in listed}
    return ProductionLists(of.lists, of.again, strangers, _unheard(of.lists))
