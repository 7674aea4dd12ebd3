"""The records of one batch, found by numba up to the first odd one; a file of kernels stands alone."""

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.compile import compiled

START, END, ELAPSED, DELTA, KEY, KEY_END, VALUE, VALUE_END, HEADERS = range(9)
"""Columns of a record: where it begins, behind its length, and ends; its time and its offset, from the batch's; where
key and value begin and end, -1 for none; whether it has headers, which were not looked at."""
COLUMNS = 9
LEAST = 7
"""Bytes that a record takes: length, attributes, time, offset, no key, no value, no headers."""


@compiled
def ordinary(body: NDArray[np.uint8], count: int, last_delta: int, found: NDArray[np.int64]) -> int:
    """Find records until one is malformed, out of order, or holds a number of ten bytes.

    Args:
        body: (n,) uint8, the records of a batch, one behind the other.
        count: how many there are said to be.
        last_delta: the largest offset delta that one may have.
        found: (at least count, 9) int64, gets the columns of each.

    Returns:
        How many were found; those behind them were not looked at.
    """
    at, due = 0, 0
    for record in range(count):
        size, start = _varint(body, at, len(body))
        if start < 0 or size < 1 or start + size > len(body):
            return record
        end = start + size
        elapsed, at = _varint(body, start + 1, end)  # behind the attributes: one unused byte
        if at < 0:
            return record
        delta, at = _varint(body, at, end)
        if at < 0 or delta < due or delta > last_delta:
            return record
        found[record, START], found[record, END] = start, end
        found[record, ELAPSED], found[record, DELTA] = elapsed, delta
        for column in (KEY, VALUE):
            size, at = _varint(body, at, end)
            if at < 0 or size > end - at:
                return record
            found[record, column], found[record, column + 1] = at, at + size if size >= 0 else -1
            at += max(size, 0)
        if at >= end or (body[at] == 0 and at + 1 != end):
            return record
        found[record, HEADERS] = body[at]
        at, due = end, delta + 1
    return count


@compiled
def _varint(body: NDArray[np.uint8], at: int, end: int) -> tuple[int, int]:
    """Zigzag varint of at most nine bytes, and the place behind it; -1 where it does not end before `end`."""
    number, shift = 0, 0
    while at < end and shift < 63:
        byte = int(body[at])
        number |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return (number >> 1) ^ -(number & 1), at
        shift += 7
    return 0, -1
