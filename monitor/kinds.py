"""Kinds of sources, vector stores, encoders, traffic and shards: what one says of itself to be named in a file.

A kind stands beside its adapter and is registered by one line in `monitor.adapters.registry`. It is light: what its
adapter needs is imported when something is built, so that nobody waits for a client that he does not use.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from monitor.core.index.corpus import Corpus
from monitor.core.model.anchors import AnchorSet
from monitor.core.model.fingerprint import SearchConfig
from monitor.core.model.scoring import Distance
from monitor.core.shards.port import DurableShards, ShardReader
from monitor.core.shards.shard import ShardConfig
from monitor.core.traffic.model import RefusedQuery, UserQuery
from monitor.ports import (
    CorpusFiller,
    Decoder,
    Encoder,
    FileReader,
    IndexReader,
    OwnedIndex,
    Publisher,
    Retriever,
    Source,
)


class Section(BaseModel):
    """A section of the file: unknown keys are refused, values are never changed afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=False, allow_inf_nan=False)


class BrokersSection(Section):
    """Brokers of a Kafka cluster and how they are spoken to, for whatever reads topics."""

    bootstrap_servers: tuple[str, ...]
    group_id: str = "corpus-drift"
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_SSL", "SASL_PLAINTEXT"] = "PLAINTEXT"
    sasl_mechanism: Literal["", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = ""
    sasl_username: str = ""
    sasl_password: SecretStr = SecretStr("")
    allow_sasl_without_tls: bool = False
    ca_file: str = ""
    certificate_file: str = ""
    key_file: str = ""
    api_version: tuple[int, ...] = ()


class RowFieldsSection(Section):
    """Where a row keeps what a chunk needs: dotted paths, "" for none."""

    preset: Literal["", "langchain", "llamaindex", "haystack"] = ""
    """Whose rows they are; the paths stated beside it go before those of the framework."""
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
    deleted: str = ""


class FieldPathsSection(RowFieldsSection):
    """Where plain JSON, a Debezium row or a sink payload keeps what a chunk needs: dotted paths, "" for none."""

    key: str = ""
    debezium_version: str | tuple[str, ...] = ""
    collection: str = ""
    sink_chunk_id: str = ""
    vector_name: str = ""
    plain_rows: bool = False


S = TypeVar("S", bound=Section)


def _nothing(_: Section) -> str:
    return ""


# ---------------------------------------------------------------- sources


@dataclass(frozen=True, slots=True)
class PointsContext:
    """What a source that scans a collection may know.

    Args:
        section: of the collection, with what it leaves to other sections filled in.
        fields: paths in the payload.
        decoder: reads a point, in the form of the Qdrant sink, and the events that the scan makes.
        table: the chunks that are known, which the points are compared with; read in the loop's thread only.
        distance: how vectors are compared.
        encoder: whether texts without a vector can be encoded.
    """

    section: Any
    fields: FieldPathsSection
    decoder: Decoder
    table: Corpus
    distance: Distance
    encoder: bool


@dataclass(frozen=True, slots=True)
class SourceContext:
    """What a source may know of the configuration outside of its own section.

    Args:
        located: a path of the file, relative to the file's own folder.
        max_event_bytes: the largest event that is taken.
        points: of a kind that scans a collection.
        heading: of the section in messages, "" where it is `source.` and the kind's name.
    """

    located: Callable[[str], Path]
    max_event_bytes: int
    points: PointsContext | None = None
    heading: str = ""

    def located_text(self, path: str) -> str:
        """`located` for clients that take text; "" stays ""."""
        return str(self.located(path)) if path else ""


def _no_topics(_: Section) -> Sequence[str]:
    return ()


def _no_letters(_: Section, __: SourceContext) -> None:
    return None


def _no_points(_: Section) -> None:
    return None


@dataclass(frozen=True, slots=True)
class SourceKind(Generic[S]):
    """A kind of source, chosen by the table `[source.NAME]`.

    Args:
        name: of its table.
        section: the table's keys.
        build: makes the source; opens nothing. Raises ConfigurationError, one problem per line.
        bounded: whether such a stream ends: its silence is then no fault, and no alert watches its lag.
        control_topics: topics whose records are never data, such as deploy markers of their own.
        dead_letters: where refused records are published besides the store, None for nowhere.
        points: the section of the collection whose points it scans, None where it scans none.
    """

    name: str
    section: type[S]
    build: Callable[[S, SourceContext], Source]
    bounded: bool
    control_topics: Callable[[S], Sequence[str]] = _no_topics
    dead_letters: Callable[[S, SourceContext], Publisher | None] = _no_letters
    points: Callable[[S], Section | None] = _no_points


# ---------------------------------------------------------------- retrieval


@dataclass(frozen=True, slots=True)
class RetrieverContext:
    """What a vector store may know of the configuration outside of its own section.

    Args:
        located: a path of the file, relative to the file's own folder.
        dimension: d of the vectors.
        distance: how they are compared.
        depth: k of the replays.
        deadline: seconds that reading missing vectors may take.
        state: path of the state, for an index that is kept beside it.
        filter_by: attributes that results share with their anchor.
        known: the prepared (d,) float32 vector that the monitor holds for a chunk key, or None.
    """

    located: Callable[[str], Path]
    dimension: int
    distance: Distance
    depth: int
    deadline: float
    state: str
    known: Callable[[int], NDArray[np.float32] | None]
    filter_by: tuple[str, ...] = ()

    def located_text(self, path: str) -> str:
        """`located` for clients that take text; "" stays ""."""
        return str(self.located(path)) if path else ""


@dataclass(frozen=True, slots=True)
class RealIndex:
    """The real index: what is replayed, what the monitor fills itself, and where missing vectors are read.

    Args:
        retriever: answers the anchors; None where the dense leg is off.
        owned: the same where the monitor fills it from the events.
        lookup: stored vectors, prepared, by chunk id: of those chunks that the index has.
        reader: lists its points, where others fill it; None where it cannot.
    """

    retriever: Retriever | None = None
    owned: OwnedIndex | None = None
    lookup: Callable[[Sequence[str]], Mapping[str, NDArray[np.float32]]] | None = None
    reader: IndexReader | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """What a server said when it was asked, in lines for people; not `known` where it did not answer."""

    lines: tuple[str, ...]
    known: bool


def _unquantized(_: Section) -> str:
    return "none"


def _none_named(_: Section) -> Collection[str]:
    return ()


def _own_ids(_: Section) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class RetrieverKind(Generic[S]):
    """A kind of vector store, chosen by `dense.engine`.

    Args:
        name: the value of `dense.engine`.
        section: its keys: those of the table `[dense.NAME]`, or of `[dense]` itself where it is `flat`.
        build: makes it; opens nothing. Raises ConfigurationError.
        search: how it searches, which is part of what a baseline is bound to.
        quantization: of the vectors that it compares, "none" for none; a part of the same.
        owned: whether the monitor fills it from the events: a change is then in it at once, else after a while.
        point_ids: whether its chunks are named by the store's own ids of points.
        lacking: which of its keys are missing, in one line; "" for none.
        check: asks a server whether it has what is configured. Raises ConfigurationError. None where there is none.
        lexical: makes what replays the store's own lexical index, of its sort and field; None where it has none.
        query_vectors: names of the query vectors that each anchor must bring for its searches.
        flat: whether its keys stand in `[dense]` itself.
    """

    name: str
    section: type[S]
    build: Callable[[S, RetrieverContext], RealIndex]
    search: Callable[[S], SearchConfig]
    owned: bool
    quantization: Callable[[S], str] = _unquantized
    point_ids: Callable[[S], bool] = _own_ids
    lacking: Callable[[S], str] = _nothing
    check: Callable[[S, RetrieverContext], Checked] | None = None
    lexical: Callable[[S, RetrieverContext, str, str], Retriever] | None = None
    query_vectors: Callable[[S], Collection[str]] = _none_named
    flat: bool = False


# ---------------------------------------------------------------- encoders


@dataclass(frozen=True, slots=True)
class EncoderContext:
    """What an encoder may know of the configuration outside of its own section.

    Args:
        located: a path of the file, relative to the file's own folder.
        dimension: that the corpus declares, 0 for none.
        embedding_version: that the corpus declares, "" for none.
    """

    located: Callable[[str], Path]
    dimension: int
    embedding_version: str


@dataclass(frozen=True, slots=True)
class EncoderKind(Generic[S]):
    """A kind of encoder, chosen by `encoder.kind`.

    Args:
        name: the value of `encoder.kind`.
        section: its keys: those of the table `[encoder.NAME]`, or of `[encoder]` itself where it is `flat`.
        build: makes it, or loads it. Raises ConfigurationError.
        lacking: which of its keys are missing, in one line; "" for none.
        flat: whether its keys stand in `[encoder]` itself.
    """

    name: str
    section: type[S]
    build: Callable[[S, EncoderContext], Encoder]
    lacking: Callable[[S], str] = _nothing
    flat: bool = False


# ---------------------------------------------------------------- traffic


class TrafficFieldsSection(Section):
    """Where a record of traffic keeps what it says, where that is not the form's usual place: dotted paths."""

    query: str = ""
    client: str = ""
    time: str = ""
    time_unit: Literal["s", "ms", "us", "ns"] = "ms"
    value: str = ""
    vector: str = ""
    segments: dict[str, str] = Field(default_factory=dict)


TrafficRead = Callable[[bytes], Iterator[UserQuery | RefusedQuery]]
"""The queries in one record. A query that cannot be read is an outcome; a record that cannot raises RefusedQuery."""


@dataclass(frozen=True, slots=True)
class TrafficKind:
    """A form of records of traffic, chosen by `traffic.format`.

    Args:
        name: the value of `traffic.format`.
        reader: makes what reads it, from the configured paths and the dimension of vectors (0: they are ignored).
    """

    name: str
    reader: Callable[[TrafficFieldsSection, int], TrafficRead]


# ---------------------------------------------------------------- shards


@dataclass(frozen=True, slots=True)
class ShardsContext:
    """What shards are built from.

    Args:
        config: of all of them; says how many.
        anchors: the anchors, with prepared vectors.
        state: the coordinator's state file; whoever builds shards holds its lock.
        stream: what is read: what a shard kept of another stream is refused.
        space: what the vectors are; likewise.
        clock: monotonic seconds.
        located: a path of the file, relative to the file's own folder.
    """

    config: ShardConfig
    anchors: AnchorSet
    state: Path
    stream: str
    space: str
    clock: Callable[[], float]
    located: Callable[[str], Path]


@dataclass(frozen=True, slots=True)
class FillingContext:
    """What shards are filled from files with.

    Args:
        shards: how many there are.
        dimension: d of the vectors, 0 when the dense leg is off.
        tombstone_days: how long, in event time, a delete mark outlives its chunk.
        reader: of the files.
        state: the coordinator's state file; whoever fills shards holds its lock.
        stream, space: as of `ShardsContext`.
    """

    shards: int
    dimension: int
    tombstone_days: float
    reader: FileReader
    state: Path
    stream: str
    space: str


def _at_once(_: Section) -> float:
    return 0.0


def _unread(_: Section, __: Path, ___: int) -> None:
    return None


@dataclass(frozen=True, slots=True)
class ShardsKind(Generic[S]):
    """Where shards are, chosen by `shards.engine`.

    Args:
        name: the value of `shards.engine`.
        section: its keys: those of the table `[shards.NAME]`, or of `[shards]` itself where it is `flat`.
        build: makes them; opens nothing. Raises ConfigurationError.
        filler: makes what fills them from files; opens nothing. Raises ConfigurationError.
        reader: reads what was published of them beside their owner, from the state's path and their number; None
            where that cannot be had on this machine.
        lacking: which of its keys are missing, in one line; "" for none.
        flat: whether its keys stand in `[shards]` itself.
        ends: where its library may end the process that uses it: what has happened then, in one line. A run has a
            process of its own then. None where it never does.
        silence: the most seconds that one call waits for shards that begin anew: no sign of a loop that hangs.
    """

    name: str
    section: type[S]
    build: Callable[[S, ShardsContext], DurableShards]
    filler: Callable[[S, FillingContext], CorpusFiller]
    reader: Callable[[S, Path, int], ShardReader | None] = _unread
    lacking: Callable[[S], str] = _nothing
    flat: bool = False
    ends: Callable[[S], str] | None = None
    silence: Callable[[S], float] = _at_once


# ---------------------------------------------------------------- registry


@dataclass(frozen=True, slots=True)
class AdapterRegistry:
    """The kinds that a configuration file may name, in the order in which messages list them."""

    sources: tuple[SourceKind[Any], ...]
    retrievers: tuple[RetrieverKind[Any], ...]
    encoders: tuple[EncoderKind[Any], ...]
    traffic: tuple[TrafficKind, ...] = ()
    shards: tuple[ShardsKind[Any], ...] = ()

    def __post_init__(self) -> None:
        """Refuse two kinds of one name."""
        for kinds in (self.sources, self.retrievers, self.encoders, self.traffic, self.shards):
            names = [kind.name for kind in kinds]
            if len(set(names)) < len(names):
                message = f"kinds {names}: expected every name once"
                raise ValueError(message)

    def extended(
        self,
        *,
        sources: Sequence[SourceKind[Any]] = (),
        retrievers: Sequence[RetrieverKind[Any]] = (),
        encoders: Sequence[EncoderKind[Any]] = (),
        traffic: Sequence[TrafficKind] = (),
        shards: Sequence[ShardsKind[Any]] = (),
    ) -> "AdapterRegistry":
        """A registry with more kinds; this one stays as it is."""
        return replace(
            self,
            sources=(*self.sources, *sources),
            retrievers=(*self.retrievers, *retrievers),
            encoders=(*self.encoders, *encoders),
            traffic=(*self.traffic, *traffic),
            shards=(*self.shards, *shards),
        )
