"""An ordinary record read at a glance is the event that the careful decoder makes of it; others are left to that."""

import json
from typing import Any
from unittest import mock

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from monitor.adapters.codecs import ordinary
from monitor.adapters.codecs.forms import FormOptions, careful_decoder, decoder
from monitor.adapters.codecs.limits import EventLimits
from monitor.adapters.codecs.ordinary import OrdinaryFirst
from monitor.adapters.codecs.wire import EventReader
from monitor.core.model.events import TIMESTAMP_HEADER, CorpusEvent, Deploy, MalformedEvent, Record
from monitor.ports import Decoder
from tests.adapters.codecs.forge import (
    B64,
    CLOUD,
    DELETE,
    ENVELOPE,
    LIMITS,
    MICROS,
    OPTIONS,
    POINT,
    UPSERT,
    Headers,
    changed,
    dumped,
    literal,
    record,
    same,
    without,
)
from tests.adapters.codecs.hostile import HOSTILE
from tests.adapters.codecs.test_fuzz import HEADERS, JSON

STAMP: Headers = ((TIMESTAMP_HEADER, b"1780000000000000"),)
POINT_ID = "5C56C793-69F3-4FBF-87E6-C4BF54C28C26"
ORDINARY = [
    dumped(UPSERT),
    dumped({"op": "upsert", "chunk_id": "a", "text": "", "event_time": UPSERT["event_time"]}),
    changed(UPSERT, vector=None, vector_b64=B64),
    changed(UPSERT, chunk_id="führer/ü.md#漢", doc_id="führer/ü.md", text="漢字 \x00\u202e"),
    changed(UPSERT, chunk_id="k" * 1_024, doc_id="ü" * 512),
    changed(UPSERT, chunk_id="_internal#1", doc_id=None, content_hash="x" * 256, embedding_version="other"),
    changed(UPSERT, version=["mysql-bin.000003", 4], position=2**63 - 1),
    changed(UPSERT, version="0239", position=0, segment={"language": "de", "empty": "", "none": None}),
    changed(UPSERT, version=2**63 - 1, segment={}, text="x" * LIMITS.text_bytes),
    changed(UPSERT, event_time="2026-08-19t10:12:00.1234567+05:30", position=None, version=None, segment=None),
    changed(UPSERT, chunk_id=POINT_ID),
    dumped(UPSERT)[:-1] + b', "text": "the last counts"}',
    b' \t\r\n{"op":"upsert","chunk_id":"\\u0061\\ud83d\\ude00","text":"\\n","event_time":"2026-08-19T10:12:00Z"} ',
]
DOUBTFUL = [
    DELETE,
    CLOUD,
    ENVELOPE,
    POINT,
    {**UPSERT, "unknown": [[[1]]]},
    {**UPSERT, "before": None},
    {**UPSERT, "specversion": "1.0"},
    {**UPSERT, "vectors": {"other": {"vector": [1, 2]}}},
    {**UPSERT, "vector": "[0.5,-0.25,0.125,1]"},
    {**UPSERT, "vector": None, "deploy_id": None},
]
SETTINGS = [
    (
        form,
        FormOptions(embedding_version="", paths=OPTIONS.paths, plain_rows=True, point_ids=ids, versions=of),
        limits,
    )
    for form in ("auto", "native")
    for ids, of in ((False, ()), (True, ("other",)))
    for limits in (LIMITS, EventLimits(dimension=0), EventLimits(dimension=4, id_bytes=30, label_bytes=9, depth=2))
]


class Odd:
    """Judges nothing: what comes here was found odd."""

    def __init__(self) -> None:
        self.seen = 0

    def decode(self, given: Record) -> None:
        """Count it."""
        del given
        self.seen += 1


def own(form: str, options: FormOptions, limits: EventLimits) -> tuple[OrdinaryFirst, Odd, Decoder]:
    """The glance alone, what it finds odd, and the careful decoder of the same settings."""
    reader = EventReader(limits, options.embedding_version, point_ids=options.point_ids, versions=options.versions)
    odd = Odd()
    glance = OrdinaryFirst(odd, reader, options.embedding_version, point_ids=options.point_ids)
    return glance, odd, careful_decoder(form, options, reader)


BOTH = [own(*each) for each in SETTINGS]


def outcome(decode: Decoder, given: Record) -> tuple[CorpusEvent | None, str]:
    try:
        return decode.decode(given), ""
    except MalformedEvent as error:
        return None, str(error)


