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
        _forgive(vars(made)["_cache"])
    return cast("Function", made)


def _forgive(cache: Any) -> None:
    """Have a cache that cannot be read begun anew: another version of the program left it, or a kill cut it off.

    numba reads the types of a cached function before it looks whether the source is still the same, and raises where
    a class of that name is gone.
    """
    load = cache.load_overload

    def load_overload(signature: Any, target: Any) -> Any:
        try:
            return load(signature, target)
        except Exception:  # whatever bytes make of unpickling
            try:
                cache.flush()
            except OSError:  # a folder that only another user may write
                cache.disable()
            return None

    cache.load_overload = load_overload
