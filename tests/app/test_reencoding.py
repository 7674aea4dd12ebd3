"""Stored vectors against their texts encoded anew: what differs is evidence, what cannot be compared says why."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from monitor.app.reencoding import SAMPLE, reencoded
from monitor.core.index.corpus import Corpus
from monitor.core.model.events import Chunk, Located, Position, Upsert, text_hash
from monitor.core.model.lists import RankedLists
from monitor.core.model.report import CauseEvidence
from monitor.core.records.committed import Commit
from monitor.ports import UnreachableError
from tests.contracts.stores import MemoryStore
from tests.core.snapshots import anchor_set, snapshot

NAMES = [f"c{at}" for at in range(50)]


class Letters:
    """An encoder of three numbers; from `drifted` on it says something else of every text."""

    embedding_version, dimension = "v", 3

    def __init__(self, *, drifted: bool = False, width: int = 3, fails: bool = False) -> None:
        self.drifted, self.width, self.fails = drifted, width, fails
        self.asked: list[str] = []

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.asked += texts
        if self.fails:
            message = "encoder: no answer"
            raise UnreachableError(message)
        rows = [[len(text), text.count("1"), -1.0 if self.drifted else 1.0] for text in texts]
        return np.array(rows, np.float32)[:, : self.width]


def stored() -> MemoryStore:
    store, corpus = MemoryStore(keep_deploys=1, quarantine_rows=1), Corpus(3)
    chunks = [Chunk(n, "d", 0, n, Letters().encode([n])[0], "v", (), 1, text_hash(n)) for n in NAMES]
    batch = [Located(Position("t", 0, at), Upsert(chunk)) for at, chunk in enumerate(chunks)]
    store.commit(Commit({}, changes=corpus.apply(batch).changes))
    return store


def listed(*names: str) -> RankedLists:
    return RankedLists.of([[(name, 1.0) for name in names]], max(1, len(names)))


def test_an_encoder_that_says_the_same_is_no_evidence() -> None:
    encoder = Letters()
    after = snapshot(anchor_set([()]), {"dense": listed(*NAMES)})
    assert reencoded(stored(), after, (), encoder) == ""
    assert len(encoder.asked) == SAMPLE


def test_an_encoder_that_drifted_is_evidence() -> None:
    after = snapshot(anchor_set([()]), {"dense": listed("c1", "c22")})
    said = reencoded(stored(), after, (), Letters(drifted=True))
    assert isinstance(said, CauseEvidence)
    assert said.cause == "ENCODER"
    assert said.said.startswith("2 of 2 sampled vectors differ from their text encoded now (cosine below 0.99")


@pytest.mark.parametrize(
    ("encoder", "names", "said"),
    [
        (None, ["c1"], ""),
        (Letters(fails=True), ["c1"], "no vector was encoded anew: encoder: no answer"),
        (Letters(width=2), ["c1"], "no vector was compared: the encoder makes (2,) numbers, (3,) are stored"),
        (Letters(), ["unknown"], "no text of a listed chunk is stored: no vector was encoded anew"),
    ],
)
def test_what_cannot_be_compared_says_why(encoder: Letters | None, names: list[str], said: str) -> None:
    after = snapshot(anchor_set([()]), {"dense": listed(*names)})
    assert reencoded(stored(), after, (), encoder) == said


def test_a_lexical_corpus_has_no_vectors() -> None:
    after = snapshot(anchor_set([()]), {"lexical": listed("c1")})
    assert reencoded(stored(), after, (), Letters()) == ""
