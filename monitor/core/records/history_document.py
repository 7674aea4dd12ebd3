"""The past as a JSON document: points of deploys and hours, approvals, and each segment's series."""

import math
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from monitor.core.records.history import History, HistoryPoint, Series

Document = dict[str, Any]
SCHEMA_VERSION = 1
NUMBER = {"type": ["number", "null"]}
TEXT = {"type": "string"}


def history_document(past: History) -> Document:
    """The history: what is not known is null. Series are of the segments that any point knows, the newest's first."""
    points = [*reversed(past.deploys), *reversed(past.hours)]
    segments = dict.fromkeys(at for point in points for at in point.segments)
    series = dict.fromkeys(of for point in points for of in point.series)
    return {
        "schema_version": SCHEMA_VERSION,
        "deploys": [_point(point) for point in past.deploys],
        "hours": [_point(point) for point in past.hours],
        "approvals": [asdict(mark) for mark in past.approvals],
        "series": [
            made
            for dimension, segment in segments
            for of in series
            if (made := _series(past, dimension, segment, of)) is not None
        ],
    }


def _point(point: HistoryPoint) -> Document:
    return {
        "deploy": point.deploy_id,
        "event_time": point.event_time,
        "taken": _finite(point.taken),
        "verdict": point.verdict,
        "baseline": point.baseline,
        "chunks": _finite(point.chunks),
        "size": None if point.size is None else point.size._asdict(),
    }


def _series(past: History, dimension: str, segment: str, of: Series) -> Document | None:
    """One series; None where no point knows a number of it."""
    deploys, hours = ([point.at(dimension, segment, of) for point in points] for points in (past.deploys, past.hours))
    if all(math.isnan(value) for value, _ in (*deploys, *hours)):
        return None
    return {
        "leg": of.leg,
        "metric": of.metric,
        "dimension": dimension,
        "segment": segment,
        "deploys": _numbers(value for value, _ in deploys),
        "deploy_limits": _numbers(limit for _, limit in deploys),
        "hours": _numbers(value for value, _ in hours),
        "hour_limits": _numbers(limit for _, limit in hours),
    }


def _numbers(of: Iterable[float]) -> list[float | None]:
    return [_finite(value) for value in of]


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def history_schema() -> Document:
    """JSON Schema (2020-12) of `history_document`."""
    count = {"type": "integer"}
    size = _object(written=count, rewritten=count, deleted=count)
    point = _object(
        deploy=TEXT, event_time=count, taken=NUMBER, verdict=TEXT, baseline=TEXT, chunks=NUMBER,
        size={"anyOf": [size, {"type": "null"}]},
    )  # fmt: skip
    numbers = {"type": "array", "items": NUMBER}
    series = _object(
        leg=TEXT, metric=TEXT, dimension=TEXT, segment=TEXT, deploys=numbers, deploy_limits=numbers, hours=numbers,
        hour_limits=numbers,
    )  # fmt: skip
    mark = _object(name=TEXT, author=TEXT, reason=TEXT, time=TEXT, after=TEXT)
    listed = {name: {"type": "array", "items": of} for name, of in (("deploys", point), ("hours", point))}
    return _object(
        schema_version={"const": SCHEMA_VERSION}, approvals={"type": "array", "items": mark},
        series={"type": "array", "items": series}, **listed,
    )  # fmt: skip


def _object(**properties: Document) -> Document:
    return {
        "type": "object",
        "properties": properties,
        "required": sorted(properties),
        "additionalProperties": False,
    }
