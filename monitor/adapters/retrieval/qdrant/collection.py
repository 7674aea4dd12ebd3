"""A collection on a Qdrant server: where it is, and what it says of itself."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

import numpy as np
from qdrant_client import models

from monitor.adapters.retrieval.qdrant import audit, query_json
from monitor.adapters.retrieval.qdrant.strict import StrictModeLimits, limits
from monitor.core.model.index_config import IndexConfig
from monitor.core.model.scoring import Distance
from monitor.ports import ConfigurationError

COMPARED_AS: Mapping[str, type[np.float16 | np.float32]] = {"float32": np.float32, "float16": np.float16}
"""Datatypes of stored vectors that are modelled, and the numbers in which the server compares them."""
WARNINGS = 5
"""The most of a server's own words, or of its vector names, that are repeated."""


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Where the production collection is and how it is asked.

    Args:
        url: `http://host:port` or `https://host:port`, with a path if Qdrant is behind one; the port is 6333 unless
            told. Credentials do not belong here.
        collection: its name or an alias.
        dimension: d of the vectors.
        distance: the collection's distance.
        api_key: sent as `api-key`; in no repr and no message.
        ca_file: certificates (PEM) that TLS is checked against; empty uses the system's.
        vector_name: of a named vector; empty is the collection's only one.
        chunk_id_field: payload field of the chunk id, dotted where nested; empty takes the point id.
        content_hash_field: payload field of the content hash, dotted where nested; empty reads none.
        payload_prefix: put before an attribute's name to make its payload field, such as `metadata.`.
        exact: scan everything; False asks as production does.
        hnsw_ef: candidates while the graph is searched; None leaves it to the server, as production queries do.
        timeout: seconds one request may take in total.
        batch: questions in one request.
        concurrency: requests at a time.
        max_response_bytes: the longest answer accepted.
        query: production's own query as Qdrant's JSON, see `query_json`; "" asks for the nearest vectors.
        filter_by: attributes that results share with their anchor.
        depth: k of the replays, to tell beforehand whether the server allows that many results; 0 is not known.
        section: of the configuration that the settings come from, for messages.
    """

    url: str
    collection: str
    dimension: int
    distance: Distance
    api_key: str = field(default="", repr=False)
    ca_file: str = ""
    vector_name: str = ""
    chunk_id_field: str = ""
    content_hash_field: str = ""
    payload_prefix: str = ""
    exact: bool = False
    hnsw_ef: int | None = None
    timeout: float = 5.0
    batch: int = 16
    concurrency: int = 2
    max_response_bytes: int = 64 * 1024 * 1024
    depth: int = 0
    section: str = "dense"
    query: str = ""
    filter_by: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what cannot work, in one line."""
        for problem in self._problems():
            raise ConfigurationError(problem)

    @property
    def filtered(self) -> frozenset[str]:
        """Payload fields that replays filter by."""
        return frozenset(f"{self.payload_prefix}{name}" for name in self.filter_by)

    @property
    def own_query(self) -> dict[str, Any]:
        """Production's own query; empty where the nearest vectors are asked for."""
        return query_json.parsed(self.query) if self.query else {}

    @property
    def path(self) -> str:
        """The collection's path on the server, percent-encoded."""
        return f"{self.root}collections/{quote(self.collection, safe='')}"

    @property
    def root(self) -> str:
        """The server's own path, where it says its version."""
        return f"{urlsplit(self.url).path.rstrip('/')}/"

    @property
    def where(self) -> str:
        """Server and collection as messages name them."""
        return f"qdrant {self.url} collection {self.collection!r}"

    def _problems(self) -> Iterator[str]:
        parts = urlsplit(self.url)
        if "@" in parts.netloc:
            yield f"{self.section}.url holds credentials, expected none: use {self.section}.api_key"
        elif parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            yield f"{self.section}.url = {self.url!r}, expected http://host:port or https://host:port"
        if not self.collection.strip() or self.collection in {".", ".."}:
            yield f"{self.section}.collection = {self.collection!r}, expected the name of a collection"
        for name in ("dimension", "timeout", "batch", "concurrency", "max_response_bytes"):
            if not getattr(self, name) > 0:
                yield f"{self.section}.{name} = {getattr(self, name)}, expected a number above 0"


