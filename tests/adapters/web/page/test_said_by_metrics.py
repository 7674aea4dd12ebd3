"""What the page knows, the metrics say in the same scrape: nothing odd on it is without its series."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from monitor.adapters.prometheus.exporter import MetricsPage
from monitor.adapters.web.page.pipeline import pipeline
from monitor.core.judging.policy import Verdict
from monitor.core.measures.registry import REGISTRY
from monitor.core.model.events import Partition
from monitor.core.model.problems import Problem, ProblemKind
from monitor.core.records.published import Audited, Published
from monitor.core.shards.messages import ShardStatus
from tests.adapters.views import health, view

FAULTY: Mapping[str, Published] = {
    "nothing yet": view(
        ["s"],
        counters={},
        health=health(
            last_report=0.0, last_commit=0.0, lag=None, failures=Counter(), index_points=None, replay_latencies=None,
            audits={"dense": Audited(), "lexical": Audited()},
        ),
    ),
    "lost events": view(["s"], counters={("stream", "recreated"): 1, ("open_gaps",): 1}, health=health(lag={})),
    "half known": view(["s"], health=health(lag={Partition("other", 1): 2}, last_error="events/0 ends at 2")),
    "open barrier": view(["s"], health=health(waiting=("d1", "d2"))),
    "no answers": view(["s"], health=health(failures=Counter({"deadline": 9}))),
    "set aside": view(["s"], counters={("quarantined", "not_json"): 3}),
    "audited": view(
        ["s"],
        health=health(audits={"dense": Audited(3, 9, 1.7e9), "lexical": Audited(skipped="corpus_too_large")}),
    ),
    "a shard away": view(
        ["s"],
        health=health(shards=(ShardStatus(0, 7, {}, 30), ShardStatus(1, 6, {}, 30, away="node lost", restarts=2))),
    ),
    "ghosts": view(["s"], health=health(index_points=99)),
}  # fmt: skip


def samples(made: Published) -> dict[str, list[tuple[dict[str, str], float]]]:
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in text_string_to_metric_families(MetricsPage().render(made).decode()):
        for one in family.samples:
            found.setdefault(one.name, []).append((one.labels, one.value))
    return found


@pytest.mark.parametrize("which", sorted(FAULTY))
def test_every_line_that_is_not_well_has_its_series_in_the_same_scrape(which: str) -> None:
    made = FAULTY[which]
    lines, found = pipeline(made), samples(made)
    assert all(line.metric for line in lines)
    odd = [line for line in lines if line.state != "good"]
    assert odd
    for line in odd:
        assert found.get(REGISTRY.entry(line.metric).exported), f"{line.name}: {line.value}"


def test_events_lost_with_a_topic_are_counted_and_its_lag_is_unknown_not_gone() -> None:
    found = samples(FAULTY["lost events"])
    assert ({"kind": "recreated"}, 1.0) in found["corpus_drift_stream_faults_total"]
    assert ({"kind": "gap"}, 0.0) in found["corpus_drift_stream_faults_total"], "from 0 on, so that a rise is seen"
    assert found["corpus_drift_open_gaps"] == [({}, 1.0)]
    ((labels, lag),) = found["corpus_drift_lag_events"]
    assert (labels, math.isnan(lag)) == ({"topic": "events", "partition": "0"}, True)


def test_a_shard_that_is_away_is_named_with_its_reason() -> None:
    lines = {line.name: line for line in pipeline(FAULTY["a shard away"])}
    assert (lines["Shard 1 of 2"].value, lines["Shard 1 of 2"].note) == ("away", "node lost")
    assert (lines["Shards"].value, lines["Shards"].state) == ("1 of 2 answer", "bad")
    assert lines["Shards born again"].value == "2 since this start"
    assert not any("hard" in line.name for line in pipeline(FAULTY["ghosts"]))


def test_reasons_and_staleness_have_a_number() -> None:
    calm = view(["s"])
    stale = replace(calm, verdict=Verdict("unknown", ("input is stale", *calm.verdict.reasons), ()))
    assert (samples(calm)["corpus_drift_input_stale"], samples(stale)["corpus_drift_input_stale"]) == (
        [({}, 0.0)],
        [({}, 1.0)],
    )
    wrong = replace(calm, report=replace(calm.report, problems=tuple(Problem(kind, "why") for kind in ProblemKind)))
    assert {labels["kind"]: count for labels, count in samples(wrong)["corpus_drift_problems"]} == dict.fromkeys(
        ProblemKind, 1.0
    )
    assert not any(count for _, count in samples(calm)["corpus_drift_problems"])
