"""Unpacking of Kafka's four compressions with a hard limit, so that a kilobyte cannot become a gigabyte.

kafka-python inflates a batch whole, whatever its size: 256 MiB of zeros pass any fetch limit. Here every codec
stops at `limit` bytes of output.
"""

import zlib
from collections.abc import Callable
from typing import Any

import lz4.frame
import snappy
import zstandard

STEP = 256 * 1024
XERIAL = b"\x82SNAPPY\x00"
XERIAL_HEADER = 16
NAMES = {0: "none", 1: "gzip", 2: "snappy", 3: "lz4", 4: "zstd"}


class InflateError(ValueError):
    """The bytes are not what the codec expects, or they unpack to more than the limit."""


def inflate(codec: int, packed: bytes, limit: int) -> bytes:
    """The unpacked bytes, at most `limit` of them.

    Args:
        codec: Kafka's number of the compression: 0 none, 1 gzip, 2 snappy (xerial blocks or one raw block), 3 lz4
            (frame format), 4 zstd.
        packed: what the batch holds after its header.
        limit: the most bytes that may come out; memory use stays within about twice of it.

    Raises:
        InflateError: unknown codec, broken or truncated input, or more than `limit` bytes.
    """
    if codec == 0:
        return packed
    step = _CODECS.get(codec)
    if step is None:
        message = f"compression {codec}; expected 0 to 4"
        raise InflateError(message)
    try:
        return step(packed, limit)
    except InflateError:
        raise
    except Exception as error:  # each codec library has exceptions of its own, some of them bare Exception
        message = f"{NAMES[codec]}: {type(error).__name__}: {error}"
        raise InflateError(message) from error


def _refuse_above(size: int, limit: int) -> None:
    if size > limit:
        message = f"unpacks to more than {limit} bytes"
        raise InflateError(message)


def _refuse_truncated(complete: bool) -> None:
    if not complete:
        message = "compressed data ends too early"
        raise InflateError(message)


def _gzip(packed: bytes, limit: int) -> bytes:
    out = bytearray()
    while packed:
        member = zlib.decompressobj(wbits=31)
        out += member.decompress(packed, limit + 1 - len(out))
        _refuse_above(len(out), limit)
        _refuse_truncated(member.eof)
        packed = member.unused_data
    return bytes(out)


def _lz4(packed: bytes, limit: int) -> bytes:
    frame: Any = lz4.frame.LZ4FrameDecompressor()
    out: bytes = frame.decompress(packed, max_length=limit + 1)
    _refuse_above(len(out), limit)
    _refuse_truncated(frame.eof)
    return out


def _zstd(packed: bytes, limit: int) -> bytes:
    out = bytearray()
    with zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True) as reader:
        while piece := reader.read(STEP):
            out += piece
            _refuse_above(len(out), limit)
    return bytes(out)


def _snappy(packed: bytes, limit: int) -> bytes:
    if not packed.startswith(XERIAL):
        _refuse_above(_declared(packed), limit)
        return bytes(snappy.decompress(packed))
    out = bytearray()
    at = XERIAL_HEADER
    while at < len(packed):
        size = int.from_bytes(packed[at : at + 4], "big", signed=True)
        block = packed[at + 4 : at + 4 + max(size, 0)]
        _refuse_truncated(size > 0 and len(block) == size)
        _refuse_above(len(out) + _declared(block), limit)
        out += snappy.decompress(block)
        at += 4 + size
    return bytes(out)


def _declared(block: bytes) -> int:
    """Length a snappy block says it unpacks to: its leading varint (a block that lies fails in the library)."""
    size = 0
    for place, byte in enumerate(block[:5]):
        size |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return size
    message = "snappy: no length"
    raise InflateError(message)


_CODECS: dict[int, Callable[[bytes, int], bytes]] = {1: _gzip, 2: _snappy, 3: _lz4, 4: _zstd}
