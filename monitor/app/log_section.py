"""What sections have in common that name a log of what users do: a file that grows, or a Kafka topic."""

from typing import ClassVar, Literal

from pydantic import Field, SecretStr, model_validator

from monitor.kinds import Section


class LogSection(Section):
    """A log that is read beside the corpus events."""

    named: ClassVar[str] = ""
    """How the section is called in messages."""

    path: str = ""
    """JSON Lines, read as it grows."""
    bootstrap_servers: tuple[str, ...] = ()
    topic: str = ""
    """A Kafka topic of the same records, on these brokers."""
    group_id: str = "corpus-drift-log"
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_SSL", "SASL_PLAINTEXT"] = "PLAINTEXT"
    sasl_mechanism: Literal["", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = ""
    sasl_username: str = ""
    sasl_password: SecretStr = SecretStr("")
    ca_file: str = ""
    api_version: tuple[int, ...] = ()
    max_record_bytes: int = Field(1 << 20, ge=1_024, le=64 << 20)

    @model_validator(mode="after")
    def _one(self) -> "LogSection":
        if bool(self.path) == bool(self.topic) or bool(self.topic) != bool(self.bootstrap_servers):
            message = f"{self.named}: expected either path, or topic and bootstrap_servers"
            raise ValueError(message)
        return self
