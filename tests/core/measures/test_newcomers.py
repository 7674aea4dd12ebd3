"""New hubs, against counting by hand."""

from collections import defaultdict

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from monitor.core.measures.newcomers import NewChunks, Newcomers, _Shares, _shares_of
from monitor.core.model.lists import NO_CHUNK

LISTS = st.integers(0, 6).flatmap(
    lambda n: st.lists(
        st.lists(st.integers(1, 9), max_size=4, unique=True).map(lambda row: row + [NO_CHUNK] * (4 - len(row))),
        min_size=n,
        max_size=n,
    )
)


@given(LISTS, st.dictionaries(st.integers(1, 9), st.sampled_from("abc"), max_size=6))
def test_shares_of_documents_are_what_counting_finds(rows: list[list[int]], documents: dict[int, str]) -> None:
    keys = np.array(rows, np.int64).reshape(len(rows), 4)
    made = _shares_of(keys, documents)
    lists: dict[str, set[int]] = defaultdict(set)
    single: dict[int, int] = defaultdict(int)
    for at, row in enumerate(rows):
        for key in row:
            if key in documents:
                lists[documents[key]].add(at)
                single[key] += 1
    most = {name: max(count for key, count in single.items() if documents[key] == name) / len(rows) for name in lists}
    held = {name: len({key for key in single if documents[key] == name}) for name in lists}
    numbers = zip(made.share.tolist(), made.one.tolist(), made.chunks.tolist(), strict=True)
    of_documents = dict(zip(made.places, numbers, strict=True))
    assert of_documents == {name: (len(of) / len(rows), most[name], held[name]) for name, of in lists.items()}
    for name, (share, one, chunks) in of_documents.items():
        among = [len(of) / len(rows) for other, of in lists.items() if held[other] <= chunks]
        excess = made.excess(made)[made.places[name]]
        assert excess == max(share - max(among), one - max(most.values()))
    less = _Shares(made.share / 2, made.one / 2, made.chunks, made.places)
    for name, (share, one, _) in of_documents.items():
        assert less.excess(made, name)[made.places[name]] <= max(share / 2, one - max(most.values()) / 2)


def newcomers(then: list[list[int]], now: list[list[int]], documents: dict[int, str]) -> Newcomers:
    """Chunks from 100 on are new."""
    before, after = (np.array(rows, np.int64) for rows in (then, now))
    names = sorted({key for row in now for key in row if key >= 100})
    earlier = _shares_of(before, documents)
    new = np.array([[names.index(key) if key >= 100 else -1 for key in row] for row in now], np.int64)
    return Newcomers("dense", after.shape[1], after, new, NewChunks((documents[key], ()) for key in names), earlier)


DOCUMENTS = {1: "large", 2: "large", 3: "small", 100: "hub", 101: "hub", 102: "large", 103: "page"}
THEN = [[1, 3]] * 10 + [[2, 3]] * 10 + [[1, 2]] * 20


@pytest.mark.parametrize(
    ("case", "now", "expected"),
    [
        ("nothing is new", THEN, {}),
        ("as many lists as the one document of its size had", [[1, 100]] * 20 + [[1, 2]] * 20, {}),
        ("three more are chance", [[1, 100]] * 23 + [[1, 2]] * 17, {}),
        ("more than that", [[1, 100]] * 25 + [[1, 2]] * 15, {"hub": 2 / 40}),
        ("one of two chunks is measured by those that had two", [[100, 101]] * 30 + [[1, 2]] * 10, {}),
        ("new chunks of what was found as often are no newcomer", [[1, 102]] * 30 + [[1, 2]] * 10, {}),
    ],
)
def test_a_hub_is_measured_by_documents_of_its_size(
    case: str, now: list[list[int]], expected: dict[str, float]
) -> None:
    """`large` stood in all forty lists with two chunks, `small` in twenty with one; no chunk in more than thirty."""
    found = newcomers(THEN, now, DOCUMENTS)
    assert {of.document: pytest.approx(of.excess) for of in found.documents} == expected, case
    assert found.excess == max(expected.values(), default=0.0)
