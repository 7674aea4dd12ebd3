"""Reads of a whole collection as bytes, for scans: the models of qdrant-client cost ten times the decoding.

They go through the same read-only transport as the replays: bounded in time and size, never written.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx
import msgspec
from qdrant_client.http.exceptions import UnexpectedResponse

from monitor.adapters.retrieval.failed_reads import FailedRead
from monitor.adapters.retrieval.qdrant.collection import ServerSettings
from monitor.adapters.retrieval.qdrant.connection import tls
from monitor.adapters.retrieval.qdrant.failures import failed
from monitor.adapters.retrieval.qdrant.requests import PAGES, MalformedResponseError, value_at
from monitor.adapters.retrieval.qdrant.transport import ClosedError, ReadOnlyTransport
from monitor.core.model.point_ids import name_of, payload_name, payload_number, point_of

T = TypeVar("T")
PointId = int | str
PORT = 6333
"""Where the address names none, as qdrant-client has it."""


class RawPoint(msgspec.Struct, gc=False):
    """A point as the server spells it; empty bytes where it says nothing."""

    id: PointId
    payload: msgspec.Raw = msgspec.Raw()
    vector: msgspec.Raw = msgspec.Raw()


class ScrollPage(msgspec.Struct):
    """Some points, and where the next ones begin; None at the end."""

    points: list[RawPoint]
    next_page_offset: PointId | None = None


class _Scrolled(msgspec.Struct):
    result: ScrollPage


class _Retrieved(msgspec.Struct):
    result: list[RawPoint]


class DenseVectorOutline(msgspec.Struct, frozen=True):
    """What a collection says of one dense vector."""

    size: int
    distance: str
    datatype: str | None = None
    multivector_config: dict[str, Any] | None = None


class _Strict(msgspec.Struct):
    enabled: bool | None = None
    max_query_limit: int | None = None


class _Params(msgspec.Struct):
    vectors: dict[str, Any] | None = None
    sparse_vectors: dict[str, Any] | None = None


class _Config(msgspec.Struct):
    params: _Params
    strict_mode_config: _Strict | None = None


class _Info(msgspec.Struct):
    config: _Config
    points_count: int | None = None
    payload_schema: dict[str, Any] = {}
    status: str = ""


class _Described(msgspec.Struct):
    result: _Info


@dataclass(frozen=True, slots=True)
class CollectionOutline:
    """What a collection holds, whatever of it is watched.

    Args:
        vectors: dense ones by name; the unnamed one is "".
        sparse: names of sparse ones.
        points: the server's own estimate, None where it gives none.
        indexed: payload fields with an index.
        most_results: of one request, by strict mode; None for no limit.
        status: as the server says it.
    """

    vectors: Mapping[str, DenseVectorOutline]
    sparse: tuple[str, ...]
    points: int | None
    indexed: frozenset[str]
    most_results: int | None
    status: str


_SCROLLED = msgspec.json.Decoder(_Scrolled)
_RETRIEVED = msgspec.json.Decoder(_Retrieved)
_DESCRIBED = msgspec.json.Decoder(_Described)


class RawReader:
    """Reads of one collection; each ends within `settings.timeout` seconds and returns what went wrong as a value."""

    def __init__(self, settings: ServerSettings) -> None:
        self._settings = settings
        self._transport: ReadOnlyTransport | None = None

    def start(self) -> None:
        """Make the transport; sends nothing.

        Raises:
            ConfigurationError: the file of certificates cannot be read.
        """
        settings = self._settings
        self._transport = ReadOnlyTransport(
            root=settings.root,
            collection_path=settings.path,
            verify=tls(settings),
            connections=1,
            max_bytes=settings.max_response_bytes,
        )

    def close(self) -> None:
        """Close the connection; a second call does nothing."""
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.close()

    def outline(self) -> CollectionOutline | FailedRead:
        """What the collection is."""
        found = self._read("GET", "", None, _DESCRIBED)
        if isinstance(found, FailedRead):
            return found
        info = found.result
        strict = info.config.strict_mode_config
        vectors = info.config.params.vectors or {}
        try:
            named = msgspec.convert({"": vectors} if "size" in vectors else vectors, dict[str, DenseVectorOutline])
        except msgspec.ValidationError as error:
            return failed(error, self._settings.api_key)
        return CollectionOutline(
            named,
            tuple(info.config.params.sparse_vectors or ()),
            info.points_count,
            frozenset(info.payload_schema),
            strict.max_query_limit if strict is not None and strict.enabled else None,
            info.status,
        )

    def page(
        self, offset: PointId | None, limit: int, *, payload: Sequence[str] | bool, vector: Sequence[str] | bool
    ) -> ScrollPage | FailedRead:
        """The points from this id on, in the server's order of ids."""
        body = {"limit": limit, "offset": offset, "with_payload": payload, "with_vector": vector}
        found = self._read("POST", "/points/scroll", body, _SCROLLED)
        return found if isinstance(found, FailedRead) else found.result

    def present(self, names: Sequence[str], field: str) -> set[str] | FailedRead:
        """Which of these chunks have a point.

        Args:
            names: chunk ids.
            field: payload field of the chunk id; "": they are point ids.
        """
        return self._present_by_payload(names, field) if field else self._present_by_id(names)

    def _present_by_id(self, names: Sequence[str]) -> set[str] | FailedRead:
        points = [point for name in names if (point := point_of(name)) is not None]
        if not points:
            return set()
        body = {"ids": points, "with_payload": False, "with_vector": False}
        found = self._read("POST", "/points", body, _RETRIEVED)
        if isinstance(found, FailedRead):
            return found
        return {name for point in found.result if (name := name_of(point.id)) is not None}

    def _present_by_payload(self, names: Sequence[str], field: str) -> set[str] | FailedRead:
        wanted, there = set(names), set[str]()
        offset: PointId | None = None
        for _ in range(PAGES):
            body = {
                "filter": _any_of(names, field),
                "limit": len(names),
                "offset": offset,
                "with_payload": [field],
                "with_vector": False,
            }
            found = self._read("POST", "/points/scroll", body, _SCROLLED)
            if isinstance(found, FailedRead):
                return found
            there |= wanted & {name for point in found.result.points if (name := chunk_named(point, field))}
            offset = found.result.next_page_offset
            if offset is None or there == wanted:
                return there
        said = f"more than {PAGES * len(names)} points for {len(names)} chunks"
        return failed(MalformedResponseError(said), self._settings.api_key)

    def _read(self, method: str, path: str, body: Any, decoder: "msgspec.json.Decoder[T]") -> T | FailedRead:
        try:
            return decoder.decode(self._answered(method, path, body))
        except Exception as error:  # a hostile answer can raise anything; it gets a name
            return failed(error, self._settings.api_key)

    def _answered(self, method: str, path: str, body: Any) -> bytes:
        settings, transport = self._settings, self._transport
        if transport is None:
            message = "closed"
            raise ClosedError(message)
        headers = {"Content-Type": "application/json"}
        if settings.api_key:
            headers["api-key"] = settings.api_key
        port = urlsplit(settings.url).port or PORT
        address = httpx.URL(settings.url).copy_with(port=port, raw_path=f"{settings.path}{path}".encode())
        content = None if body is None else msgspec.json.encode(body)
        request = httpx.Request(method, address, headers=headers, content=content)
        with transport.until(time.monotonic() + settings.timeout):
            answer = transport.handle_request(request)
            answer.read()
        if answer.status_code != 200:
            raise UnexpectedResponse(answer.status_code, answer.reason_phrase, answer.content, answer.headers)
        return answer.content


def chunk_named(point: RawPoint, field: str) -> str:
    """The chunk id of a point: its own id, or what its payload says; "" where that is none."""
    if not field:
        return name_of(point.id) or ""
    payload = msgspec.json.decode(bytes(point.payload) or b"null")
    return payload_name(value_at(payload, field) if isinstance(payload, dict) else None) or ""


def _any_of(names: Sequence[str], field: str) -> dict[str, Any]:
    """The filter that passes points of these chunks; a payload may hold numbers as such."""
    numbers = [number for name in names if (number := payload_number(name)) is not None]
    forms = [list(names), *([numbers] if numbers else [])]
    return {"should": [{"key": field, "match": {"any": form}} for form in forms]}
