"""The page of the Python API, written from the public names of `monitor`."""

import inspect

import monitor

_HEAD = """# Python API

<!-- Written by `python -m docs` from the public names of `monitor`; a test keeps them equal. -->

What the monitor measures can be measured in a notebook or a script as well, without Kafka, Qdrant or a running
service. These names are public; everything else in the package may change from one version to the next.

Importing `monitor` is quick: each name below is loaded when it is first used.
"""


def api_page() -> str:
    """The whole page; mkdocstrings puts signatures and docstrings in the place of each directive."""
    directives = (f"::: {path}\n" for path in map(_path, monitor.__all__) if path)
    return "\n".join([_HEAD, *directives])


def _path(name: str) -> str:
    """Where a public name is defined; "" for plain values such as the version."""
    made = getattr(monitor, name)
    if not (inspect.isclass(made) or inspect.isfunction(made)):
        return ""
    return f"{made.__module__}.{made.__qualname__}"
