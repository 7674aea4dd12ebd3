"""Compiled functions: what is cached next to the source never stops the program and never is believed to be what it
is not, whoever left it there.
"""

import os
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


LAYOUTS = """import sys
import numpy as np
from monitor.core.arrays.compile import compiled
@compiled
def first(held):
    total = 0.0
    for row in range(held.shape[0]):
        total += held[row, 0]
    return total
held = np.arange(12.0).reshape(4, 3)
print(first(held[:, 1:] if sys.argv[1] == "part" else held), sum(first.stats.cache_hits.values()))
"""


def laid_out(folder: Path, which: str) -> str:
    """What a program says that adds up the first column of a whole array, or of a part of it."""
    command = [sys.executable, "kernels.py", which]
    return subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", check=True).stdout


def test_the_code_of_another_signature_is_not_taken_for_what_is_asked_for(tmp_path: Path) -> None:
    """As two processes leave it that compile at the same time: numba gives both the same file."""
    (tmp_path / "kernels.py").write_text(LAYOUTS, encoding="utf-8")
    assert laid_out(tmp_path, "whole") == "18.0 0\n"
    cached = tmp_path / "__pycache__"
    (theirs,), (index,) = cached.glob("*.nbc"), cached.glob("*.nbi")
    whole = theirs.read_bytes()
    index.unlink()
    assert laid_out(tmp_path, "part") == "22.0 0\n"
    assert theirs.read_bytes() != whole
    theirs.write_bytes(whole)
    assert laid_out(tmp_path, "part") == "22.0 0\n", "compiled anew: the code of the whole array would say 16"
    assert laid_out(tmp_path, "part") == "22.0 1\n", "and kept"
    assert laid_out(tmp_path, "whole") == "18.0 0\n"
    assert laid_out(tmp_path, "whole") == "18.0 1\n"
    assert laid_out(tmp_path, "part") == "22.0 1\n"


HELPER = """from monitor.core.arrays.compile import compiled
FACTOR = {factor}
@compiled
def scaled(number):
    return number * {inner}
"""
CALLER = """from helper import FACTOR, scaled
from monitor.core.arrays.compile import compiled
@compiled
def worked(number):
    return scaled(number) * FACTOR
print(worked(3.0), sum(worked.stats.cache_hits.values()))
"""


@pytest.mark.parametrize(
    "changed", [{"factor": 5, "inner": 2}, {"factor": 2, "inner": 5}], ids=["constant", "function"]
)
def test_what_is_made_of_another_file_is_made_anew_when_that_changes(tmp_path: Path, changed: dict[str, int]) -> None:
    """The caller's own file stays as it is, to its time of change: that is all that numba looks at."""
    (tmp_path / "kernels.py").write_text(CALLER, encoding="utf-8")
    (tmp_path / "helper.py").write_text(HELPER.format(factor=2, inner=2), encoding="utf-8")
    assert again(tmp_path) == "12.0 0\n"
    assert again(tmp_path) == "12.0 1\n"
    (tmp_path / "helper.py").write_text(HELPER.format(**changed), encoding="utf-8")
    os.utime(tmp_path / "helper.py", ns=(1, 1))  # Python's own cache goes by the time as well
    assert again(tmp_path) == "30.0 0\n"
    assert again(tmp_path) == "30.0 1\n"
