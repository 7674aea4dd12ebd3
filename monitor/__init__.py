"""Corpus Drift Monitor: which corpus change moved which answers, and may it stay?"""

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from monitor.core.session import Session

# Before numpy is loaded: one thread does all the work, and its products are small. The threads that OpenBLAS keeps
# for them wait by spinning: on two busy cores that took more time than everything else in a turn.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

__all__ = ["Session", "__version__"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """The public names, imported when they are first asked for: importing the package alone stays quick."""
    if name == "Session":
        from monitor.core.session import Session

        return Session
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
