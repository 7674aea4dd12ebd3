"""From a topic to a pager, all real: Kafka, the monitor, Prometheus with generated rules, Alertmanager, a webhook."""

import json
import threading
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from tests import corpora
from tests.e2e.program import Running, command, eventually, fetched, monitor
from tests.e2e.streams import PARTITIONS, Stream, configured, kafka_source
from tests.kafka_admin import created
from tests.stack import KafkaBroker, alertmanager, free_ports, kafka_broker, need, prometheus

TOPIC = "corpus-changes"
SEED = 5
SHAPE = corpora.Shape(chunks=600, anchors=90)
POLICY = "".join(
    f"""
[[policy.rule]]
name = "swaps-{leg}-{dimension}"
metric = "collapsed_swaps"
leg = "{leg}"
dimension = "{dimension}"
max = 2.0
for = 1.0
"""
    for leg in ("dense", "lexical")
    for dimension in ("all", "source")
)
ALERTMANAGER = """
route:
  receiver: pager
  group_by: [alertname, rule, dimension, segment]
  group_wait: 0s
  group_interval: 1s
  repeat_interval: 1h
receivers:
  - name: pager
    webhook_configs:
      - url: {url}
        send_resolved: true
"""
PROMETHEUS = """
global:
  scrape_interval: 1s
  evaluation_interval: 1s
rule_files: [{rules}]
alerting:
  alertmanagers:
    - static_configs: [{{targets: ["{alertmanager}"]}}]
scrape_configs:
  - job_name: corpus-drift
    static_configs: [{{targets: ["{monitor}"]}}]
"""
CLOCK = {"CorpusDriftClockAhead", "CorpusDriftStillLearning"}
"""The corpus of the tests has event times of its own: on a machine whose date is earlier they lie in the future. And
what is normal is learnt in days."""
Alert = dict[str, Any]


@dataclass
class Pager:
    """What the webhook got: alerts with the moment (monotonic seconds) at which they came."""

    url: str
    got: list[tuple[float, Alert]] = field(default_factory=list)

    def alerts(self, status: str, name: str = "CorpusDriftExceeded") -> list[tuple[float, Alert]]:
        """Alerts of one name and status, in the order they came."""
        return [one for one in self.got if (one[1]["status"], one[1]["labels"]["alertname"]) == (status, name)]

    def wait(self, status: str, rules: frozenset[str], seconds: float) -> float:
        """The moment at which the first alert of the last of some rules came with a status."""

        def look() -> bool:
            return rules <= {alert["labels"]["rule"] for _, alert in self.alerts(status)}

        eventually(look, seconds, f"{status} alerts of {sorted(rules)}", lambda: json.dumps(self.got)[-2000:])
        return max(min(at for at, alert in self.alerts(status) if alert["labels"]["rule"] == rule) for rule in rules)

    def wait_watchdog(self, seconds: float) -> None:
        """Until the alert that always fires has come: the whole path carries."""
        eventually(lambda: self.alerts("firing", "CorpusDriftWatchdog"), seconds, "the watchdog")


