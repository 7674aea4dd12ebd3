"""One baseline against production's lists: what they hold of the legs' lists, then and now."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.baseline import ListLeg, Snapshot, content_keys, contents_of
from monitor.core.measures.comparison.alignment import Alignment
from monitor.core.measures.comparison.by_key import ByKey
from monitor.core.measures.comparison.content_hashes import hashes_of
from monitor.core.measures.comparison.seen import Observation
from monitor.core.measures.comparison.summary import SummaryTable
from monitor.core.measures.comparison.turn import Mask, Turn, Turns
from monitor.core.measures.formulas.columns import NOT_REPLAYED
from monitor.core.measures.incremental import MeasureColumns, RowSelection, stale
from monitor.core.measures.production import SERVED, ProductionView, SaidLists, strange
from monitor.core.measures.registry import REGISTRY, MeasureRegistry
from monitor.core.model.lists import RankedLists

_LISTS: tuple[ListLeg, ...] = ("dense", "lexical", "production")


class AgainstLegs:
    """The table of production against the legs, kept from report to report; see `MeasureColumns`.

    Args:
        baseline: the snapshot compared with.
        alignment: which anchors compare.
        depths: the depths k to measure at.
        registry: the measures there are.
    """

    def __init__(
        self,
        baseline: Snapshot,
        alignment: Alignment,
        depths: tuple[int, ...],
        registry: MeasureRegistry = REGISTRY,
    ) -> None:
        self._alignment, self._depths, self._registry = alignment, depths, registry
        hashes = {key: of.content_hash for key, of in baseline.members.items()}
        then = {leg: of.take(alignment.then) for leg, of in baseline.lists.items()}
        self._then = {leg: SaidLists(of, content_keys(of.keys, hashes)) for leg, of in then.items()}
        self._strange_then = np.array(sorted(baseline.strangers), np.int64)
        self._turns, self._contents = Turns(alignment, _LISTS), ByKey(2)
        """Content key, and whether it is live."""
        self._again: RankedLists | None = None
        self._columns: MeasureColumns[Any] | None = None

    def tables(self, seen: Observation, *, afresh: bool) -> list[SummaryTable]:
        """The table at one position, none where production is not asked; arguments as of `Comparison.tables`."""
        if "production" not in seen.lists:
            return []
        turn = self._turns.next(seen, afresh=afresh)
        self._contents.forget(None if turn.afresh else turn.changed)
        if turn.afresh or self._columns is None:
            self._columns = MeasureColumns(self._registry.group("production"), self._depths)
        again, self._again = self._again, seen.again
        changed = np.full(len(self._alignment.now), again is not seen.again)
        for leg in turn.now:
            changed |= turn.results(leg) | turn.touched(leg)
        columns = self._columns
        columns.update(len(changed), {SERVED: stale(changed, lambda rows: self._view(turn, rows))})
        unknown = "" if turn.now["production"].known.any() else NOT_REPLAYED
        return [
            SummaryTable("production", columns.names, columns.values, tuple(of or unknown for of in columns.reasons))
        ]

    def _view(self, turn: Turn, rows: RowSelection) -> ProductionView:
        seen, now = turn.seen, {leg: of.take(rows) for leg, of in turn.now.items()}
        looked = {leg: self._looked(of.keys, seen.hashes) for leg, of in now.items()}
        said = {leg: SaidLists(of, looked[leg][:, :, 0]) for leg, of in now.items()}
        again = None if seen.again is None else seen.again.take(self._alignment.now[rows])
        return ProductionView(
            said["production"],
            said.get("dense"),
            said.get("lexical"),
            strange=strange(now["production"], np.array(sorted(seen.strangers), np.int64)),
            live=looked["production"][:, :, 1] == 1,
            again=None if again is None else SaidLists(again, self._looked(again.keys, seen.hashes)[:, :, 0]),
            then=self._view_then(rows, now["production"].known),
        )

    def _view_then(self, rows: RowSelection, known: Mask) -> ProductionView | None:
        if "production" not in self._then:
            return None
        then = {leg: SaidLists(of.lists.take(rows), of.said[rows]) for leg, of in self._then.items()}
        own = then["production"]
        both = SaidLists(
            RankedLists(own.lists.keys, own.lists.scores, own.lists.lengths, own.lists.known & known), own.said
        )
        outside = strange(own.lists, self._strange_then)
        return ProductionView(both, then.get("dense"), then.get("lexical"), strange=outside, live=~outside)

    def _looked(self, keys: NDArray[np.int64], hashes: Mapping[int, str]) -> NDArray[np.int64]:
        """Content key, and whether it is live."""
        return self._contents.of(keys, lambda keys: np.stack(contents_of(keys, hashes_of(keys, hashes)), axis=1))
