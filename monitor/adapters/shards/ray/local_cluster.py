"""A Ray cluster on this machine: a head and some nodes, each with a folder for its disk, on the loopback address."""

import os
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from monitor.adapters.shards.ray.cluster import LOOPBACK_ONLY, ray
from monitor.ports import ConfigurationError, UnreachableError

NODE_FOLDER = "CORPUS_DRIFT_NODE"
"""Environment variable of a node: the folder that stands for its disk."""
STORE_BYTES = 100_000_000
"""Of a node's object store: it only holds messages that are on their way."""
HEALTH: Mapping[str, str] = {
    "RAY_health_check_initial_delay_ms": "3000",
    "RAY_health_check_period_ms": "1000",
    "RAY_health_check_timeout_ms": "5000",
    "RAY_health_check_failure_threshold": "5",
}
"""When a node that does not answer counts as dead, for the head's environment."""


class LocalCluster:
    """A head without work, and nodes; nothing of it is reached from another machine.

    Args:
        folder: for the nodes' disks.
        nodes: how many.
        cpus: of each.
        port: of the head; 0 for a free one.
        health: when a node counts as dead.
    """

    def __init__(
        self, folder: Path, nodes: int, *, cpus: float = 1.0, port: int = 0, health: Mapping[str, str] = HEALTH
    ) -> None:
        self._folder, self._cpus, self._port, self._health = folder, cpus, port, health
        self._nodes = nodes
        self.cluster: Any = None
        self.nodes: list[Any] = []

    @property
    def address(self) -> str:
        """Of the head."""
        return str(self.cluster.address)

    def start(self) -> None:
        """Start the head, then the nodes.

        Raises:
            ConfigurationError: the package ray is not installed, or something is that its nodes cannot bear.
            UnreachableError: the cluster does not start, such as where the port is taken.
        """
        os.environ[LOOPBACK_ONLY] = "0"  # read when ray is loaded
        package = ray()
        if find_spec("opentelemetry") is not None and find_spec("opentelemetry.metrics") is None:
            message = (
                "ray cluster on this machine: a part of OpenTelemetry is installed without its API, which ends Ray's"
            )
            message += "; expected opentelemetry-api too"
            raise ConfigurationError(message)
        try:
            self._start()
        except (OSError, RuntimeError, ValueError, package.exceptions.RayError) as error:
            said = (str(error).splitlines() or [type(error).__name__])[0]
            message = f"ray cluster on this machine: {said}; expected port {self._port} free, and memory"
            raise UnreachableError(message) from error
        listens = self.address
        if listens.rpartition(":")[0] != "127.0.0.1":
            self.stop()
            message = f"ray cluster on this machine: listens at {listens}; expected the loopback address alone"
            raise UnreachableError(message)

    def _start(self) -> None:
        from ray.cluster_utils import Cluster

        head = {"num_cpus": 0, "include_dashboard": False, "object_store_memory": STORE_BYTES}
        if self._port:
            head["gcs_server_port"] = self._port
        before = {name: os.environ.get(name) for name in self._health}
        os.environ.update(self._health)
        try:
            self.cluster = Cluster(initialize_head=True, head_node_args=head)
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value
        for _ in range(self._nodes):
            self.add()

    def add(self) -> Any:
        """One node more, with an empty disk."""
        disk = self.disk(len(self.nodes))
        disk.mkdir(parents=True, exist_ok=True)
        node = self.cluster.add_node(
            num_cpus=self._cpus, object_store_memory=STORE_BYTES, env_vars={NODE_FOLDER: str(disk)}
        )
        self.nodes.append(node)
        return node

    def disk(self, number: int) -> Path:
        """The folder that stands for the disk of a node."""
        return self._folder / f"node-{number}"

    def stop(self) -> None:
        """End all processes; safe to call twice."""
        if self.cluster is not None:
            ray().shutdown()  # this process must not be in it any more
            self.cluster.shutdown()
            self.cluster = None
