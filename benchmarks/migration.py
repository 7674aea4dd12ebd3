"""What a second embedding version costs per batch: its bookkeeping, and its lists beside those of the first.

    python -m benchmarks.migration --size 20000 --batches 1024,256,32

Both versions have vectors of 384 numbers and 1,000 anchors. Each round changes random chunks, with vectors of both;
all is measured in the same round, so the ratios mean something on a busy machine too.
"""

import argparse
import statistics
from collections.abc import Sequence

import numpy as np

from benchmarks.machine import facts, timed
from monitor.core.index.corpus import Corpus
from monitor.core.index.dense.topk import DenseTopK
from monitor.core.migration.coverage import coverage, pace
from monitor.core.migration.model import EncoderContract
from monitor.core.migration.target import TargetVersion
from monitor.core.model.anchors import Anchor, AnchorSet
from monitor.core.model.events import Chunk, Located, Position, Upsert
from monitor.core.model.scoring import Distance, prepare

DIMENSION, ANCHORS, K = 384, 1_000, 10
NEW = "new"


class Bench:
    """A corpus with both versions' lists."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng, self._offset = rng, 0
        asked = prepare(self._vectors(ANCHORS), Distance.COSINE)
        anchors = AnchorSet(
            [Anchor(str(at), "", row) for at, row in enumerate(asked)], asked, np.ones(ANCHORS), [()] * ANCHORS
        )
        self.corpus = Corpus(DIMENSION)
        self.target = TargetVersion(self.corpus, EncoderContract(NEW, dimension=DIMENSION))
        self._first = DenseTopK(anchors, self.corpus, k=K, distance=Distance.COSINE)
        self._second = DenseTopK(anchors, self.target, k=K, distance=Distance.COSINE)

    def step(self, numbers: Sequence[int]) -> tuple[float, float, float]:
        """Change these chunks; seconds of the first version's lists, of the second's bookkeeping and of its lists."""
        batch = self._batch(numbers)
        changes = self.corpus.apply(batch).changes
        delta = self.corpus.delta(changes)
        first, _ = timed(lambda: self._first.apply(delta))
        made = []
        kept, _ = timed(lambda: made.append(self.target.apply(batch, changes)))
        second, _ = timed(lambda: self._second.apply(made[0].lists))
        return first, kept, second

    def _batch(self, numbers: Sequence[int]) -> list[Located]:
        old, new = prepare(self._vectors(len(numbers)), Distance.COSINE), self._vectors(len(numbers))
        batch = []
        for number, one, other in zip(numbers, old, new, strict=True):
            self._offset += 1
            segment, said = (("source", f"s{number % 5}"),), str(self._offset)
            chunk = Chunk(f"c{number}", "d", 0, said, one, "old", segment, self._offset, said, {NEW: other})
            batch.append(Located(Position("t", 0, self._offset), Upsert(chunk)))
        return batch

    def _vectors(self, count: int) -> np.ndarray:
        return self._rng.standard_normal((count, DIMENSION)).astype(np.float32)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=20_000, help="live chunks")
    parser.add_argument("--batches", default="1024,256,32")
    parser.add_argument("--rounds", type=int, default=20)
    chosen = parser.parse_args()
    print(facts())
    rng = np.random.default_rng(1)
    bench = Bench(rng)
    for at in range(0, chosen.size, 4_096):
        bench.step(range(at, min(chosen.size, at + 4_096)))
    for size in map(int, chosen.batches.split(",")):
        rounds = [bench.step(rng.choice(chosen.size, size, replace=False).tolist()) for _ in range(chosen.rounds)]
        ratio = statistics.median((first + second) / first for first, _, second in rounds)
        kept = statistics.median(of for _, of, _ in rounds) / size * 1e6
        own = statistics.median(of for of, _, _ in rounds) * 1e3
        print(f"batches of {size:5}: dense step {own:6.2f} ms, {ratio:.2f}x with a second version; ", end="")
        print(f"its bookkeeping {kept:.0f} us per event")
    seconds, _ = timed(lambda: coverage(bench.target, settle=30, dimensions=("source",)))
    more, _ = timed(lambda: pace(bench.target, begun=0, uncovered=0))
    print(f"coverage of {chosen.size:,} chunks {seconds * 1e3:.1f} ms, pace {more * 1e3:.1f} ms per report")


if __name__ == "__main__":
    main()
