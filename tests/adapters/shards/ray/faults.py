"""What happens to the nodes of a cluster: killed, their disks erased, stopped, continued."""

import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from monitor.adapters.shards.ray.local_cluster import LocalCluster


def children(process: int) -> list[int]:
    """All descendants of a process, itself first."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            parents.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(entry.name))
    made = [process]
    for of in made:
        made += parents.get(of, [])
    return made


def raylet(node: Any) -> int:
    """The process of a node that all its workers are children of."""
    return int(node.all_processes["raylet"][0].process.pid)


def node_of(cluster: LocalCluster, process: int) -> int:
    """The node on which an actor's process runs."""
    for number, node in enumerate(cluster.nodes):
        if node in cluster.cluster.worker_nodes and process in children(raylet(node)):
            return number
    message = f"process {process} is on no node"
    raise AssertionError(message)


def kill(cluster: LocalCluster, number: int, *, erase: bool = False) -> None:
    """SIGKILL to all of a node; its disk, if erased, is gone with it."""
    node = cluster.nodes[number]
    for process in children(raylet(node)):
        os.kill(process, signal.SIGKILL)
    cluster.cluster.remove_node(node, allow_graceful=False)
    if erase:
        shutil.rmtree(cluster.disk(number))


def end(process: int) -> None:
    """SIGKILL, if it is there."""
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)


def stop(cluster: LocalCluster, number: int) -> list[int]:
    """SIGSTOP to all of a node: it does not answer, and does not end."""
    stopped = children(raylet(cluster.nodes[number]))
    for process in stopped:
        os.kill(process, signal.SIGSTOP)
    return stopped


def go_on(stopped: list[int]) -> None:
    """SIGCONT to what was stopped, as far as it lives."""
    for process in stopped:
        if Path(f"/proc/{process}").exists():
            os.kill(process, signal.SIGCONT)


def gone(processes: list[int], seconds: float = 20.0) -> None:
    """Wait until none of them is there."""
    until = time.monotonic() + seconds
    while left := [process for process in processes if Path(f"/proc/{process}").exists()]:
        assert time.monotonic() < until, left
        time.sleep(0.05)


@contextmanager
def later(seconds: float, action: Callable[[], object]) -> Iterator[None]:
    """Something happens while the body runs; it has happened when the body is over."""
    failed: list[BaseException] = []

    def act() -> None:
        time.sleep(seconds)
        try:
            action()
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=act)
    thread.start()
    yield
    thread.join()
    if failed:
        raise failed[0]
