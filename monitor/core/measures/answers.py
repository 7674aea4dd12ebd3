"""Answers: what became of the first results that the baseline gave, told by what they say."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.sorted_sets import mark_shared
from monitor.core.measures.collapsed import Sides
from monitor.core.measures.formulas.columns import ListPair
from monitor.core.measures.measure import MissingReason, Values
from monitor.core.model.lists import NO_CHUNK

Shingles = NDArray[np.uint32]
ListPlaces = NDArray[np.int64]

NO_SHINGLES = np.zeros(0, np.uint32)
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
LOST = 1 << 30
"""The place of an answer that stands nowhere in the list."""


class Texts(NamedTuple):
    """Where texts are looked up, by chunk key; read while a view is made, or right behind it.

    Args:
        then: shingles of a chunk as the baseline knew it; empty where it had no words.
        now: shingles of a live chunk; empty where it has none or is not live.
        same: whether a live chunk says, to the letter, what it said in the baseline.
        holds: which of some texts, given by their shingles, some live chunk says, exactly or nearly; None where
            nobody knows, for only lists were kept.
    """

    then: Callable[[int], Shingles]
    now: Callable[[int], Shingles]
    same: Callable[[int], bool]
    holds: Callable[[Sequence[Shingles]], NDArray[np.bool_] | None]


class AnswersView:
    """The first results of R anchors then, beside one leg's lists now.

    An answer is *kept* at k if one of the first k results now says the same (equal content), or these results
    together hold at least `SPREAD` of its shingles (near copies, re-chunked, renamed and moved texts), or the same
    chunk stands among them and has at least `SAME_PLACE` of its shingles (an ordinary edit). An answer that is not
    kept is *displaced* if a live chunk says it, or the same chunk still has `SAME_PLACE` of it, and others stand
    before it; else it is *gone*. An anchor without any result in the baseline had no answer to lose: all is kept.

    The other way round, a result now is *new* if none of the first k then said the same, they held less than `SPREAD`
    of its shingles, it holds less than that of each of them, and it is none of them edited.

    Args:
        pair: the lists.
        said: content keys of their slots.
        texts: looks texts up.
    """

    def __init__(self, pair: ListPair, said: Sides, texts: Texts) -> None:
        self.depth = pair.depth
        self._then, self._now, self._said, self._texts = pair.baseline, pair.current, said, texts
        self.unknown = np.flatnonzero(~(pair.baseline.known & pair.current.known))
        self._asked = self._then.keys[:, :FIRST] != NO_CHUNK
        self._asked[self.unknown] = False
        self._equal = _first_equal(said.then[:, :FIRST], said.now)
        self._close: dict[tuple[int, int], int] = {}
        self._lives: dict[int, bool] = {}
        self._new: dict[tuple[int, int], Values] = {}

    def kept(self, k: int, first: int = 1) -> Values:
        """(R,) share of the baseline's first results, at most `first` and k of them, that are kept."""
        asked = self._asked[:, : min(first, k)]
        count = asked.sum(axis=1)
        found = (self._places(k, asked.shape[1]) <= k) & asked
        return np.where(count > 0, found.sum(axis=1) / np.maximum(count, 1), 1.0)

    def gone(self, k: int) -> Values | MissingReason:
        """(R,) 1 where the first result is not kept and stands nowhere in the corpus."""
        return self._of_lost(k, lives=False)

    def displaced(self, k: int) -> Values | MissingReason:
        """(R,) 1 where the first result is not kept although the corpus has it: others stand before it."""
        return self._of_lost(k, lives=True)

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
        if (first, k) not in self._new:
            made = np.zeros(len(self._then))
            then, now = self._said.then[:, :k], self._said.now[:, :first]
            fresh = (now != NO_CHUNK) & ~np.any(now[:, :, None] == then[:, None, :], axis=2)
            fresh[self.unknown] = False
            for row in np.flatnonzero(fresh.any(axis=1)).tolist():
                made[row] = self._strangers(row, np.flatnonzero(fresh[row]).tolist(), k)
            self._new[first, k] = made
        return self._new[first, k]

    def _strangers(self, row: int, slots: Sequence[int], k: int) -> int:
        """How many of these slots of one list say what none of its first k results then did."""
        then = [key for key in self._then.keys[row, :k].tolist() if key != NO_CHUNK]
        sets = [(key, self._texts.then(key)) for key in then]
        return sum(not self._known(int(self._now.keys[row, slot]), sets) for slot in slots)

    def _known(self, key: int, then: Sequence[tuple[int, Shingles]]) -> bool:
        """Whether a result now says what results then did: together, or one of them, or it is one of them edited."""
        own = self._texts.now(key)
        held = np.zeros(len(own), np.bool_)
        for other, said in then:
            shared = mark_shared(own, said, held)
            least = SAME_PLACE if other == key else SPREAD
            if len(own) and len(said) and shared / len(said) >= least:
                return True
        return bool(len(own)) and float(held.mean()) >= SPREAD

    def lost(self, k: int) -> NDArray[np.int64]:
        """The places among the R of the anchors whose first result is not kept, ascending."""
        return np.flatnonzero(self.kept(k) < 1.0)

    def _of_lost(self, k: int, *, lives: bool) -> Values | MissingReason:
        lost = self.lost(k)
        alive = self.alive(lost)
        if alive is None:
            return MissingReason(CORPUS_NOT_KEPT)
        made = np.zeros(len(self._then))
        made[lost] = alive == lives
        return made

    def alive(self, rows: NDArray[np.int64]) -> NDArray[np.bool_] | None:
        """Whether the corpus still has the first result of each of some rows; None where nobody knows."""
        keys = self._then.keys[rows, 0].tolist()
        unknown = [key for key in dict.fromkeys(keys) if key not in self._lives]
        held = self._texts.holds([self._texts.then(key) for key in unknown])
        if held is None:
            return None
        for key, holds in zip(unknown, held.tolist(), strict=True):
            self._lives[key] = holds or self._texts.same(key) or self._stays(key)
        return np.array([self._lives[key] for key in keys], np.bool_)

    def _stays(self, key: int) -> bool:
        return _share(self._texts.then(key), self._texts.now(key)) >= SAME_PLACE

    def _places(self, k: int, first: int) -> ListPlaces:
        """(R, first) the least depth at which each answer stands, exact as to whether that is within k."""
        places = self._equal[:, :first].copy()
        for row, at in np.argwhere((places > k) & self._asked[:, :first]).tolist():
            known = self._close.get((row, at))
            if known is None:
                known = self._close[row, at] = self._looked(row, at)
            places[row, at] = min(places[row, at], known)
        return places

    def _looked(self, row: int, at: int) -> int:
        """The least depth at which the results hold enough of one answer's shingles."""
        key = int(self._then.keys[row, at])
        own = self._texts.then(key)
        if not len(own):
            return LOST
        held = np.zeros(len(own), np.bool_)
        for slot, other in enumerate(self._now.keys[row].tolist(), start=1):
            if other == NO_CHUNK:
                break
            share = mark_shared(own, self._texts.now(other), held) / len(own)
            if held.mean() >= SPREAD or (other == key and share >= SAME_PLACE):
                return slot
        return LOST


def _first_equal(then: ListPlaces, now: ListPlaces) -> ListPlaces:
    """(R, m) the first place, from 1, at which each content stands now; LOST where none does."""
    equal = then[:, :, None] == now[:, None, :]
    return np.where(equal.any(axis=2), equal.argmax(axis=2) + 1, LOST)


def _share(own: Shingles, other: Shingles) -> float:
    """Which share of a text's shingles another one has; NaN, which is at least nothing, for a text without any."""
    return mark_shared(own, other, np.zeros(len(own), np.bool_)) / len(own) if len(own) else math.nan
