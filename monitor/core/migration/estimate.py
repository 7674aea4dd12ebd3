"""Before any backfill: what a sample can say of a new encoder, and what it cannot.

Encoded anew are the anchors, a union of candidates per anchor (old top-50, lexical top-50, its known items) and a
sample of the corpus, stratified by segment, each chunk with the same chance f. The rank of a known item is then

    1 + (candidates that beat it) + (1 / f) (chunks of the sample that beat it and are no candidates)

without bias (Horvitz, Thompson, JASA 47, 1952). Candidates that beat it are certain: their number bounds the rank
from below, so hit@k of the new encoder is at most the share of items with fewer than k of them. What the sample has
not seen may still beat it: at 500,000 chunks and f = 2%, no beater at all in the sample still allows rank 150. So
hit@k is never promised from a sample.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from monitor.core.judging.beta import share_lower, share_upper, student_quantile
from monitor.core.judging.bounds import AnchorSample, mean_bounds

CANDIDATES = 50
"""Results of each leg that are encoded anew for an anchor."""
FRACTION = 0.02
"""Of the corpus that is encoded anew."""
TAIL = 0.025
"""On each side of a 95% interval."""


class Outlook(StrEnum):
    """What an estimate answers."""

    LIKELY_WORSE = "LIKELY_WORSE"
    CANNOT_TELL = "CANNOT_TELL"
    PLAUSIBLE = "PLAUSIBLE"


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its 95% interval; NaN is unknown."""

    value: float
    lower: float
    upper: float


def stratified_sample(strata: Sequence[str], fraction: float, generator: Generator) -> NDArray[np.int64]:
    """Rows of a sample in which every stratum has its share, and every chunk the same chance.

    Systematic: rows are shuffled within their stratum, laid end to end, and every (1 / f)-th is taken from a random
        start.

    Args:
        strata: N names.
        fraction: f, in (0, 1].
        generator: of the shuffle and the start.

    Returns:
        ascending rows, floor(f N) or one more; at least one where there is any row.
    """
    count = len(strata)
    order = generator.permutation(count)
    _, codes = np.unique(np.array(strata, np.str_), return_inverse=True)
    laid = order[np.argsort(codes[order], kind="stable")]
    step = min(1.0 / fraction, float(count)) if count else 1.0
    places = np.floor(np.arange(generator.random() * step, count, step)).astype(np.int64)
    made: NDArray[np.int64] = np.sort(laid[places])
    return made


@dataclass(frozen=True, slots=True)
class RankSample:
    """What was seen of the rank of known items of one kind of corpus.

    Args:
        corpus: N live chunks.
        sample: n of them that were encoded as the sample.
    """

    corpus: int
    sample: int

    @property
    def fraction(self) -> float:
        """F, the chance of a chunk to be in the sample."""
        return self.sample / self.corpus if self.corpus else math.nan

    def rank(self, beaters: int, hidden: int, outside: int) -> Interval:
        """The rank of a known item.

        Args:
            beaters: candidates that score higher.
            hidden: chunks of the sample outside the candidates that score higher.
            outside: chunks of the sample outside the candidates.

        Returns:
            the unbiased estimate, and the exact binomial interval of the share beyond the candidates (conservative:
            the sample is drawn without replacement). No sample: from what is certain to the corpus' end.
        """
        least = 1 + beaters + hidden
        rest = max(0, self.corpus - beaters - (self.sample - outside) - 1)
        if not outside:
            return Interval(math.nan, least, max(least, self.corpus))
        # of those not candidates, the sample is the part `outside`; what it saw is certain
        value = 1 + beaters + hidden / self.fraction
        lower = 1 + beaters + math.floor(rest * share_lower(hidden, outside, TAIL))
        upper = 1 + beaters + math.ceil(rest * share_upper(hidden, outside, TAIL))
        return Interval(value, max(least, lower), min(max(least, upper), max(least, self.corpus)))


def unseen_rank(corpus: int, fraction: float, alpha: float = 0.05) -> int:
    """The rank that no beater at all in the sample still allows, with one-sided 95% confidence.

    >>> unseen_rank(500_000, 0.02)
    150
    """
    sample = max(1, math.floor(corpus * fraction))
    return max(1, round(corpus * share_upper(0, sample, alpha)))


@dataclass(frozen=True, slots=True, eq=False)
class EstimatedItems:
    """Known items of the anchors, one row each.

    Args:
        old_ranks: (m,) int64, exact rank in the old version's lists, 0 where deeper than was listed.
        beaters: (m,) int64, candidates that score higher under the new encoder.
        hidden: (m,) int64, chunks of the sample, outside the candidates, that do.
        outside: (m,) int64, chunks of the sample outside the candidates.
        weights: (m,) float64, positive.
        members: (m,) int64, cluster: items of one anchor, or anchors of one document.
    """

    old_ranks: NDArray[np.int64]
    beaters: NDArray[np.int64]
    hidden: NDArray[np.int64]
    outside: NDArray[np.int64]
    weights: NDArray[np.float64]
    members: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class QualityOutlook:
    """What the estimate says of quality.

    Args:
        outlook: the answer.
        reason: in one line.
        old_hit: hit@k of the old version, exact.
        best_hit: hit@k of the new one at best: certain, for candidates that beat an item do so in the whole corpus.
        best_change: best_hit - old_hit with its interval over anchors.
        hidden_share: of the items that could be hits, how many have k or more beaters that are no candidates, at
            most.
        unseen: the rank that a clean sample still allows.
        items: m.
    """

    outlook: Outlook
    reason: str
    old_hit: float
    best_hit: float
    best_change: Interval
    hidden_share: float
    unseen: int
    items: int


