"""Rounds, from lists to alarms: churn by brute force, learning, gaps, verdicts, approvals, segments that come."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.alarms.alarms import KEPT, MOST_SPAN, RAISED, Alarms
from monitor.core.alarms.budget import PageBudget
from monitor.core.alarms.churn import ChurnStream, ContentLists, WatchedSegments, churn
from monitor.core.alarms.detector import alarms_over, share_of_limit
from monitor.core.alarms.hours import HourClasses
from monitor.core.alarms.normal import normal_churn
from monitor.core.alarms.state import AlarmState
from monitor.core.model.anchors import Anchor, AnchorSet
from monitor.core.model.lists import NO_CHUNK, RankedLists
from monitor.core.model.segments import value_of

K = 10
ALL = ChurnStream("lexical", "all", "all")
WATCHED = WatchedSegments(("source",), cap=50, min_anchors=3)
HOUR = 3_600


def anchors(*sources: str, weights: Sequence[float] = ()) -> AnchorSet:
    """Anchors of these sources."""
    made = [Anchor(f"q{at}", f"q{at}", segment=(("source", source),)) for at, source in enumerate(sources)]
    weight = np.array(weights or [1.0] * len(made))
    return AnchorSet(made, np.zeros((len(made), 0), np.float32), weight, [()] * len(made))


def lists(asked: AnchorSet, said: Sequence[Sequence[int] | None]) -> ContentLists:
    """Lists of content keys, None for one that could not be had."""
    keys = np.full((len(said), K), NO_CHUNK, np.int64)
    for at, row in enumerate(said):
        keys[at, : len(row or ())] = row or ()
    lengths = np.count_nonzero(keys != NO_CHUNK, axis=1).astype(np.int64)
    known = np.array([row is not None for row in said], np.bool_)
    ranked = RankedLists(keys, np.where(keys == NO_CHUNK, np.nan, 1.0), lengths, known)
    return ContentLists.of(asked, {"lexical": ranked}, {}, K)


ROW = st.one_of(st.none(), st.lists(st.integers(0, 14), max_size=K, unique=True))


@given(st.lists(st.tuples(ROW, ROW, st.sampled_from("ab"), st.floats(0.1, 9.0)), min_size=1, max_size=12))
def test_churn_is_the_weighted_mean_of_exchanged_contents(rows: list[tuple[list[int] | None, ...]]) -> None:
    then, now, sources, weights = (list(column) for column in zip(*rows, strict=True))
    asked = anchors(*sources, weights=weights)
    found = churn(lists(asked, then), lists(asked, now), asked, WATCHED)
    segments = {("all", "all"): list(range(len(rows)))}
    for name in "ab":
        mine = [at for at, source in enumerate(sources) if source == name]
        segments.setdefault(("source", name if len(mine) >= 3 else "other"), []).extend(mine)
    for (dimension, segment), members in segments.items():
        stream = ChurnStream("lexical", dimension, segment)
        least = 1 if dimension == "all" else 3
        if len(members) < least:
            assert stream not in found
            continue
        both = [at for at in members if then[at] is not None and now[at] is not None]
        mass, known = (sum(weights[at] for at in of) for of in (members, both))
        if len(both) < least or known < 0.9 * mass * (1 - 1e-12):
            assert math.isnan(found[stream]) or known == pytest.approx(0.9 * mass)
            continue
        swaps = [max(len(then[at]), len(now[at])) - len({*then[at]} & {*now[at]}) for at in both]
        expected = sum(weights[at] * n for at, n in zip(both, swaps, strict=True)) / K / known
        assert found[stream] == pytest.approx(expected) or math.isnan(found[stream])


@given(st.lists(st.tuples(*[st.lists(st.integers(0, 14), max_size=K, unique=True)] * 3), min_size=1, max_size=6))
def test_churn_of_two_rounds_is_at_most_the_sum_of_each(rows: list[tuple[list[int], ...]]) -> None:
    """What a gap rests on: swaps are a distance."""
    asked = anchors(*"a" * len(rows))
    one, two, three = (lists(asked, list(column)) for column in zip(*rows, strict=True))
    each = [churn(before, after, asked, WATCHED)[ALL] for before, after in ((one, two), (two, three))]
    assert churn(one, three, asked, WATCHED)[ALL] <= sum(each) + 1e-12
    assert churn(one, one, asked, WATCHED)[ALL] == 0.0
    assert churn(one, two, asked, WATCHED)[ALL] == churn(two, one, asked, WATCHED)[ALL]


def test_an_anchor_that_asks_something_else_now_is_left_out() -> None:
    before = anchors("a", "a", "a", "a")
    after = anchors("a", "a", "a", "a")
    after = replace(after, anchors=[*after.anchors[:3], replace(after.anchors[3], text="another")])
    then, now = lists(before, [[1], [1], [1], [1]]), lists(after, [[1], [1], [1], [2]])
    assert math.isnan(churn(then, now, after, WATCHED)[ALL]), "three of four is less than 90%"
    weighed = AnchorSet(after.anchors, after.vectors, np.array([30.0, 30.0, 30.0, 1.0]), after.filters)
    assert churn(then, now, weighed, WATCHED)[ALL] == 0.0


ASKED = anchors("a", "a", "a", "b", "b", "b")
STREAMS = (ALL, ChurnStream("lexical", "source", "a"), ChurnStream("lexical", "source", "b"))


def alarms(**changes: object) -> Alarms:
    made = Alarms(PageBudget.of("1 per 30d"), HourClasses.of({}), WATCHED, K, "s", enough=5)
    return replace(made, **changes)  # type: ignore[arg-type]  # of its own fields


class Story:
    """A run of rounds: in each so many of the ten results of each anchor of `a` are exchanged."""

    def __init__(self, of: Alarms) -> None:
        self.of, self.state, self.number, self._next = of, of.resumed(None), 0, 100
        self._said = {source: list(range(K)) for source in "ab"}
        self.raised: list[int] = []

    def round(self, swaps: int = 0, *, skip: bool = False, other: int = 0) -> AlarmState:
        for source, count in (("a", swaps), ("b", other)):
            fresh = list(range(self._next, self._next + count))
            self._next += count
            self._said[source] = [*self._said[source][count:], *fresh]
        self.number += 1
        if not skip:
            before = self.state
            asked = [self._said[value_of("source", anchor.segment)] for anchor in ASKED.anchors]
            self.state = self.of.closed(before, self.number, lists(ASKED, asked), ASKED, self.number * 10)
            self.raised += [self.number for alarm in self.state.newly(before) if alarm.stream == STREAMS[1]]
        return self.state

    def learnt(self, rounds: int = 40) -> "Story":
        for _ in range(rounds + 1):
            self.round()
        self.state = self.of.passed(self.state)
        return self


def test_before_enough_approved_rounds_it_is_learning_and_never_alarms() -> None:
    story = Story(alarms())
    assert story.round().streams == {}, "the first one only says where the lists stand"
    for _ in range(30):
        state = story.round(K)
    assert {of.state for of in state.streams.values()} == {"learning"}
    assert all(math.isnan(of.log10) for of in state.streams.values())
    assert state.streams[STREAMS[1]].churn == 1.0
    assert not story.raised
    assert story.of.counted(state) == {"other hours": 0}


def test_churn_that_goes_on_is_an_alarm_in_its_segment_and_over_all_and_begins_anew() -> None:
    story = Story(alarms()).learnt()
    normal = normal_churn([0.0] * 40)
    for _ in range(20):
        state = story.round(5)
    expected = alarms_over([0.5] * 20, normal, 3 * 720.0)
    assert story.raised == [41 + 1 + at for at in np.flatnonzero(expected).tolist()]
    assert len(story.raised) > 1
    assert {alarm.stream for alarm in state.raised} == {STREAMS[0], STREAMS[1]}
    of = next(alarm for alarm in state.raised if alarm.stream == STREAMS[1])
    assert of.churn == 0.5
    assert of.normal == pytest.approx(normal)
    assert of.log10 >= of.limit_log10 == pytest.approx(math.log10(3 * 720))
    assert "lexical source=a: more churn than normal" in of.said
    assert "'other hours'" in of.said
    assert state.streams[STREAMS[2]].log10 < 1.0, "without churn the smallest bet keeps less than its 20 rounds"
    assert state.alarms == len(state.raised)


def test_an_alarm_is_seen_for_one_round_and_its_evidence_is_gone() -> None:
    story = Story(alarms()).learnt()
    while not story.raised:
        state = story.round(5)
    assert state.streams[STREAMS[1]].alarm
    assert state.streams[STREAMS[1]].log10 >= state.limit_log10
    assert share_of_limit(state.streams[STREAMS[1]].shares) == 0.0
    after = story.round(0)
    assert not after.streams[STREAMS[1]].alarm
    assert after.streams[STREAMS[1]].log10 < 0.0, "one round of nothing"


def test_a_round_that_was_not_measured_is_spanned_and_no_calm() -> None:
    """Four results over two rounds are two in each; the evidence of one round is granted, not of two."""
    gap, plain = Story(alarms()).learnt(), Story(alarms()).learnt()
    gap.round(2, skip=True)
    missed, seen = gap.round(2), plain.round(2)
    assert missed.rounds[-1].span == 2
    for stream in STREAMS:
        assert missed.streams[stream].churn == pytest.approx(seen.streams[stream].churn)
        np.testing.assert_allclose(missed.streams[stream].shares, seen.streams[stream].shares)
    gap.state = gap.of.passed(gap.state)
    assert gap.of.counted(gap.state)["other hours"] == 40, "nobody knows what each of the two was"


def test_after_a_day_without_measurement_the_series_begins_anew() -> None:
    story = Story(alarms()).learnt()
    before = story.state.streams
    for _ in range(MOST_SPAN):
        story.round(1, skip=True)
    state = story.round(1)
    assert state.streams == before, "nothing was looked at"
    assert story.round(0).rounds[-1].span == 1


def test_a_round_spanning_two_classes_is_held_against_both() -> None:
    hours = HourClasses.of({"early": "* 00-12"})
    story = Story(alarms(hours=hours, enough=3))
    for number in range(48):
        story.round(5 if number % 24 < 12 else 0)
    story.state = story.of.passed(story.state)
    while story.number % 24 != 10:
        story.round(0)
    story.round(1, skip=True)
    state = story.round(1)
    names = {hours.at(of.number * HOUR) for of in state.rounds[-1:]}
    assert names <= {"early", "other hours"}
    of = state.streams[STREAMS[1]]
    learnt = [one for one in state.rounds if one.standing == "approved"]
    bounds = [
        normal_churn([float(one.values[1]) for one in learnt if hours.at(one.number * HOUR) == name])
        for name in ("early", "other hours")
    ]
    assert set(of.hours.split(" + ")) == {"early", "other hours"}
    assert of.normal == pytest.approx(sum(bounds) / 2)


def test_what_led_to_a_fail_or_an_alarm_is_learnt_only_when_a_person_approves_it() -> None:
    story = Story(alarms()).learnt()
    story.round(1)
    story.state = story.of.failed(story.state)
    story.round(1)
    story.round(1)
    story.state = story.of.passed(story.state)
    standings = [of.standing for of in story.state.rounds[-3:]]
    assert standings == ["doubted", "doubted", "approved"], "the round that held the FAIL, and those before it"
    while not story.raised:
        story.round(5)
    alarmed = story.number
    story.state = story.of.passed(story.state)
    assert story.state.rounds[-1].standing == "doubted"
    story.round(0)
    approved = story.of.approved(story.state, alarmed * 10)
    assert [of.standing for of in approved.rounds[-2:]] == ["approved", "pending"], "not what came after the capture"
    assert all(share_of_limit(of.shares) == 0.0 for of in approved.streams.values())


def test_another_set_up_begins_anew_and_the_alarms_are_still_counted() -> None:
    story = Story(alarms()).learnt()
    kept = replace(story.state, alarms=7)
    assert alarms().resumed(kept) is kept
    for other in (alarms(setup="other"), alarms(length=7_200.0)):
        begun = other.resumed(kept)
        assert (begun.rounds, begun.number, begun.streams, begun.alarms) == ((), None, {}, 7)


def test_a_segment_that_comes_changes_the_limit_and_no_evidence() -> None:
    """The shares stay; what is shown is relative to the limit of now."""
    story = Story(alarms()).learnt()
    story.round(3)
    before = story.state
    fewer = replace(story.of, watched=WatchedSegments((), 50, 3))
    after = fewer.closed(before, story.number + 1, before.lists, ASKED, 0)  # type: ignore[arg-type]  # there are lists
    assert set(after.streams) == {ALL}
    assert after.limit_log10 == pytest.approx(math.log10(720))
    grown_twice = story.of.closed(before, story.number + 1, before.lists, ASKED, 0)  # type: ignore[arg-type]  # same
    factor = after.streams[ALL].shares / grown_twice.streams[ALL].shares
    assert np.all(factor >= 1.0), "a share of the limit of before, and a greater grant"


def test_what_is_kept_is_bounded() -> None:
    story = Story(alarms(budget=PageBudget.of("1 per 1h")))
    for _ in range(3):
        story.learnt(20)
    one = story.state.rounds[0]
    many = [replace(one, number=at - 5_000, standing=("approved", "doubted")[at % 2]) for at in range(4_000)]
    story.state = replace(story.state, rounds=tuple(many))
    state = story.round(0)
    assert len(state.rounds) == 2 * KEPT
    for _ in range(60):
        state = story.round(K)
    assert len(state.raised) == RAISED < state.alarms
    assert len(state.newly(replace(state, alarms=state.alarms - 3))) == 3
    assert len(state.newly(replace(state, alarms=0))) == RAISED
    assert len(state.newly(state)) == 0


def test_nobody_asks_anything() -> None:
    none = anchors()
    of = alarms()
    state = of.closed(of.resumed(None), 1, lists(none, []), none, 0)
    state = of.closed(state, 2, lists(none, []), none, 0)
    assert state.streams == {} or all(one.state == "unmeasured" for one in state.streams.values())
