"""Lists that had what was deleted: those of now, and those that baselines and the newest deploy remember."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from monitor.app.erasure_sources import ErasureSources
from monitor.core.erasure.model import ErasedItem, ErasureFinding, LookResult
from monitor.core.index.baseline import ListLeg, Snapshot
from monitor.core.model.events import chunk_key
from monitor.core.model.lists import NO_CHUNK, RankedLists
from monitor.core.text.wording import count_of
from monitor.ports import StateStore


class ErasureLists:
    """Looks for keys in lists; `snapshots` are the baselines and the newest deploy's own lists."""

    def __init__(self, sources: ErasureSources) -> None:
        self._sources = sources
        self._rows = {anchor.id: row for row, anchor in enumerate(sources.anchors.anchors)}
        self.snapshots = _kept(sources.store)

    def asking(self, item: ErasedItem) -> NDArray[np.int64]:
        """Rows of the anchors that had it in a list that is kept, or have it now."""
        keys = np.array(sorted(item.keys), np.int64)
        names = {
            name
            for snapshot in self.snapshots
            for lists in snapshot.lists.values()
            for name, had in zip(snapshot.anchors, _with(lists, keys).tolist(), strict=True)
            if had
        }
        rows = {self._rows[name] for name in names if name in self._rows}
        for lists in self._sources.lists.values():
            rows.update(np.flatnonzero(_with(lists, keys)).tolist())
        return np.array(sorted(rows), np.int64)

    def result(self, item: ErasedItem) -> LookResult:
        """Whether the lists of now have it; what is kept of the past is only said."""
        gone = item.keys - {row.key for row in item.live}
        keys = np.array(sorted(gone), np.int64)
        past = {
            snapshot.name: count
            for snapshot in self.snapshots
            if (count := _anchors_with(snapshot.lists, keys)) and snapshot.name
        }
        said = ", ".join(f"{name} ({count_of(count, 'anchor')})" for name, count in past.items())
        remembered = f"remembered in {said}, as they were then" if said else "in no list that is kept"
        if not self._sources.lists:
            return LookResult("lists", "nothing", f"no monitor runs, so there are no lists of now; {remembered}")
        names = {chunk_key(name): name for name in item.named}
        findings = [
            ErasureFinding(names[int(key)], "chunk", said=f"in lists of the {leg} leg")
            for leg, lists in self._sources.lists.items()
            for key in np.intersect1d(lists.keys.ravel(), keys)
            if key != NO_CHUNK
        ]
        return LookResult.of("lists", findings, remembered)


def _kept(store: StateStore) -> list[Snapshot]:
    """The baselines, and the newest deploy's own lists."""
    ledger = store.ledger()
    record = store.deploy(ledger[-1].deploy_id) if ledger else None
    return [*store.baselines(), *(() if record is None else (record.snapshot,))]


def _anchors_with(lists: Mapping[ListLeg, RankedLists], keys: NDArray[np.int64]) -> int:
    rows = [np.flatnonzero(_with(of, keys)) for of in lists.values()]
    return len(np.unique(np.concatenate(rows))) if rows else 0


def _with(lists: RankedLists, keys: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(A,) bool: rows that hold any of the keys."""
    found: NDArray[np.bool_] = np.logical_or.reduce(np.isin(lists.keys, keys), axis=1)
    return found
