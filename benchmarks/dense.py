"""The dense step against full replays: change 1,000 chunks, then every anchor's exact top-10 is current again.

    python -m benchmarks.dense --data FOLDER --sizes 20000,100000 --anchors 1000 --rounds 15

FOLDER holds `vectors.npy` and `anchor_vectors.npy` (real embeddings; a larger corpus mixes pairs of them); without
it clustered vectors are generated. Each round changes the same chunks, then runs our step, the bare matrix product of
the step's shape (the peak), and each peer's replay of all anchors, one after the other in one process on one core;
ratios are medians of per-round ratios. Peers are timed for the queries alone: writing the changes is given to them
for free. Every round our lists of some anchors are compared with brute force.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.dense_peers import peers
from monitor.core.index.corpus import ChunkRow, Corpus, Delta
from monitor.core.index.dense.topk import DenseTopK
from monitor.core.model.anchors import Anchor, AnchorSet
from monitor.core.model.events import Position
from monitor.core.model.scoring import Distance, prepare, scores

K = 10
ROW = ChunkRow(0, "", "", 0, (), "", 0, "", None, Position("", 0, 0), 0)
ONE_CORE = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1"}
Vectors = NDArray[np.float32]


class Source:
    """Unit vectors: real ones of 384 numbers, or drawn around 300 centres.

    Args:
        folder: of the real ones.
        seed: of what is drawn.
        repeats: how often the numbers of each stand in a row: wider vectors of the same likeness.
    """

    def __init__(self, folder: Path | None, seed: int, repeats: int = 1) -> None:
        self._repeats = repeats
        self.generator = np.random.default_rng(seed)
        self.real: Vectors | None = None
        self.asked: Vectors | None = None
        if folder is not None:
            self.real = np.load(folder / "vectors.npy").astype(np.float32)
            self.asked = np.load(folder / "anchor_vectors.npy").astype(np.float32)
        self.centres = self.generator.standard_normal((300, 384))

    def draw(self, count: int) -> Vectors:
        """Vectors such as a chunk has: a real one with a quarter of another, so that a million differ."""
        made = np.empty((count, 384), np.float32)
        for at in range(0, count, 50_000):
            part = made[at : at + 50_000]
            if self.real is None:
                near = self.centres[self.generator.integers(300, size=len(part))]
                part[:] = near + self.generator.standard_normal(part.shape)
            else:
                first, second = self.generator.integers(len(self.real), size=(2, len(part)))
                part[:] = self.real[first] + 0.25 * self.real[second]
            part[:] = prepare(part, Distance.COSINE)
        return self._wide(made)

    def _wide(self, vectors: Vectors) -> Vectors:
        return vectors if self._repeats == 1 else prepare(np.tile(vectors, self._repeats), Distance.COSINE)

    def anchors(self, count: int) -> AnchorSet:
        """Anchors as real ones are, filled up with vectors such as chunks have."""
        vectors = self.draw(count)
        if self.asked is not None:
            first = self._wide(prepare(self.asked[:count], Distance.COSINE))
            vectors[: len(first)] = first
        named = [Anchor(f"q{at}", "") for at in range(count)]
        return AnchorSet(named, vectors, np.ones(count), [()] * count)


class Ours:
    """The maintained index on a slab that stands in for the corpus."""

    def __init__(self, anchors: AnchorSet, vectors: Vectors) -> None:
        self.corpus = Corpus(vectors.shape[1])
        self.corpus.vectors = vectors
        self.corpus.keys = np.arange(len(vectors))
        self.corpus.names = [f"chunk-{at:07d}" for at in range(len(vectors))]
        self.index = DenseTopK(anchors, self.corpus, k=K, distance=Distance.COSINE)
        self.seconds: list[float] = []
        begun = time.perf_counter()
        self.apply(np.zeros(0, np.int64), np.arange(len(vectors)))
        self.load = time.perf_counter() - begun
        self.seconds.clear()

    def apply(self, removed: NDArray[np.int64], slots: NDArray[np.int64]) -> NDArray[np.bool_]:
        """One timed step; the vectors are in the slab already."""
        vectors = self.corpus.vectors[slots] if len(removed) else self.corpus.vectors[:0]
        delta = Delta(removed, slots, [ROW] * len(slots), [""] * len(slots), vectors, removed)
        begun = time.perf_counter()
        changed = self.index.apply(delta)
        self.seconds.append(time.perf_counter() - begun)
        return changed

    def check(self, anchors: AnchorSet, rows: Sequence[int]) -> None:
        """Compare the lists of some anchors with brute force, to the bit."""
        for row in rows:
            exact = np.concatenate(
                [
                    scores(self.corpus.vectors[at : at + 50_000], anchors.vectors[row], Distance.COSINE)
                    for at in range(0, len(self.corpus.vectors), 50_000)
                ]
            )
            order = np.lexsort((np.arange(len(exact)), -exact))[:K]
            assert self.index.lists().keys[row].tolist() == order.tolist()
            assert self.index.lists().scores[row].tolist() == exact[order].tolist()


def seconds(call: Callable[[], object]) -> float:
    """How long a call takes."""
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun


def measure(source: Source, size: int, count: int, options: argparse.Namespace) -> None:
    """One corpus size and number of anchors."""
    anchors, vectors = source.anchors(count), source.draw(size)
    ours = Ours(anchors, vectors.copy())
    others: dict[str, list[float]] = {}
    peak, share = [], []
    with tempfile.TemporaryDirectory() as folder:
        against = peers(options.peers if size <= options.most else ["faiss"], vectors, K, Path(folder))
        for step in range(options.warmup + options.rounds):
            slots = np.sort(source.generator.choice(size, options.changed, replace=False))
            fresh = source.draw(options.changed)
            ours.corpus.vectors[slots] = fresh
            changed = ours.apply(slots, slots)
            peak.append(seconds(lambda fresh=fresh: fresh @ anchors.vectors.T))  # type: ignore[misc] # bound now
            share.append(float(changed.mean()))
            if step >= options.warmup + options.rounds - options.replays:
                for name, (replay, part) in against.items():
                    asked = anchors.vectors[: max(1, int(len(anchors) * part))]
                    taken = seconds(lambda replay=replay, asked=asked: replay(asked)) * count / len(asked)  # type: ignore[misc] # bound now
                    others.setdefault(name, []).append(taken)
        ours.check(anchors, source.generator.choice(count, 3).tolist())
    report(size, count, ours, peak[options.warmup :], others, statistics.mean(share))


def report(
    size: int, count: int, ours: Ours, peak: list[float], others: dict[str, list[float]], share: float
) -> None:
    """Print one table."""
    print(f"\n{size:,} chunks, {count:,} anchors; {share:.1%} of the lists changed per step")
    steps = ours.seconds[-len(peak) :]
    ratio = statistics.median(p / s for p, s in zip(peak, steps, strict=True))
    print(
        f"  {'ours':<28}{statistics.median(steps) * 1e3:10.2f} ms   {ratio:7.1%} of the product's peak   "
        f"load {ours.load:.2f} s, refills {ours.index.refills}"
    )
    steps = ours.seconds
    for name, taken in others.items():
        ratio = statistics.median(t / s for t, s in zip(taken, steps[-len(taken) :], strict=True))
        print(f"  {name:<28}{statistics.median(taken) * 1e3:10.1f} ms   {ratio:7.1f} times our step")


def main(argv: Sequence[str]) -> int:
    """Run the benchmark on one core; prints one table per corpus size and number of anchors."""
    if any(os.environ.get(name) != value for name, value in ONE_CORE.items()):
        command = [sys.executable, "-m", "benchmarks.dense", *argv]
        return subprocess.run(command, env={**os.environ, **ONE_CORE}, check=False).returncode
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=None)
    parser.add_argument("--sizes", default="20000,100000")
    parser.add_argument("--anchors", default="1000,5000")
    parser.add_argument("--changed", type=int, default=1000)
    parser.add_argument("--peers", default="faiss,exact,hnsw,local")
    parser.add_argument("--most", type=int, default=100_000, help="the largest corpus that all peers are tried on")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--replays", type=int, default=3, help="rounds in which the peers replay")
    parser.add_argument("--warmup", type=int, default=3)
    options = parser.parse_args(argv)
    options.peers = [name for name in options.peers.split(",") if name]
    source = Source(options.data, 7)
    for size in map(int, options.sizes.split(",")):
        for count in map(int, options.anchors.split(",")):
            measure(source, size, count, options)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
