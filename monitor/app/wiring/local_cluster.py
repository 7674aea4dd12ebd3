"""A Ray cluster on this machine for shards, as `corpus-drift shards up` runs it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from monitor.adapters.shards.ray.local_cluster import NODE_FOLDER, LocalCluster


@contextmanager
def local_cluster(folder: Path, nodes: int, *, cpus: float, port: int) -> Iterator[str]:
    """A cluster for as long as the body runs; yields what to write into a configuration to use it.

    Args:
        folder: for the disks of the nodes and for the archive; what is there from before is used again.
        nodes: how many.
        cpus: of each; a shard takes one, where nothing else is said.
        port: of the head.

    Raises:
        ConfigurationError: the package ray is not installed.
        UnreachableError: it cannot be started, such as where the port is taken.
    """
    folder = folder.absolute()
    cluster = LocalCluster(folder, nodes, cpus=cpus, port=port)
    try:
        cluster.start()
        yield (
            f'[shards]\ncount = {nodes}\nengine = "ray"\n\n[shards.ray]\naddress = "{cluster.address}"\n'
            f'folder = "${NODE_FOLDER}/shards"\narchive = "{folder / "archive"}"\n'
        )
    finally:
        cluster.stop()
