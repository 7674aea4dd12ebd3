"""JSON Lines as a source: a file, a growing file, a compressed file, a pipe or standard input.

One partition; the offset of a record is its zero-based line number, so messages for people say `offset + 1`.
Blank lines are not delivered but have a number. Standard input cannot seek: to resume there, the same lines must
be sent again from the first, and the ones before the position are read and dropped.
"""

import os
import stat
import sys
import threading
import time
import zlib
from collections.abc import Mapping
from pathlib import Path

from monitor.adapters.encoding import refuse_other_than_utf8
from monitor.adapters.sources.jsonl.lines import Inflater, LineSplitter, Long
from monitor.adapters.sources.waiting import readable
from monitor.core.model.events import Partition, Position, Record
from monitor.ports import ConfigurationError, Fault, Polled, UnreachableError

STDIN = "-"
_BLOCK = 1 << 18
_POLL_BYTES = 8 << 20
"""One poll holds about this much, so that a thousand records of a megabyte are not held at once."""
_LOOK = 0.02
"""Seconds between two looks at a file that may grow: regular files cannot be selected on."""
_GZIP = b"\x1f\x8b"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class JsonLinesSource:
    """Lines of a file or of standard input (`-`) as records without keys.

    Without `follow` the source is bounded and a last line without a newline counts. With `follow` (regular files)
    it waits for more, as `tail -F` does; when the file is truncated or replaced, the rest of the old one is
    delivered, then one Fault `recreated`, then nothing: a line number means nothing in another file.

    Args:
        path: the file, or `-`. Input whose first bytes are gzip's is decompressed.
        follow: wait for growth at the end.
        max_line_bytes: a longer line is a Fault `unreadable` with its first bytes; memory stays bounded by it.
        topic: the name of the partition in positions.
    """

    def __init__(
        self, path: str | Path, *, follow: bool = False, max_line_bytes: int = 4 << 20, topic: str = "file"
    ) -> None:
        self._path = str(path)
        self._follow = follow and self._path != STDIN
        self._max = max_line_bytes
        self._partition = Partition(topic, 0)
        self._input: _Input | None = None
        self._splitter = LineSplitter(max_line_bytes)
        self._next = 0
        self._begun = False  # the first block was looked at for a byte-order mark
        self._over = False  # the input has nothing more to read
        self._recreated = ""  # why the stream is not the one that was begun
        self._paused = False
        self._closing = threading.Event()

    def start(self, positions: Mapping[Partition, int]) -> None:
        """Opens the file. The lines before the position are counted while polling, so this returns at once."""
        if self._input:
            message = f"{self._path}: the source was started already"
            raise RuntimeError(message)
        self._input = _Input(self._path, follow=self._follow, closing=self._closing)
        self._follow = self._input.follow
        self._next = max(0, positions.get(self._partition, 0))
        self._splitter = LineSplitter(self._max, skip=self._next)

    def partitions(self) -> frozenset[Partition]:
        """The one partition."""
        return frozenset({self._partition})

    def poll(self, max_records: int, timeout: float) -> Polled:
        """The lines there are.

        Raises:
            UnreachableError: the file cannot be read on or is damaged.
            ConfigurationError: it is UTF-16 or UTF-32 by its byte-order mark.
        """
        deadline = time.monotonic() + timeout
        if self._paused or (self._over and self._follow and not self._splitter.pending and not self._recreated):
            self._closing.wait(timeout)
            return Polled(exhausted=self._exhausted())
        records: list[Record] = []
        faults: list[Fault] = []
        size = 0
        while len(records) + len(faults) < max_records and size < _POLL_BYTES:
            line = self._splitter.take()
            if line is not None:
                size += self._deliver(line, records, faults)
            elif self._over or not self._fill(deadline, wait=not (records or faults)):
                break
        if self._over and self._recreated and not self._splitter.pending:
            faults.append(Fault("recreated", Position(*self._partition, self._next), self._recreated))
            self._recreated = ""
        return Polled(records, faults, self._exhausted())

    def pause(self, partitions: frozenset[Partition]) -> None:
        """Delivers nothing until resumed."""
        self._paused = self._paused or self._partition in partitions

    def resume(self, partitions: frozenset[Partition]) -> None:
        """Delivers again."""
        self._paused = self._paused and self._partition not in partitions

    def positions(self) -> Mapping[Partition, int]:
        """The number of the line that is delivered next."""
        return {self._partition: self._next}

    def end(self) -> Mapping[Partition, int] | None:
        """The number of lines, known only when all of them were read."""
        return {self._partition: self._next} if self._exhausted() else None

    def last_error(self) -> str:
        """Nothing: what can't be read is raised at the start or reported as a fault."""
        return ""

    def commit(self, positions: Mapping[Partition, int]) -> None:
        """A file keeps no positions."""

    def close(self) -> None:
        """Closes the file; a second call does nothing."""
        self._closing.set()
        if self._input:
            self._input.close()

    def _exhausted(self) -> bool:
        return self._over and not self._follow and not self._splitter.pending and not self._recreated

    def _deliver(self, line: bytes | Long, records: list[Record], faults: list[Fault]) -> int:
        """Adds what the line is; returns about how much memory it holds."""
        position = Position(*self._partition, self._next)
        self._next += 1
        if isinstance(line, Long):
            detail = f"{self._path}: line {self._next} has {line.size} bytes, at most {self._max} are taken"
            faults.append(Fault("unreadable", position, detail, line.head))
            return len(line.head)
        if position.offset == 0:
            line = line.removeprefix(_BYTE_ORDER_MARK)
        line = line.removesuffix(b"\r")
        if line.strip():
            records.append(Record(position, None, line))
        return len(line) + 1

    def _fill(self, deadline: float, *, wait: bool) -> bool:
        """Reads one block; False when none came in time, or when only counting took all the time."""
        if self._input is None:
            message = f"{self._path}: the source was not started"
            raise RuntimeError(message)
        block = self._input.read(max(0.0, deadline - time.monotonic()) if wait else 0.0)
        short = block is None and self._follow and self._splitter.missing > 0
        if block is None and not short:
            return False
        if block:
            if not self._begun:
                refuse_other_than_utf8(block[:4], self._path)
            self._begun = True
            self._splitter.feed(block)
        else:
            self._finish(self._input.replaced)
        return self._splitter.pending or self._over or time.monotonic() < deadline

    def _finish(self, replaced: str) -> None:
        self._over = True
        self._splitter.finish()
        missing = self._splitter.missing
        if replaced or missing:
            short = f"it has {self._next - missing} lines, the stored position is line {self._next + 1}"
            self._recreated = f"{self._path}: {replaced or short}"


