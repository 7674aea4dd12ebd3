"""Work put off: done by the first who looks, once, in whatever thread."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from monitor.app.once import Once


def test_it_is_done_once_however_many_look_at_the_same_time() -> None:
    done: list[int] = []
    started = threading.Event()

    def work() -> object:
        done.append(1)
        assert started.wait(60)
        return object()

    once = Once(work)
    with ThreadPoolExecutor(8) as pool:
        looks = [pool.submit(once) for _ in range(8)]
        started.set()
        assert len({id(look.result(60)) for look in looks}) == 1
    assert done == [1]


def test_nobody_looks_and_nothing_is_done() -> None:
    def work() -> None:
        pytest.fail("not asked for")

    Once(work)


def test_a_failure_is_told_and_tried_again() -> None:
    answers = [7]

    def work() -> int:
        if len(answers) == 1:
            answers.append(8)
            message = "not now"
            raise ValueError(message)
        return answers[-1]

    once = Once(work)
    with pytest.raises(ValueError, match="not now"):
        once()
    assert once() == 8
    answers.append(9)
    assert once() == 8
