"""Long modules begin first, and the list names modules that are there."""

import doctest
from pathlib import Path

from tests import longest

ROOT = Path(__file__).parent.parent


def test_the_list_names_modules_that_are_there_once() -> None:
    assert [name for name in longest.LONGEST if not (ROOT / name).is_file()] == []
    assert len(set(longest.LONGEST)) == len(longest.LONGEST)


def test_the_rest_keeps_its_order() -> None:
    assert doctest.testmod(longest) == (0, 1)
    rest = ["tests/test_b.py", "tests/test_a.py"]
    assert longest.longest_first([*rest, *reversed(longest.LONGEST)], str) == [*longest.LONGEST, *rest]
