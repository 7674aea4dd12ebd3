"""The whole program over a real Kafka broker, scraped by a real Prometheus, each in its own process."""

import json
import urllib.parse
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e import kafka_case as case
from tests.e2e.kafka_case import DEPLOYS, STREAM, Expected
from tests.e2e.mortal_kafka import MortalBroker, mortal_broker
from tests.e2e.program import Running, command, eventually, fetched, monitor, without
from tests.e2e.streams import PARTITIONS
from tests.stack import free_ports, need, prometheus

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]

STALE_AFTER = 6.0


@pytest.fixture(scope="module")
def broker() -> Iterator[MortalBroker]:
    with ExitStack() as stack:
        yield need(mortal_broker(), stack)


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Expected:
    return case.file_run(tmp_path_factory.mktemp("file") / "run")


def samples(base: str, query: str) -> list[tuple[dict[str, str], float]]:
    """Labels and value of an instant query's vector."""
    code, body = fetched(f"{base}/api/v1/query?{urllib.parse.urlencode({'query': query})}")
    assert code == 200, body
    return [(one["metric"], float(one["value"][1])) for one in json.loads(body)["data"]["result"]]


def scraped(base: str) -> case.Series:
    """The series with the labels of a measurement that Prometheus holds now."""
    labels = ("__name__", "leg", "k", "dimension", "segment", "stat")
    found = samples(base, '{__name__=~"corpus_drift_.+",stat!="",k!=""}')
    return {tuple(metric[name] for name in labels): value for metric, value in found}


def scraping(port: int) -> str:
    target = f"- job_name: drift\n  static_configs:\n  - targets: ['127.0.0.1:{port}']\n"
    return f"global:\n  scrape_interval: 1s\nscrape_configs:\n{target}"


def test_reports_gate_scrape_and_restart_are_those_of_a_file_run(
    broker: MortalBroker, expected: Expected, tmp_path: Path
) -> None:
    """One monitor's life: every deploy judged, scraped, asked, stopped, asked again, started again."""
    topic = case.new_topic(broker, "life")
    case.written(broker, topic, STREAM)
    (port,) = free_ports(1)
    config = case.kafka_run(tmp_path / "run", broker, topic, http=f"port = {port}")
    with ExitStack() as stack:
        base = need(prometheus(scraping(port)), stack)
        with monitor(config) as running:
            case.as_file_run(running, expected, DEPLOYS)
            running.wait(lambda: case.caught_up(running), 120, "lag 0")
            scraped_as_reported(base, running)
            one_owner(config, running)
            before = running.get("/api/v1/report")["positions"], case.events_counted(running)
            answered = case.gate(config, DEPLOYS[-1])
            assert running.stop() == 0
            assert "Traceback" not in running.said()
    assert case.set_aside(config) == case.malformed(STREAM)
    assert case.gate(config, DEPLOYS[-1]) == answered
    assert without(answered, "positions") == expected.gates[DEPLOYS[-1]]
    with monitor(config) as again:
        again.wait(lambda: case.caught_up(again), 120, "lag 0")
        assert (again.get("/api/v1/report")["positions"], case.events_counted(again)) == before
        assert again.get("/api/v1/gate", deploy=DEPLOYS[-1]) == answered
        assert again.stop() == 0


def scraped_as_reported(base: str, running: Running) -> None:
    """Prometheus holds every number of the report, the lag, the verdict and the count of what was set aside."""
    # asked anew each time: an idle loop still catches up on what it put off
    eventually(
        lambda: case.same(scraped(base), case.as_series(running.get("/api/v1/report"))), 120, "the report is scraped"
    )
    live = running.get("/api/v1/report")
    assert len(case.as_series(live)) > 100
    versions = {one["segment"]: one["value"] for one in live["measurements"] if "embedding_version" in one["metric"]}
    held = samples(base, "corpus_drift_embedding_version_chunks")
    assert {metric["embedding_version"]: value for metric, value in held} == versions
    caught_up = [0.0] * PARTITIONS
    eventually(
        lambda: [lag for _, lag in samples(base, "corpus_drift_lag_events")] == caught_up, 120, "lag 0 scraped"
    )
    verdicts = {metric["verdict"]: value for metric, value in samples(base, "corpus_drift_verdict")}
    assert {name for name, value in verdicts.items() if value} == {live["verdict"]["verdict"]}
    counted = {metric["reason"]: int(value) for metric, value in samples(base, "corpus_drift_quarantined_total")}
    assert counted == {reason: STREAM.reasons.count(reason) for reason in STREAM.reasons}


