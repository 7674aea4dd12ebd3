"""The sign that judgements decide, against all grades that the open results could have."""

import math
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.migration.cheap_judging import judged_sign, slots_to_judge
from monitor.core.model.events import chunk_key
from monitor.core.model.lists import RankedLists

CHUNKS = "abcdef"
ORDER = st.lists(st.sampled_from(CHUNKS), unique=True, max_size=4)


def ranked(rows: list[list[str] | None]) -> RankedLists:
    return RankedLists.of(
        [row if row is None else [(c, 1.0 - at / 10) for at, c in enumerate(row)] for row in rows], 4
    )


def gain(row: list[str], grades: dict[str, float], depth: int) -> float:
    """Discounted cumulative gain, rank by rank."""
    return sum(grades.get(chunk, 0.0) / math.log2(rank + 1) for rank, chunk in enumerate(row[:depth], 1))


def test_only_what_differs_is_asked() -> None:
    found = slots_to_judge(ranked([["a", "b", "c"], ["a"]]), ranked([["a", "c", "d"], ["a"]]), [1.0, 1.0], 3)
    asked = [(slot.key, slot.old_rank, slot.new_rank) for slot in found]
    assert asked[0] == (chunk_key("b"), 2, 0)
    assert set(asked) == {(chunk_key("b"), 2, 0), (chunk_key("c"), 3, 2), (chunk_key("d"), 0, 3)}
    assert not slots_to_judge(ranked([None]), ranked([["a"]]), [1.0], 3)
    judged = slots_to_judge(ranked([["a"]]), ranked([["b"]]), [1.0], 3, [frozenset({chunk_key("a")})])
    assert [slot.key for slot in judged] == [chunk_key("b")]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(ORDER, ORDER), min_size=1, max_size=2), st.data())
def test_the_bounds_are_those_of_all_possible_grades(
    pairs: list[tuple[list[str], list[str]]], data: st.DataObject
) -> None:
    old, new = ([pair[side] for pair in pairs] for side in (0, 1))
    slots = slots_to_judge(ranked(list(old)), ranked(list(new)), [1.0] * len(pairs), 3)
    judged = data.draw(st.lists(st.sampled_from(slots), unique=True)) if slots else []
    grades = {(slot.row, slot.key): float(data.draw(st.integers(0, 1))) for slot in judged}
    found = judged_sign(slots, grades, float(len(pairs)))
    open_ = [slot for slot in slots if (slot.row, slot.key) not in grades][:6]
    if len(open_) < len(slots) - len(grades):
        return  # too many to try out
    reached = []
    names = {chunk_key(chunk): chunk for chunk in CHUNKS}
    for filled in product((0.0, 1.0), repeat=len(open_)):
        given_ = {**grades, **{(slot.row, slot.key): grade for slot, grade in zip(open_, filled, strict=True)}}
        total = 0.0
        for row in range(len(pairs)):
            own = {names[key]: grade for (at, key), grade in given_.items() if at == row}
            total += gain(new[row], own, 3) - gain(old[row], own, 3)
        reached.append(total / len(pairs))
    assert found.lower == pytest.approx(min(reached), abs=1e-9)
    assert found.upper == pytest.approx(max(reached), abs=1e-9)
    if found.sign:
        assert all(value * found.sign > -1e-12 for value in reached), "a decided sign never turns"
    assert found.judged + found.open == len(slots)


def test_identical_versions_have_nothing_to_judge() -> None:
    same = ranked([["a", "b"]])
    found = judged_sign(slots_to_judge(same, same, [1.0], 2), {}, 1.0)
    assert (found.lower, found.upper, found.sign) == (0.0, 0.0, 0)


def test_judging_the_heaviest_first_decides_early() -> None:
    """A new version that only adds relevant results above irrelevant ones: decided before all are judged."""
    old, new = ranked([["a", "b", "c", "d"]] * 30), ranked([["e", "f", "c", "d"]] * 30)
    slots = slots_to_judge(old, new, [1.0] * 30, 4)
    truth = {chunk_key("e"): 1.0, chunk_key("f"): 1.0}
    grades: dict[tuple[int, int], float] = {}
    for slot in slots:
        if judged_sign(slots, grades, 30.0).sign:
            break
        grades[slot.row, slot.key] = truth.get(slot.key, 0.0)
    assert judged_sign(slots, grades, 30.0).sign == 1
    assert len(grades) < len(slots)
