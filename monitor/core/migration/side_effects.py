"""What else would change: the shape of the answers, beside their quality. It is shown and never decides."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.divergence import jensen_shannon
from monitor.core.model.lists import RankedLists

SECOND = 1_000_000
"""Microseconds in a second."""


@dataclass(frozen=True, slots=True)
class ListedTraits:
    """What is known of a chunk that stands in a list: its document, source, length in tokens and event time (us)."""

    doc_id: str
    source: str
    tokens: float
    event_time: int


@dataclass(frozen=True, slots=True)
class AnswerShape:
    """What one version's top-k look like, over the anchors whose list is known.

    Args:
        documents: mean distinct documents in a top-k.
        age_seconds: median age of a result, against the newest event time.
        diversity: mean of 1 - mean pairwise cosine, in the version's own space; not to be compared between spaces.
        hub_gini: Gini coefficient of how often each live chunk is listed, 0 (all alike) to 1 (one has everything).
        hub_share: share of the lists that the most listed chunk stands in.
        tokens: mean tokens in a top-k: the load on the ranker or model behind it.
        n: lists counted.

    Each is NaN where nothing was listed.
    """

    documents: float
    age_seconds: float
    diversity: float
    hub_gini: float
    hub_share: float
    tokens: float
    n: int


def answer_shape(
    lists: RankedLists, traits: Mapping[int, ListedTraits], depth: int, *, live: int, now: int, diversity: float
) -> AnswerShape:
    """The shape of one version's lists.

    Args:
        lists: A lists.
        traits: of every listed chunk by its key; one that is not there is left out.
        depth: k.
        live: live chunks, listed or not.
        now: newest event time, microseconds.
        diversity: as `diversity_ratio` gives it, averaged; NaN where vectors are not at hand.
    """
    rows = [row for row in _rows(lists, depth) if row]
    told = [[traits[key] for key in row if key in traits] for row in rows]
    told = [row for row in told if row]
    if not told:
        return AnswerShape(*(math.nan,) * 6, 0)
    counts = Counter(key for row in rows for key in row)
    ages = [(now - of.event_time) / SECOND for row in told for of in row]
    return AnswerShape(
        documents=float(np.mean([len({of.doc_id for of in row}) for row in told])),
        age_seconds=float(np.median(ages)),
        diversity=diversity,
        hub_gini=gini(np.array(list(counts.values()), np.float64), max(live, len(counts))),
        hub_share=max(counts.values()) / len(rows),
        tokens=float(np.mean([sum(of.tokens for of in row) for row in told])),
        n=len(rows),
    )


def gini(counts: NDArray[np.float64], population: int) -> float:
    """Gini coefficient of counts over a population, those not listed having none.

    G = sum (2 i - n - 1) x_(i) / (n sum x) with x ascending and i from 1; in [0, 1 - 1/n]; NaN where nothing is
    counted.

    Args:
        counts: (m,) float64, positive.
        population: n >= m.

    Source: Dixon et al., Bootstrapping the Gini coefficient of inequality, Ecology 68(5), 1987.
    """
    total = float(counts.sum())
    if not total or population < len(counts):
        return math.nan
    ascending = np.sort(counts)
    places = np.arange(population - len(counts) + 1, population + 1)
    return float(((2.0 * places - population - 1.0) @ ascending) / (population * total))


def source_mix_divergence(
    old: RankedLists, new: RankedLists, traits: Mapping[int, ListedTraits], depth: int
) -> float:
    """Jensen-Shannon divergence, in bits, of where the results come from; NaN where a version lists nothing."""
    mixes = [
        Counter(traits[key].source for row in _rows(of, depth) for key in row if key in traits) for of in (old, new)
    ]
    names = sorted(mixes[0].keys() | mixes[1].keys())
    before, after = (np.array([float(mix[name]) for name in names]) for mix in mixes)
    return float(jensen_shannon(before, after))


@dataclass(frozen=True, slots=True)
class SuggestedThreshold:
    """A threshold on the first result's score: what it was, what passes the same share in the new space.

    Scores of two spaces are never subtracted. `old_share` and `new_share` say what passes each; they differ where
    scores tie.
    """

    old: float
    new: float
    old_share: float
    new_share: float
    n: int


def suggested_threshold(old: NDArray[np.float64], new: NDArray[np.float64], threshold: float) -> SuggestedThreshold:
    """The score in the new space above which as many anchors are as were above the threshold in the old one.

    Args:
        old: (A,) first scores of the old version, bigger is better; NaN where there is no result.
        new: (A,) of the new one.
        threshold: a score passes at or above it.

    Returns:
        NaN and n = 0 where no anchor has both. Where none passed: just above the greatest score.
    """
    there = ~(np.isnan(old) | np.isnan(new))
    n = int(there.sum())
    if not n:
        return SuggestedThreshold(threshold, math.nan, math.nan, math.nan, 0)
    passed = int(np.count_nonzero(old[there] >= threshold))
    # a cut stands on a score, or above all of them: the one that lets through what is nearest to the old share
    cuts = np.append(np.unique(new[there]), np.nextafter(np.max(new[there]), math.inf))
    through = n - np.searchsorted(np.sort(new[there]), cuts)
    best = int(np.argmin(np.abs(through - passed)))
    return SuggestedThreshold(threshold, float(cuts[best]), passed / n, float(through[best]) / n, n)


def _rows(lists: RankedLists, depth: int) -> list[list[int]]:
    """The keys of each known list, cut."""
    return [
        lists.keys[row, : min(depth, int(lists.lengths[row]))].tolist()
        for row in np.flatnonzero(lists.known).tolist()
    ]
