"""At which depth an answer is kept among its neighbours: the kernel against the words of the definition."""

from typing import NamedTuple

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from monitor.core.arrays.sorted_sets import NOWHERE, SetLists, Sets, Sieves
from monitor.core.measures.kernels_answers import NONE, ListedTexts
from monitor.core.measures.kernels_neighbours import Circumstances, KeptLimits, kept_at

LIMITS = KeptLimits(own=0.5, least=0.3, alike=0.8)
DEPTH = 5


class Result(NamedTuple):
    """A listed chunk: what it says, which document it is of, and whether it stood (of results now)."""

    says: frozenset[int]
    document: int
    stood: bool


SAYS = st.one_of(
    st.frozensets(st.integers(0, 7), max_size=7),
    st.integers(0, 7).map(lambda left_out: frozenset(range(8)) - {left_out}),
    st.just(frozenset(range(8))),
)
LIST = st.dictionaries(st.integers(1, 6), st.builds(Result, SAYS, st.integers(0, 2), st.booleans()), max_size=DEPTH)
"""By chunk key, best first."""
ROWS = st.lists(st.tuples(LIST, LIST), min_size=1, max_size=3)


def alike(one: frozenset[int], other: frozenset[int]) -> float:
    return len(one & other) / max(1, len(one | other))


def slow(key: int, then: dict[int, Result], now: dict[int, Result]) -> int:
    own, document = then[key].says, then[key].document
    beside = {
        other: one.says
        for other, one in then.items()
        if other != key and not own <= one.says and (one.document != document or alike(own, one.says) >= 0.8)
    }
    alone = own.difference(*beside.values()) or own
    near = [own - said for said in beside.values() if alike(own, said) >= 0.8]
    held: frozenset[int] = frozenset()
    for depth, (other, one) in enumerate(now.items(), start=1):
        has, like = own & one.says, alike(own, one.says)
        if has == own:
            return depth
        edited = other == key and not one.stood and len(has) / len(own) >= 0.3
        if edited and not any(alike(one.says, said) > like for said in beside.values()):
            return depth
        if one.stood and (one.document != document or like >= 0.8):
            continue
        if other in beside and 2 * len(has - beside[other]) < len(own - beside[other]):
            continue
        held |= has
        if len(held) / len(own) >= 0.3 and all(2 * len(held & of) >= len(of) for of in (alone, *near)):
            return depth
    return NOWHERE


def side(lists: list[dict[int, Result]]) -> tuple[ListedTexts, NDArray[np.int64], NDArray[np.bool_]]:
    """Lists as the kernel takes them, documents and who stood."""
    keys, places = np.full((len(lists), DEPTH), NONE), np.full((len(lists), DEPTH), -1)
    documents, stood = np.full_like(keys, -7), np.zeros(keys.shape, np.bool_)
    texts: list[NDArray[np.uint32]] = []
    for row, one in enumerate(lists):
        for slot, (key, result) in enumerate(one.items()):
            keys[row, slot], places[row, slot] = key, len(texts)
            documents[row, slot], stood[row, slot] = result.document, result.stood
            texts.append(np.array(sorted(result.says), np.uint32))
    sieves = Sieves(np.zeros((1, 1), np.uint64), np.zeros(len(lists), np.int64), loose=False)
    return ListedTexts(keys, keys, SetLists(Sets.of(texts), places), sieves), documents, stood


@given(ROWS)
def test_an_answer_is_kept_where_its_definition_says(rows: list[tuple[dict[int, Result], dict[int, Result]]]) -> None:
    then, owners, _ = side([before for before, _ in rows])
    now, documents, stood = side([after for _, after in rows])
    asked = [
        (row, slot, key)
        for row, (before, _) in enumerate(rows)
        for slot, (key, one) in enumerate(before.items())
        if one.says
    ]
    at, slots = (np.array([one[part] for one in asked], np.int64) for part in (0, 1))
    about = Circumstances(owners[at], documents[at], stood[at])
    found = kept_at(then, now, (at, slots), about, LIMITS)
    assert found.tolist() == [slow(key, *rows[row]) for row, _, key in asked]
