"""The sections of the configuration file: keys, types, defaults and what each refuses."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, TypeVar, cast

from pydantic import Field, SecretStr, create_model, field_validator, model_validator

from monitor.core.measures.comparison.labels import FLOOR
from monitor.core.measures.entry import MEASURED
from monitor.core.measures.registry import REGISTRY
from monitor.core.model.scoring import Distance
from monitor.kinds import EncoderKind, FieldPathsSection, RetrieverKind, Section, ShardsKind, SourceKind

M = TypeVar("M", bound=Section)

NONE = "none"
"""What is chosen where no kind is."""
LOCAL = "local"
"""Shards in this process; one of them is the process itself."""


class CorpusSection(Section):
    """What the corpus is."""

    name: str = Field("corpus", pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")
    embedding_version: str = ""
    dimension: int = Field(0, ge=0, le=65_536)
    distance: Distance = Distance.COSINE


class SegmentsSection(Section):
    """By which attributes drift is told apart."""

    dimensions: tuple[str, ...] = ()
    cap: int = Field(50, ge=1, le=1_000)
    min_anchors: int = Field(20, ge=1)


class SourceSection(Section):
    """Where the corpus events come from: exactly one table of a kind of source, such as `[source.file]`."""

    kinds: ClassVar[Mapping[str, SourceKind[Any]]] = {}
    format: Literal["auto", "native", "cloudevents", "debezium", "qdrant-sink", "fields"] = "auto"
    fields: FieldPathsSection = FieldPathsSection()
    missing_event_time: Literal["refuse", "ingest"] = "refuse"
    """Of an event that says no time and whose record has none: it is refused, or dated when it is read."""
    max_event_bytes: int = Field(4 << 20, ge=1_024, le=64 << 20)
    batch: int = Field(1_024, ge=1, le=65_536)
    barrier_timeout: float = Field(300.0, gt=0)
    stale_after: float = Field(900.0, gt=0)
    max_refused_ratio: float = Field(0.1, ge=0, le=1)

    @model_validator(mode="after")
    def _one(self) -> "SourceSection":
        named = [name for name in self.kinds if getattr(self, name) is not None]
        if len(named) != 1:
            tables = ", ".join(f"source.{name}" for name in self.kinds)
            message = f"expected exactly one of {tables}, found {named or 'none'}"
            raise ValueError(message)
        return self

    @property
    def adapter(self) -> SourceKind[Any]:
        """The kind whose table is there."""
        return next(kind for name, kind in self.kinds.items() if getattr(self, name) is not None)

    @property
    def settings(self) -> Any:
        """Its table: an instance of `adapter.section`."""
        return getattr(self, self.adapter.name)

    @classmethod
    def of(cls, kinds: Sequence[SourceKind[Any]]) -> "type[SourceSection]":
        """The section with a table for each of these kinds."""
        tables: Any = {kind.name: (kind.section | None, None) for kind in kinds}
        made = create_model(cls.__name__, __base__=cls, __doc__=cls.__doc__, __module__=__name__, **tables)
        made.kinds = {kind.name: kind for kind in kinds}
        return made


class DenseSection(Section):
    """The dense leg: which vector store is asked (the embedded engine; a Qdrant server, read only), or none."""

    kinds: ClassVar[Mapping[str, RetrieverKind[Any]]] = {}
    engine: str = NONE
    filter_by: tuple[str, ...] = ()
    replay_deadline: float = Field(120.0, gt=0)
    full_replay_seconds: float = Field(3_600.0, gt=0)
    settle_seconds: float = Field(30.0, ge=0)
    ready_timeout: float = Field(60.0, ge=0)
    """Seconds that a deploy waits for a server that is not at rest or does not hold it yet."""

    @model_validator(mode="after")
    def _complete(self) -> "DenseSection":
        if self.adapter is not None:
            _require(self.adapter, self, f"dense.engine = {self.engine!r}", "dense")
        return self

    @property
    def adapter(self) -> RetrieverKind[Any] | None:
        """The chosen kind; None where the leg is off."""
        return self.kinds.get(self.engine)

    @property
    def settings(self) -> Any:
        """Its keys: an instance of `adapter.section`."""
        return _settings(self.adapter, self)

    @classmethod
    def of(cls, kinds: Sequence[RetrieverKind[Any]]) -> "type[DenseSection]":
        """The section with the keys of these kinds; the first is what is chosen where nothing is said."""
        choice = Literal[(*(kind.name for kind in kinds), NONE)]  # type: ignore[valid-type]
        made = _with_keys(cls, kinds, engine=(choice, kinds[0].name))
        made.kinds = {kind.name: kind for kind in kinds}
        return made


class LexicalSection(Section):
    """The lexical leg: BM25 over all live chunks."""

    enabled: bool = True
    variant: Literal["okapi", "lucene"] = "okapi"
    """rank-bm25 defines BM25 here, and can audit only what it defines."""
    k1: float = Field(1.5, gt=0)
    b: float = Field(0.75, ge=0, le=1)
    epsilon: float = Field(0.25, ge=0)
    served: Literal["", "qdrant-sparse", "qdrant-text"] = ""
    """The server's own lexical index, replayed beside the maintained one."""
    served_field: str = ""
    """Its sparse vector, or the payload field with the full-text index."""


