"""A proof of erasure as a document: what the command and the endpoint say."""

import math
from collections.abc import Sequence
from typing import Any

from monitor.core.erasure.model import (
    LOOKS,
    ErasureAnswer,
    ErasureFinding,
    ErasureVerdict,
    LookResult,
    overall,
)

SCHEMA = 1
Document = dict[str, Any]
FIELDS = frozenset({"schema", "verdict", "now", "items", "limits"})
"""What a reader of the document may count on."""
LIMITS = (
    "logs, backups, caches, what the broker retains, and bytes of files that were not overwritten yet",
    "other indexes and retrievers than the configured ones",
)
"""What is never checked, said each time."""


def erasure_document(answers: Sequence[ErasureAnswer], now: int, limits: Sequence[str] = ()) -> Document:
    """All that is said of a request.

    Args:
        answers: in the order asked.
        now: event time of the corpus that was looked at, microseconds.
        limits: what was not checked besides.
    """
    return {
        "schema": SCHEMA,
        "verdict": str(overall(answers)),
        "now": now,
        "items": [_item(answer) for answer in answers],
        "limits": [*limits, *LIMITS],
    }


def gate_code(document: Document) -> str:
    """The verdict in the words of a gate: `pass`, `fail` or `unknown`."""
    return {ErasureVerdict.ERASED: "pass", ErasureVerdict.RETRIEVABLE: "fail"}.get(document["verdict"], "unknown")


def _item(answer: ErasureAnswer) -> Document:
    item = answer.item
    return {
        "id": item.asked,
        "kind": item.kind,
        "verdict": str(answer.verdict),
        "chunks": [
            {
                "chunk_id": row.chunk_id,
                "doc_id": row.doc_id,
                "live": row.live,
                "since": row.event_time,
                "position": "{}/{}@{}".format(*row.position),
            }
            for row in item.rows
        ],
        "looks": [_look(answer, result) for result in answer.results],
    }


def _look(answer: ErasureAnswer, of: LookResult) -> Document:
    return {
        "look": of.look,
        "what": LOOKS[of.look],
        "outcome": of.outcome,
        "said": of.said,
        "found": [_finding(answer, one) for one in of.findings],
        "count": of.count,
    }


def _finding(answer: ErasureAnswer, of: ErasureFinding) -> Document:
    share = None if math.isnan(of.share) else of.share
    return {
        "chunk_id": of.chunk_id,
        "doc_id": of.doc_id,
        "as": of.found_as,
        "share": share,
        "said": of.said,
        "decides": answer.decides(of),
    }
