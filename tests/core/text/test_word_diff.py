"""Words that changed: worked by hand, and always a way from one text to the other."""

import doctest
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.text import word_diff as module
from monitor.core.text.word_diff import SPARE, word_diff

texts = st.lists(st.sampled_from(["a", "b", "c", "dd", "é", "<b>"]), max_size=30).map(" ".join)


@pytest.mark.parametrize(
    ("before", "after", "runs"),
    [
        ("", "", []),
        ("a b", "a b", [("same", "a b")]),
        ("a", "", [("gone", "a")]),
        ("", "a b", [("new", "a b")]),
        ("one two three", "one 2 three four", [("same", "one"), ("gone", "two"), ("new", "2"), ("same", "three"),
                                               ("new", "four")]),
        ("a  b\n\nc", "a b c", [("same", "a b c")]),
    ],
)  # fmt: skip
def test_hand_worked(before: str, after: str, runs: list[tuple[str, str]]) -> None:
    assert [tuple(run[:2]) for run in word_diff(before, after).runs] == runs


@given(texts, texts)
def test_what_is_gone_and_the_same_is_the_text_before_and_what_is_new_the_one_after(before: str, after: str) -> None:
    made = word_diff(before, after, context=1_000)
    old = " ".join(run.text for run in made.runs if run.kind in ("same", "gone"))
    new = " ".join(run.text for run in made.runs if run.kind in ("same", "new"))
    assert (old, new) == (before, after)
    assert made.gone == sum(run.words for run in made.runs if run.kind == "gone")
    assert made.same == (before.split() == after.split())


@given(texts, texts, st.integers(0, 5), st.integers(0, 3))
def test_what_is_left_out_is_counted(before: str, after: str, most: int, context: int) -> None:
    made = word_diff(before, after, most=most, context=context)
    for kind, text, left in (("gone", before, made.uncompared[0]), ("new", after, made.uncompared[1])):
        words = sum(run.words for run in made.runs if run.kind in ("same", "skipped", kind))
        assert words + left == len(text.split())
    assert all(run.words > SPARE for run in made.runs if run.kind == "skipped")


def test_long_unchanged_parts_are_left_out_but_beside_a_change() -> None:
    many = [f"w{at}" for at in range(100)]
    made = word_diff(" ".join(many), " ".join([*many[:50], "new", *many[50:]]), context=3)
    said = [(run.kind, run.text if run.words < 9 else "", run.words) for run in made.runs]
    assert said == [
        ("skipped", "", 47), ("same", "w47 w48 w49", 3), ("new", "new", 1), ("same", "w50 w51 w52", 3),
        ("skipped", "", 47),
    ]  # fmt: skip


def test_long_hostile_texts_end() -> None:
    """Words that repeat a little, in another order: what difflib is slowest at."""
    one = " ".join(f"w{(at * 7919) % 199}" for at in range(20_000))
    other = " ".join(f"w{(at * 104_729 + 3) % 199}" for at in range(20_000))
    began = time.process_time()
    made = word_diff(one, other)
    assert min(made.uncompared) > 17_000
    assert time.process_time() - began < 20.0


def test_the_examples_in_docstrings_run() -> None:
    assert doctest.testmod(module).attempted > 1