class EncoderSection(Section):
    """How texts become vectors where neither the event nor the anchor carries one."""

    kinds: ClassVar[Mapping[str, EncoderKind[Any]]] = {}
    kind: str = NONE

    @model_validator(mode="after")
    def _complete(self) -> "EncoderSection":
        if self.adapter is not None:
            _require(self.adapter, self, f"encoder.kind = {self.kind!r}", "encoder")
        return self

    @property
    def adapter(self) -> EncoderKind[Any] | None:
        """The chosen kind; None where events and anchors bring their vectors."""
        return self.kinds.get(self.kind)

    @property
    def settings(self) -> Any:
        """Its keys: an instance of `adapter.section`."""
        return _settings(self.adapter, self)

    @classmethod
    def of(cls, kinds: Sequence[EncoderKind[Any]]) -> "type[EncoderSection]":
        """The section with the keys of these kinds."""
        choice = Literal[(NONE, *(kind.name for kind in kinds))]  # type: ignore[valid-type]
        made = _with_keys(cls, kinds, kind=(choice, NONE))
        made.kinds = {kind.name: kind for kind in kinds}
        return made


class ShardsSection(Section):
    """In how many parts the corpus lies, and where they are; one shard of the engine `local` is one process."""

    kinds: ClassVar[Mapping[str, ShardsKind[Any]]] = {}
    count: int = Field(1, ge=1, le=512)
    engine: str = LOCAL

    @model_validator(mode="after")
    def _complete(self) -> "ShardsSection":
        if self.there:
            _require(self.adapter, self, f"shards.engine = {self.engine!r}", "shards")
        return self

    @property
    def there(self) -> bool:
        """Whether the corpus lies in shards; else one process has it whole."""
        return self.count > 1 or self.engine != LOCAL

    @property
    def adapter(self) -> ShardsKind[Any]:
        """The chosen kind."""
        return self.kinds[self.engine]

    @property
    def settings(self) -> Any:
        """Its keys: an instance of `adapter.section`."""
        return _settings(self.adapter, self)

    @property
    def silence(self) -> float:
        """The most seconds that one turn waits for shards that begin anew."""
        return self.adapter.silence(self.settings) if self.there else 0.0

    @classmethod
    def of(cls, kinds: Sequence[ShardsKind[Any]]) -> "type[ShardsSection]":
        """The section with the keys of these kinds; the first is what is chosen where nothing is said."""
        choice = Literal[(*(kind.name for kind in kinds),)]  # type: ignore[valid-type]
        made = _with_keys(cls, kinds, engine=(choice, kinds[0].name))
        made.kinds = {kind.name: kind for kind in kinds}
        return made


Keyed = RetrieverKind[Any] | EncoderKind[Any] | ShardsKind[Any]
"""Kinds that a key of their section chooses."""


