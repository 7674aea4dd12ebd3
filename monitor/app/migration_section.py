"""The section `[migration]`: a second embedding version, where its vectors are, and when it is ready."""

from collections.abc import Sequence
from typing import Any, Literal, cast

from pydantic import ConfigDict, Field, create_model, model_validator

from monitor.app.sections import EncoderSection
from monitor.core.model.scoring import Distance
from monitor.kinds import EncoderKind, Section


class MigrationContractSection(Section):
    """What the new version's vectors are; `version` is `migration.to`."""

    encoder: str = ""
    tokenizer: str = ""
    pooling: str = ""
    normalisation: Literal["", "l2", "none"] = ""
    dimension: int = Field(0, ge=0, le=65_536)
    metric: Distance | None = None
    query_prefix: str = ""
    document_prefix: str = ""
    max_tokens: int = Field(0, ge=0)


class MigrationDenseSection(Section):
    """Where the new version is served: what is said of `[dense]` holds here too, but for the keys that stand here."""

    model_config = ConfigDict(extra="allow")

    alias: str = ""
    read: bool = False
    """Whether vectors are read from the new index, because no event brings them."""
    scan_seconds: float = Field(3_600.0, gt=0)
    """Between two lists of all points, which find those that no event made."""


class MigrationGateSection(Section):
    """The limits of the rules that say whether a migration is ready."""

    audit: int = Field(300, ge=0)
    least_recall: float = Field(0.95, ge=0, le=1)
    recall_loss: float = Field(0.01, ge=0, le=1)
    slowdown: float = Field(1.2, gt=0)
    quality_loss: float = Field(0.02, ge=0, le=1)
    segment_quality_loss: float = Field(0.05, ge=0, le=1)
    min_anchors: int = Field(20, ge=1)
    unsupported: float = Field(0.1, ge=0, le=1)
    proxy_loss: float = Field(0.05, ge=0, le=1)
    promise: float = Field(0.8, ge=0, le=1)
    window_seconds: float = Field(259_200.0, ge=0)


class MigrationSection(Section):
    """A migration from the corpus's embedding version to another one."""

    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")
    old: str = Field(alias="from", min_length=1)
    new: str = Field(alias="to", min_length=1)
    settle_seconds: float = Field(30.0, ge=0)
    """Of event time: a chunk whose vector is younger than this is not missing yet."""
    fill: bool = False
    """Whether the encoder also makes the vectors of chunks that nothing else brings, not only those of anchors."""
    contract: MigrationContractSection = MigrationContractSection()
    dense: MigrationDenseSection = MigrationDenseSection()
    encoder: EncoderSection = EncoderSection()
    clicks: str = ""
    """A log of what users saw and clicked, JSON Lines."""
    gate: MigrationGateSection = MigrationGateSection()

    @model_validator(mode="after")
    def _two(self) -> "MigrationSection":
        if self.old == self.new:
            message = f"from = to = {self.old!r}: expected two embedding versions"
            raise ValueError(message)
        return self

    @classmethod
    def of(cls, kinds: Sequence[EncoderKind[Any]]) -> "type[MigrationSection]":
        """The section whose encoder may be of these kinds."""
        encoder = EncoderSection.of(kinds)
        made: Any = create_model(
            cls.__name__, __base__=cls, __doc__=cls.__doc__, __module__=__name__, encoder=(encoder, encoder())
        )
        return cast("type[MigrationSection]", made)
