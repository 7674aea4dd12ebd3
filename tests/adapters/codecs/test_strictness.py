"""The strict reading against slow, obvious versions of itself."""

import json
from datetime import UTC, datetime, timedelta, timezone

import msgspec
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from monitor.adapters.codecs.forms import FormOptions, decoder
from monitor.adapters.codecs.limits import EventLimits, _depth, parse
from monitor.adapters.codecs.paths import FieldPaths, attribute, split
from monitor.adapters.codecs.reasons import malformed, shown
from monitor.adapters.codecs.scalars import FORBIDDEN, identifier
from monitor.adapters.codecs.times import instant
from monitor.adapters.codecs.vectors import FLOAT32_OVERFLOW, VectorReader
from monitor.core.model.events import MalformedEvent, Upsert
from tests.adapters.codecs.forge import LIMITS, UPSERT, changed, record

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NESTED = st.recursive(
    st.one_of(st.text('"\\[]{}\n€', max_size=6), st.integers()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text('"\\[{', max_size=3), inner, max_size=3)
    ),
    max_leaves=25,
)


def slow_depth(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(slow_depth, value.values()), default=0)
    return 1 + max(map(slow_depth, value), default=0) if isinstance(value, list) else 0


@settings(max_examples=200, deadline=None)
@given(NESTED, st.booleans())
@example([[["\\"]], '"[[[[', "\\\\"], True)
@example({'"': {"\\": {'\\"': []}}}, False)
def test_depth_is_that_of_the_document(value: object, ascii_only: bool) -> None:
    assert _depth(json.dumps(value, ensure_ascii=ascii_only).encode()) == slow_depth(value)


@pytest.mark.parametrize(
    ("depth", "fine"), [(2, True), (32, True), (33, False), (900, False), (1_100, False), (10**5, False)]
)
def test_depth_is_a_fixed_number_not_the_stack(depth: int, fine: bool) -> None:
    value = b'{"x":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"
    json_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
    if fine:
        assert parse(value, json_decoder, EventLimits(depth=32))
    else:
        with pytest.raises(MalformedEvent, match="too_deep"):
            parse(value, json_decoder, EventLimits(depth=32))


@settings(deadline=None)
@given(st.lists(st.booleans(), max_size=12), st.integers(1, 12), st.integers(0, 20))
def test_depth_is_checked_whichever_brackets_nest(squares: list[bool], most: int, beside: int) -> None:
    """`beside`: brackets that nest no deeper, or stand in a string."""
    inner: object = ["[{" * beside, *[{}] * (beside if len(squares) + 2 < most else 0)]
    for square in squares:
        inner = [inner] if square else {"a": inner}
    value = json.dumps({"x": inner}).encode()
    json_decoder, limits = msgspec.json.Decoder(dict[str, msgspec.Raw]), EventLimits(depth=most)
    if slow_depth({"x": inner}) <= most:
        assert parse(value, json_decoder, limits)
    else:
        with pytest.raises(MalformedEvent, match="too_deep"):
            parse(value, json_decoder, limits)


def test_a_value_of_exactly_the_cap_is_read() -> None:
    value = changed(UPSERT)
    limits = EventLimits(dimension=4, value_bytes=len(value))
    assert isinstance(decoder("native", FormOptions(), limits).decode(record(value)), Upsert)
    with pytest.raises(MalformedEvent, match="oversize"):
        decoder("native", FormOptions(), limits).decode(record(value + b" "))


@settings(max_examples=200, deadline=None)
@given(
    st.datetimes(datetime(1970, 1, 2), datetime(2099, 12, 30)),  # noqa: DTZ001 - the offset is drawn apart
    st.integers(-23 * 60 - 59, 23 * 60 + 59),
    st.sampled_from(["isoformat", "lower", "cut"]),
)
def test_instants_are_integers_of_microseconds(naive: datetime, minutes: int, style: str) -> None:
    aware = naive.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    text = {
        "isoformat": aware.isoformat(),
        "lower": aware.isoformat().lower(),
        "cut": aware.isoformat(timespec="milliseconds"),
    }[style]
    parsed = msgspec.json.decode(json.dumps(text), type=datetime)
    assert instant(text, LIMITS) == (parsed - EPOCH) // timedelta(microseconds=1)


