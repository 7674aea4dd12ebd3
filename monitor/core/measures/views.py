"""Views: what measures are computed from, of some anchors; what several measures read is worked out once.

Every view has `depth`, the deepest k it can be asked at, and `unknown`, the places of anchors without a known list.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.duplicates.likeness import Likeness
from monitor.core.measures.collapsed import Sides, collapsed
from monitor.core.measures.formulas.columns import ListPair, PairRows, Settings
from monitor.core.measures.formulas.disagreement import Disagreement
from monitor.core.measures.formulas.index import ann_recall, score_parity
from monitor.core.measures.formulas.kernels_lists import contents_moved, legs_apart, ranked, scored
from monitor.core.measures.formulas.labelled import Judgements
from monitor.core.measures.formulas.overlap import Overlap, overlap
from monitor.core.measures.formulas.ranking import PERSISTENCE, powers
from monitor.core.measures.formulas.sources import distinct_sources
from monitor.core.measures.formulas.ties import settle_ties
from monitor.core.measures.measure import Values
from monitor.core.model.lists import RankedLists

Codes = NDArray[np.int64]
ANY_DEPTH = 1 << 30
NOBODY = np.zeros(0, np.int64)
Made = TypeVar("Made")


def _unknown(*lists: RankedLists) -> NDArray[np.int64]:
    """Rows of which one of the lists is not known."""
    return np.flatnonzero(~np.logical_and.reduce([of.known for of in lists]))


class ByDepth:
    """What is worked out once per depth."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, int], object] = {}

    def once(self, name: str, k: int, make: Callable[[], Made]) -> Made:
        """Of this name and depth, as it was made the first time."""
        found = self._made.get((name, k))
        if found is None:
            found = self._made[name, k] = make()
        return found  # type: ignore[return-value]  # of one name all are of one type


class ListsView(ByDepth):
    """One leg's lists of R anchors, then and now.

    Args:
        part: the lists.
        settings: what is asked.
    """

    def __init__(self, part: PairRows, settings: Settings) -> None:
        super().__init__()
        self._part, self.settings, self.depth, self.unknown = part, settings, part.whole.depth, part.unknown
        self._first = min(settings.depths[0], self.depth)
        self._eps = np.nan if settings.tie_eps is None else settings.tie_eps

    @property
    def pair(self) -> ListPair:
        """The lists."""
        return self._part.pair

    def matched(self, k: int) -> Overlap:
        """The lists matched; one match for all depths, where ties are settled, which depends on the cut, for each."""
        return self.once("matched", 0 if self.settings.tie_eps is None else k, lambda: self._matched(k))

    def _matched(self, k: int) -> Overlap:
        eps, pair = self.settings.tie_eps, self.pair
        if eps is None:
            whole = pair.at(max((depth for depth in self.settings.depths if depth <= pair.depth), default=1))
            return overlap(whole.baseline, whole.current)
        cut = pair.at(k)
        return overlap(cut.baseline, settle_ties(cut.baseline, cut.current, eps))

    def ranked(self, k: int) -> Values:
        """(10, R), see `kernels_lists.ranked`; k matters to the first eight rows only."""
        return self.once("ranked", k or self._first, lambda: self._ranked(k or self._first))

    def _ranked(self, k: int) -> Values:
        part, asked = self._part, self.settings
        gap = np.nan if asked.noise_gap is None else asked.noise_gap
        return ranked(*part.arrays, part.numbers, powers(asked.persistence, k), self._eps, gap)

    def scored(self, k: int) -> Values:
        """(7, R), see `kernels_lists.scored`; k matters to the first row only."""
        part = self._part
        return self.once("scored", k or self._first, lambda: scored(*part.arrays, part.numbers, k or self._first))

    @cached_property
    def compared(self) -> tuple[RankedLists, RankedLists]:
        """Both lists, each known only where the other is too: all columns of an anchor rest on the same lists."""
        return self.pair.compared()


class SaidView(ByDepth):
    """What the results of one leg say, then and now, of R anchors.

    Args:
        part: the lists.
        sides: content keys of their slots.
        likeness: tells near copies.
        eps: scores this close tie; None: no tie is settled.
    """

    def __init__(self, part: PairRows, sides: Sides, likeness: Likeness, eps: float | None) -> None:
        super().__init__()
        self._part, self._sides, self._likeness, self._eps = part, sides, likeness, eps
        self.depth, self.unknown = part.whole.depth, part.unknown

    def matched(self, k: int) -> tuple[Overlap, int]:
        """The lists of distinct contents matched, and the depth of that match."""
        return self.once("matched", k, lambda: self._matched(k))

    def _matched(self, k: int) -> tuple[Overlap, int]:
        pair = self._part.pair.at(k)
        made = collapsed(pair.baseline, pair.current, Sides(*self._said(k)), self._eps)
        return made, min(k, made.depth)

    def moved(self, k: int) -> Values:
        """(3, R), see `kernels_lists.contents_moved`."""
        return self.once("moved", k, lambda: self._moved(k))

    def _moved(self, k: int) -> Values:
        eps = np.nan if self._eps is None else self._eps
        return contents_moved(*self._part.arrays, self._part.numbers, self._said(k), eps)

    def _said(self, k: int) -> tuple[Codes, Codes]:
        """(R, k) each, what stands in the slots: near copies say the same."""
        return self._likeness.joined(self._sides.then[:, :k], self._sides.now[:, :k])


