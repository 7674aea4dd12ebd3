"""Work put off: done by the first who looks, lazy, in whatever thread."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from monitor.app.lazy import Lazy


def test_it_is_done_once_however_many_look_at_the_same_time() -> None:
    done: list[int] = []
    started = threading.Event()

    def work() -> object:
        done.append(1)
        assert started.wait(60)
        return object()

    lazy = Lazy(work)
    with ThreadPoolExecutor(8) as pool:
        looks = [pool.submit(lazy) for _ in range(8)]
        started.set()
        assert len({id(look.result(60)) for look in looks}) == 1
    assert done == [1]


def test_nobody_looks_and_nothing_is_done() -> None:
    def work() -> None:
        pytest.fail("not asked for")

    Lazy(work)


def test_a_failure_is_told_and_tried_again() -> None:
    answers = [7]

    def work() -> int:
        if len(answers) == 1:
            answers.append(8)
            message = "not now"
            raise ValueError(message)
        return answers[-1]

    lazy = Lazy(work)
    with pytest.raises(ValueError, match="not now"):
        lazy()
    assert lazy() == 8
    answers.append(9)
    assert lazy() == 8
