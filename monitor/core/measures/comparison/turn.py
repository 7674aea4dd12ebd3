"""The lists of one moment beside those of the moment before: which anchors may have to be measured anew."""

from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.baseline import ListLeg
from monitor.core.measures.comparison.alignment import Alignment
from monitor.core.measures.comparison.seen import Observation
from monitor.core.measures.formulas.moved import both_moved, holds
from monitor.core.model.lists import RankedLists

Mask = NDArray[np.bool_]


class Turn:
    """One moment, in the rows of the anchors compared. Each mask is worked out once, when it is asked for.

    Args:
        seen: lists and circumstances.
        now: by leg, (P, k) lists.
        before: the same of the moment before; None: everything is to be measured anew.
        count: P.
    """

    def __init__(
        self,
        seen: Observation,
        now: Mapping[ListLeg, RankedLists],
        before: Mapping[ListLeg, RankedLists] | None,
        count: int,
    ) -> None:
        self.seen, self.now, self._before, self._count = seen, now, before, count
        self._masks: dict[ListLeg, tuple[Mask, Mask]] = {}
        self._changing: dict[ListLeg, Mask] = {}

    @property
    def afresh(self) -> bool:
        """Whether nothing that was kept may be used."""
        return self._before is None

    @property
    def changed(self) -> NDArray[np.int64]:
        """Keys of the chunks of which anything changed; nothing is kept of any chunk where all is measured anew."""
        return np.zeros(0, np.int64) if self.seen.changed is None else self.seen.changed

    def results(self, leg: ListLeg) -> Mask:
        """(P,) bool: anchors whose results, or what is known of them, are others."""
        return self._moved(leg)[0]

    def scores(self, leg: ListLeg) -> Mask:
        """(P,) bool: the same, and those whose results are scored otherwise."""
        return self._moved(leg)[1]

    def touched(self, leg: ListLeg) -> Mask:
        """(P,) bool: anchors in whose list a changed chunk stands."""
        if self._before is None:
            return np.ones(self._count, np.bool_)
        return np.any(self.changing(leg), axis=1)  # type: ignore[no-any-return]  # numpy: an array or a scalar

    def changing(self, leg: ListLeg) -> Mask:
        """(P, k) bool: slots in which a changed chunk stands."""
        found = self._changing.get(leg)
        if found is None:
            found = self._changing[leg] = holds(self.now[leg].keys, self.changed)
        return found

    def _moved(self, leg: ListLeg) -> tuple[Mask, Mask]:
        found = self._masks.get(leg)
        if found is None:
            everybody = np.ones(self._count, np.bool_)
            before = self._before
            found = (everybody, everybody) if before is None else both_moved(before[leg], self.now[leg])
            self._masks[leg] = found
        return found


class Turns:
    """Turns of one comparison, one after the other.

    Args:
        alignment: which anchors compare.
        legs: whose lists are looked at.
    """

    def __init__(self, alignment: Alignment, legs: Collection[ListLeg]) -> None:
        self._alignment, self._legs = alignment, legs
        self._now: dict[ListLeg, RankedLists] = {}

    def next(self, seen: Observation, *, afresh: bool) -> Turn:
        """The next moment.

        Args:
            seen: lists and circumstances; `changed` since the last call of this very method.
            afresh: measure everything anew, whatever is kept.
        """
        now = {leg: self._alignment.lists_now(lists) for leg, lists in seen.lists.items() if leg in self._legs}
        kept = not afresh and seen.changed is not None and now.keys() == self._now.keys()
        turn = Turn(seen, now, self._now if kept else None, len(self._alignment.now))
        self._now = now
        return turn
