"""A runbook for every alert and no other; its commands parse, its metrics exist, its links lead somewhere."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest

from monitor.app.alerting import alert_groups
from monitor.app.configuration import build
from monitor.cli import main
from monitor.core.measures.registry import REGISTRY
from tests.app.test_configuration import whole_reference
from tests.deploy.test_rules import CONFIGURATION

FOLDER = Path(__file__).parent.parent.parent / "deploy" / "runbooks"
TEXTS = {path.stem: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.md"))}
BLOCKS = [block for text in TEXTS.values() for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL)]
COMMANDS = sorted({line for block in BLOCKS for line in block.splitlines() if line.startswith("corpus-drift ")})
EXPORTED = {of.exported for of in REGISTRY.entries.values()}


def test_every_alert_has_its_runbook_and_no_other_is_there() -> None:
    assert set(TEXTS) == {alert.name for group in alert_groups(CONFIGURATION) for alert in group.alerts}


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_a_runbook_says_what_it_means_how_to_look_and_what_to_do(name: str) -> None:
    headings = re.findall(r"^#+ .*", TEXTS[name], re.MULTILINE)
    assert headings == [f"# {name}", "## What it means", "## How to look", "## What to do"]
    for part in re.split(r"^## .*$", TEXTS[name], flags=re.MULTILINE)[1:]:
        assert len(part.split()) >= 15


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_parses(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`--help` comes last: an unknown command or option before it is still an error."""
    assert main([*shlex.split(command)[1:], "--help"]) == 0, capsys.readouterr().err


def test_there_are_commands() -> None:
    assert len(COMMANDS) >= 10


@pytest.mark.parametrize(
    "metric", sorted({name for text in TEXTS.values() for name in re.findall(r"corpus_drift_\w+", text)})
)
def test_every_metric_named_exists(metric: str) -> None:
    assert metric in EXPORTED


@pytest.mark.parametrize(
    "key", sorted({key for text in TEXTS.values() for key in re.findall(r"`([a-z]+\.[a-z_]+)`", text)})
)
def test_every_key_of_the_configuration_named_exists(key: str) -> None:
    section, _, name = key.partition(".")
    assert name in whole_reference()[section]


@pytest.mark.parametrize(
    "link", sorted({link for text in TEXTS.values() for link in re.findall(r"\]\(([^)]+)\)", text)})
)
def test_every_link_leads_to_a_runbook(link: str) -> None:
    assert (FOLDER / link).is_file()


def test_the_links_of_alerts_lead_here() -> None:
    default = build(
        tomllib.loads('[anchors]\npath = "a"\n[source.file]\npath = "e"\n[dense]\nengine = "none"\n'),
        {},
        where=FOLDER,
    )
    assert (FOLDER.parent.parent / default.alerts.runbook_base) == FOLDER
