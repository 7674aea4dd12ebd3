"""What two calls agree on: a table of cases, and properties."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.measures.formulas.overlap import overlap
from monitor.core.measures.formulas.ranking import swaps
from monitor.core.measures.formulas.steady import settle_calls
from monitor.core.model.events import chunk_key
from monitor.core.model.lists import RankedLists

DEPTH = 3


def of(word: str | None) -> RankedLists:
    return RankedLists.of([None if word is None else [(letter, math.nan) for letter in word]], DEPTH)


def settled(then: str, then_again: str | None, now: str, now_again: str | None) -> str:
    made = settle_calls((of(then), of(then_again)), (of(now), of(now_again)))
    names = {chunk_key(letter): letter for letter in "abcdefxyz"}
    return "".join(names[key] for key in made.keys[0].tolist() if key in names)


@pytest.mark.parametrize(
    ("then", "then_again", "now", "now_again", "expected"),
    [
        ("abc", "abc", "abx", "abx", "abx"),  # both calls agree: a change
        ("abc", "abc", "abx", "abc", "abc"),  # the second call now has c and lacks x: noise
        ("abc", "abx", "abx", "abx", "abc"),  # the baseline's second call had x and lacked c: noise
        ("abc", None, "abx", None, "abx"),  # nobody was asked twice: everything counts
        ("abc", None, "abx", "abc", "abc"),  # one side is enough
        ("abc", "abc", "axy", "axc", "axc"),  # of two exchanges one is steady: c is back, y is not confirmed
        ("abc", "abc", "xab", "xab", "xab"),  # order is not settled, x is confirmed
        ("abc", "abc", "ab", "abc", "ab"),  # a shorter list has nothing to pair
        ("abc", "abc", "acb", "abc", "acb"),  # the same results: nothing to settle
    ],
)
def test_cases(then: str, then_again: str | None, now: str, now_again: str | None, expected: str) -> None:
    assert settled(then, then_again, now, now_again) == expected


words = st.text("abcdef", max_size=DEPTH).map(lambda text: "".join(dict.fromkeys(text)))


@given(words, words, words, words)
def test_it_only_takes_changes_back(then: str, then_again: str, now: str, now_again: str) -> None:
    made = settle_calls((of(then), of(then_again)), (of(now), of(now_again)))
    assert swaps(overlap(of(then), made), DEPTH)[0] <= swaps(overlap(of(then), of(now)), DEPTH)[0]
    keys = made.keys[0, : len(now)]
    assert len(np.unique(keys)) == len(now), "a list holds a result once"
    assert made.lengths[0] == len(now)
    unchanged = settle_calls((of(then), of(then)), (of(now), of(now)))
    assert (unchanged.keys == of(now).keys).all(), "a retriever that repeats itself has no noise"
    assert (settle_calls((of(then), None), (of(now), None)).keys == of(now).keys).all()
