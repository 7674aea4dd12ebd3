"""What griffe calls while it reads our docstrings: examples that stand without a heading become code."""

import re
from typing import Any

import griffe

_EXAMPLE = re.compile(r"(?:^|(?<=\n\n))(>>> .*?)(?=\n\n|\Z)", re.DOTALL)


class ExamplesInDocstrings(griffe.Extension):
    """Puts each paragraph that begins with `>>>` under a heading `Examples:`, as Google's style has it."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Called for every module, class, function and attribute that was read."""
        if obj.docstring is not None:
            obj.docstring.value = headed(obj.docstring.value)


def headed(docstring: str) -> str:
    r"""The docstring with headings over its examples.

    >>> headed("Adds.\n\n>>> 1 + 1\n2")
    'Adds.\n\nExamples:\n    >>> 1 + 1\n    2'
    """
    return _EXAMPLE.sub(lambda found: "Examples:\n    " + found[1].rstrip().replace("\n", "\n    "), docstring)