@contextmanager
def pager() -> Iterator[Pager]:
    """A webhook receiver on a free port."""
    made = Pager("")

    class Webhook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            made.got.extend((time.monotonic(), alert) for alert in body["alerts"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Webhook)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_address[1]}/page"
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Corpus:
    """The producer's side: a corpus in the making, and the topic that announces its changes."""

    broker: KafkaBroker
    world: corpora.World = field(default_factory=lambda: corpora.World(np.random.default_rng(SEED), SHAPE))
    _told: int = 0
    _deploys: int = 0

    def load(self) -> str:
        """The initial corpus; the deploy's id."""
        for at in range(SHAPE.chunks):
            source = corpora.SOURCES[at % len(corpora.SOURCES)]
            self.world.upsert(f"doc{at // 4}#{at % 4}", self.world.text(at % corpora.TOPICS), source)
        self.home = {name: chunk.text for name, chunk in self.world.live.items()}
        return self.deployed()

    def ordinary(self) -> str:
        """Other texts for three chunks."""
        for at in range(3):
            self._replace(f"doc{at}#0", self.world.text(at))
        return self.deployed()

    def incident(self) -> str:
        """Most chunks of all sources say something about another topic."""
        for at, name in enumerate(sorted(self.world.live)):
            if at % 5:
                self._replace(name, self.world.text((at * 7 + 3) % corpora.TOPICS))
        return self.deployed()

    def revert(self) -> str:
        """Every text as it was in the beginning."""
        for name, text in self.home.items():
            if self.world.live[name].text != text:
                self._replace(name, text)
        return self.deployed()

    def _replace(self, name: str, text: str) -> None:
        self.world.upsert(name, text, dict(self.world.live[name].segment)["source"])

    def deployed(self) -> str:
        """Close a deploy and produce what is new; returns when the broker has it."""
        self.world.deploy(self._deploys)
        self._deploys += 1
        made = Stream(tuple(self.world.made[self._told :]))
        self._told = len(self.world.made)
        producer = Producer({"bootstrap.servers": self.broker.bootstrap, "log_level": 0})
        for partition, records in enumerate(made.partitioned()):
            for key, value in records:
                producer.produce(TOPIC, value, key, partition)
        assert producer.flush(30) == 0
        return f"d{self._deploys - 1}"


@dataclass(frozen=True)
class AlertStack:
    """Everything that runs."""

    corpus: Corpus
    running: Running
    config: Path
    prometheus: str
    pager: Pager

    def gate(self, deploy: str) -> int:
        """The exit code of the gate."""
        return command("gate", "-c", self.config, "--deploy", deploy).code

    def query(self, expression: str) -> list[dict[str, Any]]:
        """What Prometheus answers to an instant query."""
        code, body = fetched(f"{self.prometheus}/api/v1/query?query={urllib.parse.quote(expression)}")
        assert code == 200, body
        found: list[dict[str, Any]] = json.loads(body)["data"]["result"]
        return found

    def firing(self) -> set[str]:
        """Names of the alerts that fire or are about to, but for what this machine's date decides."""
        return {one["metric"]["alertname"] for one in self.query("ALERTS")} - CLOCK


@contextmanager
def alert_stack(folder: Path) -> Iterator[AlertStack]:
    """Start everything, the monitor with an empty topic; skipped where a program is missing."""
    with ExitStack() as stack:
        broker = need(kafka_broker(), stack)
        created(AdminClient({"bootstrap.servers": broker.bootstrap, "log_level": 0}), TOPIC, PARTITIONS)
        (port,) = free_ports(1)
        config = configured(
            folder / "run",
            kafka_source(broker.bootstrap, TOPIC) + POLICY,
            seed=SEED,
            shape=SHAPE,
            segments='dimensions = ["source"]\nmin_anchors = 20',
            policy="defaults = false",
            alerts=f'monitor_base = "http://127.0.0.1:{port}"\nkeep_firing_for = 1.0\n'
            "baseline_days = 36500.0",  # the corpus of the tests has event times of its own
            http=f"port = {port}",
        )
        rules = command("rules", "-c", config)
        assert rules.code == 0, rules.err
        (folder / "rules.yml").write_text(rules.out, encoding="utf-8")
        receiver = stack.enter_context(pager())
        manager = need(alertmanager(ALERTMANAGER.format(url=receiver.url)), stack)
        running = stack.enter_context(monitor(config))
        targets = {"alertmanager": manager.removeprefix("http://"), "monitor": f"127.0.0.1:{port}"}
        written = PROMETHEUS.format(rules=folder / "rules.yml", **targets)
        # What fires before Alertmanager is discovered is not sent at first: not again for a minute by default.
        server = need(prometheus(written, "--rules.alert.resend-delay=1s"), stack)
        yield AlertStack(Corpus(broker), running, config, server, receiver)
