"""numba as a decorator: it compiles at the first call, and its cache stands next to the source only."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
from numba.core import caching

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Compile at first call, without the GIL.

    Division is numpy's: by zero it gives inf, NaN or 0 and raises nothing. (Python's would test every divisor, and a
    loop with such a test is not vectorised.)

    Machine code is cached next to the source, and only there: where that folder is not writable each run
    compiles anew. (numba itself would fall back to a folder in the user's home.)
    """
    made = numba.njit(nogil=True, error_model="numpy")(function)
    locator = getattr(caching, "InTreeCacheLocator", None) or getattr(caching, "_InTreeCacheLocator", None)
    if locator is not None and locator.from_function(function, function.__code__.co_filename) is not None:
        made.enable_caching()
    return cast("Function", made)
