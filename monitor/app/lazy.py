"""Work put off until somebody wants its result, and done once."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Lazy(Generic[T]):
    """Calls `work` at the first call and remembers the result; any thread may be the first.

    What `work` reads must not change any more. An exception is passed on, and the next call tries again.

    >>> number = Lazy(lambda: print("working") or 7)
    >>> number(), number()
    working
    (7, 7)
    """

    def __init__(self, work: Callable[[], T]) -> None:
        self._work: Callable[[], T] | None = work
        self._lock = threading.Lock()
        self._made: list[T] = []

    def __call__(self) -> T:
        """The result."""
        with self._lock:
            if self._work is not None:
                self._made.append(self._work())
                self._work = None  # with all that it held on to
            return self._made[0]
