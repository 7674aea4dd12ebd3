"""The vector of an event: numbers or base64 bytes to finite float32 of the declared dimension."""

import math
import re
import struct
from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from monitor.adapters.codecs import reasons
from monitor.adapters.codecs.reasons import malformed, shown
from monitor.core.model.events import MalformedEvent

FLOAT32_OVERFLOW = float(2**128 - 2**103)
"""The smallest double that rounds to infinity in float32."""

MOST_CHARACTERS = 64
"""Of one number in a vector that is written as text."""
_NUMBERS: msgspec.json.Decoder[list[float]] = msgspec.json.Decoder(list[float])
_NO_NUMBER = re.compile(r"nan|inf", re.IGNORECASE)
_FLOAT32 = np.dtype("<f4")


class VectorReader:
    """Vectors of one dimension d >= 1.

    The arrays are read-only views of (d,) float32. Zero vectors are let through, and counted
    later: their cosine is 0 by definition.
    """

    def __init__(self, dimension: int) -> None:
        self._dimension = dimension
        self._floats = struct.Struct(f"<{dimension}f")  # twice as fast as numpy on a list, and it refuses overflow

    def from_numbers(self, numbers: list[float]) -> NDArray[np.float32]:
        """A list of d doubles, each rounded to the nearest float32.

        Raises:
            MalformedEvent: `wrong_dimension`, or `not_finite` where a number overflows float32 (1e39).
        """
        if len(numbers) != self._dimension:
            raise _wrong_dimension(len(numbers), self._dimension, "vector")
        try:
            packed = self._floats.pack(*numbers)
        except OverflowError:
            raise malformed(reasons.NOT_FINITE, "vector", "a number is infinite as float32") from None
        return np.frombuffer(packed, _FLOAT32)

    def from_text(self, text: str) -> NDArray[np.float32]:
        """Numbers as text: `[0.1,0.2]` (pgvector, JSON) or `{0.1,0.2}` (PostgreSQL's arrays).

        Raises:
            MalformedEvent: as `from_numbers`, `too_long` before anything is parsed, and `wrong_type`.
        """
        most = MOST_CHARACTERS * self._dimension
        if len(text) > most:
            raise malformed(reasons.TOO_LONG, "vector", f"{len(text)} characters, expected at most {most}")
        inside = text.strip()
        if inside.startswith("{") and inside.endswith("}"):
            inside = f"[{inside[1:-1]}]"
        try:
            return self.from_numbers(_NUMBERS.decode(inside))
        except (msgspec.MsgspecError, UnicodeEncodeError):
            if _NO_NUMBER.search(inside):
                raise malformed(reasons.NOT_FINITE, "vector", f"{shown(text)}, expected finite numbers") from None
            raise malformed(reasons.WRONG_TYPE, "vector", f"{shown(text)}, expected [0.1,0.2]") from None

    def from_bytes(self, packed: bytes) -> NDArray[np.float32]:
        """The bytes of d little-endian float32.

        Raises:
            MalformedEvent: `wrong_dimension`, or `not_finite` where a component is NaN or infinite.
        """
        if len(packed) != 4 * self._dimension:
            raise _wrong_dimension(len(packed) / 4, self._dimension, "vector_b64")
        vector = np.frombuffer(packed, _FLOAT32)
        high = packed[3::4]  # sign and upper exponent bits: without 0x7f and 0xff there is no NaN or infinity
        if (0x7F in high or 0xFF in high) and not np.isfinite(vector).all():
            raise malformed(reasons.NOT_FINITE, "vector_b64", "a component is NaN or infinite")
        return vector

    def from_packed(self, packed: Sequence[bytes]) -> list[NDArray[np.float32]]:
        """The same of many at once, views of one array.

        Raises:
            MalformedEvent: as `from_bytes`, of any of them.
        """
        if {*map(len, packed)} - {4 * self._dimension}:
            raise _wrong_dimension(max(map(len, packed)) / 4, self._dimension, "vector_b64")
        vectors = np.frombuffer(b"".join(packed), _FLOAT32).reshape(-1, self._dimension)
        squares = float(np.vdot(vectors, vectors))  # NaN or infinite where any is, or where some are huge
        if not math.isfinite(squares) and not np.isfinite(vectors).all():
            raise malformed(reasons.NOT_FINITE, "vector_b64", "a component is NaN or infinite")
        return list(vectors)


def unchecked(given: list[float] | bytes | None) -> NDArray[np.float32]:
    r"""Numbers, or the bytes of little-endian float32, as they come; empty where the bytes are no whole numbers.

    >>> unchecked([0.5, 1e300]).tolist(), unchecked(b"\0" * 7).tolist()
    ([0.5, inf], [])
    """
    if isinstance(given, bytes):
        return np.frombuffer(given if len(given) % _FLOAT32.itemsize == 0 else b"", _FLOAT32)
    with np.errstate(over="ignore"):
        return np.array(given or (), np.float64).astype(np.float32)


def _wrong_dimension(length: float, expected: int, field: str) -> MalformedEvent:
    return malformed(reasons.WRONG_DIMENSION, field, f"{length:g} components, expected {expected}")
