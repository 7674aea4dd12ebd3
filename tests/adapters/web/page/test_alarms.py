"""The page's section on alarms: what is watched, what is not known and never reads as calm, and what was raised."""

import math
from dataclasses import replace

import numpy as np
import pytest

from monitor.adapters.prometheus.alarms import alarm_families
from monitor.adapters.prometheus.exporter import MetricsPage
from monitor.adapters.web.page.alarms import MOST_ROWS, evidence_lines
from monitor.adapters.web.page.context import PageQuery
from monitor.core.alarms.churn import ChurnStream
from monitor.core.alarms.state import Alarm, AlarmState, AlarmView, StreamEvidence, StreamState
from tests.adapters.pages import read
from tests.adapters.views import HOSTILE, view

NAN = math.nan
LIMIT = 4.2


def evidence(state: StreamState, log10: float, *, alarm: bool = False) -> StreamEvidence:
    normal = NAN if state == "learning" else 0.02
    churn = NAN if state == "unmeasured" else 0.125
    return StreamEvidence(np.zeros(5), state, churn, normal, "working", log10, alarm)


def stream(segment: str, leg: str = "dense") -> ChurnStream:
    return ChurnStream("lexical" if leg == "lexical" else "dense", "source", segment)


STREAMS = {
    ChurnStream("dense", "all", "all"): evidence("watched", 0.7),
    stream("calm"): evidence("watched", -2.0),
    stream("near"): evidence("watched", 3.9),
    stream("raised"): evidence("watched", 5.1, alarm=True),
    stream("new"): evidence("learning", NAN),
    stream("lost", "lexical"): evidence("unmeasured", NAN),
}
RAISED = Alarm(stream("raised"), 494_520, "working", 0.125, 0.02, 5.1, LIMIT)
STATE = AlarmState(
    "s", 3_600.0, 494_520, None, (), STREAMS, LIMIT, (replace(RAISED, number=494_000), RAISED), alarms=7
)


def shown(state: AlarmState = STATE) -> AlarmView:
    return AlarmView(state, 1.0, 2_592_000.0, {"working": 60, "other hours": 12}, 48)


def test_a_line_says_what_is_known_and_the_rest_is_unknown() -> None:
    found = {(of.name, of.leg): (of.evidence, of.shade, of.churn, of.normal) for of in evidence_lines(shown())}
    assert found == {
        ("source=raised", "dense"): ("10^5.1", "high", "12%", "at most 2%"),
        ("source=near", "dense"): ("10^3.9", "some", "12%", "at most 2%"),
        ("source=lost", "lexical"): ("not measured", "unknown", "unknown", "at most 2%"),
        ("source=new", "dense"): ("learning", "unknown", "12%", "unknown"),
        ("All anchors", "dense"): ("10^0.7", "calm", "12%", "at most 2%"),
        ("source=calm", "dense"): ("10^-2.0", "calm", "12%", "at most 2%"),
    }
    order = [of.name for of in evidence_lines(shown())]
    assert order[:2] == ["source=raised", "source=near"]
    assert set(order[2:4]) == {"source=lost", "source=new"}, "what is not known stands before what is calm"


def test_the_page_says_it_in_words_and_leads_there() -> None:
    found = read(view(["guide"], alarms=shown()))
    assert "#alarms" in found.values("href")
    for said in (
        "The last measured round ended at 2026-06-01 ",
        "It watches 4 of 6 segments and legs.",
        "1 still learn what is normal in these hours: no alarm can come from them.",
        "1 could not be measured in it",
        "Evidence of 10^4.2 is an alarm: it keeps the budget of 1 false page in 30 days over all of them.",
        "dense source=raised: more churn than normal round after round",
        "working: 48 of 48, other hours: 12 of 48",
    ):
        assert said in found.words, said


def test_before_the_first_round_it_says_when_they_begin_and_nothing_of_calm() -> None:
    found = read(view(["guide"], alarms=shown(AlarmState())))
    assert "No round was measured yet: rounds begin with an approved baseline" in found.words
    assert "It watches" not in found.words


def test_without_rounds_and_for_a_deploy_there_is_no_such_section() -> None:
    assert "#alarms" not in read(view(["guide"])).values("href")
    assert "Alarms between deploys" not in read(view(["guide"])).words


def test_many_segments_are_cut_and_hostile_names_stay_text() -> None:
    streams = {stream(f"{name}{at}"): evidence("watched", at / 10) for at, name in enumerate(HOSTILE * 8)}
    found = read(view(["guide"], alarms=shown(replace(STATE, streams=streams))), PageQuery())
    assert f"{len(streams) - MOST_ROWS} more with less evidence." in found.words
    assert "<script>alert(1)</script>37" in found.text, "as text, not as a tag"


def test_metrics_say_the_same_and_nan_for_what_is_not_known() -> None:
    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for family in alarm_families(shown())
        for sample in family.samples
    }
    place = ("source",)
    assert samples["corpus_drift_evidence_log10", "dense", *place, "raised"] == 5.1
    assert samples["corpus_drift_evidence_limit_log10", "dense", *place, "new"] == LIMIT
    assert math.isnan(samples["corpus_drift_evidence_log10", "dense", *place, "new"])
    new = STATE.streams[stream("new")]
    assert math.isnan(samples["corpus_drift_normal_churn_ratio", "dense", *place, "new", new.hours])
    assert math.isnan(samples["corpus_drift_evidence_log10", "lexical", *place, "lost"])
    assert math.isnan(samples["corpus_drift_round_churn_ratio", "lexical", *place, "lost"])
    counted = {state: samples["corpus_drift_alarm_streams", state] for state in ("watched", "learning", "unmeasured")}
    assert counted == {"watched": 4, "learning": 1, "unmeasured": 1}
    assert samples["corpus_drift_approved_rounds", "other hours"] == 12
    assert samples["corpus_drift_alarms_total",] == 7
    assert samples["corpus_drift_last_round_timestamp_seconds",] == 494_521 * 3_600
    assert list(alarm_families(None)) == []


def test_before_the_first_round_no_time_is_said() -> None:
    values = [sample.value for family in alarm_families(shown(AlarmState())) for sample in family.samples]
    assert sum(math.isnan(value) for value in values) == 1, "the time of the last round"


@pytest.mark.parametrize("alarms", [shown(), shown(AlarmState())])
def test_the_page_of_metrics_holds_each_family_once(alarms: AlarmView) -> None:

    text = MetricsPage().render(view(["guide"], alarms=alarms)).decode()
    heads = [line for line in text.splitlines() if line.startswith("# TYPE corpus_drift_") and "evidence" in line]
    assert len(heads) == len(set(heads)) == 2
