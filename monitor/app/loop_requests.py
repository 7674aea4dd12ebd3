"""Requests to a running loop: what other threads have it do between two turns."""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from monitor.app.operations import Operations
from monitor.ports import CorpusDriftError, UnreachableError

T = TypeVar("T")


class LoopRequests:
    """Requests wait here until the loop's thread answers them; `ask` may be called from any thread."""

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[tuple[Callable[[Operations], Any], Future[Any]]] = queue.SimpleQueue()
        self._over = False
        self.asked = threading.Event()
        """Set while somebody waits for an answer."""

    def ask(self, action: Callable[[Operations], T]) -> Future[T]:
        """Have something done between two turns; refused with UnreachableError when the loop has ended."""
        answer: Future[T] = Future()
        self._waiting.put((action, answer))
        self.asked.set()
        self._refuse_when_over()
        return answer

    def answer(self, operations: Operations) -> None:
        """Do what was asked so far; what goes wrong is told to whoever asked."""
        self.asked.clear()
        while not self._waiting.empty():
            action, answer = self._waiting.get()
            try:
                answer.set_result(action(operations))
            except CorpusDriftError as error:
                answer.set_exception(error)

    def close(self) -> None:
        """The loop has ended."""
        self._over = True
        self._refuse_when_over()

    def _refuse_when_over(self) -> None:
        # Both sides come here, the loop after it ended and whoever asks after asking: no request waits for ever.
        while self._over:
            try:
                _, answer = self._waiting.get_nowait()
            except queue.Empty:
                return
            answer.set_exception(UnreachableError("the monitor is stopping; ask again when it runs"))
