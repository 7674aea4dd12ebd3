"""A cluster on this machine, where Ray was loaded before anybody said that it is to stay on the loopback address."""

import os
import subprocess
import sys
from pathlib import Path

from monitor.adapters.shards.ray.cluster import LOOPBACK_ONLY

LOADED_BEFORE = """
import sys
from pathlib import Path
import ray
from monitor.adapters.shards.ray.local_cluster import LocalCluster
from monitor.ports import UnreachableError

cluster = LocalCluster(Path(sys.argv[1]), 0)
try:
    cluster.start()
    print(cluster.address)  # a machine that has no other address
    cluster.stop()
except UnreachableError as error:
    print(error)
assert cluster.cluster is None
"""


def test_what_would_listen_on_other_addresses_is_ended_and_said(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != LOOPBACK_ONLY}
    command = [sys.executable, "-c", LOADED_BEFORE, str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    refused = "listens at" in done.stdout and "expected the loopback address alone" in done.stdout
    assert refused or done.stdout.startswith("127.0.0.1:"), done.stdout
