"""Images of maintained state in a file: arrays as blocks with checksums, and a header that has a digest."""

import os
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.image import Image, Roomy

_MAGIC = b"CDimage1"
_BLOCK = 8 << 20
"""Bytes with a checksum of their own: what was read is still in a core's cache when it is summed."""
_READERS = 2
_ARRAY = 1
"""The extension type of MessagePack that stands for an array: its number."""
_DIGEST = 16
_KINDS = frozenset("biuf")
"""Of arrays: bool, integers and floats; anything else would not be bytes."""


class _Stored(msgspec.Struct, array_like=True, frozen=True):
    """Where an array stands: `rows` is how many it has in memory, the first `shape[0]` of which are stored."""

    dtype: str
    shape: list[int]
    rows: int
    at: int
    sums: list[int]


class _Header(msgspec.Struct, frozen=True):
    """What stands at the end of the file, before its own length and digest."""

    written_by: str
    setup: str
    arrays: list[_Stored]
    image: msgspec.Raw


class BadImageError(Exception):
    """A file that holds no whole image; says what is wrong with it."""


def write_image(path: Path, image: Image, *, written_by: str, setup: str) -> str:
    """Write an image in the place of one that there may be; returns its name, the digest of the header.

    Nothing waits for the disk: of a file that a power cut tore, the checksums tell.

    Args:
        path: the file.
        image: arrays, plain values, and mappings of these.
        written_by: version of the program.
        setup: what the image depends on beside the chunks.

    Raises:
        OSError: it cannot be written; what was written of it is removed.
    """
    beside = path.with_name(path.name + ".new")
    try:
        with beside.open("wb", buffering=0) as file:
            name = _written(file.fileno(), image, written_by, setup)
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    return name


def read_image(path: Path, name: str, *, written_by: str, setup: str) -> Image:
    """The image of this name.

    Raises:
        BadImageError: it is another one, of another version or set-up, or not as it was written.
        OSError: there is none, or it cannot be read.
    """
    with path.open("rb", buffering=0) as file:
        header = _header(file.fileno(), name)
        if (header.written_by, header.setup) != (written_by, setup):
            message = f"of version {header.written_by} and another set-up; expected {written_by} and this one"
            raise BadImageError(message)
        arrays = [np.zeros((of.rows, *of.shape[1:]), _type(of.dtype)) for of in header.arrays]
        with ThreadPoolExecutor(_READERS, "image") as readers:
            blocks = [block for of, array in zip(header.arrays, arrays, strict=True) for block in _blocks(of, array)]
            if not all(readers.map(lambda block: _read(file.fileno(), *block), blocks)):
                message = "a block does not match its checksum; expected the bytes that were written"
                raise BadImageError(message)
    decoder = msgspec.msgpack.Decoder(dict[str, Any], ext_hook=lambda _, number: arrays[int(bytes(number))])
    return decoder.decode(header.image)


def _written(file: int, image: Image, written_by: str, setup: str) -> str:
    at = _put(file, memoryview(_MAGIC))
    arrays: list[_Stored] = []

    def put(value: Any) -> Any:
        """An array goes to the file, its number into the header."""
        nonlocal at
        array = value.array if isinstance(value, Roomy) else value
        if not isinstance(array, np.ndarray) or array.dtype.kind not in _KINDS:
            message = f"image: {type(value).__name__}; expected arrays of numbers and plain values"
            raise NotImplementedError(message)
        rows = value.rows if isinstance(value, Roomy) else len(array)
        bytes_ = _bytes(np.ascontiguousarray(array))
        sums = [zlib.crc32(bytes_[start : start + _BLOCK]) for start in range(0, len(bytes_), _BLOCK)]
        arrays.append(_Stored(array.dtype.str, list(array.shape), rows, at, sums))
        at += _put(file, bytes_)
        return msgspec.msgpack.Ext(_ARRAY, str(len(arrays) - 1).encode())

    packed = msgspec.msgpack.Encoder(enc_hook=put).encode(image)
    header = msgspec.msgpack.encode(_Header(written_by, setup, arrays, msgspec.Raw(packed)))
    digest = blake2b(header, digest_size=_DIGEST).digest()
    _put(file, memoryview(header + len(header).to_bytes(8, "little") + digest))
    return digest.hex()


def _put(file: int, data: memoryview) -> int:
    """Write all of it; returns how much that is."""
    done = 0
    while done < len(data):
        done += os.write(file, data[done : done + _BLOCK])
    return done


def _header(file: int, name: str) -> _Header:
    size, tail = os.fstat(file).st_size, 8 + _DIGEST
    end = os.pread(file, tail, max(0, size - tail))
    length = int.from_bytes(end[:8], "little")
    if os.pread(file, len(_MAGIC), 0) != _MAGIC or length > size - tail - len(_MAGIC):
        message = "not an image, or cut short; expected a whole one"
        raise BadImageError(message)
    header = os.pread(file, length, size - tail - length)
    digest = blake2b(header, digest_size=_DIGEST).digest()
    if digest != end[8:] or digest.hex() != name:
        message = "not the image that the state names; expected that one"
        raise BadImageError(message)
    return msgspec.msgpack.decode(header, type=_Header)


def _type(name: str) -> np.dtype[Any]:
    made = np.dtype(name)
    if made.kind not in _KINDS:
        message = f"an array of {name!r}; expected numbers"
        raise BadImageError(message)
    return made


def _bytes(array: NDArray[Any]) -> memoryview:
    return array.reshape(-1).view(np.uint8).data if array.size else memoryview(b"")


def _blocks(of: _Stored, array: NDArray[Any]) -> Iterator[tuple[int, memoryview, int]]:
    """Where each block of an array stands in the file, where it goes, and its checksum."""
    into = _bytes(array[: of.shape[0]])
    for number, total in enumerate(of.sums):
        start = number * _BLOCK
        yield of.at + start, into[start : start + _BLOCK], total


def _read(file: int, at: int, into: memoryview, total: int) -> bool:
    """Read one block; whether it is what was written."""
    done = 0
    while done < len(into):
        read = os.preadv(file, [into[done:]], at + done)
        if not read:
            return False
        done += read
    return zlib.crc32(into) == total
