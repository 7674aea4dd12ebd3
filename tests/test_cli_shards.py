"""`shards up`: a cluster on this machine that one command starts, that a run uses, and that ends with the command."""

import os
import signal
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

from monitor.adapters.shards.ray.section import RaySection
from tests.adapters.shards.ray import faults
from tests.adapters.shards.ray.coordinating import Coordinator
from tests.adapters.shards.ray.small import ANCHORS, CONFIG, DRIFT, ONE, batches
from tests.core.shards.streams import single
from tests.core.shards.test_exact import same_lists


def free_port() -> int:
    """One that `--port` takes: below those that Ray gives its workers."""
    for port in range(6_400 + os.getpid() % 1_000, 9_999):
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)):
                return port
    raise AssertionError


def listening(processes: list[int]) -> set[str]:
    """Addresses on which these processes listen, as the kernel spells them, without ports."""
    found = set()
    for process in processes:
        names = {str(link.readlink()) for link in Path(f"/proc/{process}/fd").iterdir() if link.is_symlink()}
        for table in ("tcp", "tcp6"):
            for line in Path(f"/proc/{process}/net/{table}").read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == "0A" and f"socket:[{fields[9]}]" in names:
                    found.add(fields[1].partition(":")[0])
    return found


def test_a_cluster_of_one_command_holds_shards_and_listens_on_the_loopback_address_alone(tmp_path: Path) -> None:
    port = free_port()
    command = [sys.executable, "-m", "monitor", "shards", "up", "--nodes", "2", "--cpus", "2"]
    command += ["--folder", str(tmp_path), "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        printed = ""
        while "archive" not in printed:
            line = program.stdout.readline()
            assert line, program.stderr.read()
            printed += line
        try:
            said = tomllib.loads(printed)["shards"]
            assert (said["count"], said["engine"]) == (2, "ray")
            assert said["ray"]["address"] == f"127.0.0.1:{port}"
            of = RaySection(**said["ray"], cpus=0.5, start_timeout=120.0)
            many, one = Coordinator(CONFIG, ANCHORS, DRIFT, of, tmp_path / "published"), single(ONE, ANCHORS)
            for events in batches(2):
                many.apply(events)
                many.publish()
                one.apply(events)
                same_lists(many.session.lists(), one.lists())
            processes = faults.children(program.pid)
            assert listening(processes) <= {"0100007F", "0000000000000000FFFF00000100007F"}
            assert len(list(tmp_path.glob("node-*/shards/test.shard-*-of-3.sqlite"))) == 3
            many.shards.close()
        finally:
            program.send_signal(signal.SIGTERM)
            program.wait(180)
    assert program.returncode == 0
    faults.gone(processes, 60.0)
