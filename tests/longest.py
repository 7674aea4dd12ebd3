"""Which modules of the suite take long: they begin first, so that no worker is left alone with one at the end."""

from collections.abc import Callable, Iterable
from typing import TypeVar

Item = TypeVar("Item")

LONGEST = (
    "tests/e2e/test_readme_commands.py",
    "tests/live/test_live.py",
    "tests/kill/test_kill.py",
    "tests/gate/test_simulations.py",
    "tests/lab/test_lab.py",
    "tests/lab/test_plants.py",
    "tests/e2e/test_kafka_run.py",
    "tests/e2e/test_produce.py",
    "tests/e2e/test_page_in_chromium.py",
    "tests/test_cli_locale.py",
    "tests/docs/test_extending.py",
)
"""Longest first, by `pytest --durations=0` on two cores; the order of the rest does not matter."""


def longest_first(items: Iterable[Item], path: Callable[[Item], str]) -> list[Item]:
    """The items of long modules first, else in the order they have.

    Args:
        items: tests.
        path: the file of a test, relative to the project.

    Example:
        >>> longest_first(["tests/test_a.py", LONGEST[1], "tests/test_b.py", LONGEST[0]], str)[:3]
        ['tests/e2e/test_readme_commands.py', 'tests/live/test_live.py', 'tests/test_a.py']
    """
    places = {name: at for at, name in enumerate(LONGEST)}
    return sorted(items, key=lambda item: places.get(path(item), len(places)))
