"""How much of the maintained lexical list is served: by hand, against sets, and the cases without a value."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.measures.formulas.served_lexical import served_lexical
from monitor.core.model.lists import RankedLists

Plain = list[list[tuple[str, float]] | None]
NAMES = st.lists(st.sampled_from("abcdefgh"), max_size=5, unique=True)


def lists(*names: str | None) -> RankedLists:
    made: Plain = [None if of is None else [(name, -float(at)) for at, name in enumerate(of)] for of in names]
    return RankedLists.of(made, 5)


def test_by_hand() -> None:
    served, maintained = lists("abc", "xyz", "", None, "ab"), lists("abd", "abc", "ab", "ab", "")
    one, three = served_lexical(served, maintained, {3: "deadline"}, (1, 3))
    assert (one.leg, one.k, one.value, one.n, one.expected) == ("lexical", 1, 1 / 3, 3, 5)
    assert math.isclose(three.value, (2 / 3 + 0 + 0) / 3)
    assert three.reason == "deadline"
    assert three.covered == 3 / 5


@given(st.lists(st.tuples(NAMES, NAMES), min_size=1, max_size=6), st.integers(1, 5))
def test_it_is_the_mean_of_set_overlaps(pairs: list[tuple[list[str], list[str]]], k: int) -> None:
    served, maintained = (lists(*("".join(pair[at]) for pair in pairs)) for at in (0, 1))
    (found,) = served_lexical(served, maintained, {}, (k,))
    oracle = [len(set(a[:k]) & set(b[:k])) / len(b[:k]) for a, b in pairs if b]
    assert found.n == len(oracle)
    if oracle:
        np.testing.assert_allclose(found.value, np.mean(oracle))
        assert 0.0 <= found.value <= 1.0
    else:
        assert math.isnan(found.value)
        assert found.reason == "no_lexical_results"


def test_a_list_against_itself_is_whole() -> None:
    same = lists("abc", "d")
    assert [of.value for of in served_lexical(same, same, {}, (1, 3))] == [1.0, 1.0]
