"""What the commands share: options, exit codes, saying a document.

A command imports what it works with inside its own function: `--help` and shell completion load nothing of it.
"""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any

import typer

from monitor.cli.streams import tell
from monitor.errors import ConfigurationError, UnreachableError

if TYPE_CHECKING:
    from monitor.app.asking import Running
    from monitor.app.configuration import Configuration
    from monitor.app.owning import OwnedMonitor

PASS, FAIL, USAGE, UNDECIDED, NO_REPORT = 0, 1, 2, 3, 4
"""Exit codes of the interface."""


class DocumentFormat(StrEnum):
    """Forms of a document that a person or a program reads."""

    TEXT = "text"
    JSON = "json"


class ListFormat(StrEnum):
    """Forms of the lists for other programs."""

    JSONL = "jsonl"


ConfigFile = Annotated[Path, typer.Option("-c", "--config", help="The configuration file (TOML).")]
MaybeConfig = Annotated[
    Path | None,
    typer.Option(
        "-c", "--config", help="The configuration file (TOML). With --monitor only for its token and certificate."
    ),
]
MonitorUrl = Annotated[
    str | None,
    typer.Option(
        "--monitor",
        help="Ask the monitor at this base URL; nothing else is needed here. Its token: --token-file, else that of "
        "-c, else CORPUS_DRIFT_HTTP__TOKEN, or the file that CORPUS_DRIFT_HTTP__TOKEN_FILE names.",
    ),
]
TokenFile = Annotated[Path | None, typer.Option(help="With --monitor: a file with its token.")]
CaFile = Annotated[
    Path | None, typer.Option(help="With --monitor: certificates (PEM) to trust instead of the system's.")
]
Json = Annotated[bool, typer.Option("--json", help="One JSON document instead of text.")]
DeployOption = Annotated[str, typer.Option("--deploy", help="A deploy's id.")]


def configured(path: Path) -> "Configuration":
    """The configuration, with secrets from this process's environment."""
    from monitor.app.configuration import load

    return load(path, os.environ)


@dataclass(frozen=True, slots=True)
class CommandTarget:
    """Whom a command asks: the monitor at a URL, or whoever owns the configured state, or that state itself.

    Args:
        remote: the monitor at a URL, None where none was named.
        configuration: the configuration, None where none was named; one of the two is there.
        config: the configuration file as it was named, "" for none.
        options: those by which the command was told whom to ask, for commands that are printed.
    """

    remote: "Running | None"
    configuration: "Configuration | None"
    config: str
    options: str

    def running(self, *, patience: float = 0.0) -> "Running | None":
        """The monitor to ask; None: none runs, so the committed state has the last word."""
        if self.remote is not None or self.configuration is None:
            return self.remote
        from monitor.app.wiring import running

        return running(self.configuration, patience=patience)

    @contextmanager
    def changing(self) -> "Iterator[Running | OwnedMonitor]":
        """Whoever can change something: the running monitor, or one that this command owns meanwhile."""
        from monitor.app.owning import OwnedMonitor
        from monitor.app.wiring import open_monitor

        monitor = self.running()
        if monitor is not None:
            yield monitor
            return
        with open_monitor(self.stored()) as owned:
            yield OwnedMonitor(owned.operations)

    def here(self) -> "Configuration":
        """The configuration of this machine; ConfigurationError where there is none."""
        if self.configuration is None:
            message = "-c FILE is missing: expected the configuration file, or --monitor URL"
            raise ConfigurationError(message)
        return self.configuration

    def stored(self) -> "Configuration":
        """`here`, with a state to read; UnreachableError where there is none."""
        need_state(self.here())
        return self.here()


@dataclass(frozen=True, slots=True)
class MonitorOptions:
    """The options that say whom a command asks, as they were given; nothing is read before `target`."""

    config: Path | None
    url: str | None
    token_file: Path | None
    ca_file: Path | None

    @property
    def files(self) -> tuple[Path | None, ...]:
        """The files that are read."""
        return self.config, self.token_file, self.ca_file

    def target(self) -> CommandTarget:
        """Whom to ask.

        Raises:
            ConfigurationError: nobody is named, or an option means nothing without another.
        """
        from monitor.app.wiring import remote_monitor

        if self.url is None:
            for name, path in (("--token-file", self.token_file), ("--ca-file", self.ca_file)):
                if path is not None:
                    message = f"{name} {str(path)!r}: expected --monitor URL with it"
                    raise ConfigurationError(message)
        configuration = None if self.config is None else configured(self.config)
        if self.url is None and configuration is None:
            message = "neither -c nor --monitor: expected -c FILE, or --monitor URL to ask a monitor elsewhere"
            raise ConfigurationError(message)
        found = None
        if self.url is not None:
            found = remote_monitor(
                self.url, os.environ, token_file=self.token_file, ca_file=self.ca_file, configuration=configuration
            )
        given = (
            ("-c", self.config),
            ("--monitor", self.url),
            ("--token-file", self.token_file),
            ("--ca-file", self.ca_file),
        )
        options = " ".join(f"{name} {quote(str(value))}" for name, value in given if value is not None)
        return CommandTarget(found, configuration, "" if self.config is None else str(self.config), options)


def asks_monitor(command: Callable[..., int]) -> Callable[..., int]:
    """A command with the options that say whom it asks, in the place of its parameter `options`."""

    @wraps(command, assigned=("__module__", "__name__", "__qualname__", "__doc__"))
    def asking(
        *,
        config: MaybeConfig = None,
        url: MonitorUrl = None,
        token_file: TokenFile = None,
        ca_file: CaFile = None,
        **rest: Any,
    ) -> int:
        return command(options=MonitorOptions(config, url, token_file, ca_file), **rest)

    named = signature(asking, follow_wrapped=False).parameters.values()
    shown = [one for one in named if one.kind is not Parameter.VAR_KEYWORD]
    found: list[Parameter] = []
    for one in signature(command).parameters.values():
        found += shown if one.name == "options" else [one.replace(kind=Parameter.KEYWORD_ONLY)]
    asking.__signature__ = Signature(found, return_annotation=int)  # type: ignore[attr-defined]  # read by typer
    asking.__annotations__ = {one.name: one.annotation for one in found}
    return asking


def say(document: Any, *, as_json: bool, text: Callable[[Any], str]) -> None:
    """A document on stdout: as JSON, or as text for people."""
    if as_json:
        tell(json.dumps(document, indent=2, ensure_ascii=False), "json")
    else:
        tell(text(document))


def tell_fixes(document: Any) -> None:
    """A fix list on stdout, a JSON object per line; on stderr how many more there are."""
    if document["fixes"]:
        tell("\n".join(json.dumps(fix, ensure_ascii=False) for fix in document["fixes"]), "json")
    if document["unnamed"]:
        more = document["unnamed"]
        typer.echo(f"{more:,} more are counted but not named yet: fix these, then ask again", err=True)


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
