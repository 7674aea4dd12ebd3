"""README and the pages of docs/ are true: commands parse, configurations load, links and files are there."""

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from monitor.app.configuration import build
from monitor.cli import main
from tests.docs.pages import PAGES, ROOT, Block, blocks, text

README = text("README.md")
LINES = 120
"""Two screens."""
WHOLE = "not a whole configuration"
GENERATED = ("docs/commands.md", "docs/configuration.md", "docs/changelog.md", "docs/lab.md")
"""Written by programs, or a record of what was."""


def prose(page: str) -> str:
    """Without its blocks of code."""
    return re.sub(r"^```.*?^```$", "", text(page), flags=re.DOTALL | re.MULTILINE)


def commands() -> set[str]:
    """Every command of ours that a page names, in its text or in a block."""
    inline = {
        " ".join(found.split())
        for page in PAGES
        if page not in GENERATED
        for found in re.findall(r"`(corpus-drift [a-z][^`]+)`", prose(page))
    }
    lines = [line for block in blocks("console", "sh") for line in block.commands()]
    said = (found for line in lines for found in re.findall(r"(?:^|[ /])(corpus-drift [a-z-]+ [^#\n]+)", line))
    return inline | {line.strip() for line in said}


def test_commands_are_found() -> None:
    assert len(commands()) >= 40


@pytest.mark.parametrize("command", sorted(commands()))
def test_every_command_parses(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`--help` comes last: an unknown command or option before it is still an error."""
    assert main([*shlex.split(command)[1:], "--help"]) == 0, capsys.readouterr().err


def test_every_block_of_commands_is_run_or_says_why_not() -> None:
    for block in blocks("sh"):
        assert re.match(r"not run[^:]*: .{10,}", block.mark), f"{block.page}:\n{block.text}"
    for block in blocks("console"):
        assert not block.mark
        assert all(line.startswith("$ ") for line in block.text.splitlines()), f"{block.page}:\n{block.text}"
    for page in set(PAGES) - set(GENERATED):
        fences = re.findall(r"^```(\S*)", text(page), re.MULTILINE)[::2]
        assert "" not in fences, f"{page}: a block of code without its language"


CONFIGURATIONS = [
    block for block in blocks("toml") if block.page not in GENERATED and not block.mark.startswith(WHOLE)
]


@pytest.mark.parametrize("block", CONFIGURATIONS, ids=lambda block: block.page)
def test_every_configuration_loads(block: Block, tmp_path: Path) -> None:
    assert build(tomllib.loads(block.text), {}, where=tmp_path / "corpus-drift.toml").rules()


@pytest.mark.parametrize(
    ("page", "check"),
    [("docs/events.md", ["events", "check", "--dimension", "2"]), ("docs/anchors.md", ["anchors", "check"])],
)
def test_the_lines_shown_are_read(
    page: str, check: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for block in blocks("json", pages=(page,)):
        lines = tmp_path / "shown.jsonl"
        lines.write_text(block.text.replace("\n ", " "), encoding="utf-8")  # one line each
        assert main([*check, str(lines)]) == 0, capsys.readouterr()


@pytest.mark.parametrize("page", PAGES)
def test_every_file_named_is_there(page: str) -> None:
    named = re.findall(r"`((?:monitor|deploy|tests|docs|dashboards|benchmarks)/[\w./-]+)`", prose(page))
    assert [path for path in named if page not in GENERATED and not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    where = (ROOT / page).resolve().parent if page != "docs/metrics.md" else ROOT / "dashboards"
    for target in re.findall(r"\]\((?!http)([^)#]+)", prose(page)):
        assert (where / target).exists(), target


def test_readme_is_two_screens() -> None:
    assert len(README.splitlines()) <= LINES


def test_what_puts_the_command_on_the_path_is_what_make_makes() -> None:
    """`make demo` installs into the environment that README has people activate, and says beside the command."""
    made = re.search(r"^VENV := (.+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert made is not None
    for page in ("README.md", "docs/quick-start.md"):
        assert f"```sh\n. {made[1]}/bin/activate\n```" in text(page)
        assert f"`{made[1]}/bin/corpus-drift`" in text(page)


def test_an_activated_environment_has_the_command() -> None:
    activate = Path(sys.prefix) / "bin" / "activate"
    if not activate.is_file():
        pytest.skip("not in a virtual environment")
    command = ["bash", "-c", f". {shlex.quote(str(activate))} && command -v corpus-drift"]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.strip()
    assert Path(said) == Path(sys.prefix) / "bin" / "corpus-drift"


def test_nothing_is_left_to_fill_in() -> None:
    assert [page for page in PAGES if "@@" in prose(page)] == []
