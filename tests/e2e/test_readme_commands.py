"""The console blocks of README and docs/, run in the order of the site, in the environment that a user has."""

import doctest
import os
import re
import subprocess
from collections.abc import Sequence
from contextlib import ExitStack
from importlib import metadata
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient

from tests import user_environment
from tests.docs.excerpts import missing
from tests.docs.pages import WALKED, blocks, nav
from tests.kafka_admin import created
from tests.stack import kafka_broker, need

README = [line for block in blocks("console", pages=("README.md",)) for line in block.commands()]
TOURED = tuple(page for page in nav() if page not in WALKED)
SITE = [line for block in blocks("console", pages=TOURED) for line in block.commands()]
DEMO = "corpus-drift demo --folder demo"
LINES = [*SITE, *(line for line in README if line != DEMO)]
"""README's own come last, on the demo that the site's first command made."""
DEADLINE = 1_200.0


ON_KAFKA = [line for line in LINES if "$KAFKA" in line or "live/" in line]
TOUR = [line for line in LINES if line not in ON_KAFKA]


def run_all(lines: Sequence[str], folder: Path, programs: Path, **variables: str) -> dict[str, str]:
    """Each line in a shell of its own, in one folder; the exit code is the one the line names, else 0.

    Returns:
        what each printed, as a terminal shows it.
    """
    printed: dict[str, str] = {}
    environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", **variables}
    for line in lines:
        command, _, expected = line.partition("  # exit ")
        ended = subprocess.run(
            ["bash", "-c", command], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, timeout=DEADLINE, check=False,
        )  # fmt: skip
        said = f"{line}\n{ended.stdout[-4_000:]}"
        assert ended.returncode == int(expected or 0), said
        assert "Traceback (most recent call last)" not in ended.stdout, said
        printed[line] = ended.stdout
    return printed


def test_a_user_has_the_program_and_none_of_the_tests_packages(programs: Path) -> None:
    assert doctest.testmod(user_environment) == (0, 2)
    said = subprocess.run([programs / "corpus-drift", "--version"], capture_output=True, text=True, check=True)
    assert said.stdout == f"corpus-drift {metadata.version('corpus-drift')}\n"
    seen = "from importlib import metadata; print(*sorted(of.name for of in metadata.distributions()))"
    found = subprocess.run([programs / "python", "-I", "-c", seen], capture_output=True, text=True, check=True)
    installed = {re.sub("[-_.]+", "-", name).lower() for name in found.stdout.split()}
    assert installed == {*user_environment.locked(user_environment.LOCK.read_text(encoding="utf-8"))}


@pytest.mark.timeout(3_600)
def test_the_tour_is_walked(tmp_path: Path, programs: Path) -> None:
    assert README[0] == SITE[0] == TOUR[0] == DEMO
    assert len(TOUR) >= 20
    printed = run_all(TOUR, tmp_path, programs)
    shown = [block for block in blocks("text") if block.page in ("README.md", "docs/quick-start.md")]
    assert len(shown) == 2, "both show how the demo ends"
    for block in shown:
        assert missing(block.text, printed[DEMO]) == [], block.page


@pytest.mark.stack
@pytest.mark.timeout(3_600)
def test_a_corpus_is_played_to_kafka_and_watched(tmp_path: Path, programs: Path) -> None:
    assert len(ON_KAFKA) >= 3
    with ExitStack() as stack:
        broker = need(kafka_broker(), stack)
        created(AdminClient({"bootstrap.servers": broker.bootstrap, "log_level": 0}), "corpus-changes", 2)
        run_all(ON_KAFKA, tmp_path, programs, KAFKA=broker.bootstrap)