def agree(value: bytes | None, key: bytes | None, headers: Headers) -> None:
    """The glance either passes the record on, or makes of it what the careful decoder makes of it."""
    for glance, odd, careful in BOTH:
        seen, glance._odd = odd.seen, 0
        event = glance.decode(record(value, key, headers))
        if odd.seen == seen:
            expected, refusal = outcome(careful, record(value, key, headers))
            assert not refusal
            assert event is not None
            assert same(event, expected)


@pytest.mark.parametrize("value", ORDINARY)
@pytest.mark.parametrize("headers", [(), STAMP])
def test_an_ordinary_record_is_read_at_a_glance(value: bytes, headers: Headers) -> None:
    glance, odd, careful = own("auto", OPTIONS, LIMITS)
    event = glance.decode(record(value, b"k", headers))
    assert not odd.seen
    assert event is not None
    assert same(event, careful.decode(record(value, b"k", headers)))
    agree(value, b"k", headers)


def test_the_stamp_dates_what_says_no_time() -> None:
    value = without(UPSERT, "event_time")
    glance, odd, careful = own("auto", OPTIONS, LIMITS)
    event: CorpusEvent | None = glance.decode(record(value, None, STAMP))
    assert same(event, careful.decode(record(value, None, STAMP)))
    assert "event_time=1780000000000000" in repr(event)
    for headers in ((), ((TIMESTAMP_HEADER, b"soon"),), ((TIMESTAMP_HEADER, b"9" * 19),), (*STAMP, ("a", b""))):
        agree(value, None, headers)
        glance.decode(record(value, None, headers))
    assert odd.seen == 4


@pytest.mark.parametrize("day", ["2026-08-19", "1970-01-01", "2099-12-31", "2026-02-29", "2024-02-29", "2100-01-01"])
def test_a_time_is_the_one_that_the_careful_decoder_reads(day: str) -> None:
    hours = ("00:00", "23:59", "24:00", "10:60", "1:00:0", "٠1:00")
    ends = ("00Z", "59Z", "60Z", "07z", "07", "7Z", "07+00:00", "07.5Z", "07.000001-23:59", "", "Z")
    for between in ("T", "t", " "):
        for clock in [f"{hour}:{end}" for hour in hours for end in ends]:
            agree(changed(UPSERT, event_time=day + between + clock), b"k", ())


def test_a_limit_may_lie_within_a_minute() -> None:
    narrow = EventLimits(dimension=4, earliest=MICROS + 20_000_000, latest=MICROS + 40_000_000)
    glance, odd, _ = own("auto", OPTIONS, narrow)
    for second in range(60):
        value = changed(UPSERT, event_time=f"2026-08-19T10:12:{second:02}Z")
        whole, careful = decoder("auto", OPTIONS, narrow), own("auto", OPTIONS, narrow)[2]
        assert outcome(whole, record(value))[1] == outcome(careful, record(value))[1]
        glance.decode(record(value))
    assert odd.seen >= 40


def test_what_is_hostile_is_never_read_at_a_glance() -> None:
    for name, key, value, headers, _ in HOSTILE:
        glance, odd, _ = own("auto", OPTIONS, LIMITS)
        glance.decode(record(value, key, headers))
        assert odd.seen, name
        agree(value, key, headers)
        agree(value, key, STAMP)


DEPLOY = dumped({"op": "deploy", "deploy_id": "d", "event_time": UPSERT["event_time"]})
NOT_UTF8 = [b"\xff", b"\xed\xa0\x80", b"\xc0\x80", b"\xf5\x80\x80\x80", b"\xc3"]
WHOLE = [(decoder(*each), careful_decoder(each[0], each[1], EventReader(each[2], each[1].embedding_version,
          point_ids=each[1].point_ids, versions=each[1].versions))) for each in SETTINGS]  # fmt: skip
