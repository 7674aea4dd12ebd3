"""Work beside the loop's own, for a second core: a thread whose tasks are mostly compiled code."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from monitor.core.index.engine import Start


@contextmanager
def thread(name: str) -> Iterator[Start]:
    """Starts tasks one after the other in a thread of this name; what a task raises, whoever waits for it gets."""
    with ThreadPoolExecutor(1, name) as pool:
        yield lambda task: pool.submit(task).result


def cores() -> int:
    """On how many cores this process may run."""
    allowed = getattr(os, "sched_getaffinity", None)  # not everywhere
    return (os.cpu_count() or 1) if allowed is None else len(allowed(0))
