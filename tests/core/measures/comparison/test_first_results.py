"""The baseline's first results, asked about moment by moment: what is kept is what a first question finds."""

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from monitor.core.index.duplicates.near import AskedSets
from monitor.core.measures.comparison.facts import Facts
from monitor.core.measures.comparison.first_results import FirstResults
from tests.core.measures.formulas.rows import lists
from tests.core.snapshots import seen

KEYS = list(range(1, 9))
HASHES = {key: f"says {key}" for key in KEYS}
SHINGLES = {key: np.arange(10 * key, 10 * key + 5, dtype=np.uint32) for key in KEYS}


class Corpus:
    """Some chunks say what they said, and some texts are held by others."""

    def __init__(self) -> None:
        self.held: set[int] = set()
        self.questions = 0

    def shingles(self, _: int) -> NDArray[np.uint32]:
        return np.zeros(0, np.uint32)

    def asking(self, sets: Sequence[NDArray[np.uint32]]) -> AskedSets:
        return cast("AskedSets", [int(one[0]) // 10 for one in sets])

    def holds(self, asked: AskedSets, places: NDArray[np.int64]) -> NDArray[np.bool_]:
        self.questions += 1
        texts = cast("list[int]", asked)
        return np.array([texts[place] in self.held for place in places.tolist()], np.bool_)


@settings(deadline=None)
@given(st.integers(0, 2**32))
def test_each_leg_is_told_what_a_question_of_its_own_finds(seed: int) -> None:
    draw, corpus, hashes = np.random.default_rng(seed), Corpus(), dict(HASHES)
    then = [lists([[(key, 0.5)] for key in keys], 1) for keys in (KEYS[:6], KEYS[3:])]
    kept = FirstResults(then, HASHES, SHINGLES)
    lost: list[NDArray[np.int64]] = []
    for turn in range(5):
        changed = draw.permutation(KEYS)[:3] if turn else np.array(KEYS)
        for key in changed.tolist():
            hashes[key] = HASHES[key] if draw.random() < 0.5 else "other"
        corpus.held, corpus.questions = {key for key in KEYS if draw.random() < 0.5}, 0
        view = replace(seen({}), hashes=dict(hashes), facts=cast("Facts", corpus))
        fresh = FirstResults(then, HASHES, SHINGLES)
        kept.begin(view, changed if turn else None)
        fresh.begin(view, None)
        again = turn > 0 and draw.random() < 0.5
        lost = lost if again else [np.flatnonzero(draw.random(len(of)) < 0.5) for of in then]
        for of, rows in zip(then, lost, strict=True):
            found = kept.live(kept.places(of)[rows])
            expected = [hashes[key] == HASHES[key] or key in corpus.held for key in of.keys[rows, 0].tolist()]
            assert found is not None
            assert found.tolist() == expected
            plain = fresh.live(fresh.places(of)[rows])
            assert plain is not None
            assert plain.tolist() == expected
        if again:
            assert corpus.questions <= 3, "one for both legs, and at most one for each leg of the fresh one"
