"""Every hostile input is refused for its reason; what stands around it is not disturbed."""

import tracemalloc
from collections.abc import Callable

import pytest

from monitor.adapters.codecs.forms import FORMS, decoder
from monitor.adapters.codecs.limits import EventLimits
from monitor.adapters.codecs.reasons import REASONS
from monitor.core.model.events import MalformedEvent, Record, Upsert
from tests.adapters.codecs.forge import LIMITS, OPTIONS, UPSERT, Headers, dumped, record
from tests.adapters.codecs.hostile import HOSTILE

AUTO = decoder("auto", OPTIONS, LIMITS)
NATIVE = [case for case in HOSTILE if not case[0].startswith(("ce_", "cdc_", "sink_"))]


@pytest.mark.parametrize(("name", "key", "value", "headers", "reason"), HOSTILE, ids=[case[0] for case in HOSTILE])
def test_refused_for_its_reason(
    name: str, key: bytes | None, value: bytes | None, headers: Headers, reason: str
) -> None:
    with pytest.raises(MalformedEvent) as raised:
        AUTO.decode(record(value, key, headers))
    assert raised.value.reason == reason, raised.value.detail
    assert raised.value.detail.isascii()
    assert raised.value.detail.isprintable()
    assert 0 < len(raised.value.detail) <= 300
    assert isinstance(AUTO.decode(record(dumped(UPSERT))), Upsert)


def reason_of(decode: Callable[[Record], object], given: Record) -> str | None:
    try:
        decode(given)
    except MalformedEvent as error:
        return error.reason
    return None


@pytest.mark.parametrize("form", FORMS)
def test_no_form_fails_in_another_way(form: str) -> None:
    decode = decoder(form, OPTIONS, LIMITS).decode
    for name, key, value, headers, _ in HOSTILE:
        reason = reason_of(decode, record(value, key, headers))
        assert reason in REASONS or (reason is None and form != "auto"), name


def test_the_native_decoder_agrees_with_the_automatic_one() -> None:
    native = decoder("native", OPTIONS, LIMITS)
    for name, key, value, headers, reason in NATIVE:
        if name in {"tombstone_key_object_without_id", "tombstone_key_boolean_id"}:
            continue  # in the native form a key is a chunk id, whatever it looks like
        with pytest.raises(MalformedEvent) as raised:
            native.decode(record(value, key, headers))
        assert raised.value.reason == reason, name


def test_there_are_many_and_every_reason_occurs() -> None:
    assert len(HOSTILE) >= 80
    assert len({case[0] for case in HOSTILE}) == len(HOSTILE)
    assert {case[4] for case in HOSTILE} == set(REASONS)


PIECES = [b"[],", b"{},", b'"":0,', b"0,", b'"a":{},', b'"\\u0000",', b"[[[", b'"%06d":"v",', b'"%06d":{},']
FIELDS = [b"%s", b'"vector":[%s]', b'"segment":{%s}', b'"upto":{%s}', b'"text":[%s]', b'"unknown":[%s]']


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize("field", FIELDS)
def test_memory_is_a_small_multiple_of_the_size(piece: bytes, field: bytes) -> None:
    size = 1 << 19
    decode = decoder("auto", OPTIONS, EventLimits(dimension=4, value_bytes=size)).decode
    times = (size - 60) // (len(piece) + 2 * piece.count(b"%"))
    pieces = b"".join(piece % i for i in range(times)) if b"%" in piece else piece * times
    value = b'{"op":"upsert",' + field % pieces[:-1] + b"}"
    assert size * 0.9 < len(value) <= size
    tracemalloc.start()
    try:
        with pytest.raises(MalformedEvent):
            decode(record(value))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20 * size
