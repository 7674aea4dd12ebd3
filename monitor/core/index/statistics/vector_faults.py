"""Faults of vectors: of chunks that say what they said, or nearly so, with vectors that no such change explains."""

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.statistics.content_sets import with_document, within
from monitor.core.index.statistics.contents import Contents
from monitor.core.index.statistics.integrity import Ints, Mask
from monitor.core.index.statistics.sketches import BITS, NO_SKETCH, differing

ROUNDED = 2
"""Bits in which sketches of one vector differ when it was rounded, at most."""
_SCALED = 1.05
"""Times another length that a vector may have: rounding to eight bits changes it by less than 1%."""
_RARE = 0.001
"""Share of the vectors at each end of the lengths then that do not say which lengths there were."""
_TWINS = 16
"""Chunks of one text that a vector is compared with."""
_ALIKE = 0.7
"""Share of its sampled shingles that an edited chunk kept."""
_STRANGE = 0.75
"""Times the distance of two chunks that have nothing in common: farther apart than any edit puts a text."""
_SEVERAL = 3
"""Sampled shingles below which two chunks' likeness says nothing."""


@dataclass(frozen=True, eq=False)
class VectorComparison:
    """Vectors of then and now, by what their chunks say.

    Args:
        before: what the chunks of then say.
        after: what those of now say.
        known: by chunk of now, whether its text was there.
        doc_then: by chunk of then, its document.
        doc_now: by chunk of now, its document, under the same numbers.
    """

    before: Contents
    after: Contents
    known: Mask
    doc_then: Ints
    doc_now: Ints

    def same_text(self) -> Mask:
        """Chunks whose text was there, with a vector that none of its chunks had; one without direction is none.

        Where the text is the same but for its marks and white space, that is where the vector is a stranger's.
        """
        at, first, others = self._twins
        flags = np.zeros(len(self.after.texts), np.bool_)
        if not len(at):
            return flags
        count = np.diff(first, append=len(others))
        there = self.before.sketches[others]
        apart = differing(np.repeat(self.after.sketches[at], count), there)
        apart[there == NO_SKETCH] = 0
        letters = within(self.after.said[at], self.before.said)
        flags[at] = np.minimum.reduceat(apart, first) > np.where(letters, ROUNDED, self._far)
        return flags

    def rescaled(self) -> Mask:
        """Chunks whose vector has another length than any had that stood for the same text; of a new text, another
        one than there was at all. A vector without direction has none.
        """
        then, now = self.before.lengths.astype(np.float64), self.after.lengths.astype(np.float64)
        there = np.sort(then[then > 0])
        cut = int(_RARE * len(there))
        low, high = (there[cut], there[len(there) - 1 - cut]) if len(there) else (0.0, math.inf)
        flags = (now < low / _SCALED) | (now > high * _SCALED)
        at, first, others = self._twins
        if len(at):
            own, their = np.repeat(now[at], np.diff(first, append=len(others))), then[others]
            apart = np.maximum(own, their) / np.where(np.minimum(own, their) > 0, np.minimum(own, their), math.inf)
            flags[at] = np.minimum.reduceat(apart, first) > _SCALED
        return flags & (now > 0)

    @cached_property
    def _twins(self) -> tuple[Ints, Ints, Ints]:
        """Of the chunks whose text was there: which they are, and where theirs begin among the chunks then that said
        the same, `_TWINS` of each at most.
        """
        order = np.argsort(self.before.texts, kind="stable")
        texts = self.before.texts[order]
        at = np.flatnonzero(self.known)
        said, ways = np.unique(self.after.texts[at], return_inverse=True)  # in order, they are found faster
        lefts = np.searchsorted(texts, said, "left")
        left, count = lefts[ways], np.minimum(np.searchsorted(texts, said, "right") - lefts, _TWINS)[ways]
        first = np.cumsum(count) - count
        steps = np.arange(int(count.sum())) - np.repeat(first, count)
        return at, first, order[np.repeat(left, count) + steps]

    def edited(self) -> Mask:
        """Chunks that kept most of their text, with a vector almost as far away as a stranger's."""
        before, after = self.before, self.after
        flags = np.zeros(len(after.texts), np.bool_)
        fresh = ~self.known & (after.sampled >= _SEVERAL)
        there = within(self.doc_then, self.doc_now[fresh])
        mine, theirs = (
            np.repeat(np.flatnonzero(of), one.sampled[of]) for of, one in ((fresh, after), (there, before))
        )
        asked = with_document(self.doc_now[mine], after.shingles[after.spread(fresh)])
        held = with_document(self.doc_then[theirs], before.shingles[before.spread(there)])
        same = np.flatnonzero(within(asked, held))
        if not len(same):
            return flags
        asked, mine = asked[same], mine[same]
        same = np.flatnonzero(within(held, asked))
        held, theirs = held[same], theirs[same]
        order = np.argsort(held, kind="stable")
        theirs = theirs[order[np.searchsorted(held[order], asked)]]
        wide = len(before.texts)
        distinct, shared = np.unique(mine * wide + theirs, return_counts=True)
        one, other = np.divmod(distinct, wide)
        likely = shared >= _ALIKE * np.maximum(after.sampled[one], before.sampled[other])
        likely &= before.sketches[other] != NO_SKETCH
        one, other = one[likely], other[likely]
        flags[one] = differing(after.sketches[one], before.sketches[other]) > self._far
        return flags

    @cached_property
    def _far(self) -> float:
        """Bits of a sketch in which no edit makes a vector differ: `_STRANGE` of those in which two chunks of then do
        that have nothing to do with each other, by their median. Chunks are paired by the order of their keys, which
        are hashes.
        """
        sketches = self.before.sketches[self.before.sketches != NO_SKETCH]
        half = len(sketches) // 2
        strangers = float(np.median(differing(sketches[:half], sketches[-half:]))) if half else BITS / 2
        return max(float(ROUNDED), _STRANGE * strangers)

    def unequal(self) -> Mask:
        """Chunks whose text stands in the corpus several times under one embedding version, with another vector than
        the first of them; those of a text of which that was so then do not count.
        """
        now = _unlike_first(self.after)
        before = _unlike_then(self.before)
        return now & ~within(self.after.texts, before)


@lru_cache(maxsize=2)
def _unlike_then(of: Contents) -> NDArray[np.uint64]:
    """Texts of a baseline, which is compared with many times, that stood under several vectors."""
    return of.texts[_unlike_first(of)]


def _unlike_first(of: Contents) -> Mask:
    """Chunks whose vector is another than that of the first chunk, by key, that says the same."""
    directed = (of.sketches != NO_SKETCH) & (of.texts != 0)
    _, first, group = np.unique(of.texts, return_index=True, return_inverse=True)
    leads = of.sketches[first[group]] if len(of.texts) else of.sketches
    flags: Mask = directed & (leads != NO_SKETCH) & (differing(of.sketches, leads) > ROUNDED)
    return flags
