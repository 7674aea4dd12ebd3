"""Limited unpacking: equal to kafka-python's own below the limit, an error and little memory above it."""

import tracemalloc
from importlib import import_module
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.adapters.sources.kafka import library as kafka_python
from monitor.adapters.sources.kafka.inflate import InflateError, inflate

THEIRS: Any = import_module(f"{kafka_python.TopicPartition.__module__.partition('.')[0]}.codec")
ENCODERS = {1: THEIRS.gzip_encode, 2: THEIRS.snappy_encode, 3: THEIRS.lz4_encode, 4: THEIRS.zstd_encode}
CODECS = pytest.mark.parametrize("codec", [1, 2, 3, 4])


@given(codec=st.integers(0, 4), content=st.binary(max_size=2000), times=st.integers(1, 50))
def test_what_kafka_python_packs_comes_back(codec: int, content: bytes, times: int) -> None:
    content = content * times
    packed = ENCODERS[codec](content) if codec else content
    assert inflate(codec, packed, max(1, len(content))) == content


@CODECS
def test_exactly_the_limit_is_allowed_and_one_byte_more_is_not(codec: int) -> None:
    packed = ENCODERS[codec](bytes(100_000))
    assert inflate(codec, packed, 100_000) == bytes(100_000)
    with pytest.raises(InflateError, match="unpacks to more than 99999 bytes"):
        inflate(codec, packed, 99_999)


@CODECS
def test_a_bomb_costs_little_memory(codec: int) -> None:
    packed = ENCODERS[codec](bytes(64 << 20))
    tracemalloc.start()
    try:
        with pytest.raises(InflateError, match="more than"):
            inflate(codec, packed, 1 << 20)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 << 20


@given(codec=st.integers(1, 4), noise=st.binary(max_size=300))
def test_noise_is_an_error_or_some_bytes_never_another_exception(codec: int, noise: bytes) -> None:
    try:
        assert len(inflate(codec, noise, 1000)) <= 1000
    except InflateError as error:
        assert "\n" not in str(error)  # noqa: PT017 - most noise is refused, some short noise is valid


@CODECS
def test_truncated_input_never_comes_back_whole(codec: int) -> None:
    content = bytes(range(256)) * 400
    packed = ENCODERS[codec](content)
    try:
        assert inflate(codec, packed[: len(packed) // 2], 1 << 20) != content
    except InflateError as error:
        assert str(error)  # noqa: PT017 - zstd gives the part it has, the others refuse


def test_a_snappy_block_that_is_not_framed_is_read() -> None:
    assert inflate(2, THEIRS.snappy_encode(b"abc" * 100, xerial_compatible=False), 300) == b"abc" * 100


def test_an_unknown_compression_is_named() -> None:
    with pytest.raises(InflateError, match="compression 6; expected 0 to 4"):
        inflate(6, b"", 10)
