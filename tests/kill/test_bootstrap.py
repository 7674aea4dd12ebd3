"""A bootstrap from files whose process is killed again and again ends as one that nobody disturbed."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.app.sharding import left
from tests.app.test_bootstrapping import bootstrap, case, parts
from tests.corpus_files import row, write_parquet

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("shards", [1, 3])
def test_killed_again_and_again_it_ends_as_undisturbed(tmp_path: Path, shards: int) -> None:
    held, _ = parts()
    for name in ("calm", "killed"):
        write_parquet(tmp_path / name / "rows", [row(event) for event in held])
    calm, killed = case(tmp_path / "calm", shards), case(tmp_path / "killed", shards)
    bootstrap(calm)
    for nth in (1, 2, 2) if shards > 1 else (1, 2, 3, 4):
        command = [sys.executable, "-m", "tests.kill.bootstrap_child", str(killed), str(nth)]
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
        assert ended.returncode == -9, ended.stderr
    bootstrap(killed)
    expected, found = left(calm), left(killed)
    for name in ("chunks", "sketches", "positions", "quarantine", "names", "past"):
        assert getattr(found, name) == getattr(expected, name), name
