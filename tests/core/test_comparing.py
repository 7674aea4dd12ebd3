"""Two runs compared: against the field's own tools, and against the monitor on the same lists."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import ir_measures
import numpy as np
import pandas as pd
import pytest
import rbo
from hypothesis import given, settings
from hypothesis import strategies as st
from ir_measures import RR, Judged, Qrel, R, ScoredDoc, nDCG
from scipy.stats import binomtest

import monitor
from monitor import CorpusDriftError, InputError, Rule, RunDrift
from monitor.core.index.baseline import ListLeg
from monitor.core.model.lists import RankedLists
from monitor.core.reporting.drift import Drift, SegmentScope
from monitor.core.session_parts import CAP
from tests.core.snapshots import FINGERPRINT, anchor_set, seen, snapshot

Ids = Mapping[str, Sequence[str]]
NAMES = [f"d{at}" for at in range(14)]
LISTS = st.lists(st.sampled_from(NAMES), unique=True, max_size=12)


def scored(lists: Ids) -> dict[str, dict[str, float]]:
    """The same lists with distinct falling scores."""
    return {query: {one: 1.0 - at / 64 for at, one in enumerate(listed)} for query, listed in lists.items()}


def same(count: int = 60) -> dict[str, list[str]]:
    return {f"q{at}": [f"{at}.{rank}" for rank in range(10)] for at in range(count)}


def swapped(lists: Ids, queries: int, results: int) -> dict[str, list[str]]:
    """The last results of the first queries are others."""
    made = {query: list(listed) for query, listed in lists.items()}
    for query in list(made)[:queries]:
        made[query][-results:] = [f"new {query}.{at}" for at in range(results)]
    return made


@given(st.lists(st.tuples(LISTS, LISTS), min_size=1, max_size=4), st.integers(1, 12))
@settings(deadline=None, max_examples=60)
def test_the_arrays_are_what_the_definitions_say(pairs: list[tuple[list[str], list[str]]], k: int) -> None:
    before = {f"q{at}": pair[0] for at, pair in enumerate(pairs)}
    after = {f"q{at}": pair[1] for at, pair in enumerate(pairs)}
    drift = monitor.compare(before, after, k=k)
    assert drift.queries == tuple(before)
    for at, (whole, other) in enumerate(pairs):
        old, new = whole[:k], other[:k]
        union = set(old) | set(new)
        shared = set(old) & set(new)
        assert drift.jaccard[at] == (len(shared) / len(union) if union else 1.0)
        assert drift.swaps[at] == max(len(old), len(new)) - len(shared)
        assert drift.top1_changed[at] == float(old[:1] != new[:1])
        assert 0.0 <= drift.kendall[at] <= 1.0
        assert 0.0 <= drift.rank_churn[at] <= 1.0
        if old and new:
            expected = rbo.RankingSimilarity(old, new).rbo_ext(p=0.9)
            assert drift.rbo[at] == pytest.approx(expected, abs=1e-9)
    alike = monitor.compare(before, before, k=k)
    assert alike.rbo.tolist() == [1.0] * len(before)
    assert alike.kendall.tolist() == alike.rank_churn.tolist() == [0.0] * len(before)


def test_a_depth_may_be_a_number_of_numpy() -> None:
    depth: Any = np.int64(2)
    assert monitor.compare(same(), same(), k=depth).depths == (2,)
    assert monitor.compare(same(), same(), k=[depth, 1]).depths == (2, 1)


def test_a_notebook_shows_what_was_compared() -> None:
    drift = monitor.compare({"q1": ["a", "b"], "q2": ["c"]}, {"q1": ["a", "x"]}, k=2)
    assert repr(drift) == "<RunDrift of 2 queries at k = 2: jaccard_ratio 0.333, rbo_ratio 0.550, swaps 1.000>"


def test_kendall_and_churn_by_hand() -> None:
    """Fagin et al., of k = 3: the pair a, b is turned round, c and d are apart, of 3 (3 x 3 - 1) / 2 in all."""
    drift = monitor.compare({"q": ["a", "b", "c"]}, {"q": ["b", "a", "d"]}, k=3)
    assert drift.kendall[0] == pytest.approx((1 + 1) / 12)
    assert drift.rank_churn[0] == pytest.approx((1 + 1 + 1 + 1) / 12)


@pytest.mark.parametrize("leg", ["dense", "lexical"])
@given(st.lists(st.tuples(LISTS, LISTS, st.booleans()), min_size=2, max_size=6))
@settings(deadline=None, max_examples=25)
def test_the_monitor_says_the_same_of_the_same_lists(
    leg: Literal["dense", "lexical"], pairs: list[tuple[list[str], list[str], bool]]
) -> None:
    """Every figure, bound and finding that both have, to the bit."""
    before = scored({f"a{at}": pair[0] for at, pair in enumerate(pairs)})
    after = scored({f"a{at}": pair[1] for at, pair in enumerate(pairs)})
    if not any(before.values()):
        before["a0"] = {"d0": 1.0}
    names = {query: {"part": "odd" if pairs[at][2] else "even"} for at, query in enumerate(before)}
    drift = monitor.compare(before, after, k=(10, 3), leg=leg, settle_ties=True)
    report, verdict = drift.judged(None, None, names, min_anchors=1)

    anchors = anchor_set([(("part", of["part"]),) for of in names.values()])
    ranked: list[Mapping[ListLeg, RankedLists]] = [
        {leg: RankedLists.of([list(listed.items()) for listed in run.values()], 10)} for run in (before, after)
    ]
    fingerprint = FINGERPRINT
    theirs = Drift(anchors, fingerprint, SegmentScope(("part",), CAP, 1), (10, 3), {})
    measured = theirs.evaluate(snapshot(anchors, ranked[0], fingerprint=fingerprint), None, seen(ranked[1]))
    expected = {
        (of.metric, of.k, of.dimension, of.segment, of.stat): (of.value, of.n, of.baseline)
        for of in measured.measurements
    }
    mine = report.measurements
    assert len(mine) > 60
    # how much a rebuilt index moves by itself is not known of two runs
    assert "top1_changed_decided_ratio" not in {of.metric for of in mine}
    for of in mine:
        found = expected[of.metric, of.k, of.dimension, of.segment, of.stat]
        np.testing.assert_array_equal((of.value, of.n, of.baseline), found, str(of))
    assert {of.segment for of in mine if of.dimension == "part"} == {of["part"] for of in names.values()}
    for finding in verdict.findings:
        key = finding.metric, finding.k, finding.dimension, finding.segment, finding.stat
        if finding.segment != "pooled":
            assert finding.value == expected[key][0]


@given(
    st.lists(LISTS.filter(bool), min_size=1, max_size=5),
    st.lists(
        st.dictionaries(st.sampled_from(NAMES), st.integers(0, 3), min_size=1, max_size=6), min_size=5, max_size=5
    ),
)
@settings(deadline=None, max_examples=40)
def test_labels_are_measured_as_ir_measures_does(lists: list[list[str]], graded: list[dict[str, int]]) -> None:
    run = {f"q{at}": listed for at, listed in enumerate(lists)}
    qrels = {query: {**graded[at], "always": 1} for at, query in enumerate(run)}
    rows = monitor.compare(run, run, k=5).summary(qrels=qrels)
    flat = [Qrel(query, one, grade) for query, of in qrels.items() for one, grade in of.items()]
    docs = [ScoredDoc(query, one, score) for query, of in scored(run).items() for one, score in of.items()]
    expected = ir_measures.calc_aggregate([nDCG @ 5, R @ 5, RR @ 5, Judged @ 5], flat, docs)
    means = {row["metric"]: row for row in rows if row["stat"] == "mean"}
    judged = expected[Judged @ 5]
    assert means["judged_ratio"]["value"] == pytest.approx(judged)
    if judged < 0.05:
        assert means["ndcg_ratio"]["reason"].startswith("too_few_judged")
        return
    for name, measure in (("ndcg_ratio", nDCG @ 5), ("recall_ratio", R @ 5), ("mrr_ratio", RR @ 5)):
        assert means[name]["value"] == means[name]["baseline"] == pytest.approx(expected[measure]), name


def test_every_form_of_a_run_is_the_same_run() -> None:
    """Ids alone say less, a tie is ordered as trec_eval does: the later id first."""

    @dataclass
    class Ranx:
        """Has what a ranx Run has."""

        run: dict[str, dict[str, float]]

        def to_dict(self) -> dict[str, dict[str, float]]:
            return self.run

    run = {"1": {"a": 0.5, "b": 0.9, "c": 0.5}, "2": {"7": 3.0}}
    flat = [(query, one, score) for query, of in run.items() for one, score in of.items()]
    forms: list[object] = [
        run,
        {1: run["1"], np.int64(2): {7: np.float32(3.0)}},
        Ranx(run),
        [ScoredDoc(*row) for row in flat],
        (ScoredDoc(*row) for row in flat),
        pd.DataFrame(flat, columns=["query_id", "doc_id", "score"]),
        pd.DataFrame([(query, one, at, score) for at, (query, one, score) in enumerate(flat)],
                     columns=["qid", "docno", "rank", "score"]),
        {"1": [("b", 0.9), ["c", 0.5], {"id": "a", "score": 0.5}], "2": [(7, 3.0)]},
    ]  # fmt: skip
    from monitor.core.runs import run_of

    for form in forms:
        made = run_of(form, "run")
        assert made.results == {"1": (("b", 0.9), ("c", 0.5), ("a", 0.5)), "2": (("7", 3.0),)}, form
        assert made.scored
    ids = run_of({"1": ["b", {"doc_id": "c"}, "a"], "2": np.array(["7"])}, "run")
    assert [[one for one, _ in of] for of in ids.results.values()] == [["b", "c", "a"], ["7"]]
    assert not ids.scored


@pytest.mark.parametrize(
    ("run", "said"),
    [
        ({}, "after: no queries; expected at least one"),
        ([], "after: no queries; expected at least one"),
        (7, "after: a int; expected {query: [id, …]}"),
        (None, "after: a NoneType; expected {query: [id, …]}"),
        ({"q": None}, "after: query 'q': None is a NoneType; expected [id, …], [(id, score), …] or {id: score}"),
        ({"q": "abc"}, "after: query 'q': 'abc' is a str; expected [id, …]"),
        ({"q": ["a", "b", "a"]}, "after: query 'q': 'a' at ranks 1 and 3; expected each result once"),
        ({"q": {1: 1.0, "1": 2.0}}, "after: query 'q': an id twice, as text and as a number"),
        ({1: ["a"], "1": ["b"]}, "after: query '1' twice, as text and as a number; expected once"),
        ({"q": {"a": math.nan}}, "after: query 'q': score of 'a': nan; expected a finite number"),
        ({"q": [("a", math.inf)]}, "after: query 'q': rank 1: score of 'a': inf; expected a finite number"),
        ({"q": {"a": "0.5"}}, "after: query 'q': score of 'a': '0.5'; expected a finite number"),
        ({"q": [("a", 0.1), ("b", 0.2)]}, "after: query 'q': 'b' at rank 2 has score 0.2, above 0.1 before it"),
        ({"q": [("a", 0.1), "b"]}, "after: query 'q': rank 1 has a score, rank 2 is otherwise; expected one form"),
        ({"q": ["a", ("b", 0.1)]}, "after: query 'q': rank 1 has no score, rank 2 is otherwise; expected one form"),
        ({"q": [("a", 0.1, 2)]}, "after: query 'q': rank 1: ('a', 0.1, 2); expected an id, or (id, score)"),
        ({"q": ["a"], "r": {"b": 1.0}}, "after: query 'r' has scores, query 'q' has none; expected one form"),
        ({"q": [""]}, "after: query 'q': rank 1: id ''; expected text that is not empty"),
        ({"q": [1.5]}, "after: query 'q': rank 1: id 1.5; expected text that is not empty"),
        ({"q": [True]}, "after: query 'q': rank 1: id True; expected text"),
        ({None: ["a"]}, "after: query: id None; expected text"),
        ({"q": ["\ud800"]}, "half a character; expected text"),
        ({"r": ["a"]}, "before and after: no query in both; expected the same queries, by id"),
        ([("q", "a", 1.0)], "after: row 0: ('q', 'a', 1.0) is a tuple; expected query_id, doc_id and score on it"),
        (pd.DataFrame({"qid": ["q"], "docno": ["a"]}), "after: columns qid, docno; expected one of score among them"),
        (pd.DataFrame({"qid": ["q", "q"], "id": ["a", "a"], "score": [1, 2]}), "after: query 'q': 'a' twice"),
    ],
)  # fmt: skip
def test_a_run_that_cannot_be_used_is_named_in_one_line(run: object, said: str) -> None:
    with pytest.raises(CorpusDriftError) as caught:
        monitor.compare({"q": {"a": 1.0}}, run)
    assert str(caught.value).startswith(said) or said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"k": 0}, "k = 0: expected one or more distinct whole numbers from 1"),
        ({"k": (5, 5)}, "k = (5, 5): expected one or more distinct"),
        ({"k": ()}, "k = (): expected one or more"),
        ({"k": (2.5,)}, "k = (2.5,): expected"),
        ({"k": 2.5}, "k = 2.5: expected"),
        ({"k": "10"}, "k = '10': expected"),
        ({"k": True}, "k = True: expected"),
        ({"k": 40_000}, "k = 40000: expected"),
        ({"leg": "sparse"}, "leg 'sparse': expected 'dense' or 'lexical'"),
    ],
)
def test_arguments_that_cannot_be_used_are_named(arguments: dict[str, object], said: str) -> None:
    with pytest.raises(InputError) as caught:
        monitor.compare({"q": ["a"]}, {"q": ["a"]}, **arguments)  # type: ignore[arg-type]  # wrong on purpose
    assert str(caught.value).startswith(said)


def test_queries_on_one_side_are_not_measured_and_counted() -> None:
    before, after = same(40), same(41)
    del after["q0"]
    drift = monitor.compare(before, after)
    assert (drift.only_before, drift.only_after) == (("q0",), ("q40",))
    assert math.isnan(drift.swaps[0])
    assert drift.swaps[1:].tolist() == [0.0] * 39
    assert drift.notes == (
        "1 of 40 queries have no list in after: not measured", "1 queries are only in after: left out",
    )  # fmt: skip
    row = next(row for row in drift.summary() if (row["metric"], row["stat"]) == ("swaps", "mean"))
    assert (row["n"], row["expected"], row["reason"]) == (39, 40, "not_replayed: 1 x not in after")
    half = monitor.compare(before, {query: of for query, of in after.items() if int(query[1:]) % 2})
    assert half.judge().verdict == "inconclusive", "what is not measured may be anything"


def test_short_and_empty_lists_are_lists() -> None:
    """A list shorter than k ended: both empty is no change, one empty is all of it."""
    drift = monitor.compare({"q": [], "r": ["a"], "s": ["a", "b"]}, {"q": [], "r": [], "s": ["a", "b"]}, k=10)
    assert drift.jaccard.tolist() == [1.0, 0.0, 1.0]
    assert drift.swaps.tolist() == [0.0, 1.0, 0.0]
    assert drift.top1_changed.tolist() == [0.0, 1.0, 0.0]
    cut = monitor.compare({"q": ["a", "b", "c"]}, {"q": ["a"]}, k=3)
    assert cut.notes == (
        "no list of after has more than 1 results, k = 3: what it may have been cut off counts as absent",
    )
    assert cut.swaps.tolist() == [2.0]


def test_nothing_that_could_change_is_unknown() -> None:
    verdict = monitor.compare({f"q{at}": [] for at in range(50)}, {f"q{at}": [] for at in range(50)}).judge()
    assert verdict.verdict == "unknown"
    assert verdict.reasons == ("every list of before is empty: there is nothing that could change; expected results",)


def test_ties_broken_otherwise_at_the_cut_are_no_change_of_a_dense_list() -> None:
    before = {"q": {"a": 0.9, "b": 0.5, "c": 0.5 - 1e-7}}
    after = {"q": {"a": 0.9, "c": 0.5, "b": 0.5 - 1e-7}}
    assert monitor.compare(before, after, k=2, settle_ties=True).swaps.tolist() == [0.0]
    assert monitor.compare(before, after, k=2, leg="lexical", settle_ties=True).swaps.tolist() == [1.0]


def test_scores_made_of_ranks_hide_no_change() -> None:
    """What took the last place has the score of what stood there: of rank fusion that says nothing."""
    drift = monitor.compare(scored(same()), scored(swapped(same(), 60, 1)))
    assert drift.swaps.tolist() == [1.0] * 60
    means = {row["metric"]: row["value"] for row in drift.summary() if row["stat"] == "mean"}
    assert (means["swaps"], means["collapsed_swaps"]) == (1.0, 1.0)


def test_lists_that_are_one_tie_cannot_be_settled_for_all_of_their_changes_would_vanish() -> None:
    before = {query: dict.fromkeys(listed, 1.0) for query, listed in same(3).items()}
    after = {query: {f"new {one}": 1.0 for one in listed} for query, listed in same(3).items()}
    with pytest.raises(InputError, match="before: in 3 of 3 lists all scores lie within 1e-06 and would tie"):
        monitor.compare(before, after, settle_ties=True)
    assert monitor.compare(before, after).swaps.tolist() == [10.0] * 3


def test_ids_alone_are_measured_without_scores() -> None:
    drift = monitor.compare(same(), scored(swapped(same(), 3, 1)))
    metrics = {row["metric"] for row in drift.summary()}
    assert not drift.scored
    assert "swaps" in metrics
    assert not metrics & {"top1_score", "gap", "score_wasserstein", "top1_changed_decided_ratio"}
    verdict = drift.judge([Rule("score", "top1_score_drop", "dense", "p95", 0, max=0.1)])
    assert (verdict.verdict, "not measured" in verdict.reasons[0]) == ("unknown", True)


@pytest.mark.parametrize(
    ("queries", "results", "expected"), [(0, 1, "pass"), (60, 6, "fail"), (10, 5, "inconclusive")]
)
def test_the_default_policy_is_that_of_the_gate(queries: int, results: int, expected: str) -> None:
    before = same()
    verdict = monitor.compare(before, swapped(before, queries, results)).judge()
    assert verdict.verdict == expected
    critical = [finding for finding in verdict.findings if finding.severity == "critical"]
    swaps = next(finding for finding in critical if finding.metric == "new_results")
    assert swaps.value == pytest.approx(queries * results / 60)


def test_bounds_of_a_share_are_the_binomial_ones() -> None:
    """Queries of distinct first results are independent: Clopper and Pearson."""
    before = same(60)
    after = {query: [f"new {query}", *listed[:-1]] if at < 9 else listed
             for at, (query, listed) in enumerate(before.items())}  # fmt: skip
    rows = monitor.compare(before, after).summary()
    row = next(row for row in rows if row["metric"] == "top1_changed_ratio")
    interval = binomtest(9, 60).proportion_ci(0.9, "exact")
    assert row["value"] == pytest.approx(9 / 60)
    assert (row["lower"], row["upper"]) == pytest.approx((interval.low, interval.high), abs=1e-6)


def test_a_rule_on_labels_judges_the_labelled_queries() -> None:
    before = same()
    qrels = {f"q{at}": {f"{at}.9": 1, f"{at}.0": 1} for at in range(40)}
    rule = Rule("recall", "recall_ratio", "dense", "mean", 10, min=0.8, min_anchors=20)
    assert monitor.compare(before, before).judge([rule], qrels).verdict == "pass"
    lost = monitor.compare(before, swapped(before, 40, 1)).judge([rule], qrels)
    (finding,) = lost.findings
    assert (lost.verdict, finding.value, finding.n) == ("fail", 0.5, 40)


def test_too_few_queries_are_said() -> None:
    drift = monitor.compare(same(3), same(3))
    assert drift.judge().reasons == ("3 queries; expected at least 20 to judge (min_anchors)",)
    assert drift.judge().verdict == "unknown"
    assert drift.judge([]).verdict == "unknown", "an empty policy never passes"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"segments": {"x": {"a": "b"}}}, "segments: names none of the 3 queries compared; expected the same ids"),
        ({"qrels": {"x": {"a": 1}}}, "qrels: names none of the 3 queries compared"),
        ({"qrels": {"q0": {"a": math.nan}}}, "qrels: query 'q0': grade of 'a': nan; expected a finite number"),
        ({"qrels": {"q0": ["a"]}}, "qrels: query 'q0': ['a'] is a list; expected {id: grade}"),
        ({"segments": {"q0": {"a": 1}}}, "segments: query 'q0': 'a' = 1; expected text for both"),
        ({"segments": ["q0"]}, "segments: a list; expected {query: {attribute: value}}"),
        ({"min_anchors": 0}, "min_anchors = 0: expected 1 or more"),
    ],
)
def test_what_is_asked_beside_the_lists_is_checked(arguments: dict[str, object], said: str) -> None:
    drift = monitor.compare(same(3), same(3))
    for ask in (drift.summary, drift.judge):
        with pytest.raises(InputError) as caught:
            ask(**arguments)  # type: ignore[arg-type]  # wrong on purpose
        assert str(caught.value).startswith(said)


def test_judgements_of_any_form_are_the_same() -> None:
    flat = [("q0", "0.1", 1), ("q0", "0.2", 0)]
    drift = monitor.compare(same(3), same(3))
    forms: list[object] = [
        {"q0": {"0.1": 1, "0.2": 0}}, [Qrel(*row) for row in flat],
        pd.DataFrame(flat, columns=["query_id", "doc_id", "relevance"]),
        pd.DataFrame(flat, columns=["qid", "docno", "label"]),
    ]  # fmt: skip
    # NaN is unlike itself, its text is not
    assert len({str(list(drift.summary(qrels=form))) for form in forms}) == 1


def test_a_table_is_rows_a_frame_and_readable() -> None:
    before = same(60)
    names = {query: "odd" if at % 2 else "even" for at, query in enumerate(before)}
    table = monitor.compare(before, swapped(before, 6, 1)).summary(names, min_anchors=20)
    frame = table.to_pandas()
    assert frame.to_dict("records")[0].keys() == table[0].keys()
    assert len(frame) == len(table)
    assert table[:2].rows == table.rows[:2]
    shown = repr(table).splitlines()
    assert shown[0].split() == ["measure", "k", "segment", "mean", "95%", "bounds", "before", "queries"]
    assert any(line.split()[:3] == ["swaps", "10", "segment=odd"] for line in shown)
    assert set(frame.segment) == {"all", "even", "odd"}


def test_a_measure_that_is_not_there_is_named_with_those_that_are() -> None:
    drift: RunDrift = monitor.compare(same(2), same(2), k=(3, 5))
    with pytest.raises(
        InputError, match=r"measure 'swops' at k = 3: not measured per query; expected one of .*swaps@5"
    ):
        drift.values("swops")
    assert drift.values("swaps", 5).tolist() == [0.0, 0.0]
    assert (drift.k, drift.depths) == (3, (3, 5))
