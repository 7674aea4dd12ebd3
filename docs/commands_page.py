"""The page of commands, written from the command line itself."""

from collections.abc import Iterator
from enum import Enum
from typing import Any, Literal, get_args, get_origin

import typer

from monitor.cli import app

PROGRAM = "corpus-drift"
_HEAD = """# Commands

<!-- Written by `python -m docs` from monitor/cli; a test keeps them equal. -->

Results go to standard output, logs and progress to standard error. Exit codes are the same everywhere: 0 pass or
done, 1 fail, 2 wrong usage or configuration, 3 inconclusive or unknown, 4 no report can be had. `--help` behind any
command says what is below.
"""


def commands_page() -> str:
    """The whole page."""
    return "\n".join([_HEAD, *(line for name, command in _commands() for line in _section(name, command))])


def _commands() -> Iterator[tuple[str, Any]]:
    """Every command that does something, with its full name, in the order of `--help`."""
    waiting: list[tuple[str, Any]] = [(PROGRAM, typer.main.get_command(app))]
    while waiting:
        name, command = waiting.pop(0)
        inner = getattr(command, "commands", None)
        if inner is None:
            yield name, command
        else:
            waiting[:0] = [(f"{name} {of}", made) for of, made in inner.items()]


def _section(name: str, command: Any) -> Iterator[str]:
    yield f"## `{name}`\n"
    yield f"{_prose(command.help)}\n"
    shown = [of for of in command.params if not getattr(of, "hidden", False) and "--help" not in of.opts]
    if shown:
        yield "| argument or option | default | what it is |"
        yield "|---|---|---|"
        yield from (f"| {_name(of)} | {_default(of)} | {_prose(of.help)} |" for of in shown)
        yield ""


def _prose(text: str | None) -> str:
    """Help as one line of Markdown."""
    return " ".join((text or "").partition("\f")[0].split()).replace("|", "\\|").replace("<", "&lt;")


def _name(of: Any) -> str:
    if of.param_type_name == "argument":
        return f"`{of.name.upper()}`"
    options = " ".join(f"`{option}`" for option in sorted(of.opts, key=len, reverse=True))
    annotation = of.type_descriptor.annotation
    choices = [choice.value for choice in annotation] if _is_enum(annotation) else _literals(annotation)
    return f"{options} {' or '.join(f'`{choice}`' for choice in choices)}" if choices else options


def _is_enum(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Enum)


def _literals(annotation: Any) -> list[str]:
    return [str(choice) for choice in get_args(annotation)] if get_origin(annotation) is Literal else []


def _default(of: Any) -> str:
    if of.required:
        return "**needed**"
    value = of.default.value if isinstance(of.default, Enum) else of.default
    unset = value is None or value is False or value in ("", ())
    return "" if unset else f"`{value}`"
