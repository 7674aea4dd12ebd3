"""What sections have in common that name a log of what users do: a file that grows, or a Kafka topic."""

from typing import ClassVar

from pydantic import Field, model_validator

from monitor.kinds import BrokersSection


class LogSection(BrokersSection):
    """A log that is read beside the corpus events."""

    named: ClassVar[str] = ""
    """How the section is called in messages."""

    path: str = ""
    """JSON Lines, read as it grows."""
    topic: str = ""
    """A Kafka topic of the same records, on the brokers."""
    bootstrap_servers: tuple[str, ...] = ()
    group_id: str = "corpus-drift-log"
    max_record_bytes: int = Field(1 << 20, ge=1_024, le=64 << 20)

    @model_validator(mode="after")
    def _one(self) -> "LogSection":
        if bool(self.path) == bool(self.topic) or bool(self.topic) != bool(self.bootstrap_servers):
            message = f"{self.named}: expected either path, or topic and bootstrap_servers"
            raise ValueError(message)
        return self
