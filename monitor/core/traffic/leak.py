"""Leaks: anchors that stand in the corpus word for word, or in the data that something was tuned on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.sorted_sets import mark_shared
from monitor.core.index.baseline import ListLeg
from monitor.core.index.corpus import Corpus
from monitor.core.index.duplicates.foreign_texts import text_shingles
from monitor.core.index.maintained import CopyIndex
from monitor.core.model.anchors import AnchorSet
from monitor.core.model.lists import NO_CHUNK, RankedLists

CONTAINED = 0.8
"""Share of an anchor's word shingles from which on a text holds it."""
LEAST_SHINGLES = 4
"""Shingles of three words that an anchor must have: a phrase of five words stands in documents by chance."""
TUNING = "tuning"


@dataclass(frozen=True, slots=True)
class AnchorLeak:
    """An anchor that stands elsewhere: what is measured with it flatters.

    Args:
        anchor_id: the anchor.
        where: id of the chunk that holds it, TUNING for a file that something was tuned on.
        containment: share of its shingles that stand there.
    """

    anchor_id: str
    where: str
    containment: float


def containment(part: NDArray[np.uint32], whole: NDArray[np.uint32]) -> float:
    """|part n whole| / |part| of two sorted sets of shingles; 0 for an empty part.

    Source: Broder, On the resemblance and containment of documents (1997).

    >>> containment(np.array([1, 2, 3, 4], np.uint32), np.array([2, 3, 4, 9], np.uint32))
    0.75
    """
    if not len(part) or not len(whole):
        return 0.0
    return mark_shared(part, whole, np.zeros(len(part), np.bool_)) / len(part)


def corpus_leaks(
    anchors: AnchorSet, lists: Mapping[ListLeg, RankedLists], corpus: Corpus, duplicates: CopyIndex
) -> tuple[AnchorLeak, ...]:
    """Anchors that a chunk of their own lists holds: a chunk that says an anchor's words stands at their top.

    Args:
        anchors: A anchors.
        lists: their lists by leg; chunks that stand in none are not looked at.
        corpus: knows the chunks.
        duplicates: has their shingles.

    Returns:
        For each such anchor the chunk that holds most of it; ties by chunk id.
    """
    made: list[AnchorLeak] = []
    for row, own in enumerate(text_shingles([of.text for of in anchors.anchors])):
        if len(own) < LEAST_SHINGLES:
            continue
        keys = {key for of in lists.values() for key in of.keys[row].tolist()} - {NO_CHUNK}
        chunks = (chunk for key in keys if (chunk := corpus.row(key)) is not None and chunk.live)
        found = [(-containment(own, duplicates.shingles(chunk.slot)), chunk.chunk_id) for chunk in chunks]
        if found and -min(found)[0] >= CONTAINED:
            share, where = min(found)
            made.append(AnchorLeak(anchors.anchors[row].id, where, -share))
    return tuple(made)


def tuning_leaks(anchors: AnchorSet, tuning: Sequence[str]) -> tuple[AnchorLeak, ...]:
    """Anchors that stand among texts that something was tuned on: the same words, or most of them.

    Args:
        anchors: A anchors.
        tuning: texts, such as the queries of a training set.
    """
    sets = text_shingles(tuning)
    holders: dict[int, list[int]] = {}
    for at, shingles in enumerate(sets):
        for one in shingles.tolist():
            holders.setdefault(one, []).append(at)
    made: list[AnchorLeak] = []
    for anchor, own in zip(anchors.anchors, text_shingles([of.text for of in anchors.anchors]), strict=True):
        near = {at for one in own.tolist() for at in holders.get(one, ())}
        most = max((containment(own, sets[at]) for at in near), default=0.0)
        # A short question has one or two shingles: it leaks where the other is no longer than itself.
        same = any(len(sets[at]) == len(own) and containment(own, sets[at]) == 1.0 for at in near)
        if same or (most >= CONTAINED and len(own) >= LEAST_SHINGLES):
            made.append(AnchorLeak(anchor.id, TUNING, most))
    return tuple(made)
