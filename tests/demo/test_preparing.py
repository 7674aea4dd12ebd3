"""Who the demo hits, on machines that lack what it hits by default."""

import re
from pathlib import Path

import pytest

from monitor.demo.docstrings import STANDARD, Root
from monitor.demo.preparing import _plan
from monitor.demo.scenario import DocumentedObject
from monitor.ports import ConfigurationError

ROOTS = (Root(Path("lib/python3"), STANDARD),)


def objects(**sizes: int) -> list[DocumentedObject]:
    return [
        DocumentedObject(f"{name}:{at}", name, at, "says what it does", name, "function", domain=STANDARD)
        for name, count in sizes.items()
        for at in range(count)
    ]


def test_packages_that_are_only_cut_anew_may_be_missing() -> None:
    here = objects(pydantic=2, kafka=2, asyncio=2)
    assert _plan(here, ROOTS, flooded="", lost="").packages == ("pydantic", "kafka", "asyncio")
    assert _plan(here, ROOTS, flooded="kafka", lost="asyncio").packages[:2] == ("kafka", "asyncio")


@pytest.mark.parametrize(
    ("flooded", "lost", "option"), [("", "email", "--flooded pydantic"), ("email", "", "--lost kafka")]
)
def test_one_that_is_hit_and_missing_is_said_with_its_option_and_what_is_there(
    flooded: str, lost: str, option: str
) -> None:
    with pytest.raises(
        ConfigurationError, match=re.escape(f"{option}: no documentation of that package in lib/python3")
    ):
        _plan(objects(email=3, json=1), ROOTS, flooded=flooded, lost=lost)
