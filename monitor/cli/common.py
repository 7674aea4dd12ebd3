"""What the commands share: options, exit codes, saying a document.

A command imports what it works with inside its own function: `--help` and shell completion load nothing of it.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from monitor.errors import ConfigurationError, UnreachableError

if TYPE_CHECKING:
    from monitor.app.configuration import Configuration

PASS, FAIL, USAGE, UNDECIDED, NO_REPORT = 0, 1, 2, 3, 4
"""Exit codes of the interface."""

ConfigFile = Annotated[Path, typer.Option("-c", "--config", help="The configuration file (TOML).")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document instead of text.")]
Deploy = Annotated[str, typer.Option("--deploy", help="A deploy's id.")]


def configured(path: Path) -> "Configuration":
    """The configuration, with secrets from this process's environment."""
    from monitor.app.configuration import load

    return load(path, os.environ)


def say(document: Any, *, as_json: bool, text: Callable[[Any], str]) -> None:
    """A document on stdout: as JSON, or as text for people."""
    typer.echo(json.dumps(document, indent=2, ensure_ascii=False) if as_json else text(document).rstrip("\n"))


def need_file(path: Path) -> None:
    """ConfigurationError where a file that a command was given cannot be read; "-" is standard input."""
    if str(path) != "-" and (path.is_dir() or not os.access(path, os.R_OK)):
        message = f"{path}: {'a folder' if path.is_dir() else 'not there or not readable'}; expected a readable file"
        raise ConfigurationError(message)


def need_state(configuration: "Configuration") -> None:
    """UnreachableError where no monitor runs and none ever committed: exit code 4."""
    path = configuration.located(configuration.state.path)
    if not path.is_file():
        message = f"no monitor is running and there is no state at {path}: no report can be had"
        raise UnreachableError(message)
