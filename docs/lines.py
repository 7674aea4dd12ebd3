"""Lines per package of two revisions, as a Markdown table: `python -m docs.lines e31bc2e HEAD`."""

import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).parent.parent
PRODUCT = "monitor"


def lines(revision: str) -> Counter[str]:
    """Lines of Python by package of the product, as git has them at a revision.

    Raises:
        SystemExit: git does not know the revision; it says why.
    """
    counted = _git("grep", "--count", "", revision, "--", f"{PRODUCT}/*.py")
    made: Counter[str] = Counter()
    for line in counted.splitlines():
        path, _, count = line.removeprefix(f"{revision}:").rpartition(":")
        made[package(path)] += int(count)
    return made


def package(path: str) -> str:
    """The package that a file counts for: rooms of `core` and of `adapters` by themselves.

    >>> package("monitor/core/index/dense/topk.py"), package("monitor/app/loop.py"), package("monitor/ports.py")
    ('monitor/core/index', 'monitor/app', 'monitor')
    """
    parts = PurePosixPath(path).parts[:-1]
    return "/".join(parts[: 3 if parts[1:2] in (("core",), ("adapters",)) else 2])


def table(before: Counter[str], after: Counter[str]) -> str:
    """Both side by side, with the sum, and the sum without the demo."""
    rows = [(name, before[name], after[name]) for name in sorted({*before, *after})]
    rows.append(("**all**", before.total(), after.total()))
    demo = f"{PRODUCT}/demo"
    rows.append(("**without the demo's room**", before.total() - before[demo], after.total() - after[demo]))
    shown = (f"| {name} | {_figure(then)} | {_figure(now)} |" for name, then, now in rows)
    return "\n".join(["| package | before | after |", "|---|--:|--:|", *shown])


def _figure(count: int) -> str:
    return f"{count:,}" if count else ""


def _git(*arguments: str) -> str:
    done = subprocess.run(  # noqa: S603 - arguments are passed as they are, without a shell
        ["git", *arguments],  # noqa: S607 - whichever git is on the path
        cwd=ROOT, check=False, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(done.stderr.strip() or f"git {' '.join(arguments)}: nothing found")
    return done.stdout


def main(arguments: Sequence[str]) -> str:
    """The table of the two revisions named.

    Raises:
        SystemExit: there are not two.
    """
    if len(arguments) != 2:
        raise SystemExit(__doc__)
    before, after = arguments
    return table(lines(before), lines(after))


if __name__ == "__main__":
    sys.stdout.write(main(sys.argv[1:]) + "\n")
