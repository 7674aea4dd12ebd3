"""The switch that continuous integration sets: a skipped test fails the run, and is named with its reason."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = """import pytest

def test_runs(): pass
{marker}
def test_skips(): pytest.skip("no broker here")
@pytest.mark.xfail(strict=True)
def test_is_expected_to_fail(): assert False
"""

WORKERS = pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["alone", "workers"])


def run(folder: Path, marker: str, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_sample.py").write_text(TESTS.format(marker=marker), encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = shared_data: needs data\n", encoding="utf-8")
    plain = {name: value for name, value in os.environ.items() if name != "CORPUS_DRIFT_NO_SKIPS"}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "tests.conftest",
        "-p",
        "no:cacheprovider",
        *options,
        str(folder),
    ]
    root = {"PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.run(
        command, check=False, capture_output=True, text=True, cwd=folder, env=plain | root | environment, timeout=300
    )


@WORKERS
def test_a_skip_fails_the_run_and_is_named(tmp_path: Path, options: tuple[str, ...]) -> None:
    done = run(tmp_path, "", *options, CORPUS_DRIFT_NO_SKIPS="1")
    assert done.returncode == 1
    assert "test_sample.py::test_skips: Skipped: no broker here" in done.stdout


@pytest.mark.parametrize(
    ("marker", "environment"),
    [("", {}), ("", {"CORPUS_DRIFT_NO_SKIPS": "0"}), ("@pytest.mark.shared_data", {"CORPUS_DRIFT_NO_SKIPS": "1"})],
    ids=["no switch", "switched off", "shared data"],
)
def test_other_skips_are_skips(tmp_path: Path, marker: str, environment: dict[str, str]) -> None:
    done = run(tmp_path, marker, **environment)
    assert done.returncode == 0, done.stdout
    assert "1 skipped" in done.stdout


@WORKERS
def test_a_module_that_is_skipped_as_a_whole_is_named(tmp_path: Path, options: tuple[str, ...]) -> None:
    (tmp_path / "test_module.py").write_text('import pytest\npytest.importorskip("no_such_module")\n')
    done = run(tmp_path, "@pytest.mark.shared_data", *options, CORPUS_DRIFT_NO_SKIPS="1")
    assert done.returncode == 1
    assert "test_module.py: Skipped: could not import" in done.stdout
