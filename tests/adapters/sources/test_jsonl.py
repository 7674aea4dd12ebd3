"""JSON Lines: what a line is, growth, rotation, limits, damage."""

import gzip
import os
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from monitor.adapters.sources.jsonl.source import JsonLinesSource
from monitor.core.model.events import Partition, Position
from monitor.ports import ConfigurationError, Fault, UnreachableError

PART = Partition("file", 0)


@contextmanager
def started(path: Path | str, at: int = 0, *, follow: bool = False, most: int = 1 << 20) -> Iterator[JsonLinesSource]:
    source = JsonLinesSource(path, follow=follow, max_line_bytes=most)
    source.start({PART: at})
    try:
        yield source
    finally:
        source.close()


def read(source: JsonLinesSource, *, until: Callable[[list[tuple[int, bytes | None]], list[Fault]], bool]) -> None:
    """Polls until the condition holds; fails after ten seconds."""
    seen: list[tuple[int, bytes | None]] = []
    faults: list[Fault] = []
    limit = time.monotonic() + 60
    while not until(seen, faults):
        assert time.monotonic() < limit, (seen[-3:], faults)
        polled = source.poll(100, 0.05)
        seen += [(record.position.offset, record.value) for record in polled.records]
        faults += polled.faults


def everything(
    path: Path | str, at: int = 0, most: int = 1 << 20
) -> tuple[list[tuple[int, bytes | None]], list[Fault]]:
    seen: list[tuple[int, bytes | None]] = []
    faults: list[Fault] = []
    with started(path, at, most=most) as source:
        exhausted = False
        while not exhausted:
            polled = source.poll(1000, 1.0)
            seen += [(record.position.offset, record.value) for record in polled.records]
            faults += polled.faults
            exhausted = polled.exhausted
    return seen, faults


def test_what_a_line_is(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"a":1}\r\n\n  \t\r\n{"b":2}\n\n{"last":3}')
    assert everything(path) == ([(0, b'{"a":1}'), (3, b'{"b":2}'), (5, b'{"last":3}')], [])
    assert everything(path, at=2)[0] == [(3, b'{"b":2}'), (5, b'{"last":3}')]
    assert everything(path, at=6) == ([], [])


