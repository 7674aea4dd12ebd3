"""Bytes to lines and gzip members: the slow obvious version is the oracle."""

import gzip

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.adapters.sources.jsonl.lines import Inflater, LineSplitter, Long


def oracle(content: bytes, most: int) -> list[bytes | Long]:
    lines = content.split(b"\n")
    if not lines[-1]:
        lines.pop()
    return [line if len(line) <= most else Long(line[:most], len(line)) for line in lines]


BLOCKS = st.lists(st.one_of(st.sampled_from([b"\n", b"a\n", b"\n\n", b"abc", b"\r\n"]), st.binary(max_size=9)))


@settings(max_examples=300, deadline=None)
@given(blocks=BLOCKS, skip=st.integers(0, 6), most=st.integers(1, 8))
def test_lines_do_not_depend_on_the_blocks(blocks: list[bytes], skip: int, most: int) -> None:
    splitter = LineSplitter(most, skip=skip)
    for block in blocks:
        splitter.feed(block)
    splitter.finish()
    found: list[bytes | Long] = []
    while (line := splitter.take()) is not None:
        found.append(line)
    expected = oracle(b"".join(blocks), most)
    assert found == expected[skip:]
    assert splitter.missing == max(0, skip - len(expected))


@settings(max_examples=100, deadline=None)
@given(members=st.lists(st.binary(max_size=300), max_size=4), piece=st.integers(1, 40), block=st.integers(1, 50))
def test_inflater_gives_the_members_one_after_the_other(members: list[bytes], piece: int, block: int) -> None:
    raw = b"".join(map(gzip.compress, members)) + b"\0" * 3 * bool(members)
    inflater = Inflater(block)
    made = b""
    for at in range(0, len(raw), piece):
        inflater.feed(raw[at : at + piece])
        while taken := inflater.take():
            assert len(taken) <= block
            made += taken
    inflater.finish()
    assert made == b"".join(members)
