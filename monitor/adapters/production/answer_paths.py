"""Results out of an answer's JSON, by configured paths; nothing in an answer is trusted."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from monitor.adapters.codecs.limits import EventLimits, parse
from monitor.adapters.codecs.paths import split
from monitor.core.model.events import MalformedEvent
from monitor.core.model.production import ProductionResult

EVERY = "*"
"""A step of a path: every element of a list."""
MOST_RESULTS = 1_000
"""Results of one answer that are read."""
MOST_ID_CHARACTERS = 1_024
_DECODER: "msgspec.json.Decoder[Any]" = msgspec.json.Decoder(Any)
_MISSING: Any = object()


class UnreadableAnswerError(ValueError):
    """An answer that is not JSON, or holds no list of results where one is expected; one line."""


@dataclass(frozen=True, slots=True)
class AnswerPaths:
    """Where in an answer the results stand, and what is what in each: of several paths the first that leads on.

    A path is names joined by dots; a number is a place in a list, `*` all of its elements, whose texts are joined. ""
    is the answer, or the result, itself. Where a path leads on from a string, the string is parsed as JSON.

    Args:
        results: lead to a list.
        result_id, document_id, text: lead to a string or a number.
        score: leads to a number.
    """

    results: Sequence[str]
    result_id: Sequence[str] = ()
    document_id: Sequence[str] = ()
    text: Sequence[str] = ()
    score: Sequence[str] = ()

    def read(self, content: bytes) -> list[ProductionResult]:
        """The results of an answer's bytes.

        Raises:
            UnreadableAnswerError: not JSON, nested too deep, no list where one is expected, or a result that says
                neither what it is called nor what it says.
        """
        return self.of(decoded(content))

    def of(self, answer: Any) -> list[ProductionResult]:
        """The same of an answer that was parsed."""
        found = next((of for path in self.results if isinstance(of := _listed(answer, path), list)), None)
        if found is None:
            keys = ", ".join(list(answer)[:8])[:120] if isinstance(answer, dict) else type(answer).__name__
            message = f"no list at {' or '.join(map(repr, self.results))}; the answer holds: {keys}"
            raise UnreadableAnswerError(message)
        return [self._result(item) for item in found[:MOST_RESULTS]]

    def _result(self, item: Any) -> ProductionResult:
        made = ProductionResult(
            _said(item, self.result_id)[:MOST_ID_CHARACTERS],
            _said(item, self.document_id)[:MOST_ID_CHARACTERS],
            _said(item, self.text),
            _number(item, self.score),
        )
        if not (made.result_id or made.document_id or made.text.strip()):
            message = "a result without id, document and text; expected at least one of them"
            raise UnreadableAnswerError(message)
        return made


def decoded(content: bytes) -> Any:
    """Bytes as JSON of a bounded depth.

    Raises:
        UnreadableAnswerError: they are none.
    """
    try:
        return parse(content, _DECODER, EventLimits(value_bytes=max(1, len(content))))
    except MalformedEvent as error:
        raise UnreadableAnswerError(str(error)) from None


def _said(item: Any, paths: Sequence[str]) -> str:
    for path in paths:
        found = _at(item, path)
        if isinstance(found, list):
            found = "\n".join(of for of in found if isinstance(of, str))
        if isinstance(found, str) and found:
            return found
        if isinstance(found, int) and not isinstance(found, bool):
            return str(found)
    return ""


def _number(item: Any, paths: Sequence[str]) -> float:
    found = next((of for path in paths if isinstance(of := _at(item, path), int | float)), math.nan)
    return float(found) if not isinstance(found, bool) and abs(found) < 1e300 else math.nan


def _at(value: Any, path: str) -> Any:
    return _walked(value, list(split(path))) if path else value


def at_path(value: Any, path: str) -> Any:
    """What stands at a path of `AnswerPaths`; None where it leads nowhere.

    >>> at_path({"a": [{"b": 1}, {"b": 2}]}, "a.1.b"), at_path({}, "a")
    (2, None)
    """
    found = _at(value, path)
    return None if found is _MISSING else found


def _listed(value: Any, path: str) -> Any:
    found = _at(value, path)
    return _opened(found) if isinstance(found, str) else found


def _walked(value: Any, steps: list[str]) -> Any:
    for at, step in enumerate(steps):
        if isinstance(value, str):
            value = _opened(value)
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and step == EVERY:
            return list(_spread(value, steps[at + 1 :]))
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return _MISSING
    return value


def _spread(items: Sequence[Any], steps: list[str]) -> Iterator[Any]:
    for item in items[:MOST_RESULTS]:
        found = _walked(item, steps)
        if found is not _MISSING:
            yield found


def _opened(text: str) -> Any:
    try:
        return decoded(text.encode("utf-8", "surrogatepass"))
    except UnreadableAnswerError:
        return _MISSING
