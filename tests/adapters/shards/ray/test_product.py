"""The product over shards on a Ray cluster: report, gate, cards and state of one process, to the bit."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from monitor.adapters.shards.ray.local_cluster import LocalCluster
from monitor.adapters.shards.ray.shards import RayShards
from monitor.adapters.stores.sqlite.snapshots import pack_deploy
from monitor.app.configuration import load
from monitor.app.wiring import open_monitor, read_state
from monitor.core.records.published import Published
from monitor.ports import ConfigurationError, UnreachableError
from tests.app.sharding import MODEL, SHAPE, Hands, opening, stream
from tests.app.test_sharded_runs import case, looked, played, same
from tests.corpora import events, written

KEYS = """engine = "ray"
[shards.ray]
address = "{address}"
folder = "$CORPUS_DRIFT_NODE/shards"
archive = "{folder}/archive"
cpus = 0.3
"""


def alone(config: Path) -> list[dict[str, Any]]:
    """What is shown; what is left of chunks is on the nodes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.app.test_sharded_runs.left", lambda _: None)
        return played(config, restarts=20)[0]


def judged(config: Path) -> list[bytes]:
    """Every deploy as the coordinator's state has it."""
    with read_state(load(config, {}, MODEL)) as store:
        records = [store.deploy(of.deploy_id) for of in store.ledger()]
    made = [pack_deploy(of) for of in records if of is not None]
    assert len(made) == 5
    return made


def test_what_is_said_does_not_depend_on_where_shards_are(tmp_path: Path) -> None:
    one = case(tmp_path, 1)
    cluster = LocalCluster(tmp_path / "disks", 2)
    cluster.start()
    try:
        many = case(tmp_path, 3, extra=KEYS.format(address=cluster.address, folder=tmp_path))
        seen = alone(many)
    finally:
        cluster.stop()
    same(seen, alone(one))
    assert judged(many) == judged(one)


def test_a_shard_that_dies_while_something_is_measured_makes_the_verdict_unknown(tmp_path: Path) -> None:
    """And then all is said as before: the loop asks again."""
    cluster, items, hands = LocalCluster(tmp_path / "disks", 2), stream(), Hands()
    cluster.start()
    try:
        config = case(tmp_path, 3, extra=KEYS.format(address=cluster.address, folder=tmp_path))
        with opening(config, items, hands) as monitor:
            for _ in range(12):
                monitor.turn(0.0)
                hands.now += 60.0
            before, shards, said = looked(monitor), monitor.parts.shards, list[Published]()
            assert isinstance(shards, RayShards)
            publish = monitor.measuring.publish

            def noted(*given: Any, **named: Any) -> None:
                publish(*given, **named)
                assert monitor.published is not None
                said.append(monitor.published)

            monitor.measuring.publish = noted  # type: ignore[method-assign]
            os.kill(shards._seen[1].process, signal.SIGKILL)
            assert looked(monitor) == before
            away = [view for view in said if view.health.shards[1].away]
            assert away
            assert {view.verdict.verdict for view in away} == {"unknown"}
            assert "shard 1 of 3: away (" in away[0].verdict.reasons[0]
            assert not said[-1].health.shards[1].away
            assert said[-1].health.shards[1].restarts == 1
    finally:
        cluster.stop()


def test_a_cluster_that_ends_under_a_run_ends_it_with_one_line_and_exit_code_4(tmp_path: Path) -> None:
    """Ray ends the process that uses it, with 1, from a thread of its own."""
    cluster = LocalCluster(tmp_path / "disks", 1)
    cluster.start()
    try:
        config = case(tmp_path, 2, index="none", extra=KEYS.format(address=cluster.address, folder=tmp_path))
        (config.parent / "events.jsonl").write_bytes(written(events(1, SHAPE)[:40]))
        with running(config) as told_to_stop:
            told_to_stop.send_signal(signal.SIGTERM)
            assert told_to_stop.wait(120) == 0
        with running(config) as program:
            cluster.stop()
            assert program.wait(120) == 4
            assert program.stderr is not None
            lines = program.stderr.read().splitlines()
    finally:
        cluster.stop()
    said = f"corpus-drift: ray cluster {cluster_of(config)}: its head is gone, and Ray ended this run; expected "
    assert [line for line in lines if line.startswith("corpus-drift: ")] == [lines[-1]]
    assert lines[-1].startswith(said)


@contextmanager
def running(config: Path) -> Iterator[subprocess.Popen[str]]:
    """`corpus-drift run`, once its endpoints answer; Ray looks for a lost head for three seconds, not for sixty."""
    own = {**os.environ, "RAY_gcs_rpc_server_reconnect_timeout_s": "3"}
    command = [sys.executable, "-m", "monitor", "run", "-c", str(config)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=own) as program:
        assert program.stderr is not None
        try:
            while not (line := program.stderr.readline()).startswith("listening on "):
                assert line, "ended before it listened"
            yield program
        finally:
            program.kill()


def cluster_of(config: Path) -> str:
    """The head's address, as configured."""
    return str(load(config, {}).shards.settings.address)


def test_a_cluster_that_is_not_there_is_said_at_once(tmp_path: Path) -> None:
    config = case(tmp_path, 3, extra=KEYS.format(address="127.0.0.1:1", folder=tmp_path))
    with (
        pytest.raises(UnreachableError, match=r"ray cluster 127.0.0.1:1: Connection\w+: .* expected host:port of"),
        open_monitor(load(config, {}, MODEL)),
    ):
        pytest.fail("opened")


@pytest.mark.parametrize("address", ["head", "head:99999", "head:0", "http://head:6379", ":6379", "the head:6379"])
def test_an_address_without_host_and_port_is_refused_where_it_is_read(tmp_path: Path, address: str) -> None:
    config = case(tmp_path, 3, extra=KEYS.format(address=address, folder=tmp_path))
    said = rf"shards\.ray\.address = '{address}': expected host:port of the cluster's head$"
    with pytest.raises(ConfigurationError, match=said):
        load(config, {}, MODEL)
