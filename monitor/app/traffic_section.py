"""The section `[traffic]`: the queries that users ask, which the anchors are to stand for."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, cast

from pydantic import Field, SecretStr, create_model

from monitor.app.log_section import LogSection
from monitor.kinds import TrafficFieldsSection, TrafficKind


class TrafficSection(LogSection):
    """Where queries are read and how much of them is kept; without this section nothing is read."""

    named: ClassVar[str] = "traffic"
    kinds: ClassVar[Mapping[str, TrafficKind]] = {}

    key: SecretStr = SecretStr("")
    """Of the marks that stand for texts and clients."""
    format: str = "ubi"
    fields: TrafficFieldsSection = TrafficFieldsSection()
    group_id: str = "corpus-drift-traffic"
    keep_days: int = Field(35, ge=28, le=400)
    max_rows: int = Field(100_000, ge=1_000, le=5_000_000)
    """A row is one client's question on one day; where there would be more, only a sample of the clients is kept."""
    seconds: float = Field(0.25, gt=0, le=60)
    """That one look at the log may take."""
    tuning: tuple[str, ...] = ()
    """Files of queries that something was tuned on: anchors among them flatter."""
    held_out: str = Field("", pattern=r"^([^=]+=.+)?$")
    """`attribute=value` of the anchors that whoever tunes is not shown."""
    least_coverage: float = Field(0.5, ge=0, le=1)
    """Below it, the anchors no longer speak for the traffic."""

    @property
    def kind(self) -> TrafficKind:
        """The chosen form of records."""
        return self.kinds[self.format]

    @classmethod
    def of(cls, kinds: Sequence[TrafficKind]) -> "type[TrafficSection]":
        """The section whose records may be of these forms."""
        choice: Any = Literal[tuple(kind.name for kind in kinds)]
        made: Any = create_model(
            cls.__name__, __base__=cls, __doc__=cls.__doc__, __module__=__name__, format=(choice, kinds[0].name)
        )
        made.kinds = {kind.name: kind for kind in kinds}
        return cast("type[TrafficSection]", made)
