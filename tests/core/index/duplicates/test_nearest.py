"""The likest live text of a text that no chunk has, against all pairs."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from monitor.core.index.corpus import Corpus
from monitor.core.index.duplicates.duplicates import Duplicates
from monitor.core.index.duplicates.foreign_texts import text_shingles
from monitor.core.index.duplicates.shingles import THRESHOLD, jaccard
from monitor.core.index.lexical.vocabulary import Vocabulary
from monitor.core.model.events import Chunk, Located, Position, Upsert


class OneBand:
    """Every set is a candidate for every other."""

    width = 1

    def of(self, shingles: NDArray[np.uint32], counts: NDArray[np.int64]) -> NDArray[np.uint32]:
        del shingles
        return np.ones((len(counts), 1), np.uint32)


texts = st.lists(st.sampled_from("abcdefgh"), max_size=14).map(" ".join)


def held(live: list[str]) -> tuple[Corpus, Duplicates]:
    corpus, duplicates, words = Corpus(0), Duplicates(OneBand()), Vocabulary()
    events = [Upsert(Chunk(f"c{at}", "d", 0, text, None, "", (), 0, text)) for at, text in enumerate(live)]
    changes = corpus.apply([Located(Position("t", 0, at), event) for at, event in enumerate(events)]).changes
    delta = corpus.delta(changes)
    duplicates.apply(delta, words.encode(delta.texts), words.hashes)
    return corpus, duplicates


@given(st.lists(texts, max_size=8), st.lists(texts, min_size=1, max_size=5))
def test_the_likest_of_all(live: list[str], asked: list[str]) -> None:
    _, duplicates = held(live)
    sets = text_shingles(live)
    for own, slots in zip(text_shingles(asked), duplicates.nearest(text_shingles(asked)), strict=True):
        alike = [jaccard(own, other) for other in sets]
        best = max(alike, default=0.0)
        if best < THRESHOLD:
            assert not len(slots)
            continue
        chosen = {sets[slot].tobytes() for slot in slots.tolist()}
        assert len(chosen) == 1, "one set, in all the slots that hold it"
        assert all(alike[slot] == best for slot in slots.tolist())
        assert chosen == {min(of.tobytes() for of, share in zip(sets, alike, strict=True) if share == best)}
        assert slots.tolist() == [at for at, of in enumerate(sets) if of.tobytes() in chosen]


@given(st.lists(texts, min_size=1, max_size=6))
def test_foreign_texts_have_the_shingles_of_the_corpus(live: list[str]) -> None:
    _, duplicates = held(live)
    for slot, own in enumerate(text_shingles(live)):
        assert (duplicates.shingles(slot) == own).all()
