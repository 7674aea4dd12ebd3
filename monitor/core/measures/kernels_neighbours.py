"""Whether what holds an answer took it over, or always said what all its neighbours say, compiled by numba."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.compile import compiled
from monitor.core.arrays.sorted_sets import NOWHERE, Hashes, SetLists, Sets, mark_shared
from monitor.core.measures.kernels_answers import Codes, ListedTexts

Marks = NDArray[np.bool_]


class Circumstances(NamedTuple):
    """What is to be known of the lists of q answers beside what they say.

    Args:
        then: (q, m) int64, a number for the document of each result then.
        now: (q, m) int64, likewise of each result now.
        stood: (q, m) bool, whether a result now says what some chunk said in the baseline already.
    """

    then: Codes
    now: Codes
    stood: Marks


class KeptLimits(NamedTuple):
    """From which shares on an answer is kept.

    Args:
        own: of what sets it apart, by the texts that took it over.
        least: of all it says, by these texts or by its own chunk.
        alike: Jaccard similarity from which on two texts are near copies.
    """

    own: float
    least: float
    alike: float


class _Neighbours(NamedTuple):
    """Of one answer of s shingles, the n results of the baseline's list that are its neighbours; none says all of it.

    Args:
        slots: (n,) int64.
        near: (n,) bool, near copies of it.
        apart: (n, s) bool, which shingles each does not say.
        own: (s,) bool, which none of them says; all where that would be none.
    """

    slots: Codes
    near: Marks
    apart: Marks
    own: Marks


@compiled
def kept_at(
    then: ListedTexts, now: ListedTexts, slots: tuple[Codes, Codes], about: Circumstances, limits: KeptLimits
) -> Codes:
    """At which depth, from 1, the lists now keep q answers, NOWHERE where they do not; see `AnswersView`.

    Args:
        then: the baseline's lists.
        now: the lists now.
        slots: rows and slots of the answers, which have shingles.
        about: of the answers, in their order.
        limits: what is enough.
    """
    rows, of = slots
    found, listed = np.full(len(rows), NOWHERE, np.int64), now.texts.places.shape[1]
    for at in range(len(rows)):
        row, document = rows[at], about.then[at, of[at]]
        own = _said(then.texts.sets, then.texts.places[row, of[at]])
        here, took = np.zeros((listed, len(own)), np.bool_), np.zeros(listed, np.bool_)
        most = np.zeros(len(own), np.bool_)
        for slot in range(listed):
            if now.texts.places[row, slot] < 0:
                break
            said, foreign = _said(now.texts.sets, now.texts.places[row, slot]), about.now[at, slot] != document
            if about.stood[at, slot] and foreign and len(said) < len(own):
                continue
            shared = mark_shared(own, said, here[slot])
            if shared == len(own):
                found[at] = slot + 1
                break
            same = foreign or shared / _joined(own, said, shared) >= limits.alike
            took[slot] = shared > 0 and not (about.stood[at, slot] and same)
            if took[slot]:
                most |= here[slot]
        if most.sum() / len(own) >= limits.least:  # only of few is more to be known
            beside = _neighbours(then, row, of[at], about.then[at], limits.alike)
            took &= np.arange(listed) < found[at]
            found[at] = min(
                found[at], _taken_over(then, now, (row, of[at]), (here, took), about.stood[at], beside, limits)
            )
    return found


@compiled
def _taken_over(
    then: ListedTexts,
    now: ListedTexts,
    answer: tuple[int, int],
    has: tuple[Marks, Marks],
    stood: Marks,
    beside: _Neighbours,
    limits: KeptLimits,
) -> int:
    """At which depth an answer, given by row and slot, is kept by what may have taken something over.

    Args:
        then: the baseline's lists.
        now: the lists now.
        answer: its row and slot.
        has: (m, s) bool, what each result now has of it, and (m,) bool, which of them may.
        stood: (m,) bool, see `Circumstances`.
        beside: its neighbours.
        limits: what is enough.
    """
    (row, of), (here, took) = answer, has
    own, held = _said(then.texts.sets, then.texts.places[row, of]), np.zeros(here.shape[1], np.bool_)
    for slot in range(len(took)):
        if not took[slot]:
            continue
        key, shared = now.keys[row, slot], here[slot].sum()
        if key == then.keys[row, of] and not stood[slot] and shared / len(own) >= limits.least:
            said = _said(now.texts.sets, now.texts.places[row, slot])
            if not _nearer(said, (shared, _joined(own, said, shared)), then.texts, row, beside.slots):
                return slot + 1
        if _took(here[slot], key, then.keys[row], beside, limits.own):
            held |= here[slot]
            if held.sum() / len(own) >= limits.least and _enough(held, beside, limits.own):
                return slot + 1
    return NOWHERE


@compiled
def _neighbours(then: ListedTexts, row: int, slot: int, documents: Codes, alike: float) -> _Neighbours:
    """The neighbours of an answer: results beside it that are of another document, or near copies of it."""
    own = _said(then.texts.sets, then.texts.places[row, slot])
    listed, count = then.texts.places.shape[1], 0
    slots, near = np.empty(listed, np.int64), np.empty(listed, np.bool_)
    apart, alone = np.empty((listed, len(own)), np.bool_), np.ones(len(own), np.bool_)
    for other in range(listed):
        if then.texts.places[row, other] < 0:
            break
        said, marks = _said(then.texts.sets, then.texts.places[row, other]), np.zeros(len(own), np.bool_)
        shared = mark_shared(own, said, marks)
        like = shared / _joined(own, said, shared) >= alike
        if other != slot and shared < len(own) and (like or documents[other] != documents[slot]):
            slots[count], near[count], apart[count] = other, like, ~marks
            alone &= ~marks
            count += 1
    if not alone.any():
        alone[:] = True
    return _Neighbours(slots[:count], near[:count], apart[:count], alone)


@compiled
def _took(here: Marks, key: int, keys: Codes, beside: _Neighbours, least: float) -> bool:
    """Whether a text that has this much of an answer, if it is a neighbour edited, took over what set them apart."""
    took = True
    for at in range(len(beside.slots)):
        took &= keys[beside.slots[at]] != key or _share(here, beside.apart[at]) >= least
    return took


@compiled
def _enough(held: Marks, beside: _Neighbours, least: float) -> bool:
    """Whether so much is held of what no neighbour says, and of what sets an answer apart from each near copy."""
    enough = _share(held, beside.own) >= least
    for at in range(len(beside.slots)):
        enough &= not beside.near[at] or _share(held, beside.apart[at]) >= least
    return enough


@compiled
def _nearer(said: Hashes, like: tuple[int, int], texts: SetLists, row: int, beside: Codes) -> bool:
    """Whether a text is more like one of the neighbours than a similarity, given as elements shared and joined."""
    for slot in beside:
        other = _said(texts.sets, texts.places[row, slot])
        shared = mark_shared(said, other, np.zeros(len(said), np.bool_))
        if shared * like[1] > like[0] * _joined(said, other, shared):
            return True
    return False


@compiled
def _share(held: Marks, part: Marks) -> float:
    """How much of a part, which is not empty, is held."""
    return float((held & part).sum() / part.sum())


@compiled
def _joined(left: Hashes, right: Hashes, shared: int) -> int:
    """How many elements two sets have together."""
    return max(1, len(left) + len(right) - shared)


@compiled
def _said(sets: Sets, place: int) -> Hashes:
    """One of the sets."""
    return sets.flat[sets.starts[place] : sets.starts[place] + sets.lengths[place]]
