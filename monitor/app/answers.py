"""Answers of a monitor elsewhere: whether they are what was asked for, before anything reads a field of them."""

from collections.abc import Mapping
from functools import cache
from typing import Any, Literal

from monitor.core.erasure.document import FIELDS as ERASURE_FIELDS
from monitor.core.explain.schema import explain_schema
from monitor.core.migration.document import FIELDS
from monitor.core.records.documents import gate_schema, report_schema
from monitor.core.records.history_document import history_schema
from monitor.core.traffic.document import FIELDS as TRAFFIC
from monitor.errors import UnreachableError

Kind = Literal[
    "gate", "report", "explain", "baselines", "baseline", "retried", "migration", "traffic", "erased", "history"
]
_BASELINE = frozenset({"name", "deploy", "event_time", "fingerprint", "measured_with", "anchors", "approval"})


def expected(kind: Kind, answer: object) -> Any:
    """The answer, if it has the fields of its kind; a newer monitor may say more.

    Raises:
        UnreachableError: something else answered: no report can be had there.
    """
    entries: list[Any] = answer if kind == "baselines" and isinstance(answer, list) else [answer]
    for entry in entries:
        missing = _fields(kind) - entry.keys() if isinstance(entry, dict) else _fields(kind)
        if missing:
            message = f"the answer is no {kind} of corpus-drift: {', '.join(sorted(missing))} missing; is it the URL?"
            raise UnreachableError(message)
    if kind == "gate" and entries[0]["verdict"] not in gate_schema()["properties"]["verdict"]["enum"]:
        message = f"the answer is no gate of this corpus-drift: verdict {str(entries[0]['verdict'])[:80]!r}"
        raise UnreachableError(message)
    return answer


@cache
def _fields(kind: Kind) -> frozenset[str]:
    """What this program reads of a document, as the schemas say."""
    schemas: Mapping[str, Any] = {
        "gate": gate_schema,
        "report": report_schema,
        "explain": explain_schema,
        "history": history_schema,
    }
    if kind in schemas:
        return frozenset(schemas[kind]()["required"])
    others = {
        "retried": frozenset({"taken", "kept"}),
        "migration": FIELDS,
        "traffic": TRAFFIC,
        "erased": ERASURE_FIELDS,
    }
    return others.get(kind, _BASELINE)
