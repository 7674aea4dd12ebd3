"""JSON Schema of the incident card."""

from typing import Any, get_args

from monitor.core.explain.card import SCHEMA_VERSION
from monitor.core.index.since_baseline import EventKind
from monitor.core.model.report import CauseName, ShareKind
from monitor.core.records.advice import ADVISED
from monitor.core.records.documents import fix_list_schema, loss_schema

Document = dict[str, Any]
_TEXT: Document = {"type": "string"}
_TEXT_OR_NULL: Document = {"type": ["string", "null"]}
_COUNT: Document = {"type": "integer"}
_COUNT_OR_NULL: Document = {"type": ["integer", "null"]}
_NUMBER: Document = {"type": ["number", "null"]}


def explain_schema() -> Document:
    """JSON Schema (2020-12) of `explain.card`."""
    whole = _object(
        schema_version={"const": SCHEMA_VERSION}, deploy=_TEXT, now=_COUNT, positions=_map(_COUNT),
        baseline={"anyOf": [_baseline(), {"type": "null"}]}, verdict=_verdict(),
        question=_object(segment=_TEXT, anchor=_TEXT), causes=_list(_cause()), size=_list(_size()),
        segments=_list(_segment()), losses=_list(loss_schema()), blame=_list(_share()), events=_list(_event()),
        ranges=_list(_range()),
        anchors=_list(_anchor()), actions=_list(_action()), limits=_list(_TEXT),
    )  # fmt: skip
    whole["properties"]["fix_list"] = fix_list_schema()  # not required: a monitor of before this has none
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "corpus-drift incident card", **whole}


def _baseline() -> Document:
    return _object(name=_TEXT, captured_event_time=_COUNT, deploy_id=_TEXT, approved_by=_TEXT, reason=_TEXT)


def _verdict() -> Document:
    names = {"enum": ["pass", "fail", "inconclusive", "unknown"]}
    return _object(verdict=names, reasons=_list(_TEXT), findings=_list({"type": "object"}))


def _cause() -> Document:
    return _object(cause=_cause_name(), slots=_NUMBER, anchors=_COUNT, evidence=_list(_TEXT))


def _cause_name() -> Document:
    return {"enum": [*get_args(CauseName)]}


def _size() -> Document:
    return _object(
        leg=_leg(), anchors=_COUNT, changed_anchors=_COUNT, entered=_NUMBER, left=_NUMBER, moved=_COUNT_OR_NULL,
        swaps=_NUMBER, mean_swaps=_NUMBER, unexplained_churn_ratio=_NUMBER,
    )  # fmt: skip


def _segment() -> Document:
    return _object(
        leg=_leg(), segment=_TEXT, anchors=_COUNT, changed_anchors=_COUNT, swaps=_NUMBER, mean_swaps=_NUMBER
    )


def _share() -> Document:
    level = {"enum": ["source", "path", "document", "segment", "deploy"]}
    share = _object(leg=_leg(), level=level, name=_TEXT, share=_NUMBER, slots=_NUMBER, anchors=_COUNT)
    share["properties"]["kind"] = {"enum": [*ShareKind]}  # not required: a monitor of before this has none
    return share


def _event() -> Document:
    return _object(
        leg=_leg(), **_place(), kind=_kind(), chunk_id=_TEXT, doc_id=_TEXT, source=_TEXT, deploy=_TEXT,
        cause=_cause_name(), share=_NUMBER, slots=_NUMBER, anchors=_COUNT,
    )  # fmt: skip


def _place() -> Document:
    return {"topic": _TEXT_OR_NULL, "partition": _COUNT_OR_NULL, "offset": _COUNT_OR_NULL}


def _kind() -> Document:
    return {"enum": list(get_args(EventKind))}


def _range() -> Document:
    return _object(
        leg=_leg(), topic=_TEXT, partition=_COUNT, first=_COUNT, last=_COUNT, events=_COUNT, share=_NUMBER,
        slots=_NUMBER,
    )  # fmt: skip


def _anchor() -> Document:
    return _object(
        id=_TEXT, text=_TEXT, segment=_map(_TEXT), leg=_leg(), swaps=_NUMBER,
        before={"anyOf": [_list(_result()), {"type": "null"}]}, after=_list(_result()),
    )  # fmt: skip


def _result() -> Document:
    return _object(
        rank=_COUNT, chunk_id=_TEXT, doc_id=_TEXT, source=_TEXT, snippet=_TEXT_OR_NULL, score=_NUMBER,
        state={"enum": ["same", "moved", "entered", "left", "rewritten", "renamed"]}, other_rank=_COUNT_OR_NULL,
        causes=_list(_slot_cause()),
    )  # fmt: skip


def _slot_cause() -> Document:
    names = ("kind", "chunk_id", "doc_id", "deploy")
    by = {"enum": ["event", "statistics", "unexplained"]}
    return _object(share=_NUMBER, by=by, **_place(), **dict.fromkeys(names, _TEXT_OR_NULL), source=_TEXT)


def _action() -> Document:
    kinds = {"enum": [*ADVISED, "approve", "revert_documents", "revert_offsets"]}
    return _object(action=kinds, title=_TEXT, command=_TEXT, items=_list(_TEXT))


def _leg() -> Document:
    return {"enum": ["dense", "lexical", "production"]}


def _map(values: Document) -> Document:
    return {"type": "object", "additionalProperties": values}


def _list(items: Document) -> Document:
    return {"type": "array", "items": items}


def _object(**properties: Document) -> Document:
    return {
        "type": "object",
        "properties": properties,
        "required": sorted(properties),
        "additionalProperties": False,
    }