def quality_outlook(items: EstimatedItems, sample: RankSample, depth: int, margin: float) -> QualityOutlook:
    """LIKELY_WORSE, CANNOT_TELL or PLAUSIBLE.

    Rule 1: without known items, or without a sample, CANNOT_TELL. Rule 2: if even at best hit@k falls by more than
    the margin, with 95% confidence over anchors, LIKELY_WORSE. Rule 3: if the sample cannot exclude that half of the
    items that could be hits have k or more beaters it did not see, CANNOT_TELL. Rule 4: if the fall at best is not
    shown to be within the margin either, CANNOT_TELL. Otherwise PLAUSIBLE: worth a backfill in shadow, and no
    promise.

    Args:
        items: what was seen.
        sample: how much of the corpus.
        depth: k.
        margin: the loss that is allowed, above 0.
    """
    m = len(items.old_ranks)
    unseen = unseen_rank(sample.corpus, sample.fraction) if sample.sample else sample.corpus
    if not m or not sample.sample:
        nothing = Interval(math.nan, -1.0, 1.0)
        said = "no known items to look for" if not m else "no sample of the corpus"
        return QualityOutlook(Outlook.CANNOT_TELL, said, math.nan, math.nan, nothing, 1.0, unseen, m)
    old = (items.old_ranks > 0) & (items.old_ranks <= depth)
    best = items.beaters + items.hidden < depth
    change = best.astype(np.float64) - old
    bounds = mean_bounds(AnchorSample(change, items.weights, items.members, (-1.0, 1.0)), -margin)
    old_hit, best_hit = (float(np.average(column, weights=items.weights)) for column in (old, best))
    hidden = _hidden_share(items, sample.fraction, depth)
    interval = Interval(float(np.average(change, weights=items.weights)), bounds.lower, bounds.upper)
    if bounds.upper < -margin:
        outlook = Outlook.LIKELY_WORSE
        said = f"at best hit@{depth} falls from {old_hit:.3f} to {best_hit:.3f}: others stand before the answers"
    elif hidden > 0.5:
        outlook = Outlook.CANNOT_TELL
        said = f"up to {hidden:.0%} of the answers may have {depth} better results that the sample did not see"
    elif bounds.lower < -margin:
        outlook = Outlook.CANNOT_TELL
        said = f"hit@{depth} at best changes by {interval.value:+.3f}, but {m} known items allow {bounds.lower:+.3f}"
    else:
        outlook = Outlook.PLAUSIBLE
        said = f"nothing seen speaks against it; a clean sample still allows rank {unseen:,}"
    return QualityOutlook(outlook, said, old_hit, best_hit, interval, hidden, unseen, m)


def _hidden_share(items: EstimatedItems, fraction: float, depth: int) -> float:
    """95% upper bound of the share of possible hits that k or more chunks outside the candidates beat.

    Such an item shows a beater in the sample with chance 1 - (1 - f)^k or more, so the share of items that show one
    is at least that chance times the share sought.
    """
    possible = items.beaters < depth
    n = int(np.count_nonzero(possible))
    if not n:
        return 0.0
    shown = (items.hidden > 0)[possible].astype(np.float64)
    sample = AnchorSample(shown, items.weights[possible], items.members[possible], (0.0, 1.0))
    return min(1.0, mean_bounds(sample, 0.5).upper / (1.0 - (1.0 - fraction) ** depth))


@dataclass(frozen=True, slots=True)
class MigrationCost:
    """What the backfill takes: tokens to encode, hours at the measured rate, bytes of vectors at rest."""

    tokens: Interval
    hours: Interval
    bytes: Interval


INDEX_OVERHEAD = 1.5
"""A vector index needs up to this many times the bytes of its vectors (Qdrant's rule of thumb for memory)."""


def migration_cost(
    tokens: NDArray[np.float64], seconds: NDArray[np.float64], chunks: int, dimension: int
) -> MigrationCost:
    """Totals of the corpus from a sample.

    Args:
        tokens: (n,) float64, tokens of each chunk of the sample.
        seconds: (b,) float64, seconds that encoding took per chunk, one figure for each batch that was encoded.
        chunks: N live chunks.
        dimension: d of the new vectors, float32.

    Returns:
        95% intervals by Student's t; unknown ends where fewer than two values were seen.
    """
    size = 4.0 * chunks * dimension
    hours = _total(seconds, chunks)
    return MigrationCost(
        _total(tokens, chunks),
        Interval(*(value / 3_600.0 for value in (hours.value, hours.lower, hours.upper))),
        Interval(size, size, INDEX_OVERHEAD * size),
    )


def _total(values: NDArray[np.float64], count: int) -> Interval:
    if not len(values):
        return Interval(math.nan, 0.0, math.inf)
    mean = float(values.mean())
    if len(values) < 2:
        return Interval(count * mean, 0.0, math.inf)
    half = student_quantile(TAIL, len(values) - 1.0) * float(values.std(ddof=1)) / math.sqrt(len(values))
    return Interval(count * mean, max(0.0, count * (mean - half)), count * (mean + half))
