"""Production against the legs: what users get from the whole retriever, beside what either of its legs would give."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.baseline import without_repeats
from monitor.core.measures.formulas.overlap import first_ranks, overlap
from monitor.core.measures.formulas.ranking import swaps, top1_changed
from monitor.core.measures.measure import COUNT, SHARE, AnyMeasure, Measure, MissingReason, Need, Range, Values
from monitor.core.model.lists import NO_CHUNK, RankedLists

LEG_OFF = "leg_off"
"""Why nothing is said of a leg that is switched off."""
ASKED_ONCE = "asked_once"
"""Why the noise of a retriever is not known: it was asked once."""
Codes = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class SaidLists:
    """Lists, and the (R, K) content keys of their slots: copies under other ids are one content.

    Args:
        lists: R lists.
        said: content keys, NO_CHUNK behind the end.
    """

    lists: RankedLists
    said: Codes


class ProductionView:
    """What production served R anchors, beside the legs' lists of them.

    Args:
        own: production's lists.
        dense: the dense leg's lists as served, None where the leg is off.
        lexical: the lexical leg's, None where it is off.
        strange: (R, K) bool, slots of production whose result is no chunk, live or deleted.
        live: (R, K) bool, slots whose chunk is in the corpus.
        again: production's lists of a second call at the same position, None where none was made.
        then: the same of the baseline, None where it has no production lists.
    """

    def __init__(
        self,
        own: SaidLists,
        dense: SaidLists | None,
        lexical: SaidLists | None,
        *,
        strange: NDArray[np.bool_],
        live: NDArray[np.bool_],
        again: SaidLists | None = None,
        then: "ProductionView | None" = None,
    ) -> None:
        self._own, self._legs = own, {"dense": dense, "lexical": lexical}
        self._strange, self._live, self._again, self.then = strange, live, again, then
        self.depth = own.lists.depth
        self.unknown = np.flatnonzero(~own.lists.known)

    def explained(self, k: int) -> Values:
        """(R,) share of the first k slots whose content stands anywhere in the list of either leg.

        NaN for an empty list, and where the list of a leg that is on is not known: it might have explained more.
        """
        found = [self._ranks[leg][:, :k] > 0 for leg in self._on]
        return self._share(np.logical_or.reduce(found), k, self._on)

    def by_leg(self, leg: str, k: int) -> Values | MissingReason:
        """(R,) share of the first k slots whose content stands anywhere in one leg's list."""
        if leg not in self._on:
            return MissingReason(LEG_OFF)
        return self._share(self._ranks[leg][:, :k] > 0, k, (leg,))

    def displacement(self, k: int) -> Values:
        """(R,) mean distance in ranks of the explained slots from their better rank on the legs; NaN without any."""
        ranks = [np.where(self._ranks[leg] > 0, self._ranks[leg], np.inf) for leg in self._on]
        best = np.minimum.reduce(ranks)[:, :k]
        apart = np.abs(best - np.arange(1, best.shape[1] + 1))
        here = np.isfinite(best)
        count = here.sum(axis=1)
        mean = np.where(here, apart, 0.0).sum(axis=1) / np.maximum(count, 1)
        return np.where((count > 0) & self._known(self._on), mean, np.nan)

    def unmapped(self, k: int) -> Values:
        """(R,) share of the first k slots whose result is no chunk that any event was about."""
        return self._share(self._strange[:, :k], k)

    def ghosts(self, k: int) -> Values:
        """(R,) share of the first k slots whose chunk is deleted."""
        return self._share(~self._strange[:, :k] & ~self._live[:, :k], k)

    def empty(self) -> Values:
        """(R,) 1 where production answered with nothing."""
        return np.where(self._own.lists.known, (self._own.lists.lengths == 0).astype(np.float64), np.nan)

    def noise_swaps(self, k: int) -> Values | MissingReason:
        """(R,) results exchanged between two calls at one position, by content."""
        made = self._twice(k)
        return made if isinstance(made, MissingReason) else swaps(overlap(*made), k)

    def noise_first(self) -> Values | MissingReason:
        """(R,) 1 where two calls at one position differ in the first result, by content."""
        made = self._twice(1)
        return made if isinstance(made, MissingReason) else top1_changed(overlap(*made))

    def _twice(self, k: int) -> tuple[RankedLists, RankedLists] | MissingReason:
        if self._again is None:
            return MissingReason(ASKED_ONCE)
        first, second = (without_repeats(of.lists.at(k), of.said[:, :k]) for of in (self._own, self._again))
        return first, second

    @cached_property
    def _on(self) -> tuple[str, ...]:
        return tuple(leg for leg, of in self._legs.items() if of is not None)

    @cached_property
    def _ranks(self) -> dict[str, NDArray[np.int64]]:
        """By leg, (R, K) the rank there of each slot's content, 0 where it stands nowhere."""
        there = {leg: of for leg, of in self._legs.items() if of is not None}
        return {leg: first_ranks(self._own.said, of.said).T.astype(np.int64) for leg, of in there.items()}

    def _known(self, legs: tuple[str, ...]) -> NDArray[np.bool_]:
        known = self._own.lists.known.copy()
        for leg in legs:
            of = self._legs[leg]
            known &= of is None or of.lists.known
        return known

    def _share(self, hit: NDArray[np.bool_], k: int, legs: tuple[str, ...] = ()) -> Values:
        cut = self._own.lists.at(k)
        inside = np.arange(cut.depth) < cut.lengths[:, None]
        part = np.count_nonzero(hit & inside, axis=1)
        measured = self._known(legs) & (cut.lengths > 0)
        return np.where(measured, part / np.maximum(cut.lengths, 1), np.nan)


