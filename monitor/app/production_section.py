"""The section of the configuration that says how production's own retriever is asked, or overheard."""

from typing import Any, ClassVar, Literal

from pydantic import Field, SecretStr, model_validator

from monitor.app.log_section import LogSection
from monitor.kinds import Section

Paths = str | tuple[str, ...]


class SearchLogSection(LogSection):
    """Production is not asked: its answers are read from a log of the searches that users made."""

    named: ClassVar[str] = "production.log"
    group_id: str = "corpus-drift-searches"
    format: Literal["ubi", "otel"] = "ubi"


class ProductionSection(Section):
    """The retriever as users get it, a third leg beside dense and lexical; without this section there is none."""

    preset: Literal["", "dify", "openai", "langserve", "haystack", "mcp"] = ""
    url: str = ""
    method: Literal["POST", "GET"] = "POST"
    body: dict[str, Any] = Field(default_factory=dict)
    parameters: dict[str, str] = Field(default_factory=dict)
    tool: str = "search"
    results: Paths = ""
    id: Paths = ""
    document: Paths = ""
    text: Paths = ""
    score: Paths = ""
    headers: dict[str, str] = Field(default_factory=dict)
    token: SecretStr = SecretStr("")
    token_header: str = "Authorization"  # noqa: S105 - where the secret goes
    token_prefix: str = "Bearer "  # noqa: S105
    secret_headers: SecretStr = SecretStr("")
    """A JSON object, for whoever needs more than one."""
    ca_file: str = ""
    calls: Literal[1, 2] = 2
    rate: float = Field(10.0, gt=0, le=1_000)
    concurrency: int = Field(4, ge=1, le=64)
    timeout: float = Field(10.0, gt=0)
    deadline: float = Field(120.0, gt=0)
    max_answer_bytes: int = Field(4 << 20, ge=1_024, le=64 << 20)
    every_seconds: float = Field(3_600.0, gt=0)
    log: SearchLogSection | None = None

    @model_validator(mode="after")
    def _asked_or_overheard(self) -> "ProductionSection":
        if bool(self.url) == (self.log is not None):
            message = "production: expected either url, or the table [production.log]"
            raise ValueError(message)
        if self.log is None and not self.preset and not (self.body and (self.id or self.text)):
            message = "production without preset: expected body, and id or text"
            raise ValueError(message)
        return self

    @property
    def passive(self) -> bool:
        """Whether production is overheard instead of asked."""
        return self.log is not None