class _Input:
    """The bytes behind a path: opened, decompressed, watched for being truncated or replaced."""

    def __init__(self, path: str, *, follow: bool, closing: threading.Event) -> None:
        self.replaced = ""
        """How the file stopped being the one that was opened."""
        self._path = path
        self._closing = closing
        self._inflater: Inflater | None = None
        self._seen = 0  # bytes read
        self._descriptor = _opened(path)
        self._regular = stat.S_ISREG(os.fstat(self._descriptor).st_mode)
        self.follow = follow and self._regular
        """Whether there is an end to wait at: a pipe is over when its writer is."""
        if self.follow and os.pread(self._descriptor, 2, 0) == _GZIP:
            self.close()
            message = f"{path}: a compressed file cannot be followed"
            raise ConfigurationError(message)

    def read(self, wait: float) -> bytes | None:
        """Some bytes, b'' at the end, None when nothing came within `wait` seconds."""
        try:
            while True:
                if self._inflater and (made := self._inflater.take()):
                    return made
                raw = self._raw(wait)
                if raw and self._seen == 0 and raw.startswith(_GZIP):
                    self._inflater = Inflater(_BLOCK)
                self._seen += len(raw or b"")
                if self._inflater is None or raw is None:
                    return raw
                if not raw:
                    self._inflater.finish()
                    return raw
                self._inflater.feed(raw)
        except (OSError, zlib.error) as error:
            reason = getattr(error, "strerror", None) or error
            message = f"{self._path}: cannot be read on after byte {self._seen}: {reason}"
            raise UnreachableError(message) from error

    def close(self) -> None:
        """Closes the descriptor once."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1

    def _raw(self, wait: float) -> bytes | None:
        if not self._regular:
            return os.read(self._descriptor, _BLOCK) if readable(self._descriptor, wait) else None
        deadline = time.monotonic() + wait
        while True:
            replaced = self._replacement() if self.follow else ""  # asked first: what came before it is read below
            raw = os.read(self._descriptor, _BLOCK)
            if raw or not self.follow or replaced:
                self.replaced = replaced
                return raw
            left = deadline - time.monotonic()
            if left <= 0 or self._closing.wait(min(_LOOK, left)):
                return None

    def _replacement(self) -> str:
        here = os.fstat(self._descriptor)
        if here.st_size < self._seen:
            return f"was truncated to {here.st_size} bytes after {self._seen} were read"
        try:
            there = Path(self._path).stat()
        except FileNotFoundError:
            return ""  # moved away: it may still be written to until a new file stands in its place
        same = (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino)
        return "" if same else "was replaced by another file"


def _opened(path: str) -> int:
    try:
        descriptor = os.dup(sys.stdin.fileno()) if path == STDIN else os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except (OSError, ValueError, AttributeError) as error:
        reason = getattr(error, "strerror", None) or "not open"
        message = f"{'standard input' if path == STDIN else path}: cannot be read: {reason}"
        raise UnreachableError(message) from error
    if stat.S_ISDIR(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        message = f"{path}: is a directory, expected a file of JSON lines"
        raise UnreachableError(message)
    return descriptor
