"""What deploy/README.md names is there, its commands parse, and nothing that is deployed goes unmentioned."""

import re
import shlex
from pathlib import Path

import pytest

from monitor.cli import main

FOLDER = Path(__file__).parent.parent.parent / "deploy"
TEXT = (FOLDER / "README.md").read_text(encoding="utf-8")
SHELL = re.findall(r"^```sh\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
COMMANDS = sorted(
    {
        *re.findall(r"^(?:.*[ /])?(corpus-drift [a-z]+ .+)$", "".join(SHELL), re.MULTILINE),
        *re.findall(r"`(corpus-drift \w[^`]+)`", TEXT),
    }
)
TABLE = TEXT.partition("\n\n")[2].partition("\n\n")[0]


def test_commands_are_found() -> None:
    assert len(SHELL) == 6
    assert len(COMMANDS) >= 7


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_parses(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*shlex.split(command)[1:], "--help"]) == 0, capsys.readouterr().err


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`([\w./-]+/[\w./-]*|\w*file)`", TABLE))))
def test_every_file_is_there(path: str) -> None:
    assert (FOLDER / path).exists()


@pytest.mark.parametrize("path", sorted(one.name for one in FOLDER.iterdir() if one.is_dir()))
def test_every_folder_is_mentioned(path: str) -> None:
    assert f"`{path}/" in TEXT
