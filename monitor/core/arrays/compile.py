"""numba as a decorator: it compiles at the first call, and its cache stands next to the source only."""

from collections.abc import Callable, Iterator
from functools import partial
from hashlib import blake2b
from types import CodeType, FunctionType
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numba.core import caching
from numba.core.dispatcher import Dispatcher

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
        _check_entries(vars(made)["_cache"], partial(_made_of, function))
    return cast("Function", made)


def _check_entries(cache: Any, made_of: Callable[[], bytes]) -> None:
    """Have a cache believe only what says that it is what is asked for, and begin one anew that cannot be read.

    numba takes what it finds in the file that its index names. That can be the code of another signature, which reads
    arrays of another layout and gives wrong numbers in silence: two processes that compile one function at the same
    time for different signatures choose the same file. It can be code of before, too: functions and constants of
    other files are part of it, and only a change of its own file is seen. And numba reads the types of a cached
    function before it looks whether the source is still the same, and raises where a class of that name is gone:
    another version of the program left it, or a kill cut it off.

    Args:
        cache: of one function.
        made_of: says what its code is made of besides its signature.
    """
    load, file = cache.load_overload, vars(cache)["_cache_file"]
    read, save = file.load, file.save

    def load_overload(signature: Any, target: Any) -> Any:
        try:
            return load(signature, target)
        except Exception:  # whatever bytes make of unpickling
            try:
                cache.flush()
            except OSError:  # a folder that only another user may write
                cache.disable()
            return None

    def read_own(key: Any) -> Any:
        found = read(key)
        if isinstance(found, _Entry) and found.key == key and found.made_of == made_of():
            return found.data
        return None

    cache.load_overload = load_overload
    file.load = read_own
    file.save = lambda key, data: save(key, _Entry(key, made_of(), data))


class _Entry:
    """Machine code in a cache.

    Args:
        key: what it was compiled for, as the cache's index has it.
        made_of: see `_made_of`.
        data: numba's own.
    """

    def __init__(self, key: Any, made_of: bytes, data: Any) -> None:
        self.key, self.made_of, self.data = key, made_of, data


def _made_of(function: Callable[..., Any]) -> bytes:
    """A digest of all that a function's machine code is made of: its instructions, and whatever globals they name,
    with those of the compiled functions among them.
    """
    digest = blake2b(digest_size=16)
    for part in _parts(cast("FunctionType", function), set()):
        digest.update(repr(part).encode("utf-8", "surrogatepass") + b"\0")
    return digest.digest()


def _parts(function: FunctionType, seen: set[FunctionType]) -> Iterator[Any]:
    if function in seen:
        return
    seen.add(function)
    names: set[str] = set()
    for code in _codes(function.__code__):
        yield code.co_code
        yield [const for const in code.co_consts if not isinstance(const, CodeType)]
        names.update(code.co_names)
    for name in sorted(names & function.__globals__.keys()):
        value = function.__globals__[name]
        yield name
        if isinstance(value, Dispatcher):
            yield from _parts(value.py_func, seen)
        elif isinstance(value, np.ndarray):
            yield value.dtype, value.shape, value.tobytes()
        elif isinstance(value, bool | int | float | complex | str | bytes | tuple | np.generic):
            yield value
        else:
            yield getattr(value, "__qualname__", name), getattr(value, "_fields", ())


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for const in code.co_consts:
        if isinstance(const, CodeType):
            yield from _codes(const)
