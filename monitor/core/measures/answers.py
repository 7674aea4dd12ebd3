"""Answers: what became of the first results that the baseline gave, told by what they say."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.fixed import fixed
from monitor.core.arrays.sorted_sets import NOWHERE, Enough, SetLists, Sieves, mark_shared
from monitor.core.index.duplicates.shingles import THRESHOLD
from monitor.core.measures.collapsed import Sides
from monitor.core.measures.formulas.columns import ListPair, PairRows
from monitor.core.measures.kernels_answers import UNSEEN, Heard, ListedTexts, answered
from monitor.core.measures.kernels_neighbours import Circumstances, KeptLimits, kept_at
from monitor.core.measures.measure import MissingReason, Values
from monitor.core.measures.views import ByDepth

Shingles = NDArray[np.uint32]

CORPUS_NOT_KEPT = "corpus_not_kept"
"""Why it is not known whether a lost answer still stands somewhere: only the lists were kept."""
SPREAD = 0.5
"""An answer stands in a list where at least this share of what sets it apart does, over however many chunks: a
document that was cut anew still says it, and an ordinary edit of a long text leaves more."""
SAME_PLACE = 0.3
"""A chunk that kept its id holds the answer, edited, where it has at least this share of the shingles; below that
something else stands under the old name (an error page, another language, nothing)."""
FIRST = 3
"""How many of the baseline's results are looked at, at most."""
_HELD = Enough(SPREAD, SPREAD, SAME_PLACE, theirs=False)
"""What holds an answer, whoever says it; `_KEPT` decides."""
_KEPT = KeptLimits(SPREAD, SAME_PLACE, THRESHOLD)
_KNOWN = Enough(SPREAD, SPREAD, SAME_PLACE, theirs=True)


class Texts(NamedTuple):
    """What stands in the slots of some lists of one side.

    Args:
        lists: shingles; empty for blank texts.
        sieves: of the same lists.
    """

    lists: SetLists
    sieves: Sieves


