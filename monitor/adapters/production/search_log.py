"""Records of logs of searches, and what they say users were served.

* OpenSearch, User Behavior Insights (specification 1.3): a document of `ubi_queries` with `user_query` and
  `query_response_hit_ids`, null or empty where nothing was found; as an index or a dump has it, under `_source` too.
* OpenTelemetry, semantic conventions for generative AI: a span of the operation `retrieval` with the attributes
  `gen_ai.retrieval.query.text` and `gen_ai.retrieval.documents`, objects with `id` and `score`, structured or as one
  JSON text; in OTLP's JSON, or as plain objects with `name` and `attributes`.
"""

import math
from collections.abc import Iterator
from typing import Any

from monitor.adapters.production.answer_paths import MOST_RESULTS, UnreadableAnswerError, decoded
from monitor.adapters.spans import attributes_of, failed, spans_in
from monitor.core.model.production import ProductionAnswer, ProductionResult

MOST_QUERY_CHARACTERS = 65_536
_OPERATION, _QUERY, _DOCUMENTS = (
    "gen_ai.operation.name",
    "gen_ai.retrieval.query.text",
    "gen_ai.retrieval.documents",
)


def read_ubi(value: bytes) -> Iterator[tuple[str, ProductionAnswer]]:
    """The search that one UBI query document holds.

    Raises:
        UnreadableAnswerError: it is none, one line.
    """
    found = decoded(value)
    if isinstance(found, dict) and isinstance(found.get("_source"), dict):
        found = found["_source"]
    if not isinstance(found, dict) or "query_response_hit_ids" not in found:
        message = "no object with query_response_hit_ids"
        raise UnreadableAnswerError(message)
    hits = found["query_response_hit_ids"] or []
    if not isinstance(hits, list) or not all(isinstance(of, str | int) for of in hits):
        message = "query_response_hit_ids: expected a list of ids"
        raise UnreadableAnswerError(message)
    results = [ProductionResult(str(of)) for of in hits[:MOST_RESULTS]]
    yield _query(found.get("user_query")), ProductionAnswer(results)


def read_otel(value: bytes) -> Iterator[tuple[str, ProductionAnswer]]:
    """The retrievals among the spans of one record; spans of other operations and failed ones are passed over.

    Raises:
        UnreadableAnswerError: it holds no spans, or a retrieval without a query or documents.
    """
    found = decoded(value)
    spans = list(spans_in(found))
    if not spans:
        message = "no spans: expected resourceSpans, or an object with attributes"
        raise UnreadableAnswerError(message)
    for span in spans:
        said = attributes_of(span.get("attributes"))
        operation = said.get(_OPERATION, span.get("name"))
        if operation == "retrieval" and not failed(span):
            yield _query(said.get(_QUERY)), ProductionAnswer(_documents(said.get(_DOCUMENTS)))


def _query(text: Any) -> str:
    if not isinstance(text, str) or not text.strip() or len(text) > MOST_QUERY_CHARACTERS:
        message = f"the query's text: expected 1 to {MOST_QUERY_CHARACTERS} characters"
        raise UnreadableAnswerError(message)
    return text


def _documents(found: Any) -> list[ProductionResult]:
    if isinstance(found, str):
        found = decoded(found.encode("utf-8", "surrogatepass"))
    if not isinstance(found, list) or not all(isinstance(of, dict) for of in found):
        message = f"{_DOCUMENTS}: expected a list of objects"
        raise UnreadableAnswerError(message)
    return [
        ProductionResult(str(of["id"]), score=_score(of.get("score")))
        for of in found[:MOST_RESULTS]
        if isinstance(of.get("id"), str | int)
    ]


def _score(found: Any) -> float:
    return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else math.nan
