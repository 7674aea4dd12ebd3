"""What a command line loads before it works: nothing heavy for help, for shell completion, for `import monitor`."""

import os
import subprocess
import sys

import pytest

HEAVY = (
    # pydantic is what typer itself checks the words of a command with
    "httpx", "jinja2", "kafka", "msgspec", "numba", "numpy", "prometheus_client", "pyarrow", "pydantic_settings",
    "qdrant_client", "qdrant_edge", "rank_bm25", "ray", "sqlite3", "starlette", "uvicorn",
)  # fmt: skip
HELP = (
    (), ("init",), ("demo",), ("run",), ("bootstrap",), ("health",), ("replay-git",), ("produce",), ("gate",),
    ("report",),
    ("compare",), ("explain",), ("migrate",), ("migrate", "gate"), ("baseline",), ("baseline", "approve"),
    ("erased",), ("anchors",), ("anchors", "build"), ("events", "check"), ("quarantine",), ("quarantine", "replay"),
    ("shards",), ("shards", "up"), ("rules",), ("check-config",), ("schema",),
)  # fmt: skip
LOADED = f"import sys; print(*(name for name in {HEAVY} if name in sys.modules), sep=' ', file=sys.stderr)"


def python(program: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120,
        env={**os.environ, **variables},
    )  # fmt: skip


def test_the_package_loads_nothing_heavy() -> None:
    assert python(f"import monitor; {LOADED}").stderr.split() == []


def test_no_help_loads_anything_heavy() -> None:
    calls = "; ".join(f"assert main({[*words, '--help']}) == 0" for words in HELP)
    ended = python(f"from monitor.cli import main; {calls}; {LOADED}")
    assert ended.stderr.split() == []
    assert ended.stdout.count("Usage: corpus-drift") == len(HELP)


def test_every_command_is_asked_for_its_help() -> None:
    """A command that is new is in the list above as well."""
    listed = "*(one.name or one.callback.__name__ for one in app.registered_commands)"
    said = python(f"from monitor.cli import app; print({listed}, *(group.name for group in app.registered_groups))")
    assert set(said.stdout.split()) == {words[0] for words in HELP if words}


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("corpus-drift qu", {"quarantine"}),
        ("corpus-drift baseline ", {"list", "show", "capture", "approve", "accept"}),
        ("corpus-drift gate --dep", {"--deploy"}),
    ],
)
def test_the_shell_completes_commands_and_options(typed: str, expected: set[str]) -> None:
    count = str(len(typed.split(" ")) - 1)
    ended = python(
        f"from monitor.cli import main; code = main([]); {LOADED}; sys.exit(code)",
        _CORPUS_DRIFT_COMPLETE="complete_bash", COMP_WORDS=typed, COMP_CWORD=count,
    )  # fmt: skip
    assert set(ended.stdout.split()) == expected
    assert ended.stderr.split() == []


def test_the_completion_script_is_for_this_command() -> None:
    # named, not detected: who runs the tests need not be a shell
    named = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    ended = python("from monitor.cli import main; main(['--show-completion', 'bash'])", **named)
    assert "_CORPUS_DRIFT_COMPLETE=complete_bash" in ended.stdout
    assert ended.stdout.rstrip().endswith("corpus-drift")
