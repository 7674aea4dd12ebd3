"""Shards on a Ray cluster of three nodes, over a real Kafka broker: whatever dies, all is said as by one process."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from monitor.adapters.shards.ray.local_cluster import LocalCluster
from tests.adapters.shards.ray import faults
from tests.e2e import kafka_case as case
from tests.e2e.kafka_case import DEPLOYS, STREAM
from tests.e2e.mortal_kafka import mortal_broker
from tests.e2e.program import command, monitor
from tests.stack import need

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]

DENSE = 'engine = "none"'
"""An index that is filled from the events is not for shards."""


def test_a_node_whose_disk_is_erased_and_a_coordinator_that_is_killed_change_nothing(tmp_path: Path) -> None:
    expected = case.file_run(tmp_path / "file", dense=DENSE)
    with ExitStack() as stack:
        broker = need(mortal_broker(), stack)
        topic = case.new_topic(broker, "sharded")
        case.written(broker, topic, STREAM.upto(DEPLOYS[1]))
        cluster = LocalCluster(tmp_path / "disks", 3)
        cluster.start()
        stack.callback(cluster.stop)
        shards = f"""count = 3
engine = "ray"
[shards.ray]
address = "{cluster.address}"
folder = "$CORPUS_DRIFT_NODE/shards"
archive = "{tmp_path}/archive"
timeout = 20.0"""
        config = case.kafka_run(tmp_path / "run", broker, topic, dense=DENSE, shards=shards)
        with monitor(config) as running:
            case.as_file_run(running, expected, DEPLOYS[:2])
            assert command("health", "-c", config, "--ready").code == 0
            faults.kill(cluster, 1, erase=True)
            cluster.add()
            case.written(broker, topic, STREAM.behind(DEPLOYS[1]).upto(DEPLOYS[3]))
            case.as_file_run(running, expected, DEPLOYS[2:4])
            for process in faults.children(running.server.pid)[::-1]:
                faults.end(process)
        case.written(broker, topic, STREAM.behind(DEPLOYS[3]))
        with monitor(config) as again:
            case.as_file_run(again, expected, DEPLOYS[4:])
            again.wait(lambda: case.caught_up(again), 120, "lag 0")
            assert again.stop() == 0
            assert "Traceback" not in again.said()
    refused = [of for of in case.malformed(STREAM) if of[2] != "wrong_dimension"]  # nobody looks at vectors here
    assert case.set_aside(config) == refused