@dataclass(frozen=True, slots=True)
class CollectionDescription:
    """What a server says of a collection: whether it can be measured, and what is to be known beside the numbers.

    Of the parameters of a collection these have a say in what a search finds, and are modelled: distance, size,
    quantization and HNSW (what they miss is what the served lists miss), datatype float32 and float16, other dense
    and sparse vectors beside the one that is watched, shards and shard keys (all are asked), strict mode (`limits`).
    Storage (`on_disk`, memory, payload and id tracker, write-ahead log, replication) has none. Anything else is named
    by `obstacles`.

    `quantization` is the configuration as JSON, or `none`. `status` is green, yellow (optimising), grey (optimisation
    is possible but nothing triggered it: the server is at rest) or red; `optimizer_status` is `ok` or the error.
    `points` is the server's own estimate, None where it gives none. `hidden` are points that reads do not see until
    they are optimised. `warnings` are the server's own words.
    """

    distance: str
    dimension: int
    datatype: str
    quantization: str
    status: str
    optimizer_status: str
    points: int | None
    multivector: bool
    hidden: int
    warnings: tuple[str, ...]
    limits: StrictModeLimits
    configuration: IndexConfig
    """Its parameters, to be compared with those of then."""
    hazards: tuple[str, ...]
    """What of its configuration is known to hurt, one line each."""

    def contradictions(self, settings: ServerSettings) -> list[str]:
        """Where the collection is not what the settings say; a replay of it would then mean nothing."""
        where = f"collection {settings.collection!r}"
        found = []
        if self.distance != settings.distance.value:
            found.append(f"{where} has distance {self.distance}, expected {settings.distance.value}")
        if self.dimension != settings.dimension:
            found.append(f"{where} has dimension {self.dimension}, expected {settings.dimension}")
        return found

    def obstacles(self, settings: ServerSettings) -> list[str]:
        """What no setting can mend here: what cannot be modelled, and what strict mode forbids of every replay."""
        where = f"collection {settings.collection!r}"
        found = []
        if self.datatype not in COMPARED_AS:
            modelled = " or ".join(COMPARED_AS)
            found.append(f"{where} stores vectors as {self.datatype}, which cannot be modelled, expected {modelled}")
        if self.multivector:
            found.append(f"{where} holds several vectors per point, which cannot be modelled, expected one")
        return found + [f"{where}: strict mode: {said}" for said in self.limits.obstacles(settings)]

    def remarks(self, settings: ServerSettings) -> list[str]:
        """What is to be known beside the numbers, which stand."""
        found = [*self.limits.remarks(settings), *self.hazards]
        if self.status == "grey":
            found.append("the collection is grey: it could be optimised, and waits for an update to trigger it")
        if self.hidden:
            found.append(f"{self.hidden} points are hidden from reads until they are optimised")
        return found + [f"the server warns: {warning}" for warning in self.warnings]


def description(found: models.CollectionInfo, settings: ServerSettings) -> CollectionDescription:
    """The description of the vector that the settings name.

    Raises:
        ConfigurationError: the collection has no such vector.
    """
    chosen = _vector(found.config.params, settings)
    optimizer, queue = found.optimizer_status, found.update_queue
    quantization = chosen.quantization_config or found.config.quantization_config
    return CollectionDescription(
        distance=chosen.distance.value.lower(),
        dimension=chosen.size,
        datatype=chosen.datatype.value if chosen.datatype else "float32",
        quantization=_plain(quantization) if quantization else "none",
        status=found.status.value,
        optimizer_status="ok" if isinstance(optimizer, models.OptimizersStatusOneOf) else _line(optimizer.error),
        points=found.points_count,
        multivector=chosen.multivector_config is not None,
        hidden=(queue.deferred_points or 0) if queue is not None else 0,
        warnings=tuple(_line(one.message) for one in (found.warnings or ())[:WARNINGS]),
        limits=limits(found.config.strict_mode_config, frozenset(found.payload_schema)),
        configuration=audit.configuration(found),
        hazards=tuple(audit.hazards(found, chosen, settings.filtered, settings.own_query)),
    )


def _vector(params: models.CollectionParams, settings: ServerSettings) -> models.VectorParams:
    vectors, name = params.vectors, settings.vector_name
    named = vectors if isinstance(vectors, dict) else {} if vectors is None else {"": vectors}
    if name in named:
        return named[name]
    names = ", ".join(repr(one) for one in sorted(named)[:WARNINGS]) if set(named) != {""} else "its unnamed one"
    sparse = ", which is sparse" if name in (params.sparse_vectors or {}) else ""
    message = (
        f"{settings.where} has no dense vector {name!r}{sparse}: dense.vector_name, expected {names or 'another one'}"
    )
    raise ConfigurationError(message)


def _plain(model: Any) -> str:
    return json.dumps(model.model_dump(exclude_none=True, mode="json"), sort_keys=True)


def _line(text: str) -> str:
    """A server's own words as one printable line, bounded."""
    return "".join(sign if sign.isprintable() else " " for sign in " ".join(text.split()))[:200]
