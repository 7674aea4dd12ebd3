"""Waiting for bytes on a pipe."""

import math
import select


def readable(descriptor: int, seconds: float) -> bool:
    """Whether bytes, or the end, came within some seconds; `select.select` refuses descriptors from 1024 on."""
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    return bool(poller.poll(math.ceil(seconds * 1_000)))
