"""The parts of the lexical engine by themselves: idf, names, filters, forward lists, and the bound."""

import itertools
import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rank_bm25 import BM25Okapi

from monitor.core.arrays.compile import compiled
from monitor.core.index.lexical import names as names_module
from monitor.core.index.lexical.arrays import Queries
from monitor.core.index.lexical.bm25 import Bm25Scorer
from monitor.core.index.lexical.bound import unproved
from monitor.core.index.lexical.forward import ForwardLists
from monitor.core.index.lexical.kernels import count
from monitor.core.index.lexical.names import OrderLabels
from monitor.core.index.lexical.queries import QueryFilters, QueryPlan, compile_queries
from monitor.core.model.segments import admits

TOKENS = st.sampled_from("abcdefgh")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(TOKENS, min_size=1, max_size=8), min_size=1, max_size=12))
def test_idf_equals_rank_bm25(documents: list[list[str]]) -> None:
    oracle, bm25 = BM25Okapi(documents), Bm25Scorer()
    df = {token: sum(token in text for text in documents) for token in {t for text in documents for t in text}}
    spread = np.bincount(list(df.values()))
    distinct = np.flatnonzero(spread)
    average = bm25.average_idf(len(documents), distinct, spread[distinct])
    assert math.isclose(average, oracle.average_idf, abs_tol=1e-12)
    found = bm25.idf(len(documents), np.array(list(df.values()), np.int64), average)
    np.testing.assert_allclose(found, [oracle.idf[token] for token in df], rtol=1e-12, atol=1e-12)


def test_idf_by_hand() -> None:
    df = np.array([0, 1, 2, 4], np.int64)
    np.testing.assert_allclose(
        Bm25Scorer("lucene").idf(4, df, 99.0)[1:], [math.log(1 + 3.5 / 1.5), math.log(2), math.log(1 + 0.5 / 4.5)]
    )
    okapi = Bm25Scorer().idf(4, df, 2.0)
    assert okapi[0] == 0.0  # nobody has it
    assert okapi[2] == 0.0  # exactly half
    assert okapi[3] == 0.5  # below zero: epsilon times the average
    assert Bm25Scorer().average_idf(0, df[:0], df[:0]) == 0.0


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"variant": "plus"}, "variant 'plus': expected 'okapi' or 'lucene'"),
        ({"k1": 0.0}, r"k1=0.0.* expected k1 > 0"),
        ({"b": 1.5}, r"b=1.5.* b in 0..1"),
        ({"k1": math.nan}, "k1=nan"),
        ({"epsilon": -1.0}, "epsilon=-1.0"),
    ],
)
def test_parameters_are_checked(parameters: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Bm25Scorer(**parameters)  # type: ignore[arg-type] # wrong on purpose


@pytest.fixture(params=[2, 4, 512])
def _block(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names_module, "_BLOCK", request.param)


@pytest.mark.usefixtures("_block")
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.lists(st.tuples(st.integers(0, 40), st.text("abé", max_size=3), st.booleans()), max_size=60))
def test_labels_stand_in_the_order_of_names(steps: list[tuple[int, str, bool]]) -> None:
    names = [""] * 41
    order = OrderLabels(names)
    order.reach(41)
    placed: dict[int, str] = {}
    for slot, name, rename in steps:
        if rename:
            names[slot] = name
            gone = order.forget(np.array([slot], np.int64)).tolist()
            assert gone == ([slot] if slot in placed and placed.pop(slot) != name else [])
            if not gone and order.label[slot]:
                placed[slot] = name
        else:
            order.place(np.array([slot], np.int64))
            placed[slot] = names[slot]
        for left, right in itertools.combinations(placed, 2):
            if placed[left] != placed[right]:
                assert (order.label[left] < order.label[right]) == (placed[left] < placed[right])
        assert len(order) == len(placed)


def test_labels_that_nobody_looks_at_are_taken_back() -> None:
    names = [f"c{at * 7919 % 20_000:05d}" for at in range(20_000)]
    order = OrderLabels(names)
    order.reach(len(names))
    order.place(np.arange(4096))
    assert not order.crowded()
    order.place(np.arange(12_000))
    assert order.crowded()
    order.keep(np.arange(0, 20_000, 2))
    assert not order.crowded()
    assert np.flatnonzero(order.label).tolist() == list(range(0, 12_000, 2))
    order.place(np.arange(1, 3001, 2))
    placed = np.flatnonzero(order.label).tolist()
    assert sorted(placed, key=order.label.__getitem__) == sorted(placed, key=names.__getitem__)
    names[7] = "a"
    assert order.forget(np.array([7, 9, 4001])).tolist() == [7]


def test_labels_survive_a_run_into_one_gap() -> None:
    """Names that always fall between the same two use up the room between their labels."""
    names = ["a", "z"] + ["y" * n for n in range(200, 0, -1)] + [f"f{n}" for n in range(400)]
    order = OrderLabels(names)
    order.reach(len(names))
    order.place(np.arange(202, len(names)))
    order.place(np.arange(2))
    for slot in range(2, 202):
        order.place(np.array([slot]))
    assert np.argsort(order.label[: len(names)]).tolist() == sorted(range(len(names)), key=names.__getitem__)


PAIRS = st.sets(st.tuples(st.sampled_from("xyz"), st.sampled_from("12"))).map(lambda pairs: tuple(sorted(pairs)))