RECORDS = [
    *(
        record(value, b"k", headers)
        for value in [*ORDINARY, DEPLOY, *map(dumped, DOUBTFUL)]
        for headers in ((), STAMP)
    ),
    *(record(value, key, headers) for _, key, value, headers, _ in HOSTILE),
    record(without(UPSERT, "event_time"), None, STAMP),
    record(without(UPSERT, "event_time"), None, ()),
    *(
        record(changed(UPSERT, vector=None, vector_b64=packed), b"k")
        for packed in ("AACAfwAAAAAAAAAAAAAAAA==", "//9/f///f3///39///9/fw==", "AAAA", "AACA/wAAAAAAAAAAAAAAAA==")
    ),
]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.sampled_from(RECORDS) | st.sampled_from(RECORDS[: 2 * len(ORDINARY)]), max_size=20),
    st.sampled_from([1, 2, 5, 128]),
)
@example(RECORDS, 128)
@example([one for one in RECORDS if one.value != DEPLOY], 7)
def test_a_run_of_records_is_read_as_each_of_them(given_records: list[Record], block: int) -> None:
    """Up to the first marker, whatever is among them; huge numbers in a vector are none that are not finite."""
    for whole, careful in WHOLE:
        with mock.patch.object(ordinary, "_BLOCK", block):
            assert isinstance(whole, OrdinaryFirst)
            found = whole.decode_run(given_records)
        expected = list[tuple[CorpusEvent | None, str]]()
        for one in given_records:
            expected.append(outcome(careful, one))
            if isinstance(expected[-1][0], Deploy):
                break
        assert len(found) == len(expected)
        for event, (other, refusal) in zip(found, expected, strict=True):
            if isinstance(event, MalformedEvent):
                assert str(event) == refusal
            else:
                assert not refusal
                assert same(event, other)


@pytest.mark.parametrize("bad", NOT_UTF8)
def test_what_is_not_utf8_is_never_read_at_a_glance(bad: bytes) -> None:
    """Wherever it stands, in what is overwritten too."""
    value = b'{"op":"upsert","chunk_id":"a","text":"T","segment":{"k":"v"},"vector_b64":"AACAPwAAAAAAAAAAAAAAAA=="'
    value += b',"event_time":"2026-08-19T10:12:00Z"}'
    agree(value, b"k", ())
    for at in range(len(value) + 1):
        glance, odd, _ = own("auto", OPTIONS, LIMITS)
        glance.decode(record(value[:at] + bad + value[at:], b"k"))
        assert odd.seen
    for name in (b"doc_id", b"content_hash", b"embedding_version"):
        twice = value[:-1] + b',"' + name + b'":"' + bad + b'","' + name + b'":null}'
        glance, odd, _ = own("auto", OPTIONS, LIMITS)
        glance.decode(record(twice, b"k"))
        assert odd.seen


@pytest.mark.parametrize("given", DOUBTFUL)
def test_what_may_be_another_form_is_left_to_the_careful_decoder(given: dict[str, Any]) -> None:
    glance, odd, careful = own("auto", OPTIONS, LIMITS)
    glance.decode(record(dumped(given)))
    assert odd.seen
    whole = decoder("auto", OPTIONS, LIMITS)
    assert outcome(whole, record(dumped(given)))[1] == outcome(careful, record(dumped(given)))[1]


def test_a_stream_of_other_records_is_hardly_looked_at_and_ordinary_ones_are_found_again() -> None:
    glance, odd, _ = own("auto", OPTIONS, LIMITS)
    for _ in range(100):
        glance.decode(record(dumped(DELETE)))
    assert odd.seen == 100
    for _ in range(100):
        glance.decode(record(dumped(UPSERT)))
    assert odd.seen < 164


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(ORDINARY), st.data(), HEADERS)
@example(literal(UPSERT, "vector", b"[1e39,0,0,0]"), None, ())
@example(literal(UPSERT, "version", b"1.0"), None, ())
@example(literal(UPSERT, "text", b'"\\ud800"'), None, ())
@example(literal(UPSERT, "text", b'"\xff"'), None, ())
def test_mutated_records(base: bytes, data: st.DataObject | None, headers: Headers) -> None:
    value = bytearray(base)
    for _ in range(0 if data is None else data.draw(st.integers(1, 4))):
        assert data is not None
        at = data.draw(st.integers(0, len(value)))
        length = data.draw(st.sampled_from([0, 1, 1, 2, 8]))
        value[at : at + length] = data.draw(
            st.one_of(st.binary(max_size=4), st.sampled_from([b'"', b"null", b"1e99", b"[", b"7"]))
        )
    agree(bytes(value), b"k", headers)
    agree(bytes(value), b"k", STAMP)


@settings(max_examples=300, deadline=None)
@given(st.data(), HEADERS)
def test_records_with_random_fields(data: st.DataObject, headers: Headers) -> None:
    names = data.draw(st.sets(st.sampled_from(sorted({*UPSERT, "vector_b64", "content_hash", "upto"})), max_size=3))
    value = json.dumps({**UPSERT, **{name: data.draw(JSON) for name in names}}).encode()
    agree(value, b"k", headers)


def test_nothing_is_read_at_a_glance_where_not_even_that_may_nest_so_deep() -> None:
    shallow = EventLimits(dimension=4, depth=1)
    with pytest.raises(MalformedEvent, match="too_deep"):
        decoder("auto", OPTIONS, shallow).decode(record(dumped(UPSERT)))
