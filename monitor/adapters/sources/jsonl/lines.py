"""Bytes to lines, incrementally and in bounded memory; and gzip the same way."""

import zlib
from collections import deque
from typing import NamedTuple

_CUT = 1 << 16


class Long(NamedTuple):
    """A line over the limit: its first bytes (at most 64 KiB) and its whole size."""

    head: bytes
    size: int


class LineSplitter:
    """Blocks of bytes in, lines out, without their newline.

    Holds the lines of the blocks fed and not yet taken, and at most `max_bytes` of the line in progress.

    Args:
        max_bytes: a longer line comes out as `Long`.
        skip: this many lines are dropped first; they are only counted.
    """

    def __init__(self, max_bytes: int, *, skip: int = 0) -> None:
        self._max = max_bytes
        self._head = min(_CUT, max_bytes)
        self._skip = skip
        self._lines: deque[bytes | Long] = deque()
        self._tail = bytearray()
        self._size = 0  # of the line in progress, whether kept or not

    @property
    def pending(self) -> bool:
        """Whether a line can be taken."""
        return bool(self._lines)

    @property
    def missing(self) -> int:
        """Lines still to be dropped beyond the one in progress: above 0 at the end, the input was too short."""
        return self._skip - 1 if self._skip and self._size else self._skip

    def feed(self, block: bytes) -> None:
        """Adds the next bytes of the input."""
        if self._skip:
            block = self._skipped(block)
        head, *rest = block.split(b"\n")
        self._grow(head)
        if rest:
            self._cut()
            last = rest.pop()
            self._lines.extend(
                line if len(line) <= self._max else Long(line[: self._head], len(line)) for line in rest
            )
            self._grow(last)

    def take(self) -> bytes | Long | None:
        """The next line, None when there is no whole one."""
        return self._lines.popleft() if self._lines else None

    def finish(self) -> None:
        """The input is over: a last line without a newline is a line too."""
        if self._size and self._skip == 0:
            self._cut()
        elif self._size:
            self._skip -= 1
            self._forget()

    def _skipped(self, block: bytes) -> bytes:
        """What of the block stands behind the lines to drop; the line in progress is only measured."""
        count = block.count(b"\n")
        if count < self._skip:
            self._skip -= count
            rest = len(block) - (block.rfind(b"\n") + 1)
            self._size = rest if count else self._size + rest
            return b""
        at = 0
        for _ in range(self._skip):
            at = block.index(b"\n", at) + 1
        self._skip = self._size = 0
        return block[at:]

    def _grow(self, piece: bytes) -> None:
        self._size += len(piece)
        self._tail += piece[: self._max - len(self._tail)]

    def _cut(self) -> None:
        whole = self._size <= self._max
        self._lines.append(bytes(self._tail) if whole else Long(bytes(self._tail[: self._head]), self._size))
        self._forget()

    def _forget(self) -> None:
        self._tail.clear()
        self._size = 0


class Inflater:
    """Gzip, of one or several members, decompressed at most `block` bytes at a time. Damage raises zlib.error."""

    def __init__(self, block: int) -> None:
        self._block = block
        self._member = zlib.decompressobj(31)
        self._input = b""
        self._between = True  # no member is open: the input may end here

    def feed(self, raw: bytes) -> None:
        """Adds compressed bytes; take everything before feeding more."""
        self._input += raw

    def take(self) -> bytes:
        """The next bytes, b'' when more input is needed."""
        while True:
            if self._between:
                self._input = self._input.lstrip(b"\0")  # padding behind a member
            if self._between and not self._input:
                return b""
            self._between = False
            given = len(self._input)
            made = self._member.decompress(self._input, self._block)
            self._input = self._member.unconsumed_tail
            if self._member.eof:
                self._input = self._member.unused_data
                self._member, self._between = zlib.decompressobj(31), True
            if made:
                return made
            if not self._between and len(self._input) == given:
                return b""

    def finish(self) -> None:
        """The input is over; raises zlib.error in the middle of a member."""
        if not self._between:
            message = "the compressed data end too early"
            raise zlib.error(message)