class LegsView(ByDepth):
    """Dense and lexical lists of R anchors beside each other, then and now."""

    def __init__(self, dense: PairRows, lexical: PairRows) -> None:
        super().__init__()
        self._legs, self.depth = (dense, lexical), min(dense.whole.depth, lexical.whole.depth)
        known = dense.whole.current.known | lexical.whole.current.known  # each leg moves by itself
        self.unknown = np.flatnonzero(~known[dense.rows])

    def apart(self, k: int) -> Disagreement:
        """How differently the legs answer."""
        return Disagreement(*self.moved(k))

    def moved(self, k: int) -> Values:
        """(6, R), the columns of `apart`."""
        return self.once("moved", k, lambda: self._moved(k))

    def _moved(self, k: int) -> Values:
        (dense_then, dense), (lexical_then, lexical) = (of.arrays for of in self._legs)
        rows = self._legs[0].numbers
        return legs_apart((dense_then, lexical_then), (dense, lexical), rows, powers(PERSISTENCE, k))


class IndexView:
    """What the real index serves R anchors, beside the exact lists.

    Args:
        served: their lists.
        exact: the maintained ones, not known where the index had no time to agree.
        live: (R, k) bool, whether each served chunk is in the corpus.
        eps: how far below the exact k-th score still ties.
        distances: whether scores are negated distances.
    """

    depth = ANY_DEPTH

    def __init__(
        self, served: RankedLists, exact: RankedLists, live: NDArray[np.bool_], *, eps: float, distances: bool
    ) -> None:
        self._served, self._exact, self._live, self._eps, self._distances = served, exact, live, eps, distances
        self.unknown = _unknown(served, exact)

    def recall(self, k: int) -> Values:
        """See `ann_recall`."""
        return ann_recall(self._served.at(k), self._exact.at(k), self._live[:, :k], eps=self._eps)

    def parity(self, k: int) -> Values:
        """See `score_parity`."""
        return score_parity(self._served.at(k), self._exact.at(k), distances=self._distances)


class ListedChunk(NamedTuple):
    """Numbers of a chunk, or int64 arrays of them.

    Args:
        source, document, content: codes; NO_CHUNK for no source, the chunk's own key for no document.
        slot: of its vector, NO_VECTOR for none.
        changed: 1 if it changed since the baseline.
        ghost: 1 if it is deleted, or the index states another content than the events do.
    """

    source: Any
    document: Any
    content: Any
    slot: Any
    changed: Any
    ghost: Any


class JudgedSides(NamedTuple):
    """Judgements as they were with the baseline's lists, and as they are now that chunks were cut anew."""

    then: Judgements
    now: Judgements


class HeldView(ByDepth):
    """What one leg's lists of R anchors hold, chunk by chunk, then and now.

    Args:
        lists: now.
        then: the baseline's.
        chunks: (R, k) arrays of numbers of the chunks now.
        origins: (R, k) source and document codes of the chunks then.
        says_then: (R, k) content keys of the chunks then.
        asked: (R, e) expected sources, and the judgements then and now.
        likeness: tells near copies.
        vectors: by slot, None where nobody keeps them.
        events: whether it is known which chunks changed.
        eps: scores this close tie; None: no tie is settled.
    """

    depth = ANY_DEPTH

    def __init__(
        self,
        lists: RankedLists,
        then: RankedLists,
        chunks: ListedChunk,
        origins: Sides,
        says_then: Codes,
        asked: tuple[Codes, JudgedSides],
        *,
        likeness: Likeness,
        vectors: NDArray[np.float32] | None,
        events: bool,
        eps: float | None,
    ) -> None:
        super().__init__()
        self.lists, self.chunks, self.vectors, self.events = lists, chunks, vectors, events
        self.unknown = _unknown(lists)
        self.then = replace(then, known=then.known & lists.known)
        """The baseline's lists, known where those of now are too."""
        self.sources_then, self._documents_then = origins
        self.says_then = says_then
        self.expected, self.judged = asked
        self._likeness, self._eps = likeness, eps

    def copies(self, k: int) -> Codes:
        """(R, k) cluster of near copies of each slot."""
        return self._likeness.clusters(self.chunks.content[:, :k])

    def documents(self, k: int) -> tuple[Overlap, int]:
        """The lists of distinct documents matched, and the depth of that match."""
        return self.once("documents", k, lambda: self._documents(k))

    def _documents(self, k: int) -> tuple[Overlap, int]:
        sides = Sides(self._documents_then[:, :k], self.chunks.document[:, :k])
        made = collapsed(self.then.at(k), self.lists.at(k), sides, self._eps)
        return made, min(k, made.depth)

    def distinct_sources(self, present: Codes, k: int) -> Values:
        """Distinct sources among slots; NaN where no result names one."""
        found = distinct_sources(present, k)
        return np.where(found > 0, found, np.nan)

    def share(self, hit: Codes, k: int) -> Values:
        """Share of the filled slots whose number is 1; NaN for an empty or unknown list."""
        cut = self.lists.at(k)
        inside = (hit[:, :k] == 1) & (np.arange(cut.depth) < cut.lengths[:, None])
        part = np.count_nonzero(inside, axis=1)
        measured = cut.known & (cut.lengths > 0)
        return np.where(measured, part / np.maximum(cut.lengths, 1), np.nan)


class JudgedView:
    """The judged chunks of R anchors, and (R, j) bool whether each is in the corpus."""

    depth = ANY_DEPTH

    def __init__(self, judged: Judgements, live: NDArray[np.bool_]) -> None:
        self.judged, self.live, self.unknown = judged, live, NOBODY


class RewritesView:
    """Lists of R anchors, those of their rewrites, and the place among the R of each rewrite's anchor."""

    depth = ANY_DEPTH

    def __init__(self, own: RankedLists, others: RankedLists, owners: NDArray[np.int64]) -> None:
        self.own, self.others, self.owners = own, others, owners
        self.unknown = _unknown(own)
