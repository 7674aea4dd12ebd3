"""The gate's rules, one table row each, and what it must never do."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.judging.hypotheses import GateEvidence
from monitor.core.judging.judgement import _parts, judge_deploy
from monitor.core.judging.point_verdict import judge
from monitor.core.judging.policy import Finding, Verdict
from monitor.core.measures.comparison.summary import Summarised, SummaryTable
from monitor.core.measures.formulas.columns import Name
from monitor.core.model.problems import Problem, ProblemKind
from monitor.core.model.report import BaselineIdentity, Leg
from tests.core.judging.cases import SWAPS, Values, alignment, baseline, compared, found, rule, sized, verdict

NAN = float("nan")
TOP1 = Name("collapsed_top1_changed_ratio", 10)


def filled(count: int, *levels: tuple[float, int]) -> Values:
    """Zeros, with so many anchors at each level."""
    made = np.zeros(count)
    at = 0
    for level, many in levels:
        made[at : at + many] = level
        at += many
    return made


@pytest.mark.parametrize(
    ("case", "values", "expected"),
    [
        ("nothing changed, enough anchors", filled(100), "pass"),
        ("nothing changed, five anchors: zero variance proves nothing", filled(5), "inconclusive"),
        ("nothing changed, the fewest anchors that can pass", filled(14), "pass"),
        ("one fewer", filled(13), "inconclusive"),
        ("harm well above the tolerance", filled(100, (6.0, 100)), "fail"),
        ("harm above in five anchors only: 2 of 10 is beyond chance", filled(5, (10.0, 5)), "fail"),
        ("harm just above the tolerance", filled(100, (2.02, 100)), "inconclusive"),
        ("harm exactly the tolerance", filled(100, (2.0, 100)), "inconclusive"),
        ("mean below, but the bound is above", filled(30, (10.0, 5)), "inconclusive"),
        ("mean below, bound below", filled(300, (10.0, 30)), "pass"),
        ("one anchor", filled(1), "inconclusive"),
        ("nothing measured", np.full(50, NAN), "unknown"),
        ("too many not measured: their worst case crosses the limit", filled(100, (NAN, 25)), "inconclusive"),
        ("a few not measured: their worst case does not", filled(100, (NAN, 5)), "pass"),
        ("harm is certain though some were not measured", filled(100, (9.0, 90), (NAN, 10)), "fail"),
    ],
)
def test_means(case: str, values: Values, expected: str) -> None:
    said = verdict(values, [rule()])
    assert said.verdict == expected, (case, said)
    (finding,) = said.findings
    if expected != "unknown":
        assert finding.lower <= finding.value <= finding.upper
        assert (expected == "pass") <= (finding.upper <= 2.0)
        assert (expected == "fail") <= (finding.lower > 2.0)
    assert expected == "pass" or finding.reason in said.reasons


@pytest.mark.parametrize(
    ("values", "limit", "expected"),
    [
        (filled(100, (1.0, 10)), 0.25, "pass"),
        (filled(100, (1.0, 20)), 0.25, "inconclusive"),
        (filled(100, (1.0, 40)), 0.25, "fail"),
        (filled(10), 0.25, "inconclusive"),
        (filled(11), 0.25, "pass"),
        (filled(5, (1.0, 5)), 0.25, "fail"),
    ],
)
def test_shares_are_judged_by_clopper_and_pearson(values: Values, limit: float, expected: str) -> None:
    said = verdict(values, [rule(metric=TOP1.metric, max=limit)], name=TOP1)
    assert said.verdict == expected, said


@pytest.mark.parametrize(
    ("values", "stat", "expected"),
    [
        (filled(59), "p95", "pass"),
        (filled(58), "p95", "inconclusive"),
        (filled(200, (9.0, 30)), "p95", "fail"),
        (filled(200, (9.0, 12)), "p95", "inconclusive"),
        (filled(200, (9.0, 60)), "p50", "pass"),
        (filled(200, (9.0, 140)), "p50", "fail"),
    ],
)
def test_quantiles_are_judged_by_order_statistics(values: Values, stat: str, expected: str) -> None:
    said = verdict(values, [rule(stat=stat)])
    assert said.verdict == expected, said


def test_less_is_worse_where_the_rule_has_a_minimum() -> None:
    name = Name("jaccard_ratio", 10)
    low = rule(metric=name.metric, max=None, min=0.6)
    assert verdict(np.full(100, 0.9), [low], name=name).verdict == "pass"
    failed = verdict(np.full(100, 0.2), [low], name=name)
    assert failed.verdict == "fail"
    (finding,) = failed.findings
    assert finding.lower <= 0.2 <= finding.upper < 0.6
    assert verdict(np.full(4, 0.9), [low], name=name).verdict == "inconclusive"
    both = rule(metric=name.metric, max=0.95, min=0.6)
    assert [one.verdict for one in verdict(np.full(100, 0.2), [both], name=name).findings] == ["fail", "pass"]


def test_without_a_known_range_students_t_decides_and_equal_values_do_not() -> None:
    name = Name("top1_score_drop", 0)
    drop = rule(metric=name.metric, k=0, max=0.1)
    calm = np.linspace(-0.01, 0.02, 50)
    assert verdict(calm, [drop], name=name).verdict == "pass"
    assert verdict(calm + 0.5, [drop], name=name).verdict == "fail"
    assert verdict(np.zeros(50), [drop], name=name).verdict == "inconclusive"
    assert verdict(filled(50, (NAN, 1)), [drop], name=name).verdict == "inconclusive"


def test_anchors_of_one_document_are_one_witness() -> None:
    values = filled(40, (6.0, 40))
    assert verdict(values, [rule()]).verdict == "fail"
    said = verdict(values, [rule()], documents=[at % 2 for at in range(40)])
    assert said.verdict == "inconclusive", said
    assert "40 anchors of 2 documents" in said.reasons[0]


def test_too_few_says_how_many_would_decide_and_that_many_do() -> None:
    said = verdict(filled(8, (1.0, 2)), [rule()])
    (finding,) = said.findings
    assert said.verdict == "inconclusive"
    assert 8 < finding.anchors_needed < 200
    assert f"about {finding.anchors_needed} anchors like these would decide" in finding.reason
    assert verdict(np.tile(filled(8, (1.0, 2)), finding.anchors_needed // 8 + 1), [rule()]).verdict == "pass"
    never = verdict(filled(100, (2.0, 100)), [rule()])
    assert never.findings[0].anchors_needed == 0
    assert "no number would decide" in never.reasons[0]


EACH = rule("each", dimension="source", min_anchors=1)


def sources(*sizes: int) -> list[str]:
    return [f"s{at}" for at, size in enumerate(sizes) for _ in range(size)]


def test_small_segments_pass_together() -> None:
    """Three segments of 12: none could pass alone, 36 anchors together do."""
    said = verdict(filled(36), [EACH], segments=sources(12, 12, 12))
    assert said.verdict == "pass", said
    assert found(said, "pooled").n == 36
    assert {found(said, f"s{at}").severity for at in range(3)} == {"warning"}
    assert "judged with the other small segments" in found(said, "s0").reason


def test_small_segments_fail_alone_and_are_undecided_alone() -> None:
    values = np.concatenate((np.full(12, 9.0), np.zeros(60)))
    said = verdict(values, [EACH], segments=sources(12, 12, 12, 12, 12, 12))
    assert (said.verdict, found(said, "s0").verdict, found(said, "s0").severity) == ("fail", "fail", "critical")
    doubtful = verdict(np.concatenate((filled(12, (10.0, 3)), np.zeros(60))), [EACH], segments=sources(*[12] * 6))
    assert (doubtful.verdict, found(doubtful, "s0").severity) == ("inconclusive", "critical")


def test_small_segments_that_are_too_few_together_do_not_pass() -> None:
    assert verdict(filled(10), [EACH], segments=sources(5, 5)).verdict == "inconclusive"


def test_a_named_segment_is_never_pooled() -> None:
    alone = rule("alone", dimension="source", segment="s0")
    assert verdict(filled(40), [alone], segments=sources(10, 30)).verdict == "inconclusive"


def test_one_segment_among_many_pays_for_them() -> None:
    """One segment that is beyond its limit by chance does not fail among many."""
    lucky = np.concatenate((filled(40, (6.0, 20)), np.zeros(40 * 40)))
    alone = verdict(lucky[:40], [EACH], segments=sources(40))
    among = verdict(lucky, [EACH], segments=sources(*[40] * 41))
    assert (alone.verdict, among.verdict) == ("fail", "inconclusive")
    assert "not among so many tests" in among.reasons[0]


def test_warnings_neither_decide_nor_take_from_the_level() -> None:
    warned = [rule(f"w{at}", max=0.001, severity="warning") for at in range(50)]
    values = filled(40, (6.0, 20))
    said = verdict(values, [rule(), *warned])
    assert said.verdict == verdict(values, [rule()]).verdict == "fail"
    assert verdict(filled(100, (1.0, 100)), [rule(), *warned]).verdict == "pass"


@pytest.mark.parametrize("noise", [0.0, 5.0])
def test_harm_that_rebuilding_the_index_causes_too_is_no_failure(noise: float) -> None:
    harm, built = np.full(100, 5.0), np.full(100, noise)
    said = verdict(harm, [rule()], noise=built)
    assert said.verdict == ("fail" if noise == 0.0 else "inconclusive"), said
    assert verdict(harm, [rule()], noise=np.full(100, NAN)).verdict == "fail"


def test_problems_come_before_all_numbers() -> None:
    made = compared({Name("collapsed_swaps", 10): np.zeros(100)}, ["s"] * 100, problems=["input is stale"])
    said = judge_deploy([rule()], made, made.report(), GateEvidence(baseline(["s"] * 100, range(100))))
    assert (said.verdict, said.reasons, said.findings) == ("unknown", ("input is stale",), ())


def test_a_misspelt_rule_and_an_empty_policy_never_pass() -> None:
    assert verdict(filled(100), [rule(metric="no_such")]).verdict == "unknown"
    assert verdict(filled(100), []).verdict == "unknown"


def test_rules_by_the_point_estimate_say_what_the_live_view_says() -> None:
    plain = rule(bounds=False)
    for values in (filled(5), filled(5, (3.0, 5)), filled(100, (2.0, 100))):
        made = compared({Name("collapsed_swaps", 10): values}, ["s"] * len(values))
        evidence = GateEvidence(baseline(["s"] * len(values), range(len(values))))
        assert judge_deploy([plain], made, made.report(), evidence) == judge([plain], made.report())


SOURCE = (("source", "s0"),)


def test_the_expected_segment_has_its_own_limit() -> None:
    segments, values = sources(60, 140), filled(200, (4.0, 60))
    calm = np.zeros(200)
    assert verdict(values, [rule(), EACH], segments=segments).verdict == "fail"
    said = verdict(values, [rule(), EACH], segments=segments, expected=SOURCE, elsewhere=calm)
    assert said.verdict == "pass", said
    assert {one.rule for one in said.findings} == {"swaps", "each", "expected-dense", "elsewhere-dense"}
    too_much = verdict(filled(200, (8.0, 60)), [rule(), EACH], segments=segments, expected=SOURCE, elsewhere=calm)
    assert [one.rule for one in too_much.findings if one.verdict == "fail"] == ["expected-dense"]


def test_change_from_elsewhere_fails_though_all_else_passes() -> None:
    segments, values = sources(60, 140), filled(200, (1.0, 80))
    assert verdict(values, [rule()], segments=segments).verdict == "pass"
    said = verdict(values, [rule()], segments=segments, expected=SOURCE, elsewhere=filled(200, (1.0, 40)))
    assert [one.rule for one in said.findings if one.verdict == "fail"] == ["elsewhere-dense"]
    unknown = verdict(values, [rule()], segments=segments, expected=SOURCE, elsewhere=np.full(200, NAN))
    assert unknown.verdict == "inconclusive"


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.sampled_from([0.0, 0.0, 1.0, 3.0, 10.0, NAN]), min_size=1, max_size=40),
    st.lists(st.integers(0, 9), min_size=40, max_size=40),
    st.integers(1, 4),
)
def test_it_is_deterministic_and_a_pass_has_every_bound(values: list[float], documents: list[int], many: int) -> None:
    segments = [f"s{at % many}" for at in range(len(values))]
    column, rules = np.array(values), [rule(), EACH]
    said = verdict(column, rules, segments=segments, documents=documents[: len(values)])
    again = verdict(column, rules, segments=segments, documents=documents[: len(values)])
    assert repr(said) == repr(again)
    critical = [one for one in said.findings if one.severity == "critical"]
    if said.verdict == "pass":
        assert all(one.upper <= 2.0 for one in critical)
    assert all(not math.isnan(one.lower) for one in critical if one.verdict in ("pass", "fail"))


def test_the_level_is_split_between_all_and_dimensions_by_weight() -> None:
    rules = [rule("a", weight=3.0), rule("b"), rule("s", dimension="source"), rule("l", dimension="language")]
    assert _parts(rules) == pytest.approx([0.375, 0.125, 0.25, 0.25])
    assert _parts(rules[:2]) == pytest.approx([0.75, 0.25])
    assert _parts(rules[2:]) == pytest.approx([0.5, 0.5])
    assert _parts([]) == []


@pytest.mark.parametrize(
    ("case", "values", "expected"),
    [
        ("within the limit, severe harm excluded", filled(20, (10.0, 2)), "pass"),
        ("within the limit, severe harm not excluded", filled(12, (10.0, 1)), "inconclusive"),
        ("beyond the limit, not shown", filled(40, (10.0, 6)), "inconclusive"),
        ("beyond the limit, shown", filled(40, (10.0, 20)), "fail"),
        ("at the limit", filled(100, (10.0, 10)), "pass"),
        ("too many not measured", filled(40, (NAN, 16)), "inconclusive"),
    ],
)
def test_two_limits(case: str, values: Values, expected: str) -> None:
    """One result in ten is tolerated, three are severe."""
    said = verdict(values, [rule(max=1.0, severe=3.0)])
    assert said.verdict == expected, (case, said)


def test_what_was_not_measured_keeps_a_small_segment_deciding() -> None:
    each = rule("each", dimension="source", max=1.0, severe=3.0)
    calm = verdict(filled(46), [each], segments=sources(6, 40))
    assert (calm.verdict, found(calm, "s0").severity) == ("pass", "warning")
    hidden = verdict(filled(46, (NAN, 3)), [each], segments=sources(6, 40))
    assert (hidden.verdict, found(hidden, "s0").severity) == ("inconclusive", "critical")


def test_a_document_is_one_witness_but_where_all_documents_are_asked_about() -> None:
    """Of 40 anchors of four documents one document's ten lost their answer: by chance, or of all there is."""
    name, segments = Name("kept_answers_ratio", 10), ["s"] * 40
    of = baseline(segments, [at // 10 for at in range(40)])
    made = compared({name: 1.0 - filled(40, (1.0, 10))}, segments)
    rules = [rule(metric=name.metric, max=None, min=0.9)]
    for documents, expected in (
        ({}, "inconclusive"),
        ({("all", "all"): 400}, "inconclusive"),
        ({("all", "all"): 4}, "fail"),
    ):
        said = judge_deploy(rules, made, made.report(), GateEvidence(sized(of, documents)))
        assert said.verdict == expected, said
        assert "40 anchors of 4 documents" in said.findings[0].reason


def test_a_bound_of_nothing_has_no_sign() -> None:
    kept = Name("kept_answers_ratio", 10)
    said = verdict(np.zeros(60), [rule(metric=kept.metric, max=None, min=0.9)], name=kept)
    assert said.verdict == "fail"
    assert ": 0.000 (0.000 to " in said.findings[0].reason


PINNED = Name("pinned_swaps", 10)


def beside(
    values: Values,
    rows: Sequence[int],
    kept_as: Literal["baseline", "deploy"] = "deploy",
    before: Values | None = None,
    severe: float | None = None,
) -> Verdict:
    """A calm deploy against the one before it, and so far from the pinned baseline, which has anchors of its own."""
    segments, documents = ["s"] * 60, range(60)
    made = compared({SWAPS: np.zeros(60)}, segments)
    theirs = replace(
        alignment(["s"] * len(rows)), now=np.array(rows), then=np.arange(len(rows)), weights=np.ones(len(rows))
    )
    table = SummaryTable("dense", (PINNED,), values[None, :], ("",))
    tables = (*made.tables, Summarised(table, theirs, only_all=True)) if len(rows) else made.tables
    made = replace(made, tables=tables, baseline=BaselineIdentity("b", 1, "d0", "gate", kept_as))
    rules = [rule(), rule("erosion", metric="pinned_swaps", severe=severe)]
    eroded: dict[tuple[Leg, Name], Values] = {} if before is None else {("dense", PINNED): before}
    evidence = GateEvidence(baseline(segments, documents), eroded=eroded)
    return judge_deploy(rules, made, made.report(), evidence)


def test_a_doubt_about_the_pinned_baseline_is_that_of_the_deploy_that_brought_it() -> None:
    """Two exchanged results are allowed. What the baseline had lost already holds up no deploy behind it."""
    mixed = np.array([6.0] * 22 + [0.0] * 38)
    for case, before, expected in (
        ("the baseline stood still within the limit", np.array([6.0] * 10 + [0.0] * 50), "inconclusive"),
        ("the baseline was in the same doubt", mixed, "pass"),
        ("the baseline was in a lesser doubt", np.array([6.0] * 18 + [0.0] * 42), "inconclusive"),
        ("nobody knows of an anchor how it was", np.append(mixed[:-1], NAN), "inconclusive"),
    ):
        said = beside(mixed, range(60), before=before)
        assert (said.verdict, erosion(said).verdict) == (expected, "inconclusive"), case
        assert erosion(said).severity == ("warning" if expected == "pass" else "critical")
    far = np.full(60, 5.0)
    assert beside(far, range(60), before=far).verdict == "fail", "what is shown fails until somebody decides"
    severe = beside(np.array([6.0] * 22 + [0.0] * 38), range(60), before=mixed[::-1], severe=4.0)
    assert "no more doubt than the baseline was in" in erosion(severe).reason


def erosion(of: Verdict) -> Finding:
    (one,) = [finding for finding in of.findings if finding.rule == "erosion"]
    return one


def test_the_distance_to_the_pinned_baseline_has_bounds() -> None:
    """Slow erosion: each deploy is calm against the one before, and the first state is far away."""
    order = np.random.default_rng(1).permutation(60).tolist()
    gone = beside(np.full(60, 5.0), order)
    assert gone.verdict == "fail"
    assert erosion(gone).lower > 2.0
    assert beside(np.full(60, 0.1), order).verdict == "pass"
    mixed = np.array([6.0] * 18 + [0.0] * 42)
    assert erosion(beside(mixed, order)).verdict == "inconclusive", "a point would say 1.8 and pass"


def test_bounds_rest_on_the_anchors_that_both_baselines_have() -> None:
    """Anchors that came since the pinned baseline, or left before the moving one, are not missing."""
    found = erosion(beside(np.full(50, 5.0), range(10, 60)))
    assert (found.verdict, found.n) == ("fail", 50)
    assert beside(np.full(50, 0.1), range(20, 70)).verdict == "pass"


def test_a_rule_on_the_pinned_baseline_asks_nothing_where_no_other_stands_beside_it() -> None:
    alone = beside(np.zeros(0), (), "baseline")
    assert alone.verdict == "pass"
    assert not [finding for finding in alone.findings if finding.rule == "erosion"]
    moving = beside(np.zeros(0), (), "deploy")
    assert moving.verdict == "unknown", "beside a moving one it has to be measured"
    views = [replace(compared({SWAPS: np.zeros(60)}, ["s"] * 60), baseline=of) for of in (STANDING, MOVING)]
    rules = [rule(), rule("erosion", metric="pinned_swaps")]
    assert [judge(rules, view.report()).verdict for view in views] == ["pass", "unknown"]


STANDING, MOVING = (BaselineIdentity("b", 1, "d0", "ana", kept_as) for kept_as in ("baseline", "deploy"))


@pytest.mark.parametrize("kind", ProblemKind)
def test_harm_stands_in_spite_of_what_was_refused_and_of_nothing_else(kind: ProblemKind) -> None:
    """Most of a deploy was refused, or nothing is left: what readers lost they lost, and calm is not known."""
    problem = Problem(kind, f"wrong: {kind.value}")
    stands = kind in (ProblemKind.REFUSED, ProblemKind.HOLLOW, ProblemKind.PANEL_RETIRED)
    for values, harmed in ((np.full(100, 6.0), True), (np.zeros(100), False), (filled(30, (10.0, 5)), False)):
        made = replace(compared({SWAPS: values}, ["s"] * len(values)), problems=(problem,))
        evidence = GateEvidence(baseline(["s"] * len(values), range(len(values))))
        for said in (judge_deploy([rule()], made, made.report(), evidence), judge([rule()], made.report())):
            if harmed and stands:
                assert (said.verdict, said.reasons[-1], len(said.findings)) == ("fail", problem.text, 1)
            else:
                assert (said.verdict, said.reasons, said.findings) == ("unknown", (problem.text,), ())


KEPT = Name("kept_answers_ratio", 10)


@pytest.mark.parametrize(
    ("lost", "anchors", "usual", "expected"),
    [
        (0, 500, 0.99, "pass"),
        (9, 500, 0.99, "pass"),  # less than 2 in 100
        (10, 500, 0.99, "fail"),  # harm begins there, and that is no ordinary deploy's chance
        (10, 500, None, "pass"),  # just what is tolerated
        (13, 500, 0.99, "fail"),  # 2.6 in 100: no ordinary deploy's chance
        (13, 500, None, "inconclusive"),  # but where 2 in 100 are usual, it may be
        (3, 120, 0.99, "inconclusive"),  # beyond the limit, and yet an ordinary deploy's chance
        (2, 50, 0.99, "inconclusive"),
        (95, 5000, 0.99, "pass"),  # surely more than usual, and tolerated
        (101, 5000, 0.99, "fail"),
        (50, 500, None, "fail"),
    ],
)
def test_a_fail_excludes_what_is_usual_and_is_beyond_the_limit(
    lost: int, anchors: int, usual: float | None, expected: str
) -> None:
    kept = np.ones(anchors)
    kept[:lost] = 0.0
    of = rule("kept", metric="kept_answers_ratio", max=None, min=0.98, severe=0.9, usual=usual)
    said = verdict(kept, [of], name=KEPT)
    assert said.verdict == expected
    (one,) = said.findings
    assert one.limit == 0.98
    assert not one.detectable > 0.98, "what would fail is beyond the limit"
