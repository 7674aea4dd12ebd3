"""A query of production's own, as Qdrant's JSON with places for what differs from anchor to anchor.

The strings `"$vector"` and `"$text"` stand for an anchor's vector and text wherever Qdrant takes one, and
`"$vector:NAME"` for its query vector of that name. All else is sent as it is written, except what a replay has to set
itself: how many results, and what comes with them.
"""

import json
from collections.abc import Iterator
from hashlib import blake2b
from typing import Any

VECTOR, TEXT, NAMED = "$vector", "$text", "$vector:"
OURS = ("limit", "offset", "with_payload", "with_vector")
"""Keys of the outermost query that a replay sets."""
EXPECTED = 'expected a query of Qdrant\'s as JSON, such as {"query": "$vector", "using": "dense"}'


def parsed(text: str) -> dict[str, Any]:
    """The query; ValueError in one line where it is none that a replay could send."""
    try:
        query = json.loads(text)
    except (ValueError, RecursionError) as error:
        said = f"dense.query: no JSON ({' '.join(str(error).split())}), {EXPECTED}"
        raise ValueError(said) from error
    if not isinstance(query, dict):
        said = f"dense.query: {type(query).__name__}, {EXPECTED}"
        raise ValueError(said)  # noqa: TRY004 - what a file says, not what a caller gave
    ours = [key for key in OURS if key in query]
    if ours:
        said = f"dense.query: {', '.join(ours)}: set by the replay, expected in prefetch only"
        raise ValueError(said)
    if not (holds(query, VECTOR) or holds(query, TEXT) or named(query)):
        said = f'dense.query: neither "{VECTOR}" nor "{TEXT}" in it, expected a place of what an anchor asks'
        raise ValueError(said)
    return query


def holds(value: Any, place: str) -> bool:
    """Whether a place stands somewhere in it."""
    return place in _strings(value)


def named(value: Any) -> frozenset[str]:
    """Names of the query vectors that it asks with.

    >>> sorted(named({"prefetch": [{"query": "$vector:splade"}], "query": {"nearest": "$vector:colbert"}}))
    ['colbert', 'splade']
    """
    return frozenset(of.removeprefix(NAMED) for of in _strings(value) if of.startswith(NAMED))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict | list):
        for of in value.values() if isinstance(value, dict) else value:
            yield from _strings(of)
    elif isinstance(value, str):
        yield value


def filled(value: Any, places: dict[str, Any]) -> Any:
    """With something in each place.

    >>> filled({"query": ["$text", 1], "using": "x$text"}, {"$text": "how?"})
    {'query': ['how?', 1], 'using': 'x$text'}
    """
    if isinstance(value, dict):
        return {key: filled(of, places) for key, of in value.items()}
    if isinstance(value, list):
        return [filled(of, places) for of in value]
    return places.get(value, value) if isinstance(value, str) else value


def fused(query: dict[str, Any]) -> bool:
    """Whether its scores are other ones than those of the anchor's vector: of a fusion, a formula, another vector."""
    own = query.get("query")
    return bool(query.get("prefetch")) or own not in (VECTOR, {"nearest": VECTOR})


def digest(query: dict[str, Any]) -> str:
    """64 bits of BLAKE2b over it, hexadecimal; how it is spaced and ordered has no say."""
    return blake2b(json.dumps(query, sort_keys=True).encode(), digest_size=8).hexdigest()
