"""The baseline's first results: which of their texts the corpus has, looked up where they may be others.

Where a text had near copies beside it that say something else (pages of one template), they are not the text: it is
there only where some chunk says exactly the same.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.baseline import Shingles
from monitor.core.index.duplicates.near import AskedSets
from monitor.core.index.duplicates.shingles import NO_SHINGLES, THRESHOLD, jaccard
from monitor.core.measures.answers import stays
from monitor.core.measures.comparison.facts import Facts
from monitor.core.measures.comparison.seen import Observation
from monitor.core.model.lists import NO_CHUNK, RankedLists

_UNKNOWN, _NO, _YES = -1, 0, 1
ResultPlaces = NDArray[np.int64]


class _Beside(NamedTuple):
    """The texts that stood beside one in the baseline's lists, say something else and share something with it, and
    whether any is a near copy of it.
    """

    texts: Sequence[NDArray[np.uint32]]
    crowded: bool


class FirstResults:
    """The U distinct first results of all legs' lists, each at its place.

    Args:
        then: the baseline's lists of all legs.
        hashes: content hash by chunk key then.
        shingles: by chunk key, then.
    """

    def __init__(self, then: Iterable[RankedLists], hashes: Mapping[int, str], shingles: Shingles) -> None:
        self._then = [lists.keys for lists in then]
        self._keys = np.unique(np.concatenate([np.zeros(0, np.int64), *(keys[:, 0] for keys in self._then)]))
        self._hashes, self._shingles = hashes, shingles
        self._said = frozenset(hashes.values()) - {""}
        self._stands = np.full(len(self._keys), _UNKNOWN, np.int8)
        """By place, whether the chunk still says what it said, to the letter or edited."""
        self._lives = self._stands.copy()
        """By place, whether the corpus has the text at this moment."""
        self._asked: AskedSets | None = None
        self._wanted, self._lately = np.zeros((2, len(self._keys)), np.bool_)
        """By place, whether it was asked about at this moment, and at the one before."""
        self._neighbours: dict[int, _Beside] = {}
        """By chunk key."""

    def places(self, lists: RankedLists) -> ResultPlaces:
        """(P,) the places of the first results of one leg's lists."""
        return np.searchsorted(self._keys, lists.keys[:, 0])

    def begin(self, seen: Observation, changed: NDArray[np.int64] | None) -> None:
        """The next moment.

        Args:
            seen: facts and hashes.
            changed: keys of the chunks of which anything changed; None: nothing is known any more.
        """
        self._seen, self._began = seen, False
        self._lives[:] = _UNKNOWN
        self._wanted, self._lately = np.zeros_like(self._wanted), self._wanted
        if changed is None:
            self._stands[:], self._asked = _UNKNOWN, None
        elif len(self._keys):
            at = np.minimum(np.searchsorted(self._keys, changed), len(self._keys) - 1)
            self._stands[at[self._keys[at] == changed]] = _UNKNOWN

    def live(self, places: ResultPlaces) -> NDArray[np.bool_] | None:
        """(n,) bool, whether the corpus has each of n of these texts: under its own id, to the letter or edited, or
        some chunk says it nearly. None where nobody knows: only lists were kept.

        What was asked about the moment before is looked up with the first question: each leg asks about its own.
        """
        wanted = self._wanted
        wanted[places] = True
        unknown = np.flatnonzero((wanted | self._lately) & (self._lives == _UNKNOWN))
        if len(unknown) or not self._began:
            for place in unknown[self._stands[unknown] == _UNKNOWN].tolist():
                self._stands[place] = self._stands_still(self._keys.item(place))
            self._lives[unknown] = self._stands[unknown]
            others, facts = unknown[self._stands[unknown] == _NO], self._seen.facts
            held = self._held(facts, others)
            if held is None:
                self._lives[unknown] = _UNKNOWN
                return None
            self._lives[others], self._began = held, True
        found: NDArray[np.bool_] = self._lives[places] == _YES
        return found

    def _held(self, facts: Facts, places: ResultPlaces) -> NDArray[np.bool_] | None:
        """(n,) bool, whether some chunk says each of n of these texts, nearly or, where that says little, exactly."""
        asked = self._asking(facts)
        held = facts.holds(asked, places)
        if held is None:
            return None
        near = np.flatnonzero(held)
        crowded = near[[self._beside(self._keys.item(at)).crowded for at in places[near].tolist()]]
        exactly = facts.holds(asked._replace(least=1.0), places[crowded]) if len(crowded) else None
        if exactly is not None:
            held[crowded] = exactly
        return held

    def _asking(self, facts: Facts) -> AskedSets:
        """All texts, made ready once."""
        if self._asked is None:
            self._asked = facts.asking([self._shingles.get(key, NO_SHINGLES) for key in self._keys.tolist()])
        return self._asked

    def _stands_still(self, key: int) -> bool:
        said, seen = self._hashes.get(key), self._seen
        says = seen.hashes.get(key)
        if said and says == said:
            return True
        if says in self._said:  # another text of the baseline stands under its id
            return False
        own, now = self._shingles.get(key, NO_SHINGLES), seen.facts.shingles(key)
        like = jaccard(own, now)
        return stays(own, now) and not any(jaccard(other, now) > like for other in self._beside(key).texts)

    def _beside(self, key: int) -> _Beside:
        """The texts that stood beside one, looked up once."""
        found = self._neighbours.get(key)
        if found is None:
            listed = np.unique(np.concatenate([keys[keys[:, 0] == key].ravel() for keys in self._then])).tolist()
            own, said = self._shingles.get(key, NO_SHINGLES), self._hashes.get(key)
            others = [one for one in listed if one not in (key, NO_CHUNK) and self._hashes.get(one) != said]
            sets = [self._shingles.get(other, NO_SHINGLES) for other in others]
            alike = [(of, like) for of in sets if 0.0 < (like := jaccard(own, of)) < 1.0]
            crowded = any(like >= THRESHOLD for _, like in alike)
            found = self._neighbours[key] = _Beside([of for of, _ in alike], crowded)
        return found
