"""`shards.engine = "ray"`: actors of a Ray cluster hold the shards."""

from pydantic import Field

from monitor.kinds import Section

LOCAL_ADDRESS = "127.0.0.1:6379"


class RaySection(Section):
    """Where the cluster is, and where shards keep what they have."""

    address: str = LOCAL_ADDRESS
    """Of the cluster's head; this machine is a node of it."""
    folder: str = ""
    """For the shards' files, on the disk of each node; environment variables in it are the node's."""
    archive: str = ""
    """A folder that all nodes share, from which a shard is made again where its disk is gone; "" for none."""
    timeout: float = Field(60.0, gt=0)
    """Seconds that a shard may take for a call before it counts as away."""
    start_timeout: float = Field(1_800.0, gt=0)
    """Seconds that all shards may take to start and to load what they have."""
    cpus: float = Field(1.0, gt=0)
    """Cores that the cluster sets aside for a shard."""
    memory_gb: float = Field(0.0, ge=0)
    """Gigabytes that the cluster sets aside for a shard; 0 for none."""
