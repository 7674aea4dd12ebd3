"""Ranked lists from plain rows, and Hypothesis strategies of them."""

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st

from monitor.core.model.lists import RankedLists

Row = Sequence[tuple[int, float]] | None
"""(key, score) pairs, best first; None is an unknown list."""


def lists(rows: Sequence[Row], depth: int) -> RankedLists:
    """Ranked lists of integer keys."""
    made = RankedLists.unknown(len(rows), depth)
    for at, row in enumerate(rows):
        if row is None:
            continue
        assert len(row) <= depth
        made.keys[at, : len(row)] = [key for key, _ in row]
        made.scores[at, : len(row)] = [score for _, score in row]
        made.lengths[at] = len(row)
        made.known[at] = True
    return frozen(made)


def keyed(rows: Sequence[str | None], depth: int) -> RankedLists:
    """Ranked lists named by one letter per key; scores fall by one from 0."""
    return lists(
        [None if row is None else [(ord(key), -float(at)) for at, key in enumerate(row)] for row in rows], depth
    )


def frozen(made: RankedLists) -> RankedLists:
    """Arrays that raise when written to: no measurement may change its arguments."""
    for array in (made.keys, made.scores, made.lengths, made.known):
        array.flags.writeable = False
    return made


def row(alphabet: int, depth: int) -> st.SearchStrategy[Row]:
    """One list: distinct keys, scores descending on a coarse grid (ties are frequent), or unknown."""
    keys = st.lists(st.integers(0, alphabet - 1), max_size=depth, unique=True)
    score = st.integers(-8, 8).map(lambda step: step / 8)

    @st.composite
    def build(draw: st.DrawFn) -> Row:
        drawn = draw(keys)
        scores = sorted(draw(st.lists(score, min_size=len(drawn), max_size=len(drawn))), reverse=True)
        return list(zip(drawn, scores, strict=True))

    return st.one_of(build(), build(), build(), build(), st.none())


@st.composite
def pairs(
    draw: st.DrawFn, *, max_anchors: int = 5, max_depth: int = 6, same_depth: bool = False
) -> tuple[RankedLists, RankedLists]:
    """Baseline and current lists of the same anchors, possibly cut at different depths."""
    anchors = draw(st.integers(1, max_anchors))
    depth = draw(st.integers(1, max_depth))
    other = depth if same_depth else draw(st.integers(1, max_depth))
    alphabet = draw(st.integers(1, 9))
    before = draw(st.lists(row(alphabet, depth), min_size=anchors, max_size=anchors))
    after = draw(st.lists(row(alphabet, other), min_size=anchors, max_size=anchors))
    return lists(before, depth), lists(after, other)


def plain(of: RankedLists, anchor: int, depth: int) -> list[int]:
    """One list's keys, cut."""
    return [int(key) for key in of.keys[anchor, : min(depth, int(of.lengths[anchor]))]]


def plain_scores(of: RankedLists, anchor: int, depth: int) -> list[float]:
    """One list's scores, cut."""
    return [float(score) for score in of.scores[anchor, : min(depth, int(of.lengths[anchor]))]]


def same_bits(left: np.ndarray, right: np.ndarray) -> bool:
    """Equal to the last bit, NaN and signed zeros included."""
    return left.shape == right.shape and left.dtype == right.dtype and left.tobytes() == right.tobytes()
