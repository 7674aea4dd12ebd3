"""The gate's example files: they parse, and what they ask for exists."""

import re
import shlex
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from monitor.adapters.http.server import Endpoints
from monitor.core.documents import gate_schema
from tests.commands import Commands

GATES = Path(__file__).parents[1] / "deploy" / "gates"
KINDS = {"argo-rollouts": "AnalysisTemplate", "flagger": "Canary", "tekton": "Task"}


def loaded(name: str) -> Any:
    return yaml.safe_load((GATES / f"{name}.yml").read_text(encoding="utf-8"))


def test_there_is_one_for_each_and_each_is_what_it_says() -> None:
    assert {path.stem for path in GATES.glob("*.yml")} == {"github-actions", *KINDS}
    for name, kind in KINDS.items():
        assert loaded(name)["kind"] == kind


@pytest.mark.parametrize("name", ["github-actions", "tekton"])
def test_its_commands_are_ours(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Run with a configuration that is not there: options that do not exist would be told of before it."""
    text = (GATES / f"{name}.yml").read_text(encoding="utf-8")
    lines = re.findall(r"^\s*(corpus-drift gate .*)$", text, re.MULTILINE)
    assert lines
    for line in lines:
        plain = re.sub(r"\$\([^)]*\)|\"\$ON_INCONCLUSIVE\"", lambda of: "error" if "ON_" in of[0] else "x", line)
        said = Commands(capsys)(*shlex.split(plain)[1:])
        assert said.code == 2, said.err
        assert "cannot be read: No such file" in said.err


@pytest.mark.parametrize("name", ["argo-rollouts", "flagger"])
def test_its_endpoints_are_ours(name: str) -> None:
    (url,) = re.findall(r"https?://\S+?(?=\"|\s)", (GATES / f"{name}.yml").read_text(encoding="utf-8"))
    parts = urlsplit(url)
    routes = {getattr(route, "path", "") for route in Endpoints(None, 1.0).routes()}  # type: ignore[arg-type]  # unasked
    assert parts.path in routes
    assert set(parse_qs(parts.query)) == {"deploy"}


def test_argo_reads_a_field_that_the_answer_has() -> None:
    (metric,) = loaded("argo-rollouts")["spec"]["metrics"]
    field = metric["provider"]["web"]["jsonPath"].strip("{}").removeprefix("$.")
    words = gate_schema()["properties"][field]["enum"]
    for condition in ("successCondition", "failureCondition"):
        assert re.fullmatch(r'result == "(\w+)"', metric[condition])[1] in words  # type: ignore[index]  # or it fails
