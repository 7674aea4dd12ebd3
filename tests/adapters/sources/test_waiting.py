"""A program with many open files reads its pipes as any other does."""

import fcntl
import os
import resource
from collections.abc import Iterator

import pytest

from monitor.adapters.sources.waiting import readable

BEYOND_SELECT = 1_100


@pytest.fixture(params=[0, BEYOND_SELECT])
def pipe(request: pytest.FixtureRequest) -> Iterator[tuple[int, int]]:
    """Both ends of a pipe, the reading one numbered from the parameter on."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2 * BEYOND_SELECT), hard))
    reading, writing = os.pipe()
    numbered = fcntl.fcntl(reading, fcntl.F_DUPFD_CLOEXEC, request.param)
    try:
        yield numbered, writing
    finally:
        for descriptor in (reading, numbered, writing):
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_bytes_are_waited_for(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    assert not readable(reading, 0.0)
    assert not readable(reading, 0.01)
    os.write(writing, b"x")
    assert readable(reading, 60.0)


def test_the_end_is_something_to_read() -> None:
    reading, writing = os.pipe()
    os.close(writing)
    assert readable(reading, 60.0)
    os.close(reading)
