"""Every query of every panel, variable and annotation gives data from a real Prometheus that scrapes a real monitor.

A query for a metric that does not exist succeeds with nothing, so nothing is what must not come back.
"""

import json
import math
import os
import re
import subprocess
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from monitor.adapters.anchors_file import write as write_anchors
from monitor.app.configuration import load
from monitor.core.model.events import Upsert
from tests.app.migrating import SECTION, migrated
from tests.app.migrating import asked as asked_in_both
from tests.corpora import Shape, configuration, write_case, written
from tests.dashboards.boards import DOCUMENTS, Asked, asked, variables
from tests.dashboards.learnt import keep_rounds
from tests.e2e.program import LISTENING, SCRIPT, START_SECONDS, STOP_SECONDS, Running, eventually, fetched
from tests.retriever import Retriever, serving
from tests.stack import need, prometheus

pytestmark = pytest.mark.stack

SHAPE = Shape(chunks=60, deploys=4, incident=True)
PARTS = 3
CHOSEN = {
    "job": ".+", "instance": ".+", "dimension": "source", "segment": "guide", "k": "10", "before": "2s",
    "__rate_interval": "2m",
}  # fmt: skip
MORE = """[measure]
audit_seconds = 1.0
[production]
preset = "dify"
url = "{url}/retrieval"
parameters = {{ knowledge_id = "kb" }}
rate = 1000.0
[traffic]
path = "traffic.jsonl"
format = "json"
"""
SCRAPES = """
global:
  scrape_interval: 500ms
scrape_configs:
  - job_name: corpus-drift
    static_configs:
      - targets: ["{target}"]
  - job_name: corpus-drift-in-shards
    static_configs:
      - targets: ["{shards}"]
"""


@contextmanager
def streaming(folder: Path, url: str) -> Iterator[Running]:
    """A monitor that reads its standard input, and asks the retriever at an address."""
    extra = f"{MORE.format(url=url)}{SECTION}[migration.gate]\nmin_anchors = 1\n"
    text = configuration(SHAPE, extra).replace('path = "events.jsonl"', 'path = "-"')
    config, log = folder / "corpus-drift.toml", folder / "run.log"
    config.write_text(text, encoding="utf-8")
    known = [replace(one, expected_sources=("guide",)) for one in asked_in_both(7, SHAPE)]
    write_anchors(folder / "anchors.jsonl", known)
    asked = [{"query": of.text, "client": of.id} for of in known]
    (folder / "traffic.jsonl").write_text("".join(json.dumps(of) + "\n" for of in asked), encoding="utf-8")
    keep_rounds(load(config, {}))
    with log.open("wb") as output:
        server = subprocess.Popen(
            [SCRIPT, "run", "-c", str(config)],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "CORPUS_DRIFT_TRAFFIC__KEY": "a key of sixteen bytes"},
        )
        started = Running(server, log)
        try:
            started.wait(lambda: LISTENING in started.said(), START_SECONDS, "listening")
            yield started
        finally:
            server.kill()
            server.wait(STOP_SECONDS)
            if server.stdin is not None:
                server.stdin.close()


@contextmanager
def in_shards(folder: Path) -> Iterator[Running]:
    """A second monitor, whose corpus lies in two shards."""
    shape = replace(SHAPE, dense=False)
    config, log = write_case(folder, shape=shape, extra="[shards]\ncount = 2\n"), folder / "run.log"
    with log.open("wb") as output:
        server = subprocess.Popen([SCRIPT, "run", "-c", str(config)], stdout=output, stderr=subprocess.STDOUT)
        started = Running(server, log)
        try:
            started.wait(lambda: LISTENING in started.said(), START_SECONDS, "listening")
            yield started
        finally:
            server.kill()
            server.wait(STOP_SECONDS)


def parts() -> list[bytes]:
    """The stream in pieces, one record of it not to be read."""
    lines = written(migrated(7, SHAPE).made).splitlines(keepends=True)
    size = math.ceil(len(lines) / PARTS)
    return [b"".join(lines[at : at + size]) + b"{no json}\n" for at in range(0, len(lines), size)]


