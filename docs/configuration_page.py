"""The page of the configuration: types, defaults and bounds from the models, explanations from the reference file."""

import re
import types
from collections.abc import Iterable, Iterator
from enum import Enum
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from docs import limits
from monitor.app.configuration import Configuration
from monitor.app.environment import PREFIX

REFERENCE = Path(__file__).parent.parent / "deploy" / "corpus-drift.toml"
BOUNDS = {
    "ge": "at least {}",
    "gt": "above {}",
    "le": "at most {}",
    "lt": "below {}",
    "min_length": "at least {} of them",
    "max_length": "at most {} of them",
    "pattern": "`{}`",
}
"""What pydantic keeps beside a field, and how it reads."""
_HEAD = f"""# Configuration

<!-- Written by `python -m docs` from the models of the sections and from deploy/corpus-drift.toml; a test keeps them
equal. -->

One TOML file. Every key has a default except those that only you can know; the shortest useful files are on
[Connect your stack](connecting.md). Unknown keys are refused, and `corpus-drift check-config -c FILE` says everything
that is wrong at once.

* Paths are relative to the folder of the file.
* A variable `{PREFIX}SECTION__KEY` in the environment goes before the file, for example
  `{PREFIX}HTTP__PORT=9500`; lists and tables are written as JSON.
* Secrets never stand in the file. They come from such a variable, or from the file that the same variable with
  `_FILE` behind its name points to.

Below, each section has a table (type, default and bounds, as the program enforces them) and the annotated reference,
in which a line that begins with `#` and a key shows that key's default.
"""


def reference() -> str:
    """The annotated reference file, its comments on the default policy written anew."""
    return limits.reference(REFERENCE.read_text(encoding="utf-8"))


def configuration_page() -> str:
    """The whole page."""
    annotated = _annotated(reference())
    pages = (line for heading, model in _sections(Configuration, "") for line in _section(heading, model, annotated))
    return "\n".join([_HEAD, *pages])


def _sections(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, type[BaseModel]]]:
    """Every section under its heading as TOML writes it, in the order of the models."""
    for name, field in model.model_fields.items():
        inner = _model(field.annotation)
        if inner is not None:
            path = f"{prefix}{field.alias or name}"
            yield f"[[{path}]]" if get_origin(field.annotation) is tuple else f"[{path}]", inner
            yield from _sections(inner, f"{path}.")


def _section(heading: str, model: type[BaseModel], annotated: dict[str, str]) -> Iterator[str]:
    yield f"## `{heading}`\n"
    yield f"{(model.__doc__ or '').strip()}\n"
    plain = {key: field for key, field in model.model_fields.items() if _model(field.annotation) is None}
    yield "| key | type | default | bounds |"
    yield "|---|---|---|---|"
    for key in _ordered(plain, annotated.get(heading, "")):
        field = plain[key]
        secret = field.annotation is SecretStr
        default = "from the environment" if secret else _default(field)
        yield f"| `{field.alias or key}` | {_type(field.annotation)} | {default} | {_bounds(field)} |"
    yield ""
    if heading in annotated:
        yield f"```toml\n{annotated[heading]}\n```\n"


def _ordered(keys: Iterable[str], annotated: str) -> list[str]:
    """Keys as the reference has them; one that is not there, such as a secret, stays behind the key before it."""
    stands = {key: at for at, key in enumerate(re.findall(r"^#?([a-z_0-9]+) = ", annotated, re.MULTILINE))}
    places: dict[str, int] = {}
    last = -1
    for key in keys:
        last = places[key] = stands.get(key, last)
    return sorted(places, key=lambda key: places[key])


def _model(annotation: Any) -> type[BaseModel] | None:
    """The section that a field holds, alone, as an option or several times; None for a plain key."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model(part)) is not None), None)


def _type(annotation: Any) -> str:
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return " or ".join(f"`{_toml(part)}`" for part in parts)
    if origin in (Union, types.UnionType):
        return " or ".join(_type(part) for part in parts if part is not type(None))
    if origin is tuple:
        return f"list of {_type(parts[0])}"
    if origin is dict:
        return f"table of {_type(parts[1])}"
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return " or ".join(f"`{_toml(part.value)}`" for part in annotation)
    names = {str: "text", bool: "true or false", int: "whole number", float: "number", SecretStr: "secret"}
    if annotation is Any:
        return "JSON"
    return names.get(annotation, str(annotation))


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**needed**"
    value = field.get_default(call_default_factory=True)
    return "decided by the engine" if value is None else f"`{_toml(value)}`"


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Enum):
        return _toml(value.value)
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(of)}" for key, of in value.items()) + " }" if value else "{}"
    return str(value)


def _bounds(field: FieldInfo) -> str:
    found = ((words, getattr(of, name, None)) for of in field.metadata for name, words in BOUNDS.items())
    shown = (words.format(_cell(value)) for words, value in found if value not in (None, PydanticUndefined))
    return ", ".join(shown)


def _cell(value: Any) -> str:
    return str(value).replace("|", "\\|")


def _annotated(text: str) -> dict[str, str]:
    """Heading of a section -> its lines in the reference file, with the heading."""
    made: dict[str, list[str]] = {}
    now: list[str] | None = None
    for line in text.splitlines():
        heading = re.fullmatch(r"#?(\[{1,2}[a-z_.]+\]{1,2})", line)
        if heading:
            now = made.setdefault(heading[1], [])
        elif line.startswith("# -----"):
            now = None
        if now is not None:
            now.append(line)
    return {name: "\n".join(lines).rstrip() for name, lines in made.items()}