class AnswersView(ByDepth):
    """The first results of R anchors then, beside one leg's lists now.

    An answer is *kept* at k if one of the first k results now says the same (equal content) or all of it, or the
    same chunk stands among them, edited, and has at least `SAME_PLACE` of its shingles, or they together hold at
    least `SPREAD` of its shingles, and those of them that took it over `SAME_PLACE` and `SPREAD` of what sets it
    apart (near copies, re-chunked, renamed and moved texts). An anchor without any result in the baseline had no
    answer to lose: all is kept.

    *Neighbours* of an answer are the results that the baseline's list held beside it, of another document or nearly
    the same (`THRESHOLD`), that do not say all of it: the other pages of its template, its other versions, its
    translations. What sets it apart are the shingles that no neighbour says (all of them where that would be none),
    and from each near copy, those which that one does not say. What all of them say tells nothing of one.

    A result took something over unless it *stood* already: its chunk says what it said in the baseline, or what some
    chunk in the baseline's lists said, and it is of another document or nearly the same as the answer. What stood
    says what it always said; a part of the answer's own document counts all the same, for windows overlap. A
    neighbour that was edited took over nothing unless it now has `SPREAD` of what set the answer apart from it, and
    what stands in the answer's own chunk is no edit of it where it stood elsewhere, or is nearer to a neighbour.

    The other way round, a result now is *new* if none of the first k then said the same, they held less than `SPREAD`
    of its shingles, it holds less than that of each of them, and it is none of them edited.

    Args:
        part: the lists.
        said: content keys of their slots.
        texts: of the same slots, then and now.
        about: circumstances of the lists of some of the R anchors, by their rows; asked for the few whose lists have
            a part of an answer, and once more, closely, where it may be kept: what stood in no list counts then, too.
        heard: (N, k) int64, the depth at which the baseline's list holds each result now, UNSEEN where nobody looked,
            of all lists there are; is written to.
    """

    def __init__(
        self,
        part: PairRows,
        said: Sides,
        texts: tuple[Texts, Texts],
        about: Callable[[NDArray[np.int64], bool], Circumstances],
        heard: NDArray[np.int64],
    ) -> None:
        super().__init__()
        self.depth, self.unknown, self._known = part.whole.depth, part.unknown, part.known
        then, now = part.whole.baseline.keys, part.whole.current.keys
        self._then = ListedTexts(fixed(then[part.rows]), fixed(said.then), *texts[0])
        self._now = ListedTexts(fixed(now[part.rows]), fixed(said.now), *texts[1])
        self._heard = Heard(np.full((len(self._known), min(FIRST, then.shape[1])), UNSEEN), heard, part.numbers)
        self._about, self._confirmed = about, np.zeros(self._heard.then.shape, np.bool_)

    def answered(self, k: int) -> Values:
        """(4, R): 1 where the baseline's first result is kept; the share of its first results, at most `FIRST` and k
        of them, that are; how many of the first k results now are new: what other wordings, cuts and ids of the old
        are not; and, whatever k is, 1 where the first result now says what none of the results then did: one of them
        that only moved to the front, or stands there in another cut or wording, is not new.
        """
        return self.once("answered", k or self.depth, lambda: self._answered(k or self.depth))

    def _answered(self, k: int) -> Values:
        within = k, min(FIRST, k, self._heard.then.shape[1]), self.depth
        made = answered(self._then, self._now, self._known, self._heard, within, (_HELD, _KNOWN))
        if self._confirm():
            made = answered(self._then, self._now, self._known, self._heard, within, (_HELD, _KNOWN))
        return made

    def _confirm(self) -> bool:
        """Look closer at the answers that were just found to be held; whether there were any."""
        then = self._heard.then
        rows, slots = np.nonzero((then != UNSEEN) & (then < NOWHERE) & ~self._confirmed)
        if not len(rows):
            return False
        found = kept_at(self._then, self._now, (rows, slots), self._about(rows, False), _KEPT)
        still = np.flatnonzero(found < NOWHERE)
        if len(still):
            some = rows[still], slots[still]
            found[still] = kept_at(self._then, self._now, some, self._about(some[0], True), _KEPT)
        then[rows, slots], self._confirmed[rows, slots] = np.maximum(then[rows, slots], found), True
        return True


class FatesView:
    """What became of the first results that R anchors lost on one leg.

    An answer that is not kept (see `AnswersView`) is *displaced* if a live chunk says it, or the same chunk still has
    `SAME_PLACE` of it, and others stand before it; else it is *gone*. That depends on every chunk there is, so it is
    looked at anew whenever any of them changed.

    Args:
        pair: the lists.
        kept: by depth, (R,) whether the first result is kept, below 1 where it is not.
        firsts: (R,) int64, the places of the first results.
        live: (n,) whether the corpus has each of n first results, by their places; None where nobody knows, for only
            lists were kept.
    """

    def __init__(
        self,
        pair: ListPair,
        kept: Callable[[int], Values],
        firsts: NDArray[np.int64],
        live: Callable[[NDArray[np.int64]], NDArray[np.bool_] | None],
    ) -> None:
        self.depth, self._kept, self._firsts, self._live = pair.depth, kept, firsts, live
        self.unknown = np.flatnonzero(~(pair.baseline.known & pair.current.known))

    def fates(self, k: int) -> Values | MissingReason:
        """(2, R): 1 where the first result is not kept and stands nowhere in the corpus, and where it is not kept
        although the corpus has it: others stand before it.
        """
        lost = np.flatnonzero(self._kept(k) < 1.0)
        lives = self._live(self._firsts[lost])
        if lives is None:
            return MissingReason(CORPUS_NOT_KEPT)
        made = np.zeros((2, len(self._firsts)))
        made[0, lost], made[1, lost] = ~lives, lives
        return made


def stays(own: Shingles, now: Shingles) -> bool:
    """Whether a chunk still has `SAME_PLACE` of what it said; one that had no shingles has not."""
    return bool(len(own)) and mark_shared(own, now, np.zeros(len(own), np.bool_)) / len(own) >= SAME_PLACE
