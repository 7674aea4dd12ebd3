"""The keys of `[shards.ray]`."""

from pydantic import Field

from monitor.kinds import Section


class RaySection(Section):
    """Where the cluster is, and where shards keep what they have."""

    address: str = Field("127.0.0.1:6379", pattern=r"^[^/\s]+:\d{1,5}$")
    name: str = Field("", pattern=r"^([A-Za-z0-9][A-Za-z0-9_.-]{0,63})?$")
    folder: str = ""
    archive: str = ""
    timeout: float = Field(60.0, gt=0)
    start_timeout: float = Field(1_800.0, gt=0)
    cpus: float = Field(1.0, gt=0)
    memory_gb: float = Field(0.0, ge=0)