def one_owner(config: Path, running: Running) -> None:
    """A second run on the same state is refused, and says who has it; the first one goes on."""
    second = command("run", "-c", config)
    assert second.code == 2
    assert f"in use by process {running.server.pid}" in second.err
    assert running.ask("/healthz")[0] == 200


def test_a_broker_killed_mid_run_makes_the_verdict_unknown_until_it_is_back(
    broker: MortalBroker, expected: Expected, tmp_path: Path
) -> None:
    topic = case.new_topic(broker, "killed")
    case.written(broker, topic, STREAM.upto(DEPLOYS[1]))
    config = case.kafka_run(tmp_path / "run", broker, topic, source=f"stale_after = {STALE_AFTER}")
    with monitor(config) as running:
        case.as_file_run(running, expected, DEPLOYS[:2])
        running.wait(lambda: case.caught_up(running), 120, "lag 0")
        assert "stale" not in str(running.verdict()["reasons"])
        broker.kill()
        try:
            running.wait(lambda: not case.lags(running), 120, "lag not known")
            running.wait(lambda: running.verdict()["verdict"] == "unknown", 120, "UNKNOWN")
            assert not case.lags(running), "a lag that nobody can know"
            assert "input is stale" in running.verdict()["reasons"][0]
            assert "the source's end is not known (Kafka" in running.verdict()["reasons"][0], "and why"
            assert running.metrics()['corpus_drift_verdict{verdict="unknown"}'] == 1.0
            unseen = case.gate(config, DEPLOYS[2], "--timeout", "0.5")
            assert (unseen["verdict"], unseen["state"]) == ("unknown", "unseen")
        finally:
            broker.revive()
        running.wait(lambda: case.caught_up(running), 120, "lag 0 again")
        running.wait(lambda: "stale" not in str(running.verdict()["reasons"]), 120, "no longer stale")
        case.written(broker, topic, STREAM.behind(DEPLOYS[1]))
        case.as_file_run(running, expected, DEPLOYS[2:])
        assert running.stop() == 0
    assert case.set_aside(config) == case.malformed(STREAM)


def test_a_deploy_at_the_end_and_a_baseline_through_the_running_monitor(
    broker: MortalBroker, expected: Expected, tmp_path: Path
) -> None:
    topic = case.new_topic(broker, "asked")
    case.written(broker, topic, STREAM.upto(DEPLOYS[1]))
    config = case.kafka_run(tmp_path / "run", broker, topic)
    with monitor(config) as running:
        case.as_file_run(running, expected, DEPLOYS[:2])
        captured = command("baseline", "capture", "-c", config, "main-2", "--json")
        assert (captured.code, captured.document["approval"], captured.document["deploy"]) == (0, None, DEPLOYS[1])
        refused = command("gate", "-c", config, "--deploy", DEPLOYS[1], "--baseline", "main-2")
        assert refused.code == 2
        assert "not captured and approved; approved ones are: main" in refused.err
        approve = ["--author", "ana", "--reason", "reviewed", "--json"]
        approved = command("baseline", "approve", "-c", config, "main-2", *approve)
        assert (approved.code, approved.document["approval"]["author"]) == (0, "ana")
        against = case.gate(config, DEPLOYS[1], "--baseline", "main-2")
        assert (against["verdict"], against["baseline"]["name"]) == ("pass", "main-2")
        until_the_end(config, running, broker, topic)
        names = [one["name"] for one in command("baseline", "list", "-c", config, "--json").document]
        assert names == ["main", "main-2"]
        assert running.stop() == 0


def until_the_end(config: Path, running: Running, broker: MortalBroker, topic: str) -> None:
    """A deploy that nobody marked ends where the stream ends when the gate is asked, and judges all of it."""
    marked = STREAM.behind(DEPLOYS[1]).upto(DEPLOYS[2])
    case.written(broker, topic, type(marked)(marked.items[:-1]))
    answer = case.gate(config, "unmarked", "--at-end")
    sizes = [len(records) for records in type(marked)(STREAM.upto(DEPLOYS[2]).items[:-1]).partitioned()]
    assert answer["positions"] == {f"{topic}/{at}": size for at, size in enumerate(sizes)}
    report = running.get("/api/v1/report", deploy="unmarked")
    assert (answer["state"], report["deploy_id"]) == ("judged", "unmarked")
    assert len(report["measurements"]) > 100
