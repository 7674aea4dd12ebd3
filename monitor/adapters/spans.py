"""Spans of OpenTelemetry out of JSON: OTLP's own, and the plain objects that exporters write."""

from collections.abc import Iterator, Mapping
from typing import Any


def failed(span: Mapping[str, Any]) -> bool:
    """Whether a span says that what it stands for failed."""
    status = span.get("status")
    code = status.get("code", status.get("status_code")) if isinstance(status, dict) else status
    return code in (2, "2", "ERROR", "STATUS_CODE_ERROR")


def spans_in(found: Any) -> Iterator[Mapping[str, Any]]:
    """The spans of one record: OTLP's `resourceSpans`, or one plain object with `attributes`."""
    if not isinstance(found, dict):
        return
    if "attributes" in found and "resourceSpans" not in found:
        yield found
    for resource in _objects(found.get("resourceSpans")):
        for scope in _objects(resource.get("scopeSpans")):
            yield from _objects(scope.get("spans"))


def _objects(found: Any) -> Iterator[Mapping[str, Any]]:
    yield from (of for of in (found if isinstance(found, list) else ()) if isinstance(of, dict))


def attributes_of(found: Any) -> Mapping[str, Any]:
    """Attributes by name, of OTLP's list or of a plain object."""
    if isinstance(found, dict):
        return found
    return {str(of.get("key")): _plain(of.get("value")) for of in _objects(found)}


def _plain(value: Any) -> Any:
    """A value of OTLP's JSON as plain JSON."""
    if not isinstance(value, dict):
        return value
    if "arrayValue" in value and isinstance(value["arrayValue"], dict):
        return [_plain(of) for of in value["arrayValue"].get("values", ())]
    if "kvlistValue" in value and isinstance(value["kvlistValue"], dict):
        return {str(of.get("key")): _plain(of.get("value")) for of in _objects(value["kvlistValue"].get("values"))}
    if "intValue" in value:
        return int(value["intValue"]) if str(value["intValue"]).lstrip("-").isdecimal() else None
    return next((value[kind] for kind in ("stringValue", "doubleValue", "boolValue") if kind in value), None)
