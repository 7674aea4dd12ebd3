"""A configured query as qdrant-client sends it: checked against Qdrant's own forms, then filled for each question."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from pydantic import ValidationError
from qdrant_client import models

from monitor.adapters.retrieval.answers import VectorQuery
from monitor.adapters.retrieval.qdrant import query_json
from monitor.core.model.anchors import QueryVector, SparseVector
from monitor.ports import ConfigurationError

UNTELLING = ("missing", "extra_forbidden")
"""Errors that every other form than the meant one has too."""


class ConfiguredQuery:
    """Production's own query.

    Args:
        text: its JSON.
        dimension: d of the anchors' vectors.

    Raises:
        ConfigurationError: it is no query of Qdrant's, in one line.
    """

    def __init__(self, text: str, dimension: int) -> None:
        try:
            self._query = query_json.parsed(text)
        except ValueError as error:
            raise ConfigurationError(str(error)) from error
        self.fused = query_json.fused(self._query)
        zeros = dict.fromkeys(query_json.named(self._query), np.zeros(1, np.float32))
        try:
            self._request(VectorQuery(np.zeros(dimension, np.float32), (), "text", zeros))
        except ValidationError as error:
            raise ConfigurationError(_said(error, self._query)) from error

    def request(self, question: VectorQuery, wanted: models.Filter | None, **ours: Any) -> models.QueryRequest:
        """The query for one anchor; what it must share with its results is wanted besides the query's own filter."""
        made = self._request(question)
        own = made.filter
        both = wanted if own is None else own if wanted is None else models.Filter(must=[own, wanted])
        return made.model_copy(update={**ours, "filter": both})

    def _request(self, question: VectorQuery) -> models.QueryRequest:
        places = {query_json.VECTOR: question.vector.tolist(), query_json.TEXT: question.text}
        places |= {f"{query_json.NAMED}{name}": _as_json(vector) for name, vector in question.named.items()}
        return models.QueryRequest.model_validate(query_json.filled(self._query, places))


def _as_json(vector: QueryVector) -> Any:
    if isinstance(vector, SparseVector):
        return {"indices": vector.indices.tolist(), "values": vector.values.tolist()}
    return vector.tolist()


def _said(error: ValidationError, query: Any) -> str:
    """The most telling of the errors: each form that a query could have brings its own."""

    def rank(one: Any) -> tuple[bool, bool, int]:
        kind = one["type"]
        return kind.endswith("_type"), kind in UNTELLING, -len(_keys(one["loc"], query))

    first = min(error.errors(include_url=False), key=rank)
    keys = _keys(first["loc"], query)
    found: Any = query
    for key in keys:
        found = found[key]
    where = ".".join(map(str, ("dense.query", *keys)))
    return (
        f"{where} = {str(found)[:80]!r}: {first['msg'][:1].lower()}{first['msg'][1:]}, expected a query of Qdrant's"
    )


def _keys(location: Sequence[str | int], query: Any) -> list[str | int]:
    """The keys of the JSON on the way to an error: pydantic names the forms that it tried as well."""
    keys: list[str | int] = []
    for part in location:
        there = range(len(query)) if isinstance(query, list) else query if isinstance(query, dict) else ()
        if part in there:
            keys.append(part)
            query = query[part]
    return keys
