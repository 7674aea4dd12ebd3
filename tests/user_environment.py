"""The environment of somebody who installed the program and nothing else: the locked packages that it runs with.

The tests' own has three times as many packages, which a demo would all read, and a command could need one of them
unnoticed.
"""

import os
import shutil
import sysconfig
import venv
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
LOCK = ROOT / "requirements" / "run.txt"
SCRIPT = """#!{python}
from monitor.cli import entry

entry()
"""


def locked(lock: str) -> Iterator[str]:
    """Names of the packages that a lock installs on this machine.

    Example:
        >>> list(locked("numpy==2.4.6 ; os_name != 'none'"))
        ['numpy']
        >>> list(locked("tzdata==2026.6 ; os_name == 'none'"))
        []
    """
    for line in lock.splitlines():
        if line[:1].isalnum():
            wanted = Requirement(line.rstrip("\\ "))
            if wanted.marker is None or wanted.marker.evaluate():
                yield wanted.name


def made(folder: Path) -> Path:
    """Make it in a new folder from what is installed here, without a download.

    Returns:
        the folder of its programs, `corpus-drift` among them.
    """
    venv.EnvBuilder(with_pip=False, symlinks=True).create(folder)
    packages = Path(sysconfig.get_path("purelib", "venv", {"base": str(folder), "platbase": str(folder)}))
    for name in locked(LOCK.read_text(encoding="utf-8")):
        _take(metadata.distribution(name), packages)
    (packages / "corpus-drift.pth").write_text(f"{ROOT}\n", encoding="utf-8")
    script = folder / "bin" / "corpus-drift"
    script.write_text(SCRIPT.format(python=folder / "bin" / "python"), encoding="utf-8")
    script.chmod(0o755)
    return script.parent


def _take(distribution: metadata.Distribution, packages: Path) -> None:
    for file in distribution.files or ():
        source, target = Path(str(distribution.locate_file(file))), packages / file
        if ".." in file.parts or not source.is_file():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(source, target)
        except OSError:  # another file system
            shutil.copy2(source, target)