SERVED: "Need[ProductionView]" = Need("production's lists", "production")
"""What production served, now and then, beside both legs' lists."""
NOT_THEN = "no_production_baseline"
"""Why the baseline has no value: production was not asked when it was captured."""


PRODUCTION: tuple[AnyMeasure, ...] = (
    Measure(
        "production_explained_ratio", "ratio",
        "Share of production's top k that stands in the list of either leg, by content, down to the deepest one kept",
        "More of what users get is what the legs find.",
        family="Production", needs=SERVED, range=SHARE, better="higher",
        compute=lambda served, k: served.explained(k),
        then=lambda served, k: MissingReason(NOT_THEN) if served.then is None else served.then.explained(k),
    ),
    Measure(
        "production_dense_ratio", "ratio", "Share of production's top k that stands in the dense leg's served list",
        "Fusion leans more on the dense leg.",
        family="Production", needs=SERVED, range=SHARE,
        compute=lambda served, k: served.by_leg("dense", k),
        then=lambda served, k: MissingReason(NOT_THEN) if served.then is None else served.then.by_leg("dense", k),
    ),
    Measure(
        "production_lexical_ratio", "ratio", "Share of production's top k that stands in the lexical leg's list",
        "Fusion leans more on the lexical leg.",
        family="Production", needs=SERVED, range=SHARE,
        compute=lambda served, k: served.by_leg("lexical", k),
        then=lambda served, k: MissingReason(NOT_THEN) if served.then is None else served.then.by_leg("lexical", k),
    ),
    Measure(
        "production_displacement", "ranks",
        "Mean distance between a result's rank in production and its better rank on the legs: what a reranker moves",
        "The reranker moves results further.",
        family="Production", needs=SERVED, statistics=("mean", "p95"), range=Range(0.0, np.inf),
        compute=lambda served, k: served.displacement(k),
        then=lambda served, k: MissingReason(NOT_THEN) if served.then is None else served.then.displacement(k),
    ),
    Measure(
        "production_unmapped_ratio", "ratio",
        "Share of production's top k that is no known chunk, by id, text or likeness",
        "Production serves what the stream never said, or ids and texts no longer match.",
        family="Production", needs=SERVED, range=SHARE, better="lower",
        compute=lambda served, k: served.unmapped(k),
        then=lambda served, k: MissingReason(NOT_THEN) if served.then is None else served.then.unmapped(k),
    ),
    Measure(
        "production_ghost_ratio", "ratio", "Share of production's top k whose chunk is deleted by the events",
        "Users are shown what was deleted.",
        family="Production", needs=SERVED, range=SHARE, better="lower",
        compute=lambda served, k: served.ghosts(k),
    ),
    Measure(
        "production_empty_ratio", "ratio", "Share of anchors for which production answered with nothing",
        "More users get no result at all.",
        family="Production", needs=SERVED, range=SHARE, better="lower", deep=False, percent=True,
        compute=lambda served, _: served.empty(),
        then=lambda served, _: MissingReason(NOT_THEN) if served.then is None else served.then.empty(),
    ),
    Measure(
        "production_noise_swaps", "swaps",
        "Results exchanged between two calls at one position, by content: what production differs from itself by",
        "The retriever answers less repeatably; smaller movements say nothing.",
        family="Production", needs=SERVED, statistics=("mean", "p95"), range=COUNT, better="lower",
        compute=lambda served, k: served.noise_swaps(k),
    ),
    Measure(
        "production_noise_first_ratio", "ratio",
        "Share of anchors whose first result differs between two calls at one position",
        "The first answer depends on chance.",
        family="Production", needs=SERVED, range=SHARE, better="lower", deep=False, percent=True,
        compute=lambda served, _: served.noise_first(),
    ),
)  # fmt: skip
"""On the leg `production`, where `[production]` is configured."""


def strange(lists: RankedLists, strangers: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(R, K) bool, slots whose key is one of these."""
    made: NDArray[np.bool_] = np.isin(lists.keys, strangers) & (lists.keys != NO_CHUNK)
    return made
