"""Compiled functions: what is cached next to the source never stops the program, whoever left it there."""

import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = """from typing import NamedTuple
import numpy as np
from monitor.core.arrays.compile import compiled
class {kind}(NamedTuple):
    numbers: np.ndarray
@compiled
def total(held):
    return held.numbers.sum()
print(total({kind}(np.arange(4.0))), sum(total.stats.cache_hits.values()))
"""


def run(folder: Path, kind: str) -> str:
    """What a program says that has one compiled function of such a class, as it stands in the folder."""
    (folder / "kernels.py").write_text(SOURCE.format(kind=kind), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", "import kernels"], cwd=folder, capture_output=True, encoding="utf-8", check=False
    )
    return done.stdout or done.stderr


def again(folder: Path) -> str:
    """The same once more, without writing the source anew."""
    command = [sys.executable, "-c", "import kernels"]
    return subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", check=True).stdout


def test_what_was_compiled_is_taken_from_the_cache(tmp_path: Path) -> None:
    assert run(tmp_path, "Held") == "6.0 0\n"
    assert again(tmp_path) == "6.0 1\n"


def test_a_cache_of_a_version_with_other_classes_is_begun_anew(tmp_path: Path) -> None:
    assert run(tmp_path, "Held") == "6.0 0\n"
    assert run(tmp_path, "Kept") == "6.0 0\n"
    assert again(tmp_path) == "6.0 1\n"


@pytest.mark.parametrize("left", [b"", b"\x80", b"noise"])
def test_a_cache_that_was_cut_off_is_begun_anew(tmp_path: Path, left: bytes) -> None:
    assert run(tmp_path, "Held") == "6.0 0\n"
    (index,) = tmp_path.glob("__pycache__/*.nbi")
    index.write_bytes(left)
    assert again(tmp_path) == "6.0 0\n"
    assert again(tmp_path) == "6.0 1\n"
