"""The page about a new measure, followed to the letter in a copy of the program."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, Block, blocks

PAGE = "docs/extending/measure.md"


def edited(content: str, diff: str) -> str:
    """The content with each hunk's lines replaced; each must stand in it exactly once."""
    for hunk in diff.split("@@\n")[1:]:
        lines = hunk.splitlines(keepends=True)
        before = "".join(line[1:] for line in lines if not line.startswith("+"))
        after = "".join(line[1:] for line in lines if not line.startswith("-"))
        assert content.count(before) == 1, f"not there once: {before}"
        content = content.replace(before, after)
    return content


def write(folder: Path, block: Block) -> None:
    path = folder / block.title
    path.parent.mkdir(parents=True, exist_ok=True)
    if block.language == "diff":
        path.write_text(edited(path.read_text(encoding="utf-8"), block.text), encoding="utf-8")
    else:
        assert not path.exists(), f"{path}: the page says that this file is new"
        path.write_text(block.text, encoding="utf-8")


def run(folder: Path, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False,
        timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, f"{arguments}\n{done.stdout[-3_000:]}\n{done.stderr[-3_000:]}"
    return done.stdout


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The program and the generators, without its tests, and with what is compiled of them already."""
    being_written = shutil.ignore_patterns("*.tmp.*", "*.pyc.*")
    for name in ("monitor", "dashboards", "docs"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=being_written)
    (tmp_path / "deploy").mkdir()
    shutil.copy(ROOT / "deploy" / "corpus-drift.toml", tmp_path / "deploy")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_a_measure_is_added_as_the_page_says(copy: Path) -> None:
    steps = list(blocks("python", "diff", pages=(PAGE,)))
    assert [Path(block.title).name for block in steps] == ["kept.py", "kept.py", "registry.py", "test_kept.py"]
    for block in steps:
        write(copy, block)
    changed = [block.title for block in steps]
    run(copy, "-m", "ruff", "check", "--no-cache", *changed)
    run(copy, "-m", "ruff", "format", "--no-cache", "--check", *changed)
    assert "2 passed" in run(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", steps[-1].title)
    (commands,) = blocks("sh", pages=(PAGE,))
    for line in commands.text.splitlines():
        run(copy, *line.partition("#")[0].split()[1:])
    assert "| `corpus_drift_kept_top5_ratio` |" in (copy / "dashboards" / "METRICS.md").read_text(encoding="utf-8")
    assert "| `kept_top5_ratio` |" in (copy / "docs" / "measures.md").read_text(encoding="utf-8")


def test_a_hunk_that_does_not_fit_is_an_error() -> None:
    assert edited("a\nb\n", "@@\n a\n+x\n@@\n-b\n+c\n") == "a\nx\nc\n"
    with pytest.raises(AssertionError, match="not there once"):
        edited("a\n", "@@\n-b\n")
