"""A collection on a Qdrant server: where it is, what it says of itself, and the names of what can go wrong."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

import httpcore
from qdrant_client import models
from qdrant_client.common.client_exceptions import QdrantException
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from monitor.adapters.qdrant.transport import TooLargeError
from monitor.core.scoring import Distance
from monitor.ports import ConfigurationError


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

    def __post_init__(self) -> None:
        """Refuse what cannot work, in one line."""
        for problem in self._problems():
            raise ConfigurationError(problem)

    @property
    def path(self) -> str:
        """The collection's path on the server, percent-encoded."""
        return f"{urlsplit(self.url).path.rstrip('/')}/collections/{quote(self.collection, safe='')}"

    def _problems(self) -> Iterator[str]:
        parts = urlsplit(self.url)
        if "@" in parts.netloc:
            yield "dense.url holds credentials, expected none: use dense.api_key"
        elif parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            yield f"dense.url = {self.url!r}, expected http://host:port or https://host:port"
        if not self.collection.strip() or self.collection in {".", ".."}:
            yield f"dense.collection = {self.collection!r}, expected the name of a collection"
        for name in ("dimension", "timeout", "batch", "concurrency", "max_response_bytes"):
            if not getattr(self, name) > 0:
                yield f"dense.{name} = {getattr(self, name)}, expected a number above 0"


@dataclass(frozen=True, slots=True)
class CollectionDescription:
    """What a server says of a collection: for the fingerprint and for the gate's preconditions.

    `quantization` is the configuration as JSON, or `none`. `status` is green, yellow (optimising), grey or red;
    `optimizer_status` is `ok` or the error. `points` is the server's own estimate, None where it gives none.
    """

    distance: str
    dimension: int
    datatype: str
    quantization: str
    status: str
    optimizer_status: str
    points: int | None
    multivector: bool

    def contradictions(self, settings: ServerSettings) -> list[str]:
        """Where the collection is not what the settings say; a replay of it would then mean nothing."""
        where = f"collection {settings.collection!r}"
        found = []
        if self.distance != settings.distance.value:
            found.append(f"{where} has distance {self.distance}, expected {settings.distance.value}")
        if self.dimension != settings.dimension:
            found.append(f"{where} has dimension {self.dimension}, expected {settings.dimension}")
        if self.multivector:
            found.append(f"{where} holds several vectors per point, expected one")
        return found


def description(found: models.CollectionInfo, settings: ServerSettings) -> CollectionDescription:
    """The description of the vector that the settings name.

    Raises:
        ConfigurationError: the collection has no such vector.
    """
    vectors = found.config.params.vectors
    chosen = vectors.get(settings.vector_name) if isinstance(vectors, dict) else vectors
    if chosen is None or (settings.vector_name and not isinstance(vectors, dict)):
        names = sorted(vectors) if isinstance(vectors, dict) else []
        message = (
            f"collection {settings.collection!r} has no vector {settings.vector_name!r}, "
            f"expected one of {', '.join(names) or 'its unnamed one'}"
        )
        raise ConfigurationError(message)
    optimizer = found.optimizer_status
    quantization = chosen.quantization_config or found.config.quantization_config
    return CollectionDescription(
        distance=chosen.distance.value.lower(),
        dimension=chosen.size,
        datatype=chosen.datatype.value if chosen.datatype else "float32",
        quantization=_plain(quantization) if quantization else "none",
        status=found.status.value,
        optimizer_status="ok" if isinstance(optimizer, models.OptimizersStatusOneOf) else optimizer.error[:200],
        points=found.points_count,
        multivector=chosen.multivector_config is not None,
    )


def _plain(model: Any) -> str:
    return json.dumps(model.model_dump(exclude_none=True, mode="json"), sort_keys=True)


def reason_of(error: Exception) -> str:
    """The name of what went wrong: see `monitor.ports.Replay`, and here also `server_error` (5xx), `rejected`
    (another 4xx) and `too_large`.
    """
    if isinstance(error, ResponseHandlingException):
        return reason_of(error.source)
    if isinstance(error, UnexpectedResponse):
        return _reason_of_status(error.status_code or 0, error.content)
    if isinstance(error, QdrantException):  # 429 with Retry-After is raised outside the other classes
        return "rate_limited"
    if isinstance(error, TooLargeError):
        return "too_large"
    if isinstance(error, httpcore.ConnectTimeout):
        return "unreachable"
    if isinstance(error, httpcore.TimeoutException):
        return "deadline"
    if isinstance(error, httpcore.NetworkError):
        return "unreachable"
    if isinstance(error, httpcore.RemoteProtocolError) and "disconnected" in str(error):
        return "unreachable"
    return "bad_answer"


def _reason_of_status(status: int, content: bytes) -> str:
    named = {401: "refused", 403: "refused", 404: "collection_missing", 429: "rate_limited"}
    if status in named:
        return named[status]
    if 400 <= status < 500:
        return "dimension" if b"dimension" in content[:1000].lower() else "rejected"
    return "server_error" if status >= 500 else "bad_answer"


def detail_of(error: Exception, settings: ServerSettings) -> str:
    """The error for people: one printable line of at most 200 characters, the key struck out."""
    source = error.source if isinstance(error, ResponseHandlingException) else error
    text = " ".join(str(source).split())
    if settings.api_key:
        text = text.replace(settings.api_key, "***")
    return "".join(sign if sign.isprintable() else "?" for sign in text)[:200] or type(source).__name__