@settings(max_examples=300, deadline=None)
@given(st.text("0123456789-+:.TtZz 60", min_size=15, max_size=32))
@example("2026-08-19T10:12:00.9999999Z")
def test_what_is_no_instant_is_refused_as_such(text: str) -> None:
    try:
        found: int | None = instant(text, LIMITS)
    except MalformedEvent as error:
        assert error.reason in {"bad_time", "out_of_range"}  # noqa: PT017 - either of two
        return
    assert found is not None
    assert LIMITS.earliest <= found < LIMITS.latest


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=5, max_size=5))
@example([FLOAT32_OVERFLOW, 0.0, 0.0, 0.0, 0.0])
@example([-np.nextafter(FLOAT32_OVERFLOW, 0), 1e-46, -0.0, 2.0**-149, 16777217.0])
def test_numbers_round_as_numpy_rounds_them(numbers: list[float]) -> None:
    with np.errstate(over="ignore"):
        expected = np.array(numbers, np.float64).astype(np.float32)
    if np.isfinite(expected).all():
        assert VectorReader(5).from_numbers(numbers).tobytes() == expected.tobytes()
    else:
        with pytest.raises(MalformedEvent, match="not_finite"):
            VectorReader(5).from_numbers(numbers)


@settings(max_examples=200, deadline=None)
@given(st.binary(min_size=20, max_size=20))
@example(np.array([1, 2, 3, 4, np.nan], "<f4").tobytes())
@example(np.array([-3.4e38, 3.4e38, 0, 0, 0], "<f4").tobytes())
@example(np.array([0, 0, 0, 0, -np.inf], "<f4").tobytes())
def test_bytes_are_taken_iff_finite(packed: bytes) -> None:
    expected = np.frombuffer(packed, "<f4")
    if np.isfinite(expected).all():
        assert VectorReader(5).from_bytes(packed).tobytes() == packed
    else:
        with pytest.raises(MalformedEvent, match="not_finite"):
            VectorReader(5).from_bytes(packed)


def test_every_forbidden_character_is_refused_and_its_neighbours_are_not() -> None:
    codes = [*range(0x20), *range(0x7F, 0xA0), 0x61C, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A)]
    codes += [0xFEFF, 0xFFF9, 0xFFFA, 0xFFFB]
    for code in codes:
        with pytest.raises(MalformedEvent, match="control_character"):
            identifier(f"a{chr(code)}", "id", 99)
    for code in (0x20, 0x7E, 0xA0, 0xAD, 0x200D, 0x2027, 0x202F, 0x206A, 0xE000, 0x10FFFF):
        assert identifier(f"a{chr(code)}", "id", 99)
    assert FORBIDDEN.isascii()


def test_paths_split_at_dots_and_names_map_one_to_one() -> None:
    assert split("a") == ("a",)
    assert split(r"a.b\.c.d\\") == ("a", "b.c", "d\\")
    names = ["a", "A", "a.b", "é", "", "class", "1"]
    assert len({attribute(name) for name in names}) == len(names)
    assert FieldPaths(chunk_id=r"x.id\.v").key_field() == "id.v"


def test_errors_are_short_printable_ascii() -> None:
    for value in ("\x1b[2J" * 100, "\u202e\ud800", 10**5_000, -(10**300), 1e300, None, True):
        assert len(shown(value)) <= 63
        line = malformed("reason", "\u202e" * 400, shown(value)).detail
        assert line.isascii()
        assert line.isprintable()
        assert len(line) <= 300
