"""A run in a process of its own: what it says of its end, signals that pass, and a parent that is gone."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from monitor.app.apart import Ended, run_apart

PROGRAM = """
import os, signal, sys, threading
from pathlib import Path
from monitor.app.apart import PARENT, ParentSocket
from monitor.app.running import stopping_on_signals

parent = ParentSocket(int(os.environ[PARENT]))
parent.watch()
how, place = sys.argv[1], Path(sys.argv[2])
if how == "ended":
    os._exit(1)  # as a library does
if how == "waits":
    stopping = threading.Event()
    with stopping_on_signals(stopping):
        (place / "there").write_text(str(os.getpid()))
        stopping.wait(120)
    (place / "stopped").write_text("")
parent.say(int(how) if how.isdigit() else 0)
sys.exit(1)
"""


@pytest.fixture
def child(tmp_path: Path) -> Path:
    made = tmp_path / "child.py"
    made.write_text(PROGRAM, encoding="utf-8")
    return made


@pytest.mark.parametrize(
    ("how", "ended"), [("0", Ended(0, 1)), ("3", Ended(3, 1)), ("130", Ended(130, 1)), ("ended", Ended(None, 1))]
)
def test_what_a_child_says_is_told_from_how_it_ended(child: Path, how: str, ended: Ended) -> None:
    before = signal.getsignal(signal.SIGTERM)
    assert run_apart([str(child), how, str(child.parent)]) == ended
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_signals_pass_and_nobody_is_left_behind(child: Path, number: signal.Signals) -> None:
    """A parent that is killed cannot pass anything on: the child sees that it is gone."""
    place = child.parent
    code = f"""
import sys
from monitor.app.apart import run_apart
sys.exit(run_apart([{str(child)!r}, "waits", {str(place)!r}]).said)
"""
    with subprocess.Popen([sys.executable, "-c", code]) as parent:
        assert until(lambda: (place / "there").exists() and (place / "there").read_text())
        process = int((place / "there").read_text())
        parent.send_signal(number)
        assert parent.wait(60) == (-signal.SIGKILL if number == signal.SIGKILL else 0)
    assert until(lambda: (place / "stopped").exists())
    assert until(lambda: not Path(f"/proc/{process}").exists())


def until(true: Callable[[], object]) -> bool:
    """Whether it becomes true, within a minute."""
    waiting, end = threading.Event(), time.monotonic() + 60.0
    while not true() and time.monotonic() < end:
        waiting.wait(0.02)
    return bool(true())
