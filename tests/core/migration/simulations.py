"""Encoders whose true loss is known, as samples of anchors; and corpora in which known items have a known rank."""

from dataclasses import dataclass, field

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from monitor.core.migration.estimate import EstimatedItems, RankSample, stratified_sample
from monitor.core.migration.quality import PairedColumn, QualityDifference, compared_quality

READY_LEVEL = 0.05
"""A worse encoder may be called no worse this often."""
SEGMENTS = ("de", "en", "fr", "ja")


@dataclass
class WorseEncoders:
    """Anchors drawn from all that people could ask, in clusters of one to four that gain or lose together.

    nDCG of the old version is spread over [0, 1]; the new one differs by noise and, on the mean of all anchors, by
    exactly `loss`; `segment_loss` is lost by one segment and gained by the others.
    """

    seed: int
    anchors: int = 600
    noise: float = 0.15
    generator: Generator = field(init=False)

    def __post_init__(self) -> None:
        self.generator = np.random.default_rng(self.seed)

    def judged(self, *, loss: float, segment_loss: float = 0.0) -> list[QualityDifference]:
        """What R6 says of one of them."""
        made = self.generator
        sizes = made.integers(1, 5, self.anchors)
        members = np.repeat(np.arange(self.anchors), sizes)[: self.anchors]
        segment = made.integers(0, len(SEGMENTS), self.anchors)[members]
        shift = np.where(segment == 0, -segment_loss, segment_loss / (len(SEGMENTS) - 1)) - loss
        # old in the middle, so that nothing is cut off at 0 or 1 and the mean loss is exact
        old = 0.5 + 0.15 * (made.random(self.anchors) - 0.5)
        own = self.noise * made.choice([-1.0, 1.0], self.anchors)[members] * made.random(self.anchors)
        new = old + shift + own
        column = PairedColumn("ndcg", 10, old, new, np.ones(len(old), np.bool_), np.ones(len(old)), members)
        names = [SEGMENTS[at] for at in segment.tolist()]
        return compared_quality(column, {"language": names}, margin=0.02, segment_margin=0.05, least=20)


@dataclass(frozen=True)
class KnownRanks:
    """One simulated corpus: what an estimate sees of its known items, and their true ranks under the new encoder."""

    items: EstimatedItems
    sample: RankSample
    truth: NDArray[np.int64]


def known_ranks(generator: Generator, *, chunks: int, fraction: float, anchors: int, deep: float) -> KnownRanks:
    """A corpus of which a stratified sample is seen.

    Each item is beaten by a random number of chunks, heavy-tailed with mean about `deep`; candidates are 100 chunks,
    of which each beater is one with chance 0.6 as far as there is room.
    """
    strata = [f"s{at}" for at in generator.integers(0, 5, chunks).tolist()]
    drawn = stratified_sample(strata, fraction, generator)
    inside = np.zeros(chunks, np.bool_)
    inside[drawn] = True
    rows = []
    for _ in range(anchors):
        beaten = min(chunks - 101, int(generator.pareto(1.2) * deep / 5.0))
        order = generator.permutation(chunks)
        beaters = order[:beaten]
        chosen = beaters[generator.random(beaten) < 0.6][:60]
        candidates = np.zeros(chunks, np.bool_)
        candidates[chosen] = True
        candidates[order[beaten : beaten + 100 - len(chosen)]] = True
        hidden = int(np.count_nonzero(inside[beaters] & ~candidates[beaters]))
        rows.append((beaten + 1, len(chosen), hidden, int(np.count_nonzero(inside & ~candidates))))
    truth, seen, hidden_, outside = np.array(rows, np.int64).T
    old = np.maximum(1, truth - generator.integers(0, 3, anchors))
    items = EstimatedItems(old, seen, hidden_, outside, np.ones(anchors), np.arange(anchors))
    return KnownRanks(items, RankSample(chunks, len(drawn)), truth)
