"""What is measured of segments as a whole follows from the moment before as it does from nothing, to the bit."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from monitor.core.measures.formulas.grouped import Grouped
from monitor.core.measures.formulas.hubs import HubShares
from monitor.core.measures.formulas.sources import NO_SOURCE, SourceMixes
from monitor.core.measures.formulas.wasserstein import PooledScores
from monitor.core.model.lists import NO_CHUNK, RankedLists

ANCHORS, DEPTH, CUT = 30, 5, 4


def drawn(random: np.random.Generator, rows: int, chunks: int) -> RankedLists:
    """Lists of any length, some of them not known; scores tie now and then."""
    made = RankedLists.unknown(rows, DEPTH)
    for row in range(rows):
        if random.random() < 0.9:
            made.known[row], made.lengths[row] = True, random.integers(0, DEPTH + 1)
            filled = slice(0, int(made.lengths[row]))
            made.keys[row, filled] = random.choice(chunks, DEPTH, replace=False)[filled] + 1
            made.scores[row, filled] = np.sort(np.round(random.random(DEPTH), 2))[::-1][filled]
    return made


def moved(random: np.random.Generator, of: RankedLists, chunks: int) -> RankedLists:
    """Other lists of a few anchors, of all, or of none; or all scores are others by a little."""
    what = random.integers(0, 6)
    if what == 0:
        return RankedLists(of.keys, of.scores * 1.001, of.lengths, of.known)
    rows = np.arange(ANCHORS) if what == 1 else random.choice(ANCHORS, random.integers(0, 4), replace=False)
    return of.replaced(rows, drawn(random, len(rows), chunks))


def grouped(random: np.random.Generator) -> Grouped:
    return Grouped.of(
        random.random(ANCHORS) + 0.1,
        [(np.zeros(ANCHORS, np.int64), 1), (random.integers(0, 4, ANCHORS), 5), (random.integers(0, 2, ANCHORS), 2)],
    )


def same(one: Any, other: Any, names: tuple[str, ...]) -> None:
    for name in names:
        assert getattr(one, name).tobytes() == getattr(other, name).tobytes(), name


def sourced(lists: RankedLists, names: int) -> np.ndarray:
    """Every third chunk has no source."""
    return np.where((lists.keys == NO_CHUNK) | (lists.keys % 3 == 0), NO_SOURCE, lists.keys % names * 1000)


Walk = Callable[[Grouped, RankedLists, RankedLists, Any, int], tuple[Any, Any]]


def hubs(anchors: Grouped, _: RankedLists, now: RankedLists, kept: Any, __: int) -> tuple[Any, Any]:
    return HubShares.of(anchors, now, CUT), None if kept is None else kept.moved(anchors, now, CUT)


def scores(anchors: Grouped, then: RankedLists, now: RankedLists, kept: Any, _: int) -> tuple[Any, Any]:
    return PooledScores.of(anchors, then, now, CUT), None if kept is None else kept.moved(anchors, then, now, CUT)


def sources(anchors: Grouped, then: RankedLists, now: RankedLists, kept: Any, chunks: int) -> tuple[Any, Any]:
    names = 3 + chunks // 10
    of = (sourced(then, names)[:, :CUT], sourced(now, names)[:, :CUT]), then.known & now.known
    return SourceMixes.of(anchors, *of), None if kept is None else kept.moved(anchors, *of)


@pytest.mark.parametrize(
    ("walk", "names"),
    [
        (hubs, ("share", "n")),
        (scores, ("distance", "n", "usable")),
        (sources, ("divergence", "n", "known", "distinct")),
    ],
)
@pytest.mark.parametrize("chunks", [6, 40, 4000])
@pytest.mark.parametrize("seed", range(3))
def test_the_next_moment_is_as_if_it_were_the_first(
    walk: Walk, names: tuple[str, ...], chunks: int, seed: int
) -> None:
    """So many chunks come and go in the last case that their numbers run out."""
    random = np.random.default_rng(seed)
    anchors, then, now, kept = grouped(random), drawn(random, ANCHORS, chunks), drawn(random, ANCHORS, chunks), None
    for _ in range(60):
        afresh, found = walk(anchors, then, now, kept, chunks)
        if found is not None:
            same(found, afresh, names)
        kept = afresh if found is None else found
        now = moved(random, now, chunks)


def test_nothing_that_moved_is_the_very_same() -> None:
    random = np.random.default_rng(1)
    anchors, then, now = grouped(random), drawn(random, ANCHORS, 40), drawn(random, ANCHORS, 40)
    again = RankedLists(now.keys.copy(), now.scores.copy(), now.lengths.copy(), now.known.copy())
    for walk in (hubs, scores, sources):
        first, _ = walk(anchors, then, now, None, 40)
        assert walk(anchors, then, again, first, 40)[1] is first
