"""What is wrong with a configuration, in its own terms: which key, and what is expected there."""

import types
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

PLAIN: Mapping[Any, str] = {
    str: "text", SecretStr: "text", int: "a whole number", float: "a number", bool: "true or false",
}  # fmt: skip
EXPECTED: Mapping[str, str] = {
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "dict_type": "a table",
    "float_parsing": "a number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number of less digits",
    "int_type": "a whole number",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "list_type": "a list",
    "model_type": "a table",
    "string_pattern_mismatch": "text of the form {pattern}",
    "string_too_short": "text of at least {min_length}",
    "string_type": "text",
    "too_long": "a list of at most {max_length}",
    "too_short": "a list of at least {min_length}",
    "tuple_type": "a list",
}
"""What pydantic's kinds of errors expect, in the words of TOML; in braces what it tells of the limit."""


def explained(item: "ErrorDetails", whole: type[BaseModel]) -> str:
    """What is wrong and what is expected, without the key and the value, which stand before it.

    Args:
        item: one error of pydantic's.
        whole: the model of the whole file.
    """
    kind, place = item["type"], item["loc"]
    if kind == "extra_forbidden":
        return f"no such key; expected one of {', '.join(_names(_section(whole, place[:-1])))}"
    if kind == "missing":
        return f"missing; expected {_wanted(whole, place)}"
    if kind in EXPECTED:
        return f"expected {EXPECTED[kind]}".format_map(item.get("ctx", {}))
    ours = item.get("ctx", {}).get("error")
    if isinstance(ours, ValueError):  # one of our own, which pydantic's text has words before
        return str(ours)
    return item["msg"].replace("Input should be", "expected", 1)


def _wanted(whole: type[BaseModel], place: Sequence[str | int]) -> str:
    """What a key that is missing holds: "text", or for a table its own keys."""
    section = _section(whole, place[:-1])
    fields = section.model_fields.items()
    annotation = next((of.annotation for key, of in fields if place[-1] in (key, of.alias)), str)
    model = _model(annotation)
    if model is None:
        return _kind(annotation)
    name = ".".join(str(part) for part in place)
    required = [of.alias or key for key, of in model.model_fields.items() if of.is_required()]
    if required:
        return f"a table [{name}] with {', '.join(required)}"
    tables = [f"[{name}.{of.alias or key}]" for key, of in model.model_fields.items() if of.default is None]
    return f"exactly one of the tables {', '.join(tables)}" if tables else f"a table [{name}]"


def _kind(annotation: Any) -> str:
    """A type in the words of TOML."""
    if annotation in PLAIN:
        return PLAIN[annotation]
    origin, of = get_origin(annotation), [one for one in get_args(annotation) if one not in (type(None), Ellipsis)]
    if origin is Literal:
        return " or ".join(repr(one) for one in of)
    if origin in (tuple, list, Sequence):
        return f"a list of {_kind(of[0])}" if of else "a list"
    if origin in (Union, types.UnionType):
        return " or ".join(_kind(one) for one in of)
    return "a value"


def _section(whole: type[BaseModel], place: Sequence[str | int]) -> type[BaseModel]:
    """The model at a place of the file; a number counts the entries of a list of tables."""
    section = whole
    for name in place:
        field = next((of for key, of in section.model_fields.items() if name in (key, of.alias)), None)
        if field is not None:
            section = _model(field.annotation) or section
    return section


def _model(annotation: Any) -> type[BaseModel] | None:
    kinds = (annotation, *get_args(annotation))
    return next((of for of in kinds if isinstance(of, type) and issubclass(of, BaseModel)), None)


def _names(section: type[BaseModel]) -> list[str]:
    return [of.alias or key for key, of in section.model_fields.items()]
