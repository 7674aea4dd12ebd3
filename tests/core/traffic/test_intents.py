"""New intents: clusters by hand, by a plain leader algorithm, in any order, and never of a few people."""

from collections.abc import Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.traffic.coverage import AskTable
from monitor.core.traffic.intents import KeptText, TrafficIntent, leading, new_intents
from monitor.core.traffic.model import TrafficStanding
from tests.core.traffic.test_coverage import ANCHORS, KEY, ledger_of
from tests.core.traffic.test_ledger import mark
from tests.core.traffic.test_representing import rbo

NEW = {
    "en pay": TrafficStanding(KEY, 0.2, leg="dense", results=(1, 2, 3, 4)),
    "en pay now": TrafficStanding("", 0.0, leg="dense", results=(1, 2, 3, 5)),
    "en fax": TrafficStanding("", 0.0, leg="dense", results=(7, 8, 9)),
    "key": TrafficStanding(KEY, 0.9, leg="dense"),
}
Ask = tuple[int, str, str, int, float]


def week(day: int, question: str, clients: int, first: int = 0) -> list[Ask]:
    return [(day, question, f"c{n}", 1, 1.0) for n in range(first, first + clients)]


def found(asks: Sequence[Ask], texts: dict[bytes, KeptText] | None = None) -> tuple[TrafficIntent, ...]:
    ledger = ledger_of(asks, dict(NEW))
    return new_intents(AskTable.of(ledger), ledger, ANCHORS, texts or {})


TWO_WEEKS = [
    *week(100, "en pay", 15),
    *week(100, "en pay now", 8, 12),
    *week(107, "en pay", 25),
    *week(107, "key", 50),
]


def test_by_hand() -> None:
    texts = {mark("en pay now"): KeptText("pay now")}
    (intent,) = found(TWO_WEEKS, texts)
    assert intent.mark == mark("en pay")
    assert (intent.questions, intent.this_week, intent.last_week) == (2, 25, 20)
    assert (intent.nearest, intent.likeness) == ("key", 0.2)
    assert intent.text == KeptText("pay now")
    assert 0.3 < intent.share.share < 0.6


def test_one_client_fewer_in_either_week_and_nobody_hears_of_it() -> None:
    for at in range(2):
        fewer = [of for of in TWO_WEEKS if of[:3] != ((100, "en pay now", "c19") if at else (107, "en pay", "c24"))]
        assert len(fewer) == len(TWO_WEEKS) - 1
        assert bool(found(fewer)) == (at == 0), "25 are enough without one, 20 are not"


def test_the_anonymous_and_the_busy_are_no_crowd() -> None:
    assert found([(day, "en pay", "", 500, 500.0) for day in (100, 107)]) == ()
    assert found([(day, "en pay", "c", 500, 500.0) for day in (100, 107)]) == ()


def test_what_a_represented_question_asks_is_not_new() -> None:
    assert found([*week(100, "key", 40), *week(107, "key", 40)]) == ()


def test_one_week_is_a_campaign() -> None:
    assert found([*week(100, "key", 40), *week(107, "en pay", 40)]) == ()
    assert found([]) == ()


def plain(results: Sequence[tuple[str, tuple[()], Sequence[int]]]) -> list[int]:
    leaders: list[int] = []
    made: list[int] = []
    for at, (leg, _, marks) in enumerate(results):
        near = (of for of in leaders if results[of][0] == leg and rbo(results[of][2], marks) >= 0.5)
        leader = next(near, at)
        leaders += [at] if leader == at else []
        made.append(leader)
    return made


LISTS = st.lists(
    st.tuples(
        st.sampled_from(["dense", "lexical"]), st.just(()), st.permutations(range(8)).flatmap(
            lambda order: st.integers(1, 8).map(lambda cut: tuple(order[:cut]))
        ),
    ),
    max_size=25,
)  # fmt: skip


@settings(max_examples=80)
@given(LISTS)
def test_it_is_the_plain_leader_algorithm(results: list[tuple[str, tuple[()], tuple[int, ...]]]) -> None:
    assert leading(results) == plain(results)


@settings(max_examples=40)
@given(st.randoms())
def test_the_order_of_arrival_decides_nothing(random: object) -> None:
    other = list(TWO_WEEKS) + week(100, "en fax", 30, 40) + week(107, "en fax", 22, 40)
    expected = found(other)
    assert len(expected) == 2
    random.shuffle(other)  # type: ignore[attr-defined]
    assert repr(found(other)) == repr(expected)


def test_lists_of_one_result_are_alike_only_where_they_are_equal() -> None:
    assert leading([("dense", (), (1,)), ("dense", (), (2,)), ("dense", (), (1,))]) == [0, 1, 0]
    assert leading([]) == []
    assert np.unique(leading([("dense", (), (n, 99)) for n in range(5)])).tolist() == [0, 1, 2, 3, 4]
