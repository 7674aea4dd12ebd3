"""pyarrow, loaded when it is used: who has no files to read needs none of it."""

from importlib.util import find_spec
from typing import Any

from monitor.ports import ConfigurationError


def need(package: str, extra: str) -> None:
    """Refuse where a package is missing.

    Raises:
        ConfigurationError: it is not installed.
    """
    if find_spec(package) is None:
        message = f"bootstrap: needs the package {package}, expected: pip install 'corpus-drift[{extra}]'"
        raise ConfigurationError(message)


def arrow() -> Any:
    """The package."""
    need("pyarrow", "parquet")
    import pyarrow as package

    return package


def compute() -> Any:
    """Its functions over arrays."""
    arrow()
    import pyarrow.compute as package

    return package


def said(error: BaseException) -> str:
    """The first line of what a library says."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0].strip()}" if lines else type(error).__name__
