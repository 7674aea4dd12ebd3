"""Requests made from a template: JSON in which names in braces stand for what is asked."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from monitor.ports import ConfigurationError

_NAME = re.compile(r"\{\{|\}\}|\{([A-Za-z_][A-Za-z0-9_.-]*)\}")
_WHOLE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_.-]*)\}")
ASKED = ("text", "k", "vector", "id")
"""What every question has; `segment.NAME` besides, "" where an anchor has no such attribute."""
SEGMENT = "segment."


@dataclass(frozen=True, slots=True)
class RequestTemplate:
    """A JSON value in which `{text}`, `{k}`, `{vector}`, `{id}`, `{segment.NAME}` and parameters are put in.

    A string that is one name alone becomes the value itself, a number or a list; within a longer string it is put in
    as text. `{{` and `}}` are braces. Values are put in, never parsed: a question cannot change the request's shape.

    Args:
        body: the template.
        parameters: more names with their values.

    Raises:
        ConfigurationError: a name that nothing is known of, or a vector within a longer string.

    >>> body = {"query": "{text}", "top": "{k}", "tag": "kb-{kb}"}
    >>> RequestTemplate(body, {"kb": "7"}).filled({"text": "a", "k": 5})
    {'query': 'a', 'top': 5, 'tag': 'kb-7'}
    """

    body: Any
    parameters: Mapping[str, str]

    def __post_init__(self) -> None:
        for text in _strings(self.body):
            for name in _names(text):
                if name not in (*ASKED, *self.parameters) and not name.startswith(SEGMENT):
                    known = ", ".join((*ASKED, f"{SEGMENT}NAME", *self.parameters))
                    message = f"production.body: {{{name}}} in {text!r:.80}: expected one of {known}, or {{{{ }}}}"
                    raise ConfigurationError(message)
                if name == "vector" and not _WHOLE.fullmatch(text):
                    message = f"production.body: {{vector}} in {text!r:.80}: expected it alone, it is a list"
                    raise ConfigurationError(message)

    @property
    def names(self) -> frozenset[str]:
        """What the template asks to be put in."""
        return frozenset(name for text in _strings(self.body) for name in _names(text))

    def filled(self, values: Mapping[str, Any]) -> Any:
        """The request for these values."""
        return _filled(self.body, {**self.parameters, **values})


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _strings(item)


def _names(text: str) -> list[str]:
    return [name for name in _NAME.findall(text) if name]


def _filled(value: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(value, Mapping):
        return {key: _filled(item, values) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_filled(item, values) for item in value]
    if not isinstance(value, str):
        return value
    alone = _WHOLE.fullmatch(value)
    if alone:
        return values.get(alone[1], "")
    return _NAME.sub(lambda found: _put(found, values), value)


def _put(found: "re.Match[str]", values: Mapping[str, Any]) -> str:
    return found[0][0] if found[1] is None else str(values.get(found[1], ""))