@pytest.mark.parametrize("content", [b"", b"\n", b"\n\n\n"])
def test_a_file_without_records_is_exhausted(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "empty.jsonl"
    path.write_bytes(content)
    with started(path) as source:
        polled = source.poll(10, 5.0)
        assert (polled.records, polled.exhausted) == ([], True)
        assert source.end() == {PART: content.count(b"\n")}


def test_a_position_behind_the_end_is_a_recreated_stream(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"1\n2\n")
    seen, faults = everything(path, at=5)
    assert seen == []
    assert [(fault.kind, fault.position) for fault in faults] == [("recreated", Position("file", 0, 5))]
    assert faults[0].detail == f"{path}: it has 2 lines, the stored position is line 6"


def test_a_long_line_is_a_fault_and_the_next_lines_are_whole(tmp_path: Path) -> None:
    path = tmp_path / "long.jsonl"
    path.write_bytes(b"one\n" + b"x" * 3_000_000 + b"\ntwo\n" + b"y" * 1001 + b"\n" + b"z" * 1000)
    seen, faults = everything(path, most=1000)
    assert seen == [(0, b"one"), (2, b"two"), (4, b"z" * 1000)]
    assert [(fault.kind, fault.position.offset, fault.value) for fault in faults] == [
        ("unreadable", 1, b"x" * 1000),
        ("unreadable", 3, b"y" * 1000),
    ]
    assert faults[0].detail == f"{path}: line 2 has 3000000 bytes, at most 1000 are taken"


def test_memory_is_bounded_by_the_longest_line_taken(tmp_path: Path) -> None:
    path = tmp_path / "bomb.jsonl.gz"
    with gzip.open(path, "wb", compresslevel=1) as bomb:
        for _ in range(64):
            bomb.write(bytes(1 << 20))
    tracemalloc.start()
    _, faults = everything(path, most=100_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [fault.kind for fault in faults] == ["unreadable"]
    assert peak < 6 << 20, "64 MiB in one line"


def test_resuming_far_into_a_file_is_fast(tmp_path: Path) -> None:
    path = tmp_path / "large.jsonl"
    block = b'{"op":"delete","chunk_id":"x"}\n' * 100_000
    path.write_bytes(block * 10 + b'{"n":1}\n')
    began = time.process_time()
    assert everything(path, at=1_000_000)[0] == [(1_000_000, b'{"n":1}')]
    assert time.process_time() - began < 1.0


# ---------------------------------------------------------------- following


def test_following_waits_for_the_rest_of_a_line(tmp_path: Path) -> None:
    path = tmp_path / "grow.jsonl"
    path.write_bytes(b'{"a":')
    with started(path, follow=True) as source, path.open("ab", buffering=0) as growing:
        assert not source.poll(10, 0.0).records
        assert source.end() is None
        growing.write(b"1}\n")
        read(source, until=lambda seen, _: seen == [(0, b'{"a":1}')])


def test_following_wakes_up_when_the_file_grows_and_does_not_burn_a_core(tmp_path: Path) -> None:
    path = tmp_path / "grow.jsonl"
    path.write_bytes(b"")
    with started(path, follow=True) as source:
        timer = threading.Timer(0.3, lambda: path.write_bytes(b"x\n"))
        timer.start()
        began, burnt = time.monotonic(), time.thread_time()
        polled = source.poll(10, 120.0)
        timer.join()
        assert [record.value for record in polled.records] == [b"x"]
        assert time.monotonic() - began < 60.0
        assert time.thread_time() - burnt < 0.2


def test_a_replaced_file_is_read_to_its_end_and_then_reported_once(tmp_path: Path) -> None:
    path = tmp_path / "rotated.jsonl"
    path.write_bytes(b"1\n2\n")
    with started(path, follow=True) as source:
        read(source, until=lambda seen, _: len(seen) == 2)
        with path.open("ab") as growing:
            growing.write(b"3\n4")
        path.rename(tmp_path / "rotated.jsonl.1")
        path.write_bytes(b"new\n")
        read(source, until=lambda seen, faults: seen == [(2, b"3"), (3, b"4")] and len(faults) == 1)
        polled = source.poll(10, 0.05)
        assert not polled.records
        assert not polled.faults
        assert not polled.exhausted


def test_a_file_moved_away_is_still_followed_until_another_takes_its_place(tmp_path: Path) -> None:
    path = tmp_path / "moved.jsonl"
    path.write_bytes(b"1\n")
    with started(path, follow=True) as source:
        moved = path.rename(tmp_path / "elsewhere")
        with moved.open("ab") as growing:
            growing.write(b"2\n")
        read(source, until=lambda seen, faults: [n for n, _ in seen] == [0, 1] and not faults)


def test_a_truncated_file_is_recreated(tmp_path: Path) -> None:
    path = tmp_path / "cut.jsonl"
    path.write_bytes(b"1\n2\n3\n")
    with started(path, follow=True) as source:
        read(source, until=lambda seen, _: len(seen) == 3)
        path.write_bytes(b"1\n")
        details: list[str] = []
        read(source, until=lambda seen, faults: _noted(faults, details) and not seen)
        assert details == [f"recreated {path}: was truncated to 2 bytes after 6 were read"]


def _noted(faults: list[Fault], details: list[str]) -> bool:
    details[:] = [f"{fault.kind} {fault.detail}" for fault in faults]
    return bool(details)


def test_following_from_behind_the_end_is_recreated(tmp_path: Path) -> None:
    path = tmp_path / "short.jsonl"
    path.write_bytes(b"1\n2")
    with started(path, at=4, follow=True) as source:
        read(source, until=lambda seen, faults: [fault.kind for fault in faults] == ["recreated"] and not seen)


def test_following_from_an_unfinished_last_line_waits(tmp_path: Path) -> None:
    path = tmp_path / "unfinished.jsonl"
    path.write_bytes(b"1\n2")
    with started(path, at=2, follow=True) as source:
        polled = source.poll(10, 0.05)
        assert (list(polled.records), list(polled.faults)) == ([], [])
        with path.open("ab") as growing:
            growing.write(b"\n3\n")
        read(source, until=lambda seen, faults: seen == [(2, b"3")] and not faults)


def test_close_ends_a_waiting_poll(tmp_path: Path) -> None:
    path = tmp_path / "idle.jsonl"
    path.write_bytes(b"")
    with started(path, follow=True) as source:
        source.pause(source.partitions())
        timer = threading.Timer(0.1, source.close)
        timer.start()
        began = time.monotonic()
        source.poll(10, 120.0)
        timer.join()
        assert time.monotonic() - began < 60.0


# ---------------------------------------------------------------- standard input and refusals


def test_standard_input_resumes_by_dropping_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.write(writing, b"1\n2\n3\n")
    with os.fdopen(reading, "rb") as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        with started("-", at=1, follow=True) as source:
            read(source, until=lambda seen, _: seen == [(1, b"2"), (2, b"3")])
            assert not source.poll(10, 0.02).exhausted, "the writer is still there"
            os.close(writing)
            assert source.poll(10, 5.0).exhausted
        assert os.fstat(reading), "closing the source leaves standard input open"


def test_unreachable_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = tmp_path / "missing.jsonl"
    for path, reason in ((missing, "cannot be read: No such file"), (tmp_path, "is a directory, expected a file")):
        with pytest.raises(UnreachableError, match=f"^{path}: {reason}[^\n]*$"):
            JsonLinesSource(path).start({})
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(UnreachableError, match=r"^standard input: cannot be read: not open$"):
        JsonLinesSource("-").start({})


def test_a_compressed_file_cannot_be_followed(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(b"1\n"))
    with pytest.raises(ConfigurationError, match="a compressed file cannot be followed"):
        JsonLinesSource(path, follow=True).start({})


@pytest.mark.parametrize("damage", ["cut", "flipped"])
def test_a_damaged_compressed_file_stops_behind_its_good_lines(tmp_path: Path, damage: str) -> None:
    content = b"".join(b"%d %s\n" % (n, os.urandom(500).hex().encode()) for n in range(2000))
    raw = bytearray(gzip.compress(content))
    if damage == "cut":
        del raw[-200_000:]
    else:
        raw[-4:] = b"\0\0\0\0"
    path = tmp_path / "damaged.jsonl.gz"
    path.write_bytes(raw)
    seen: list[bytes | None] = []
    with started(path) as source:
        with pytest.raises(UnreachableError, match=f"^{path}: cannot be read on after byte [0-9]+: [^\n]+$"):
            _read_to_the_end(source, seen)
        assert source.end() is None
    assert seen == content.split(b"\n")[: len(seen)]
    assert len(seen) > 1000


def _read_to_the_end(source: JsonLinesSource, seen: list[bytes | None]) -> None:
    exhausted = False
    while not exhausted:
        polled = source.poll(100, 0.1)
        seen += [record.value for record in polled.records]
        exhausted = polled.exhausted
