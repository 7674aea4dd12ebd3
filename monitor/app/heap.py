"""Memory that was freed, given back to the system."""

import ctypes


def give_back() -> None:
    """Have the C library give back what it keeps of freed memory, where it can (glibc).

    It keeps what lies between pieces in use, for the next allocation: after a restart that is a tenth of the process.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
