"""The forms of traffic: OpenSearch UBI, OpenTelemetry, OpenInference, and any JSON by its paths.

* OpenSearch, User Behavior Insights (specification 1.3): a document of `ubi_queries`, under `_source` too; those of
  `ubi_events` are passed over: they ask nothing.
* OpenTelemetry, semantic conventions for generative AI: spans of the operation `retrieval`.
* OpenInference: spans whose kind is RETRIEVER.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from monitor.adapters.spans import attributes_of, failed, spans_in
from monitor.adapters.traffic.reading import BAD_JSON, TrafficPaths, object_of, query_at, refused
from monitor.core.traffic.model import RefusedQuery, UserQuery
from monitor.kinds import TrafficFieldsSection, TrafficKind, TrafficRead

_UBI = TrafficPaths(("user_query",), ("client_id",), ("timestamp",))
_SPAN_TIMES = (r"startTimeUnixNano", "start_time_unix_nano", "start_time")
_CLIENTS = (r"user\.id", r"enduser\.id", r"session\.id", r"gen_ai\.conversation\.id")
_OTEL = TrafficPaths(
    (r"attributes.gen_ai\.retrieval\.query\.text",),
    tuple(f"attributes.{of}" for of in _CLIENTS),
    _SPAN_TIMES,
    unit="ns",
)
_OPENINFERENCE = TrafficPaths(
    (r"attributes.input\.value",), tuple(f"attributes.{of}" for of in _CLIENTS[:3]), _SPAN_TIMES, unit="ns"
)
_PLAIN = TrafficPaths(("query",), ("client",), ("time",), ("value",), ("vector",))


def _ubi(fields: TrafficFieldsSection, dimension: int) -> TrafficRead:
    paths = _stated(_UBI, fields)

    def read(value: bytes) -> Iterator[UserQuery | RefusedQuery]:
        found = _inner(object_of(value))
        if isinstance(found, dict) and "action_name" in found and "user_query" not in found:
            return
        if not isinstance(found, dict):
            raise refused(BAD_JSON, "expected an object")
        yield query_at(found, paths, dimension)

    return read


def _plain(fields: TrafficFieldsSection, dimension: int) -> TrafficRead:
    paths = _stated(_PLAIN, fields)

    def read(value: bytes) -> Iterator[UserQuery | RefusedQuery]:
        found = object_of(value)
        if not isinstance(found, dict):
            raise refused(BAD_JSON, "expected an object")
        yield query_at(found, paths, dimension)

    return read


def _otel(fields: TrafficFieldsSection, dimension: int) -> TrafficRead:
    def retrieves(span: Mapping[str, Any], said: Mapping[str, Any]) -> bool:
        return bool(said.get("gen_ai.operation.name", span.get("name")) == "retrieval")

    return _spans(_stated(_OTEL, fields), retrieves, dimension)


def _openinference(fields: TrafficFieldsSection, dimension: int) -> TrafficRead:
    def retrieves(span: Mapping[str, Any], said: Mapping[str, Any]) -> bool:
        kind = said.get("openinference.span.kind", span.get("span_kind"))
        return isinstance(kind, str) and kind.upper() == "RETRIEVER"

    return _spans(_stated(_OPENINFERENCE, fields), retrieves, dimension)


def _spans(paths: TrafficPaths, retrieves: Any, dimension: int) -> TrafficRead:
    def read(value: bytes) -> Iterator[UserQuery | RefusedQuery]:
        found = list(spans_in(object_of(value)))
        if not found:
            raise refused(BAD_JSON, "no spans: expected resourceSpans, or an object with attributes")
        for span in found:
            said = attributes_of(span.get("attributes"))
            if retrieves(span, said) and not failed(span):
                yield query_at({**span, "attributes": said}, paths, dimension)

    return read


def _stated(usual: TrafficPaths, fields: TrafficFieldsSection) -> TrafficPaths:
    """The form's paths, with those that are configured before them."""
    made = {
        name: (given, *getattr(usual, name))
        for name in ("query", "client", "time", "value", "vector")
        if (given := getattr(fields, name))
    }
    unit = fields.time_unit if fields.time else usual.unit
    return replace(usual, **made, segments=fields.segments, unit=unit)


def _inner(found: Any) -> Any:
    """The document inside the wrapper that dumps of a search index have."""
    return found["_source"] if isinstance(found, dict) and isinstance(found.get("_source"), dict) else found


UBI = TrafficKind("ubi", _ubi)
OTEL = TrafficKind("otel", _otel)
OPENINFERENCE = TrafficKind("openinference", _openinference)
PLAIN = TrafficKind("json", _plain)
