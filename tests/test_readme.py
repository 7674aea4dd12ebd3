"""README is true: its commands parse, its configuration loads, its links lead somewhere."""

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from monitor.app.configuration import build
from monitor.cli import main

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
INLINE = re.findall(r"`(corpus-drift [^`]+)`", README)
BLOCKS = re.findall(r"^\$ (corpus-drift [^#\n]+)", README, re.MULTILINE)
COMMANDS = sorted({*INLINE, *BLOCKS})


def test_readme_names_commands() -> None:
    assert len(INLINE) >= 6
    assert len(BLOCKS) >= 20


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_parses(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`--help` comes last: an unknown command or option before it is still an error."""
    assert main([*shlex.split(command)[1:], "--help"]) == 0, capsys.readouterr().err


@pytest.mark.parametrize("block", re.findall(r"```toml\n(.*?)```", README, re.DOTALL))
def test_every_configuration_loads(block: str, tmp_path: Path) -> None:
    assert build(tomllib.loads(block), {}, where=tmp_path / "corpus-drift.toml").rules()


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`((?:monitor|deploy|tests|docs)/[\w./-]+)`", README))))
def test_every_file_named_is_there(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize("target", re.findall(r"\]\((?!http)([^)]+)\)", README))
def test_every_link_leads_somewhere(target: str) -> None:
    assert (ROOT / target).exists()


def test_what_puts_the_command_on_the_path_is_what_make_makes() -> None:
    """`make demo` installs into the environment that README has people activate, and says beside the command."""
    made = re.search(r"^VENV := (.+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert made is not None
    assert f"```sh\n. {made[1]}/bin/activate\n```" in README
    assert f"`{made[1]}/bin/corpus-drift`" in README


def test_an_activated_environment_has_the_command() -> None:
    activate = Path(sys.prefix) / "bin" / "activate"
    if not activate.is_file():
        pytest.skip("not in a virtual environment")
    command = ["bash", "-c", f". {shlex.quote(str(activate))} && command -v corpus-drift"]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.strip()
    assert Path(said) == Path(sys.prefix) / "bin" / "corpus-drift"


def test_nothing_is_left_to_fill_in() -> None:
    assert "@@" not in README
