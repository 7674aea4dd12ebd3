"""Answers: what became of the first results that the baseline gave, told by what they say."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.sorted_sets import NOWHERE, Enough, SetLists, held_at, mark_shared
from monitor.core.measures.collapsed import Sides
from monitor.core.measures.formulas.columns import ListPair
from monitor.core.measures.measure import MissingReason, Values
from monitor.core.model.lists import NO_CHUNK

Shingles = NDArray[np.uint32]
ListPlaces = NDArray[np.int64]

CORPUS_NOT_KEPT = "corpus_not_kept"
"""Why it is not known whether a lost answer still stands somewhere: only the lists were kept."""
SPREAD = 0.5
"""An answer stands in a list where at least this share of its shingles does, over however many chunks: a document
that was cut anew still says it, and an ordinary edit of a long text leaves more."""
SAME_PLACE = 0.3
"""A chunk that kept its id holds the answer, edited, where it has at least this share of the shingles; below that
something else stands under the old name (an error page, another language, nothing)."""
FIRST = 3
"""How many of the baseline's results are looked at, at most."""
_KEPT = Enough(SPREAD, SPREAD, SAME_PLACE, theirs=False)
_KNOWN = Enough(SPREAD, SPREAD, SAME_PLACE, theirs=True)
_UNSEEN = 0
"""The depth of what was not looked for."""


class Texts(NamedTuple):
    """The shingles of what stands in the slots of the baseline's lists, and in those now; empty for blank texts."""

    then: SetLists
    now: SetLists


class AnswersView:
    """The first results of R anchors then, beside one leg's lists now.

    An answer is *kept* at k if one of the first k results now says the same (equal content), or these results
    together hold at least `SPREAD` of its shingles (near copies, re-chunked, renamed and moved texts), or the same
    chunk stands among them and has at least `SAME_PLACE` of its shingles (an ordinary edit). An anchor without any
    result in the baseline had no answer to lose: all is kept.

    The other way round, a result now is *new* if none of the first k then said the same, they held less than `SPREAD`
    of its shingles, it holds less than that of each of them, and it is none of them edited.

    Args:
        pair: the lists.
        said: content keys of their slots.
        texts: of the same slots.
    """

    def __init__(self, pair: ListPair, said: Sides, texts: Texts) -> None:
        self.depth = pair.depth
        self._then, self._now, self._said, self._texts = pair.baseline.keys, pair.current.keys, said, texts
        self.unknown = np.flatnonzero(~(pair.baseline.known & pair.current.known))
        self._asked = self._then[:, :FIRST] != NO_CHUNK
        self._asked[self.unknown] = False
        self._equal = _first_equal(said.then[:, :FIRST], said.now)
        self._close = np.full(self._asked.shape, _UNSEEN)
        self._heard = np.full(self._now.shape, _UNSEEN)

    def kept(self, k: int, first: int = 1) -> Values:
        """(R,) share of the baseline's first results, at most `first` and k of them, that are kept."""
        asked = self._asked[:, : min(first, k)]
        count = asked.sum(axis=1)
        found = (self._places(k, asked.shape[1]) <= k) & asked
        return np.where(count > 0, found.sum(axis=1) / np.maximum(count, 1), 1.0)

    def new(self, k: int) -> Values:
        """(R,) how many of the first k results now are new: what other wordings, cuts and ids of the old are not."""
        return self._strange(k, k)

    def new_first(self) -> Values:
        """(R,) 1 where the first result now says what none of the results then did; one of them that only moved to
        the front, or stands there in another cut or wording, is not new.
        """
        return self._strange(1, self.depth)

    def _strange(self, first: int, k: int) -> Values:
        """(R,) how many of the first results now say what none of the first k did then."""
        then, now = self._said.then[:, :k], self._said.now[:, :first]
        fresh = (now != NO_CHUNK) & ~np.any(now[:, :, None] == then[:, None, :], axis=2)
        fresh[self.unknown] = False
        heard, (before, after) = self._heard[:, :first], self._texts
        rows, slots = np.nonzero(fresh & (heard == _UNSEEN))
        same = self._now[rows, slots][:, None] == self._then[rows]
        heard[rows, slots] = held_at(after, before, rows, slots, same, _KNOWN)
        count: Values = np.count_nonzero(fresh & (heard > k), axis=1).astype(np.float64)
        return count

    def _places(self, k: int, first: int) -> ListPlaces:
        """(R, first) the least depth at which each answer stands, exact as to whether that is within k."""
        equal, close, (before, after) = self._equal[:, :first], self._close[:, :first], self._texts
        rows, slots = np.nonzero((equal > k) & self._asked[:, :first] & (close == _UNSEEN))
        same = self._then[rows, slots][:, None] == self._now[rows]
        close[rows, slots] = held_at(before, after, rows, slots, same, _KEPT)
        return np.where(close == _UNSEEN, equal, np.minimum(equal, close))


class FatesView:
    """What became of the first results that R anchors lost on one leg.

    An answer that is not kept (see `AnswersView`) is *displaced* if a live chunk says it, or the same chunk still has
    `SAME_PLACE` of it, and others stand before it; else it is *gone*. That depends on every chunk there is, so it is
    looked at anew whenever any of them changed.

    Args:
        pair: the lists.
        kept: by depth, (R,) whether the first result is kept, below 1 where it is not.
        lives: which of some chunks' texts, by key, the corpus has; None where nobody knows, for only lists were kept.
    """

    def __init__(
        self,
        pair: ListPair,
        kept: Callable[[int], Values],
        lives: Callable[[Sequence[int]], NDArray[np.bool_] | None],
    ) -> None:
        self.depth, self._first = pair.depth, pair.baseline.keys[:, 0]
        self.unknown = np.flatnonzero(~(pair.baseline.known & pair.current.known))
        self._kept, self._lives = kept, lives
        self._found: dict[int, bool] = {}

    def gone(self, k: int) -> Values | MissingReason:
        """(R,) 1 where the first result is not kept and stands nowhere in the corpus."""
        return self._of_lost(k, lives=False)

    def displaced(self, k: int) -> Values | MissingReason:
        """(R,) 1 where the first result is not kept although the corpus has it: others stand before it."""
        return self._of_lost(k, lives=True)

    def _of_lost(self, k: int, *, lives: bool) -> Values | MissingReason:
        lost = np.flatnonzero(self._kept(k) < 1.0)
        keys = self._first[lost].tolist()
        unknown = [key for key in dict.fromkeys(keys) if key not in self._found]
        found = self._lives(unknown)
        if found is None:
            return MissingReason(CORPUS_NOT_KEPT)
        self._found.update(zip(unknown, found.tolist(), strict=True))
        made = np.zeros(len(self._first))
        made[lost] = np.array([self._found[key] for key in keys], np.bool_) == lives
        return made


def stays(own: Shingles, now: Shingles) -> bool:
    """Whether a chunk still has `SAME_PLACE` of what it said; one that had no shingles has not."""
    return bool(len(own)) and mark_shared(own, now, np.zeros(len(own), np.bool_)) / len(own) >= SAME_PLACE


def _first_equal(then: ListPlaces, now: ListPlaces) -> ListPlaces:
    """(R, m) the first place, from 1, at which each content stands now; NOWHERE where none does."""
    equal = then[:, :, None] == now[:, None, :]
    return np.where(equal.any(axis=2), equal.argmax(axis=2) + 1, NOWHERE)
