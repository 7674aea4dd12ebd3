"""What `import monitor` offers: small, documented, quick, and no side effect."""

import doctest
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import monitor

MODULES = ("monitor", "monitor.api", "monitor.errors")
PROBE = """
import json, os, sys, threading, time
before = dict(os.environ)
began = time.process_time()
import monitor
took = time.process_time() - began
loaded = sorted(sys.modules)
print(json.dumps([took, dict(os.environ) == before, threading.active_count(), loaded]))
"""


def test_importing_loads_nothing_heavy_starts_nothing_and_changes_nothing() -> None:
    shown = subprocess.run(
        [sys.executable, "-c", PROBE], capture_output=True, text=True, check=True, timeout=120,
        env={**os.environ, "PYTHONPATH": str(Path(monitor.__file__).parent.parent)},
    )  # fmt: skip
    took, unchanged, threads, loaded = json.loads(shown.stdout)
    ours = {name for name in loaded if name.startswith("monitor")}
    assert ours == {"monitor"}
    assert not {"numpy", "numba", "pandas", "scipy", "rich", "typer", "pydantic", "msgspec", "httpx"} & set(loaded)
    assert unchanged
    assert threads == 1
    assert took < 0.3, "seconds of this process's own time, whatever else the machine does"


def test_using_it_changes_no_environment_and_starts_no_thread() -> None:
    program = (
        "import os, threading; before = dict(os.environ); import monitor; "
        "monitor.compare({'q': ['a']}, {'q': ['b']}).summary(); monitor.Session([monitor.Anchor('a', 'x')]); "
        "import sys; assert dict(os.environ) == before and threading.active_count() == 1; "
        "print(*(name for name in ('pandas', 'typer', 'rich', 'kafka', 'qdrant_client') if name in sys.modules))"
    )
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120)
    assert shown.stdout.split() == []


def test_the_names_are_there_and_those_only() -> None:
    for name in monitor.__all__:
        found = getattr(monitor, name)
        assert name == "__version__" or found.__doc__, name
        assert name in dir(monitor)
    assert set(monitor.__all__) == {*monitor._HOMES, "__version__"}
    with pytest.raises(AttributeError, match="module 'monitor' has no attribute 'Anker'"):
        getattr(monitor, "Anker")  # noqa: B009 - a type checker knows that it is not there


def test_a_type_checker_sees_them(tmp_path: Path) -> None:
    """The lazy names are typed: a wrong use is found, and what is right is not `Any`."""
    program = tmp_path / "uses.py"
    program.write_text(
        "import monitor\n"
        + "".join(f"monitor.{name}\n" for name in monitor.__all__)
        + "reveal_type(monitor.compare({}, {}).judge().verdict)\n"
        + "monitor.compare({}, {}, depth=3)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "--cache-dir", str(tmp_path / "cache"),
         str(program)],
        capture_output=True, text=True, timeout=300, cwd=Path(monitor.__file__).parent.parent,
        check=False,
    )  # fmt: skip
    assert "Literal['pass'" in ended.stdout, ended.stdout
    wrong = [line for line in ended.stdout.splitlines() if ": error:" in line]
    assert len(wrong) == 1, ended.stdout
    assert wrong[0].endswith("[call-arg]"), ended.stdout


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name: str) -> None:
    module = importlib.import_module(name)
    runner = doctest.DocTestRunner(optionflags=doctest.FAIL_FAST)
    tried = 0
    for found in doctest.DocTestFinder(exclude_empty=True).find(module):
        report: list[str] = []
        result = runner.run(found, out=report.append)
        assert not result.failed, "".join(report)
        tried += result.attempted
    assert tried


def test_every_public_object_has_an_example() -> None:
    for name in (
        "compare",
        "read_run",
        "read_qrels",
        "read_segments",
        "RunDrift",
        "DriftTable",
        "Session",
        "InputError",
    ):
        assert ">>> " in (getattr(monitor, name).__doc__ or ""), name
    assert ">>> " in (monitor.Chunk.of.__doc__ or "")
    assert ">>> " in (monitor.Anchor.of.__doc__ or "")


def test_errors_that_a_caller_can_mend_are_one_tree() -> None:
    assert issubclass(monitor.InputError, monitor.CorpusDriftError)
    assert issubclass(monitor.InputError, ValueError)
    wrongs: list[dict[str, list[str]]] = [{}, {"q": []}]
    for wrong in wrongs:
        with pytest.raises(monitor.CorpusDriftError):
            monitor.compare(wrong, {"r": ["a"]})
    for path in ("absent.run", Path("absent.run")):
        with pytest.raises(monitor.CorpusDriftError, match=r"absent\.run: cannot be read: No such file"):
            monitor.compare(path, {"q": ["a"]})
    with pytest.raises(monitor.InputError, match="run: 7; expected a path as text"):
        monitor.read_run(7)  # type: ignore[arg-type]  # not everybody has a type checker


EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.py"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_the_examples_run(path: Path, tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, str(path)], capture_output=True, text=True, timeout=300, check=False, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(monitor.__file__).parent.parent)},
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert "verdict" in ended.stdout
    assert ended.stderr == ""


def test_there_are_examples() -> None:
    assert len(EXAMPLES) == 3
