"""The answer of an embeddings endpoint to vectors, checked: order, number, length, finiteness."""

import binascii
from base64 import b64decode

import msgspec
import numpy as np
from numpy.typing import NDArray


class MalformedEmbeddingsError(Exception):
    """The answer is not what the interface promises."""


class DimensionError(MalformedEmbeddingsError):
    """The vectors are of another length than the corpus."""


class _Item(msgspec.Struct, gc=False):
    index: int
    embedding: list[float] | str


class _Answer(msgspec.Struct, gc=False):
    data: list[_Item]


_DECODER = msgspec.json.Decoder(_Answer)


def read_vectors(content: bytes, count: int, dimension: int) -> NDArray[np.float32]:
    """Vectors by their `index`, whatever the order of the answer; numbers or base64 of little-endian float32.

    Args:
        content: the body of the answer.
        count: how many were asked for.
        dimension: their length.

    Returns:
        (count, dimension) float32, finite.

    Raises:
        DimensionError: another length.
        BadAnswerError: not the JSON expected, a missing, repeated or foreign index, or values that are not finite.
    """
    try:
        items = _DECODER.decode(content).data
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        message = f"{error} in {len(content)} bytes"
        raise MalformedEmbeddingsError(message) from error
    if sorted(item.index for item in items) != list(range(count)):
        message = f"indices of {len(items)} vectors, expected each of 0 to {count - 1} once"
        raise MalformedEmbeddingsError(message)
    made = np.zeros((count, dimension), np.float32)
    for item in items:
        vector = _vector(item.embedding)
        if len(vector) != dimension:
            message = f"it makes vectors of {len(vector)} numbers, expected corpus.dimension = {dimension}"
            raise DimensionError(message)
        if not np.isfinite(vector).all():
            message = f"vector {item.index} is not finite"
            raise MalformedEmbeddingsError(message)
        made[item.index] = vector
    return made


def _vector(given: list[float] | str) -> NDArray[np.float32]:
    if isinstance(given, list):
        with np.errstate(over="ignore"):
            return np.array(given, np.float64).astype(np.float32)
    try:
        raw = b64decode(given, validate=True)
    except (binascii.Error, ValueError) as error:
        message = "an embedding is neither numbers nor base64"
        raise MalformedEmbeddingsError(message) from error
    if len(raw) % 4:
        message = f"base64 of {len(raw)} bytes is no float32 vector"
        raise MalformedEmbeddingsError(message)
    return np.frombuffer(raw, "<f4").astype(np.float32)
