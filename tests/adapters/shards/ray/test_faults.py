"""Shards on a Ray cluster of three nodes: whatever dies, all ends in the bits of a run that nobody disturbed."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from monitor.adapters.shards.ray.local_cluster import HEALTH, LocalCluster
from monitor.adapters.shards.ray.shards import RayShards
from monitor.core.session import Session
from monitor.core.shards.messages import ShardAwayError
from monitor.ports import ConfigurationError
from tests.adapters.shards.ray import faults
from tests.adapters.shards.ray.coordinating import Coordinator, section
from tests.adapters.shards.ray.small import ANCHORS, CONFIG, DRIFT, ONE, batches
from tests.core.shards.streams import single
from tests.core.shards.test_exact import same_lists, same_snapshot, whole

ROOT = Path(__file__).parents[4]
QUICK = {
    **HEALTH,
    "RAY_health_check_initial_delay_ms": "0",
    "RAY_health_check_period_ms": "500",
    "RAY_health_check_failure_threshold": "4",
}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    made = LocalCluster(tmp_path_factory.mktemp("disks"), 3, health=QUICK)
    made.start()
    yield made
    made.stop()


def same(many: Coordinator, one: Session) -> None:
    same_lists(many.session.lists(), one.lists())
    assert many.session.counters == one.counters
    assert whole(many.waited(many.session.engine.by_source)) == whole(one.engine.by_source())


def test_whatever_dies_the_bits_are_those_of_a_run_that_nobody_disturbed(
    cluster: LocalCluster, tmp_path: Path
) -> None:
    one, stream = single(ONE, ANCHORS), batches(16)
    command = [sys.executable, "-m", "tests.adapters.shards.ray.child", cluster.address, str(tmp_path), "3"]
    killed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert killed.returncode == -9, killed.stderr
    many = Coordinator(CONFIG, ANCHORS, DRIFT, section(cluster.address, tmp_path), tmp_path / "published")
    assert many.corpus.epoch == 3
    for _ in range(3):
        one.apply(next(stream))
    same(many, one)

    def turn(events: Any) -> None:
        one.apply(events)
        many.apply(events)
        same(many, one)

    def process(shard: int) -> int:
        return many.shards._seen[shard].process

    turn(next(stream))
    one.compare_with(one.snapshot("main"))  # first: what this compiles, shards on this machine need not
    many.waited(lambda: many.session.compare_with(many.session.snapshot("main")))
    assert whole(many.session.report()) == whole(one.report())
    many.publish()

    # A node is killed while its shard stages: it was stopped, so that the call is on its way.
    number = faults.node_of(cluster, process(1))
    faults.stop(cluster, number)
    with faults.later(0.5, lambda: faults.kill(cluster, number)):
        turn(next(stream))
    assert any("shard 1 of 3: away" in said for said in many.away), many.away
    assert whole(many.waited(many.session.report)) == whole(one.report())
    many.publish()
    cluster.add()

    # Between stage and rank, and its disk is gone with it.
    stage = many.shards.stage

    def staged(*given: Any) -> Any:
        made = stage(*given)
        many.shards.stage = stage  # type: ignore[method-assign]
        faults.kill(cluster, faults.node_of(cluster, process(2)), erase=True)
        return made

    many.shards.stage = staged  # type: ignore[method-assign, assignment]
    turn(next(stream))
    many.publish()
    cluster.add()
    many.away.clear()

    # A node is stopped for longer than a call may take, and continued: it is still the same.
    turn(next(stream))
    stopped = faults.stop(cluster, faults.node_of(cluster, process(0)))
    with faults.later(5.0, lambda: faults.go_on(stopped)):
        turn(next(stream))
    assert any("shard 0 of 3: away" in said for said in many.away), many.away
    many.publish()

    # An actor alone dies; the next that is asked of it is to settle.
    turn(next(stream))
    os.kill(process(1), signal.SIGKILL)
    assert whole(many.waited(many.session.report)) == whole(one.report())
    many.publish()
    turn(next(stream))
    same_snapshot(many.session.snapshot("now"), one.snapshot("now"))
    assert whole(many.session.judge(deploy_id="d1")) == whole(one.judge(deploy_id="d1"))
    many.publish()
    status = many.shards.status()
    assert [of.epoch for of in status] == [many.corpus.epoch] * 3
    assert sum(of.restarts for of in status) >= 3
    assert sum(of.chunks for of in status) == len(one.corpus)
    assert all(of.away == "" and (of.sent or 0) > 0 and (of.received or 0) > 0 for of in status)

    # Two runs over one set of shards: the second is refused, and the first goes on.
    second = RayShards(
        CONFIG, ANCHORS, section(cluster.address, tmp_path), name="test", stream="events", space=str(CONFIG.dimension)
    )
    with pytest.raises(ConfigurationError, match="serves another run, which is alive; expected one coordinator"):
        second.start(many.corpus.epoch)
    second.close()
    turn(next(stream))
    many.publish()
    kept = [(row.key, row.slot if row.live else -1) for part in many.shards.chunks(3) for row, _, _ in part]
    assert [key for key, _ in kept] == sorted(row.key for row in one.corpus.rows())
    assert [slot for _, slot in kept if slot >= 0] == list(range(len(one.corpus)))
    contents = many.shards.contents([key for key, _ in kept])
    assert [contents[row.key].content_hash for row in one.corpus.rows()] == [
        row.content_hash for row in one.corpus.rows()
    ]
    assert many.shards.size() > 0
    processes = [process(number) for number in range(3)]
    many.shards.close()
    many.shards.close()
    faults.gone(processes)


def test_a_silent_shard_is_said_to_be_away_although_its_size_was_asked_before(
    cluster: LocalCluster, tmp_path: Path
) -> None:
    """It is asked for at each publication: what it finds must not keep the next call from saying so."""
    of = section(cluster.address, tmp_path, timeout=30.0)  # the first steps compile
    many = Coordinator(CONFIG, ANCHORS, DRIFT, of, tmp_path / "published", name="silent")
    many.apply(next(iter(batches(1))))
    many.shards._actors._timeout = 1.0
    process = many.shards._seen[1].process
    os.kill(process, signal.SIGSTOP)
    try:
        size = many.shards.size()
        with pytest.raises(ShardAwayError, match=r"^shard 1 of 3: away \(no answer within 1 s\)"):
            many.shards.work(many.corpus.epoch)
        assert [bool(shard.away) for shard in many.shards.status()] == [False, True, False]
        assert many.shards.size() == size
    finally:
        os.kill(process, signal.SIGCONT)
        many.shards.close()