@given(st.lists(PAIRS, min_size=1, max_size=4), st.lists(PAIRS, max_size=8))
def test_folding_segments_changes_no_filter(
    filters: list[tuple[tuple[str, str], ...]], segments: list[tuple[tuple[str, str], ...]]
) -> None:
    admission = QueryFilters(filters)
    folded = admission.encode(segments)
    for row, wanted in zip(admission.wanted.tolist(), filters, strict=True):
        found = [bool(admission.allowed[row, at]) for at in folded.tolist()]
        assert found == [admits(wanted, segment) for segment in segments]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 7), st.lists(st.integers(0, 30), max_size=40)), max_size=40))
def test_forward_lists_equal_a_dictionary(steps: list[tuple[int, list[int]]]) -> None:
    """Each step removes a slot if it is live and stores new tokens there: lists and totals stay right."""
    forward, live = ForwardLists(), dict[int, list[int]]()
    local = np.full(31, -1, np.int32)
    local[:5] = range(5)
    for slot, tokens in steps:
        at = np.array([slot])
        if slot in live:
            assert sorted(forward.drop(at).tolist()) == sorted(set(live.pop(slot)))
        counted = count(np.array(tokens, np.int32), np.array([0, len(tokens)]), local)
        forward.store(at, counted, np.array([len(tokens)]), np.zeros(1, np.int32))
        live[slot] = tokens
        assert (forward.documents, forward.total_length) == (len(live), sum(map(len, live.values())))
        assert forward.live().tolist() == sorted(live)
        for whole in (True, False):
            lists = forward.lists(forward.live(), whole=whole)
            for start, size, held in zip(lists.starts, lists.sizes, lists.slots, strict=True):
                found = dict(
                    zip(lists.ids[start : start + size], lists.frequencies[start : start + size], strict=True)
                )
                assert found == {t: live[held].count(t) for t in live[held] if whole or t < 5}


def test_forward_lists_compact_and_refuse_a_free_slot() -> None:
    forward, local = ForwardLists(), np.full(200_000, -1, np.int32)
    sizes = np.full(2000, 90)
    tokens = np.arange(180_000, dtype=np.int32)
    counted = count(tokens, np.concatenate((np.zeros(1, np.int64), np.cumsum(sizes))), local)
    forward.store(np.arange(2000), counted, sizes, np.zeros(2000, np.int32))
    forward.drop(np.arange(0, 2000, 2))
    forward.compact_if_needed()
    assert forward.compactions == 0
    forward.drop(np.array([1, 3]))
    forward.compact_if_needed()
    assert forward.compactions == 1
    lists = forward.lists(np.array([5]), whole=True)
    assert lists.ids[lists.starts[0] : lists.starts[0] + 90].tolist() == list(range(450, 540))
    with pytest.raises(ValueError, match="removed slot holds no chunk, slots 0 to 0"):
        forward.drop(np.array([0]))


def planned(weights: Sequence[Sequence[float]], average: float = 10.0) -> tuple[QueryPlan, Queries]:
    """Rows with given weights, each term of its own."""
    ids = iter(range(1000))
    plan = compile_queries([np.array([next(ids) for _ in row], np.int32) for row in weights], [()] * len(weights))
    flat = np.array([weight for row in plan.order.tolist() for weight in weights[row]])
    queries = plan.weighted(np.zeros(len(plan.terms)), average, plan.local(1000), (1.5, 0.75))
    return plan, queries._replace(weight=flat)


WEIGHT = st.floats(-2.0, 8.0)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_the_bound_holds_for_every_chunk_outside(data: st.DataObject) -> None:
    """Any chunk whose epoch score is at most the floor scores at most what the bound allows under any new weights."""
    size = data.draw(st.integers(1, 4))
    old = data.draw(st.lists(WEIGHT, min_size=size, max_size=size))
    new = data.draw(st.lists(WEIGHT, min_size=size, max_size=size))
    frequency = np.array(data.draw(st.lists(st.integers(0, 9), min_size=size, max_size=size)), np.float64)
    lengths = data.draw(st.tuples(st.floats(1, 50), st.floats(1, 50)))
    length = max(1.0, float(frequency.sum())) * data.draw(st.floats(1, 9))
    plan, epoch = planned([old], lengths[0])
    now = planned([new], lengths[1])[1]

    def score(queries: Queries) -> float:
        norm = 1.5 * (0.25 + 0.75 * length / queries.average[0])
        return float((queries.weight * frequency * 2.5 / (frequency + norm)).sum())

    floor = np.array([score(epoch) + data.draw(st.floats(0, 3))])
    assert unproved(plan, epoch, now, floor, np.array([score(now)])).tolist() == [0]


def test_the_bound_is_the_knapsack_by_hand() -> None:
    """Two terms of most 2.5 and 5 at weights 1 and 2; the first grew by half. With 3 to spend: 2.5 * 1.5 + 0.5."""
    plan, epoch = planned([[1.0, 2.0]])
    now = epoch._replace(weight=np.array([1.5, 2.0]))
    floor = np.array([3.0])
    assert unproved(plan, epoch, now, floor, np.array([4.2500001])).tolist() == []
    assert unproved(plan, epoch, now, floor, np.array([4.25])).tolist() == [0]
    assert unproved(plan, epoch, now, np.array([-np.inf]), np.array([-np.inf])).tolist() == []


def test_compiled_functions_are_cached_in_the_package_or_not_at_all() -> None:
    def twice(number: int) -> int:
        return number * 2

    made = compiled(twice)
    assert made(21) == 42
    path = getattr(made, "stats").cache_path  # noqa: B009 - numba's, unknown to the type
    assert path is None or path.endswith("__pycache__")