@pytest.fixture(scope="module")
def metrics(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Prometheus after it has scraped a monitor through a stream with an incident in it."""
    with ExitStack() as stack:
        texts = {of.chunk.chunk_id: of.chunk.text for of in migrated(7, SHAPE).made if isinstance(of, Upsert)}
        retriever = stack.enter_context(serving(Retriever(texts)))
        running = stack.enter_context(streaming(tmp_path_factory.mktemp("monitor"), retriever))
        sharded = stack.enter_context(in_shards(tmp_path_factory.mktemp("shards")))
        stream = running.server.stdin
        assert stream is not None
        url = need(prometheus(SCRAPES.format(target=_host(running), shards=_host(sharded))), stack)
        for part in parts():
            stream.write(part)
            stream.flush()
            _scraped(running, url, 3)
        stream.close()  # only now is the end of the stream known, and the lag
        # Of this monitor: the one in shards is at the end of its own stream at once.
        lag, audit = (
            f'corpus_drift_{of}{{job="corpus-drift"}}' for of in ("lag_events", "last_audit_timestamp_seconds")
        )
        running.wait(lambda: found(url, lag), 180.0, "lag")
        running.wait(lambda: found(url, audit), 180.0, "audit")
        running.wait(lambda: found(url, f"{lag} offset 4s"), 180.0, "some history")
        yield url


def _host(running: Running) -> str:
    return running.url.removeprefix("http://")


def ask(url: str, path: str, **query: str) -> Any:
    code, body = fetched(f"{url}/api/v1/{path}?{urllib.parse.urlencode(query)}")
    assert code == 200, f"{path} {query}: {body.decode()}"
    return json.loads(body)["data"]


def found(url: str, expr: str) -> list[Any]:
    """Series now; only those whose value is a number."""
    series = ask(url, "query", query=expr)["result"]
    return [one for one in series if not math.isnan(float(one["value"][1]))]


def _scraped(running: Running, url: str, more: int) -> None:
    """Wait for so many more scrapes."""
    before = _scrapes(url)
    running.wait(lambda: _scrapes(url) >= before + more, 180.0, f"{more} scrapes")


def _scrapes(url: str) -> int:
    counted = found(url, 'count_over_time(up{job="corpus-drift"}[10m])')
    return int(float(counted[0]["value"][1])) if counted else 0


def filled(text: str) -> str:
    """The text with a value for every variable."""
    return re.sub(r"\$(\w+)", lambda name: CHOSEN[name[1]], text)


@pytest.mark.parametrize("query", list(asked()), ids=lambda query: query.where)
def test_a_query_gives_data(metrics: str, query: Asked) -> None:
    if query.instant:
        # A scrape that a busy machine let time out makes every series stale until the next one.
        eventually(lambda: found(metrics, filled(query.expr)), 30.0, query.expr)
        return
    now = time.time()
    span = {"start": f"{now - 30:.0f}", "end": f"{now:.0f}", "step": "1"}
    series = ask(metrics, "query_range", query=filled(query.expr), **span)["result"]
    assert any(not math.isnan(float(value)) for one in series for _, value in one["values"]), query.expr


@pytest.mark.parametrize(
    ("where", "query"),
    [
        (f"{uid}: {name}", of["query"])
        for uid, document in DOCUMENTS.items()
        for name, of in variables(document, "query").items()
    ],
)
def test_a_variable_has_values(metrics: str, where: str, query: str) -> None:
    asked_for = re.fullmatch(r"label_values\((.+), (\w+)\)", query)
    assert asked_for is not None
    values = ask(metrics, f"label/{asked_for[2]}/values", **{"match[]": filled(asked_for[1])})
    assert values, where
    name = where.rpartition(" ")[2]
    assert CHOSEN[name] in (*values, ".+")


def test_what_does_not_exist_gives_nothing(metrics: str) -> None:
    """The test of the tests above."""
    assert found(metrics, "corpus_drift_no_such_metric") == []
    assert eventually(lambda: found(metrics, "up == 1"), 5.0, "up")
