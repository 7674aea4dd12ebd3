"""The examples in the docstrings of the core are executed."""

import doctest
import importlib
import pkgutil
from types import ModuleType

import pytest

import monitor.core
from monitor.core.model import events, segments
from monitor.core.text import tokens

NAMES = sorted(found.name for found in pkgutil.walk_packages(monitor.core.__path__, "monitor.core."))


def examples(module: ModuleType) -> list[doctest.DocTest]:
    return [found for found in doctest.DocTestFinder(exclude_empty=True).find(module) if found.examples]


@pytest.mark.parametrize("name", NAMES)
def test_examples(name: str) -> None:
    module = importlib.import_module(name)
    runner = doctest.DocTestRunner(optionflags=doctest.FAIL_FAST)
    for found in examples(module):
        report: list[str] = []
        failed = runner.run(found, out=report.append).failed
        assert not failed, "".join(report)


def test_there_are_examples() -> None:
    """Otherwise the test above would be silent for ever."""
    for module in (events, segments, tokens):
        assert examples(module)
