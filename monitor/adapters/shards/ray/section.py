"""The keys of `[shards.ray]`."""

from pydantic import Field, field_validator

from monitor.kinds import Section


class RaySection(Section):
    """Where the cluster is, and where shards keep what they have."""

    address: str = "127.0.0.1:6379"
    name: str = Field("", pattern=r"^([A-Za-z0-9][A-Za-z0-9_.-]{0,63})?$")
    folder: str = ""
    archive: str = ""
    timeout: float = Field(60.0, gt=0)
    start_timeout: float = Field(1_800.0, gt=0)
    cpus: float = Field(1.0, gt=0)
    memory_gb: float = Field(0.0, ge=0)

    @field_validator("address")
    @classmethod
    def _reachable(cls, address: str) -> str:
        host, _, port = address.rpartition(":")
        if not host or "/" in host or any(map(str.isspace, host)) or not _is_port(port):
            message = "expected host:port of the cluster's head"
            raise ValueError(message)
        return address


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 5 and 0 < int(text) < 65_536
