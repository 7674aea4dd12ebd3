"""Which chunk a result of somebody else's retriever is: by its id, else by what it says, to the letter or nearly."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.baseline import ListLeg
from monitor.core.index.corpus import Corpus
from monitor.core.index.duplicates.foreign_texts import text_shingles
from monitor.core.index.maintained import CopyIndex
from monitor.core.model.events import chunk_key, text_hash
from monitor.core.model.lists import NO_CHUNK, RankedLists
from monitor.core.model.point_ids import canonical
from monitor.core.model.production import (
    ProductionAnswer,
    ProductionLists,
    ProductionResult,
    stranger_key,
    stranger_name,
)

Find = Callable[[Sequence[tuple[int, str]]], list[int]]
"""From texts, each with the anchor (row) it answers, to chunk keys; NO_CHUNK where none is."""
HELD = 0.8
"""A result is a chunk of the legs' lists of its question where it has this share of the chunk's shingles, or the
chunk has this share of the result's: retrievers cut texts, and put titles in front of them."""


@dataclass(frozen=True, slots=True, eq=False)
class ResultMapping:
    """Maps results to chunks of the corpus as it is now.

    1. A result whose id is a chunk id is that chunk, a deleted one too: it was served all the same.
    2. One whose text is, to the letter, that of live chunks is the first of them by key.
    3. One whose text is nearly that of a live chunk (shingle Jaccard >= 0.8) is the likest, of equals the first.
    4. One that holds `HELD` of a chunk in the legs' lists of the same anchor, or is so held, is the chunk of which
       most is shared.
    5. Any other is a stranger: it keeps its place under a key of its own.

    Args:
        corpus: the chunk table.
        duplicates: its shingles.
        lists: the legs' lists now, in the row order of the answers.
    """

    corpus: Corpus
    duplicates: CopyIndex
    lists: Mapping[ListLeg, RankedLists]

    def lists_of(
        self, answers: Mapping[int, ProductionAnswer], again: Mapping[int, ProductionAnswer], *, anchors: int, k: int
    ) -> ProductionLists:
        """Ranked lists of answers.

        A chunk that an answer holds twice counts once, where it stands first; what is behind it moves up.

        Args:
            answers: by anchor (row); one with a reason has no list.
            again: answers of a second call.
            anchors: A.
            k: depth of the lists.
        """
        results = [
            (row, result) for of in (answers, again) for row, answer in of.items() for result in answer.results
        ]
        keys = self.keys(results)
        found = dict(zip(results, keys, strict=True))
        strangers = {key: stranger_name(of) for (_, of), key in found.items() if key == stranger_key(of)}
        failures = {row: answer.reason for row, answer in answers.items() if answer.reason}
        first, second = (_ranked(of, found, anchors, k) for of in (answers, again))
        kept = {*first.keys.ravel().tolist(), *second.keys.ravel().tolist()}
        return ProductionLists(first, second, {key: of for key, of in strangers.items() if key in kept}, failures)

    def keys(self, results: Sequence[tuple[int, ProductionResult]]) -> list[int]:
        """The key of each result, given with the anchor (row) that it answers; see the class."""
        made = [self._by_id(result) for _, result in results]
        self._fill(made, results, self._by_text)
        self._fill(made, results, self._by_shingles)
        return [
            stranger_key(result) if key == NO_CHUNK else key for key, (_, result) in zip(made, results, strict=True)
        ]

    def _fill(self, made: list[int], results: Sequence[tuple[int, ProductionResult]], find: Find) -> None:
        """Look for what is not found yet, each text of an anchor once."""
        open_ = [at for at, key in enumerate(made) if key == NO_CHUNK and results[at][1].text.strip()]
        asked = list(dict.fromkeys((results[at][0], results[at][1].text) for at in open_))
        found = dict(zip(asked, find(asked), strict=True)) if asked else {}
        for at in open_:
            made[at] = found[results[at][0], results[at][1].text]

    def _by_id(self, result: ProductionResult) -> int:
        for name in dict.fromkeys((result.result_id, canonical(result.result_id))):
            row = self.corpus.row(chunk_key(name)) if name else None
            if row is not None and row.chunk_id == name:
                return row.key
        return NO_CHUNK

    def _by_text(self, asked: Sequence[tuple[int, str]]) -> list[int]:
        """By the default content hash: a corpus whose events bring hashes of their own is found by shingles."""
        hashes = [text_hash(text) for _, text in asked]
        found = self.corpus.saying(hashes)
        return [found[of] for of in hashes]

    def _by_shingles(self, asked: Sequence[tuple[int, str]]) -> list[int]:
        sets = text_shingles([text for _, text in asked])
        made = []
        for (row, _), own, slots in zip(asked, sets, self.duplicates.nearest(sets), strict=True):
            made.append(int(self.corpus.keys[slots].min()) if len(slots) else self._among_listed(row, own))
        return made

    def _among_listed(self, row: int, own: NDArray[np.uint32]) -> int:
        best = (0.0, 0, NO_CHUNK)
        for key, other in self._listed(row) if len(own) else ():
            shared = len(np.intersect1d(own, other, assume_unique=True))
            held = shared / min(len(own), len(other)) if len(other) else 0.0
            best = max(best, (held, shared, key)) if held >= HELD else best
        return best[2]

    def _listed(self, anchor: int) -> Iterator[tuple[int, NDArray[np.uint32]]]:
        keys = {key for lists in self.lists.values() for key in lists.keys[anchor].tolist()}
        for key in sorted(keys - {NO_CHUNK}, reverse=True):
            row = self.corpus.row(key)
            if row is not None and row.live:
                yield key, self.duplicates.shingles(row.slot)


def _ranked(
    answers: Mapping[int, ProductionAnswer],
    found: Mapping[tuple[int, ProductionResult], int],
    anchors: int,
    k: int,
) -> RankedLists:
    made = RankedLists.unknown(anchors, k)
    for row, answer in answers.items():
        if answer.reason:
            continue
        scores: dict[int, float] = {}
        for result in answer.results:
            scores.setdefault(found[row, result], result.score)
        keys = list(scores)[:k]
        made.keys[row, : len(keys)] = keys
        made.scores[row, : len(keys)] = [scores[key] for key in keys]
        made.lengths[row], made.known[row] = len(keys), True
    return made
