"""The monitor in a process of its own, where a library may end that process: line and exit code stay ours."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass

PARENT = "CORPUS_DRIFT_PARENT"
"""Environment variable of the child: the descriptor of its socket to the parent."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a child ended.

    Args:
        said: the exit code that it said it ends with; None where it did not come to that.
        code: with which it ended; negative: the signal that ended it.
    """

    said: int | None
    code: int


class ParentSocket:
    """The child's end: tells the parent how it ends, and learns when the parent is gone.

    Args:
        descriptor: what PARENT says.
    """

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=descriptor)
        self._socket.set_inheritable(False)

    def watch(self) -> None:
        """End as at SIGTERM once the parent is gone, whatever ended it."""
        threading.Thread(target=self._watched, daemon=True).start()

    def say(self, code: int) -> None:
        """This process ends with this code, by itself."""
        self._socket.send(bytes([code]))

    def _watched(self) -> None:
        self._socket.recv(1)
        os.kill(os.getpid(), signal.SIGTERM)


def run_apart(arguments: Sequence[str]) -> Ended:
    """Run Python in a child, which finds what this process finds, and gets the signals that this process gets.

    Args:
        arguments: of the interpreter; what runs says by `ParentSocket` how it ends.
    """
    ours, theirs = socket.socketpair()
    own = {**os.environ, PARENT: str(theirs.fileno()), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with ours, _Signals() as signals:
        with theirs:
            command = [sys.executable, "-P", *arguments]
            child = subprocess.Popen(command, env=own, pass_fds=(theirs.fileno(),), process_group=0)  # noqa: S603 - ours
        signals.pass_to(child)
        code = child.wait()
        said = ours.recv(1)
    return Ended(said[0] if said else None, code)


class _Signals:
    """Passes SIGTERM and SIGINT on; the child is in a group of its own, so that a terminal's come once."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._early: list[int] = []

    def __enter__(self) -> "_Signals":
        self._before = {number: signal.signal(number, self._pass) for number in (signal.SIGTERM, signal.SIGINT)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def pass_to(self, child: "subprocess.Popen[bytes]") -> None:
        """From here on, and those that came before."""
        self._child = child
        for number in self._early:
            child.send_signal(number)

    def _pass(self, number: int, frame: object) -> None:
        del frame
        if self._child is None:
            self._early.append(number)
        else:
            self._child.send_signal(number)
