"""The lock: one owner, named; free once it is dead; a look at it never costs anybody the lock."""

import fcntl
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from monitor.adapters.lock import Owner, OwnerLock
from monitor.ports import ConfigurationError

OWN = """
import sys, threading
from pathlib import Path
from monitor.adapters.lock import OwnerLock
lock = OwnerLock(Path(sys.argv[1]))
lock.acquire()
lock.announce("http://127.0.0.1:1")
print("owned", flush=True)
threading.Event().wait(60)
"""


def test_the_second_is_told_who_is_first(tmp_path: Path) -> None:
    first, second = OwnerLock(tmp_path / "state"), OwnerLock(tmp_path / "state")
    assert second.owner() is None
    first.acquire()
    assert second.owner() == Owner(os.getpid(), "")
    first.announce("http://127.0.0.1:12345")
    assert second.owner() == Owner(os.getpid(), "http://127.0.0.1:12345")
    first.announce("http://[::1]:1")  # shorter than what stood there
    assert second.owner() == Owner(os.getpid(), "http://[::1]:1")
    with pytest.raises(
        ConfigurationError, match=rf"state .*state: in use by process {os.getpid()}; expected one owner"
    ):
        second.acquire()
    first.release()
    first.release()
    assert second.owner() is None
    second.acquire()
    second.release()


def test_a_killed_owner_leaves_the_lock(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", OWN, str(tmp_path / "state")], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"owned\n"
        lock = OwnerLock(tmp_path / "state")
        assert lock.owner() == Owner(process.pid, "http://127.0.0.1:1")
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    assert lock.owner() is None
    lock.acquire()
    lock.release()


def test_looking_at_the_lock_does_not_keep_an_owner_out(tmp_path: Path) -> None:
    """`gate` holds the lock for a moment to see who owns it, just as `run` starts."""
    path = tmp_path / "state.lock"
    path.touch()
    with path.open() as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        timer = threading.Timer(0.1, fcntl.flock, (looking, fcntl.LOCK_UN))
        timer.start()
        lock = OwnerLock(tmp_path / "state")
        lock.acquire()
        timer.join()
    assert OwnerLock(tmp_path / "state").owner() == Owner(os.getpid(), "")
    lock.release()


def test_what_the_owner_says_is_never_seen_half_written(tmp_path: Path) -> None:
    lock, seen = OwnerLock(tmp_path / "state"), set[Owner | None]()
    lock.acquire()
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            seen.add(OwnerLock(tmp_path / "state").owner())

    thread = threading.Thread(target=look)
    thread.start()
    for number in range(3_000):
        lock.announce("http://127.0.0.1:9464/" + "x" * (number % 2 * 200))
    over.set()
    thread.join(10)
    lock.release()
    assert seen <= {
        Owner(os.getpid(), ""),
        *(Owner(os.getpid(), f"http://127.0.0.1:9464/{'x' * n}") for n in (0, 200)),
    }
    assert seen


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"pid": "x", "url": ""}', b"\xff\xfe"])
def test_a_lock_file_with_nonsense_names_nobody(tmp_path: Path, content: bytes) -> None:
    lock = OwnerLock(tmp_path / "state")
    lock.acquire()
    (tmp_path / "state.lock").write_bytes(content)
    assert OwnerLock(tmp_path / "state").owner() is None
    with pytest.raises(ConfigurationError, match="in use by process unknown"):
        OwnerLock(tmp_path / "state").acquire()
    lock.release()


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"state .*: No such file or directory; expected a writable folder"):
        OwnerLock(tmp_path / "no" / "state").acquire()
