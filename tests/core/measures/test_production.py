"""Production against the legs: a hand-worked table, an oracle of sets, properties, empty, unknown and off."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.measures.measure import MissingReason
from monitor.core.measures.production import PRODUCTION, ProductionView, SaidLists
from monitor.core.model.events import chunk_key
from monitor.core.model.lists import NO_CHUNK, RankedLists

DEPTH = 4
Row = str | None
"""A list as letters, best first; None is unknown. Upper case is a chunk that says what the small letter says."""


def said(rows: Sequence[Row], depth: int = DEPTH) -> SaidLists:
    lists = RankedLists.of([None if row is None else [(letter, math.nan) for letter in row] for row in rows], depth)
    contents = np.full(lists.keys.shape, NO_CHUNK, np.int64)
    for at, row in enumerate(rows):
        for place, letter in enumerate((row or "")[:depth]):
            contents[at, place] = chunk_key(letter.lower())
    return SaidLists(lists, contents)


def view(
    own: Sequence[Row],
    dense: Sequence[Row] | None,
    lexical: Sequence[Row] | None,
    *,
    strangers: str = "",
    dead: str = "",
    again: Sequence[Row] | None = None,
) -> ProductionView:
    mine = said(own)
    return ProductionView(
        mine,
        None if dense is None else said(dense),
        None if lexical is None else said(lexical),
        strange=np.isin(mine.lists.keys, [chunk_key(letter) for letter in strangers]),
        live=~np.isin(mine.lists.keys, [chunk_key(letter) for letter in strangers + dead]),
        again=None if again is None else said(again),
    )


def values(found: np.ndarray | MissingReason) -> list[float]:
    assert isinstance(found, np.ndarray)
    return [float(of) for of in found]


def test_hand_worked() -> None:
    # a stands first on dense; c fourth on dense, second on lexical; B says what dense's second says; s is strange
    one = view(["acBs"], ["abqc"], ["zcyw"], strangers="s", dead="B")
    assert values(one.explained(4)) == [0.75]
    assert values(one.by_leg("dense", 4)) == [0.75]
    assert values(one.by_leg("lexical", 4)) == [0.25]
    assert values(one.displacement(4)) == [pytest.approx(1 / 3)]  # 0, 0 and 3 against 2
    assert values(one.unmapped(4)) == [0.25]
    assert values(one.ghosts(4)) == [0.25]
    assert values(one.explained(2)) == [1.0]
    same = view(["aB"], ["ba"], ["--"])
    assert values(same.explained(2)) == [1.0], "a copy under another id is the same content"
    assert values(same.displacement(2)) == [1.0]


def test_noise_is_what_two_calls_differ_by() -> None:
    one = view(["abc", "abc", "abc", "Abc"], ["a"] * 4, None, again=["abc", "abd", "xyz", "abc"])
    assert values(one.noise_swaps(3)) == [0.0, 1.0, 3.0, 0.0]
    assert values(one.noise_first()) == [0.0, 0.0, 1.0, 0.0]
    assert isinstance(view(["a"], ["a"], None).noise_swaps(3), MissingReason)
    assert math.isnan(values(view(["a"], ["a"], None, again=[None]).noise_swaps(3))[0])


def test_what_is_not_known_has_no_value() -> None:
    one = view([None, "", "ab", "ab"], ["ab", "ab", None, "ab"], ["ab", "ab", "ab", None])
    for found in (one.explained(4), one.displacement(4)):
        assert np.isnan(found).all(), "unknown, empty, dense unknown, lexical unknown"
    assert values(one.empty())[1:] == [1.0, 0.0, 0.0]
    assert math.isnan(values(one.empty())[0])
    assert np.isnan(one.by_leg("dense", 4)).tolist() == [True, True, True, False]
    assert np.isnan(one.unmapped(4)).tolist() == [True, True, False, False]
    assert isinstance(view(["a"], None, ["a"]).by_leg("dense", 4), MissingReason)
    assert values(view(["a"], None, ["a"]).explained(4)) == [1.0], (
        "a leg that is off explains nothing and hides nothing"
    )
    assert math.isnan(values(view(["a"], ["b"], ["c"]).displacement(4))[0]), "nothing is explained"


lists = st.text("abcdefgh", max_size=DEPTH).map(lambda text: "".join(dict.fromkeys(text)))


@given(lists, lists, lists, st.integers(1, DEPTH))
def test_against_sets(own: str, dense: str, lexical: str, k: int) -> None:
    one, top = view([own], [dense], [lexical]), own[:k]
    explained = [letter for letter in top if letter in dense + lexical]
    if not top:
        assert math.isnan(values(one.explained(k))[0])
        return
    assert values(one.explained(k)) == [len(explained) / len(top)]
    by_leg = [values(one.by_leg(leg, k))[0] for leg in ("dense", "lexical")]
    assert by_leg == [sum(letter in leg for letter in top) / len(top) for leg in (dense, lexical)]
    assert max(by_leg) <= values(one.explained(k))[0] <= sum(by_leg)
    moved = [abs(own.index(at) - min(leg.index(at) for leg in (dense, lexical) if at in leg)) for at in explained]
    assert values(one.displacement(k)) == (
        [pytest.approx(sum(moved) / len(moved))] if moved else [pytest.approx(math.nan, nan_ok=True)]
    )


@given(st.lists(st.tuples(lists, lists, lists), min_size=1, max_size=5), st.integers(1, DEPTH))
def test_each_anchor_by_itself(rows: list[tuple[str, str, str]], k: int) -> None:
    """What the incremental table relies on: an anchor's value depends on its own lists alone."""
    whole = view(*([row[at] for row in rows] for at in range(3)), again=[row[1] for row in rows])
    for at, (own, dense, lexical) in enumerate(rows):
        single = view([own], [dense], [lexical], again=[dense])
        for measure in PRODUCTION:
            assert measure.compute is not None
            one, all_ = (values(measure.compute(of, k)) for of in (single, whole))
            np.testing.assert_equal(all_[at], one[0], measure.name)
