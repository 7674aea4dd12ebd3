"""The sections of the configuration file: keys, types, defaults and what each refuses."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from monitor.core.measures.comparison.labels import FLOOR
from monitor.core.measures.entry import MEASURED
from monitor.core.measures.registry import REGISTRY
from monitor.core.model.scoring import Distance


class Section(BaseModel):
    """A section of the file: unknown keys are refused, values are never changed afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=False, allow_inf_nan=False)


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


class FileSource(Section):
    """A JSON Lines file, or standard input."""

    path: str
    follow: bool = False


class GitSource(Section):
    """A documentation repository's history."""

    path: str
    globs: tuple[str, ...] = ("**/*.md", "**/*.mdx", "**/*.rst", "**/*.adoc", "**/*.ipynb")
    since: str = ""
    deploys: Literal["tags", "daily", "weekly"] = "tags"


class KafkaSource(Section):
    """Topics of a Kafka cluster."""

    bootstrap_servers: tuple[str, ...]
    topics: tuple[str, ...] = Field(min_length=1)
    control_topics: tuple[str, ...] = ()
    group_id: str = "corpus-drift"
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_SSL", "SASL_PLAINTEXT"] = "PLAINTEXT"
    sasl_mechanism: Literal["", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = ""
    sasl_username: str = ""
    sasl_password: SecretStr = SecretStr("")
    allow_sasl_without_tls: bool = False
    ca_file: str = ""
    certificate_file: str = ""
    key_file: str = ""
    start: str = "earliest"
    api_version: tuple[int, ...] = ()
    dead_letter_topic: str = ""


class FieldPaths(Section):
    """Where plain JSON, a Debezium row or a sink payload keeps what a chunk needs: dotted paths, "" for none."""

    preset: Literal["", "langchain", "llamaindex", "haystack"] = ""
    """Whose payloads they are; the paths stated beside it go before those of the framework."""
    chunk_id: str = "chunk_id"
    doc_id: str = "doc_id"
    text: str = "text"
    position: str = "position"
    version: str | tuple[str, ...] = ""
    """Several paths order by the first, then by the next."""
    vector: str = "vector"
    vector_b64: str = ""
    embedding_version: str = ""
    content_hash: str = ""
    event_time: str = "event_time"
    event_time_unit: Literal["s", "ms", "us"] = "ms"
    segments: dict[str, str] = Field(default_factory=dict)
    key: str = ""
    deleted: str = ""
    debezium_version: str | tuple[str, ...] = ""
    collection: str = ""
    sink_chunk_id: str = ""
    vector_name: str = ""
    plain_rows: bool = False


class SourceSection(Section):
    """Where the corpus events come from; exactly one of `kafka`, `file`, `git`."""

    kafka: KafkaSource | None = None
    file: FileSource | None = None
    git: GitSource | None = None
    format: Literal["auto", "native", "cloudevents", "debezium", "qdrant-sink", "fields"] = "auto"
    fields: FieldPaths = FieldPaths()
    missing_event_time: Literal["refuse", "ingest"] = "refuse"
    """Of an event that says no time and whose record has none: it is refused, or dated when it is read."""
    max_event_bytes: int = Field(4 << 20, ge=1_024, le=64 << 20)
    batch: int = Field(1_024, ge=1, le=65_536)
    barrier_timeout: float = Field(300.0, gt=0)
    stale_after: float = Field(900.0, gt=0)
    max_refused_ratio: float = Field(0.1, ge=0, le=1)

    @model_validator(mode="after")
    def _one(self) -> "SourceSection":
        named = [name for name in ("kafka", "file", "git") if getattr(self, name) is not None]
        if len(named) != 1:
            message = f"expected exactly one of source.kafka, source.file, source.git, found {named or 'none'}"
            raise ValueError(message)
        return self


class DenseSection(Section):
    """The dense leg: the embedded engine, a Qdrant server (read only), or none."""

    engine: Literal["embedded", "server", "none"] = "embedded"
    path: str = ""
    url: str = ""
    api_key: SecretStr = SecretStr("")
    ca_file: str = ""
    collection: str = ""
    vector_name: str = ""
    chunk_id_field: str = ""
    content_hash_field: str = ""
    payload_prefix: str = ""
    filter_by: tuple[str, ...] = ()
    exact: bool | None = None
    """None: exact in the embedded engine (small corpora), as production asks on a server."""
    hnsw_ef: int | None = Field(None, ge=1)
    """None: 128 in the embedded engine, left to the server on a server."""
    hnsw_m: int = Field(16, ge=2)
    indexing_threshold: int = Field(20_000, ge=0)
    quantization: Literal["none", "scalar", "binary"] = "none"
    timeout: float = Field(5.0, gt=0)
    replay_deadline: float = Field(120.0, gt=0)
    full_replay_seconds: float = Field(3_600.0, gt=0)
    settle_seconds: float = Field(30.0, ge=0)
    ready_timeout: float = Field(60.0, ge=0)
    """Seconds that a deploy waits for a server that is not at rest or does not hold it yet."""

    @model_validator(mode="after")
    def _server_named(self) -> "DenseSection":
        if self.engine == "server" and not (self.url and self.collection):
            message = "dense.engine = 'server' needs dense.url and dense.collection"
            raise ValueError(message)
        return self


class LexicalSection(Section):
    """The lexical leg: BM25 over all live chunks."""

    enabled: bool = True
    variant: Literal["okapi", "lucene"] = "okapi"
    """rank-bm25 defines BM25 here, and can audit only what it defines."""
    k1: float = Field(1.5, gt=0)
    b: float = Field(0.75, ge=0, le=1)
    epsilon: float = Field(0.25, ge=0)


class EncoderSection(Section):
    """How texts become vectors where neither the event nor the anchor carries one."""

    kind: Literal["none", "openai", "fastembed", "latent-semantic"] = "none"
    url: str = ""
    model: str = ""
    api_key: SecretStr = SecretStr("")
    path: str = ""
    timeout: float = Field(30.0, gt=0)

    @model_validator(mode="after")
    def _complete(self) -> "EncoderSection":
        if self.kind == "openai" and not (self.url and self.model):
            message = "encoder.kind = 'openai' needs encoder.url and encoder.model"
            raise ValueError(message)
        if self.kind in ("fastembed", "latent-semantic") and not self.path:
            message = f"encoder.kind = {self.kind!r} needs encoder.path (models are never downloaded)"
            raise ValueError(message)
        return self


class AnchorsSection(Section):
    """The queries under watch."""

    path: str
    watch_seconds: float = Field(5.0, ge=0)
    """Between two looks at the file, which is taken up when it changed; 0 reads it at the start only."""


class MeasureSection(Section):
    """Depths and limits of the measurements; the first depth is the one judged by the default policy."""

    depths: tuple[int, ...] = (10,)
    confidence_score: dict[Literal["dense", "lexical"], float] = Field(default_factory=dict)
    confidence_gap: dict[Literal["dense", "lexical"], float] = Field(default_factory=dict)
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
            message = f"measure.depths = {list(depths)}: expected distinct numbers from 1 to 100"
            raise ValueError(message)
        return depths


class BaselineSection(Section):
    """Which approved snapshot the corpus is compared with."""

    name: str = Field("main", pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")
    mode: Literal["pinned", "previous-deploy", "rolling"] = "pinned"
    window: int = Field(5, ge=1, le=100)
    inconclusive_deploys: int = Field(1, ge=0, le=1_000)
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