def _with_keys(base: type[M], kinds: Sequence[Keyed], **keys: Any) -> type[M]:
    """A section with the keys of flat kinds among its own, and a table for each of the others."""
    flat = dict.fromkeys(kind.section for kind in kinds if kind.flat)
    tables: Any = {kind.name: (kind.section | None, None) for kind in kinds if not kind.flat}
    bases: Any = (*reversed(flat), base)  # keys stand in the reverse order of their classes
    made: Any = create_model(
        base.__name__, __base__=bases, __doc__=base.__doc__, __module__=__name__, **keys, **tables
    )
    return cast("type[M]", made)


def _settings(kind: Keyed | None, section: Section) -> Any:
    return section if kind is None or kind.flat else getattr(section, kind.name)


def _require(kind: Keyed, section: Section, chosen: str, where: str) -> None:
    """ValueError where a chosen kind lacks what it needs."""
    settings = _settings(kind, section)
    message = f"{chosen} needs the table [{where}.{kind.name}]" if settings is None else kind.lacking(settings)
    if message:
        raise ValueError(message)


class AnchorsSection(Section):
    """The queries under watch."""

    path: str
    watch_seconds: float = Field(5.0, ge=0)
    """Between two looks at the file, which is taken up when it changed; 0 reads it at the start only."""


class MeasureSection(Section):
    """Depths and limits of the measurements; the first depth is the one judged by the default policy."""

    depths: tuple[int, ...] = (10,)
    confidence_score: dict[Literal["dense", "lexical", "production"], float] = Field(default_factory=dict)
    confidence_gap: dict[Literal["dense", "lexical", "production"], float] = Field(default_factory=dict)
    beyond: dict[str, float] = Field(default_factory=lambda: {"swaps": 2.0, "collapsed_swaps": 2.0})
    """By metric: the share of the anchors whose value is above this is measured too, as the statistic `share`."""
    min_judged_ratio: float = Field(FLOOR, ge=0, le=1)
    """Below this share of judged results, recall, nDCG and MRR have no value."""
    audit_seconds: float = Field(3_600.0, gt=0)
    audit_chunks: int = Field(20_000, ge=0)
    """The largest corpus whose lexical leg is audited; 0 switches audits off."""

    @field_validator("beyond")
    @classmethod
    def _measured(cls, beyond: dict[str, float]) -> dict[str, float]:
        wrong = [name for name in beyond if name not in REGISTRY.entries or REGISTRY.entries[name].labels != MEASURED]
        if wrong:
            message = f"{', '.join(wrong)}: expected metrics of anchors, such as collapsed_swaps"
            raise ValueError(message)
        return beyond

    @field_validator("depths")
    @classmethod
    def _sane(cls, depths: tuple[int, ...]) -> tuple[int, ...]:
        if not depths or any(not 1 <= depth <= 100 for depth in depths) or len(set(depths)) != len(depths):
            message = "expected distinct numbers from 1 to 100"
            raise ValueError(message)
        return depths


class BaselineSection(Section):
    """Which approved snapshot the corpus is compared with."""

    name: str = Field("main", pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")
    mode: Literal["pinned", "previous-deploy", "rolling"] = "pinned"
    window: int = Field(5, ge=1, le=100)
    inconclusive_deploys: int = Field(0, ge=0, le=1_000)
    """Deploys measured behind an INCONCLUSIVE one before a moving baseline moves on to it undecided."""
    bootstrap: Literal["none", "first-deploy"] = "none"


class HttpSection(Section):
    """The endpoints. Loopback unless told otherwise; a token is then wise."""

    enabled: bool = True
    host: str = "127.0.0.1"
    port: int = Field(9_464, ge=0, le=65_535)
    token: SecretStr = SecretStr("")
    certificate_file: str = ""
    key_file: str = ""


class StateSection(Section):
    """Where the state lives and how much of the past it keeps."""

    path: str = "corpus-drift.state"
    tombstone_days: float = Field(30.0, ge=0)
    keep_deploys: int = Field(200, ge=1)
    quarantine_rows: int = Field(10_000, ge=1)
    quarantine_bytes: int = Field(64 << 20, ge=1_024)
