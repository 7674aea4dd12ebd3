"""The worst batch while much of a corpus is deleted: chunks go in batches, every anchor's top-10 stays exact.

    python -m benchmarks.burst --data FOLDER --sizes 50000 --batch 1024

Three ways to lose chunks: nine in ten of them, in any order; the fifth nearest to one anchor, in any order (a whole
topic goes); and in each batch what stands in the most lists (the worst there is). Times are computing time of one
core, per leg; `searched` counts anchors whose list was searched for anew.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.corpus import DIMENSION, Material
from monitor.core.index.corpus import Corpus
from monitor.core.index.dense.topk import DenseTopK
from monitor.core.index.lexical.topk import LexicalTopK
from monitor.core.index.lexical.vocabulary import Vocabulary
from monitor.core.model.anchors import AnchorSet
from monitor.core.model.events import CorpusEvent, Delete, Located, Position
from monitor.core.model.scoring import Distance
from monitor.core.text.tokens import tokenize

K = 10
Slots = NDArray[np.int64]


class Legs:
    """Both legs over one corpus, each batch timed."""

    def __init__(self, material: Material, size: int, anchors: int) -> None:
        self.corpus, self.vocabulary, self._offset = Corpus(DIMENSION), Vocabulary(), 0
        made = material.anchors(anchors)
        vectors = np.stack([anchor.vector for anchor in made if anchor.vector is not None])
        asked = AnchorSet(made, vectors, np.ones(len(made)), [()] * len(made))
        queries = [tokenize(anchor.text) for anchor in made]
        self.dense = DenseTopK(asked, self.corpus, k=K, distance=Distance.COSINE)
        self.lexical = LexicalTopK(queries, asked.filters, self.corpus, self.vocabulary, k=K)
        self.directions = vectors
        self.seconds: dict[str, list[float]] = {"dense": [], "lexical": []}
        for at in range(0, size, 20_000):
            self.feed(material.upserts(np.arange(at, min(size, at + 20_000))))
        for taken in self.seconds.values():
            taken.clear()

    def feed(self, events: Sequence[CorpusEvent]) -> None:
        """One batch."""
        batch = [Located(Position("t", 0, self._offset + at), event) for at, event in enumerate(events)]
        self._offset += len(batch)
        delta = self.corpus.delta(self.corpus.apply(batch).changes)
        self._timed("dense", lambda: self.dense.apply(delta))
        tokens = self.vocabulary.encode(delta.texts)
        self._timed("lexical", lambda: self.lexical.apply(delta, tokens))

    def delete(self, slots: Slots) -> None:
        """One batch of deletions."""
        self.feed([Delete(self.corpus.names[slot], 0, 1 << 40) for slot in slots.tolist()])

    def live(self) -> Slots:
        """Live slots."""
        return np.flatnonzero(self.corpus.keys >= 0)

    def _timed(self, leg: str, step: Callable[[], object]) -> None:
        begun = time.thread_time()
        step()
        self.seconds[leg].append(time.thread_time() - begun)


def at_random(legs: Legs, batch: int) -> Iterator[Slots]:
    """Nine in ten, in any order: all buffers run out at about the same time."""
    live = np.random.default_rng(1).permutation(legs.live())
    for at in range(0, len(live) * 9 // 10, batch):
        yield live[at : at + batch]


def by_topic(legs: Legs, batch: int) -> Iterator[Slots]:
    """The fifth that is nearest to one anchor, in any order: the buffers of its neighbours run out together."""
    live = legs.live()
    near = live[np.argsort(-(legs.corpus.vectors[live] @ legs.directions[0]))][: len(live) // 5]
    near = np.random.default_rng(1).permutation(near)
    for at in range(0, len(near), batch):
        yield near[at : at + batch]


def out_of_the_lists(legs: Legs, batch: int) -> Iterator[Slots]:
    """What stands in the most lists now, forty times."""
    for _ in range(40):
        keys = np.concatenate([legs.dense.lists().keys.ravel(), legs.lexical.lists().keys.ravel()])
        listed, times = np.unique(keys[keys >= 0], return_counts=True)
        chosen = listed[np.argsort(-times, kind="stable")][:batch]
        rows = [legs.corpus.row(key) for key in chosen.tolist()]
        yield np.array(sorted(row.slot for row in rows if row is not None), np.int64)


WAYS = {"nine in ten": at_random, "a topic, a fifth": by_topic, "out of the lists": out_of_the_lists}


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--sizes", default="50000")
    parser.add_argument("--anchors", type=int, default=1_000)
    parser.add_argument("--batch", type=int, default=1_024)
    parser.add_argument("--family", default="nl", choices=("nl", "kw"))
    asked = parser.parse_args()
    for size in (int(one) for one in asked.sizes.split(",")):
        print(f"{size:,} chunks, {asked.anchors:,} anchors ({asked.family}), batches of {asked.batch:,}")
        for name, way in WAYS.items():
            legs = Legs(Material(asked.data, asked.family), size, asked.anchors)
            before = {"dense": legs.dense.searched, "lexical": legs.lexical.refills}
            for slots in way(legs, asked.batch):
                legs.delete(slots)
            after = {"dense": legs.dense.searched, "lexical": legs.lexical.refills}
            for leg, taken in legs.seconds.items():
                worst = sorted(taken, reverse=True)
                print(
                    f"  {name:18} {leg:8} {len(taken):3} batches: median {statistics.median(taken) * 1e3:7.1f} ms, "
                    f"worst {', '.join(f'{one * 1e3:.0f}' for one in worst[:5])} ms; "
                    f"in all {sum(taken):.2f} s; searched {after[leg] - before[leg]:,}"
                )


if __name__ == "__main__":
    main()
