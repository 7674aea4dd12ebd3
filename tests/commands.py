"""Commands run in this process, what they left behind, and what a refusal looks like."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from monitor.cli import main
from tests.corpora import Shape

SHAPE = Shape(deploys=4, incident=True, dense=False)
"""Of the corpus that most commands are tried on: d0 is unknown, d1 and d2 pass, d3 fails."""


@dataclass(frozen=True)
class Said:
    """What a command left behind."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


class Commands:
    """Commands in this process, their output caught."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: object) -> Said:
        code = main([str(argument) for argument in arguments])
        caught = self._capsys.readouterr()
        assert "Traceback" not in caught.err, caught.err
        return Said(code, caught.out, caught.err)


def copied(config: Path, folder: Path) -> Path:
    """The same state for a test that changes it."""
    for file in config.parent.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    return folder / config.name


def refused(said: Said, code: int, *parts: str) -> None:
    """One clear line on stderr and nothing on stdout."""
    assert (said.code, said.out) == (code, "")
    lines = said.err.splitlines()
    assert len(lines) == 1, said.err
    assert lines[0].startswith("corpus-drift: ")
    for part in parts:
        assert part in lines[0]
