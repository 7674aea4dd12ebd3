"""Inputs that must be quarantined, each with the reason why: other tests send them through files and brokers.

They are hostile to `LIMITS` and `OPTIONS` of `forge` and decoded in form `auto`. Not one of them is an event.
"""

from tests.adapters.codecs.forge import (
    DELETE,
    DEPLOY,
    HEARTBEAT,
    LIMITS,
    TIME,
    UPSERT,
    Hostile,
    changed,
    dumped,
    literal,
    packed,
    without,
)
from tests.adapters.codecs.hostile_bytes import BYTES
from tests.adapters.codecs.hostile_foreign import FOREIGN

_WHOLE = dumped(UPSERT)

VALUES: list[Hostile] = [
    ("no_op", b"k", without(UPSERT, "op"), (), "missing_field"),
    ("null_op", b"k", changed(UPSERT, op=None), (), "missing_field"),
    ("unknown_op", b"k", changed(UPSERT, op="drop table"), (), "unknown_op"),
    ("upper_case_op", b"k", changed(UPSERT, op="UPSERT"), (), "unknown_op"),
    ("op_is_number", b"k", changed(UPSERT, op=1), (), "wrong_type"),
    *((f"no_{name}", b"k", without(UPSERT, name), (), "missing_field") for name in ("chunk_id", "doc_id", "text")),
    ("no_event_time_no_stamp", b"k", without(UPSERT, "event_time"), (), "missing_field"),
    ("delete_without_chunk_id", b"k", without(DELETE, "chunk_id"), (), "missing_field"),
    ("deploy_without_id", b"k", without(DEPLOY, "deploy_id"), (), "missing_field"),
    ("heartbeat_without_time", b"k", without(HEARTBEAT, "event_time"), (), "missing_field"),
    ("last_of_repeated_keys_counts", b"k", _WHOLE[:-1] + b', "doc_id": null}', (), "missing_field"),
    ("chunk_id_number", b"k", changed(UPSERT, chunk_id=7), (), "wrong_type"),
    ("chunk_id_list", b"k", changed(UPSERT, chunk_id=["a"]), (), "wrong_type"),
    ("chunk_id_empty", b"k", changed(UPSERT, chunk_id=""), (), "empty"),
    ("chunk_id_too_long", b"k", changed(UPSERT, chunk_id="k" * 1_025), (), "too_long"),
    ("chunk_id_too_long_in_bytes", b"k", changed(UPSERT, chunk_id="ü" * 600), (), "too_long"),
    ("chunk_id_nul", b"k", literal(UPSERT, "chunk_id", rb'"a\u0000b"'), (), "control_character"),
    ("chunk_id_newline", b"k", changed(UPSERT, chunk_id="a\nb"), (), "control_character"),
    ("chunk_id_escape", b"k", changed(UPSERT, chunk_id="\x1b[2Ja"), (), "control_character"),
    ("chunk_id_c1", b"k", changed(UPSERT, chunk_id="a\x9bb"), (), "control_character"),
    ("chunk_id_rtl_override", b"k", changed(UPSERT, chunk_id="a\u202eb"), (), "control_character"),
    ("chunk_id_isolate", b"k", changed(UPSERT, chunk_id="a\u2066b"), (), "control_character"),
    ("chunk_id_line_separator", b"k", changed(UPSERT, chunk_id="a\u2028b"), (), "control_character"),
    ("chunk_id_byte_order_mark", b"k", changed(UPSERT, chunk_id="\ufeffa"), (), "control_character"),
    ("chunk_id_reserved", b"k", changed(UPSERT, chunk_id="__deploy__/1"), (), "reserved_id"),
    ("delete_reserved", b"k", changed(DELETE, chunk_id="__deploy__/1"), (), "reserved_id"),
    ("doc_id_bell", b"k", changed(UPSERT, doc_id="\x07"), (), "control_character"),
    ("doc_id_empty", b"k", changed(UPSERT, doc_id=""), (), "empty"),
    ("deploy_id_tab", b"k", changed(DEPLOY, deploy_id="a\tb"), (), "control_character"),
    ("deploy_id_too_long", b"k", changed(DEPLOY, deploy_id="d" * 5_000), (), "too_long"),
    ("text_number", b"k", changed(UPSERT, text=3.5), (), "wrong_type"),
    ("text_too_long", b"k", changed(UPSERT, text="x" * (LIMITS.text_bytes + 1)), (), "too_long"),
    ("text_too_long_in_bytes", b"k", changed(UPSERT, text="漢" * 22_000), (), "too_long"),
    ("version_text", b"k", changed(UPSERT, version="41"), (), "wrong_type"),
    ("version_true", b"k", changed(UPSERT, version=True), (), "wrong_type"),
    ("version_float", b"k", changed(UPSERT, version=41.0), (), "wrong_type"),
    ("version_exponent", b"k", literal(UPSERT, "version", b"4e1"), (), "wrong_type"),
    ("version_minus_zero_float", b"k", literal(UPSERT, "version", b"-0.0"), (), "wrong_type"),
    ("version_negative", b"k", changed(UPSERT, version=-1), (), "out_of_range"),
    ("version_beyond_63_bits", b"k", changed(UPSERT, version=2**63), (), "out_of_range"),
    ("version_hundred_digits", b"k", literal(UPSERT, "version", b"9" * 100), (), "out_of_range"),
    ("version_huge", b"k", literal(UPSERT, "version", b"9" * 100_000), (), "out_of_range"),
    ("version_overflow", b"k", literal(UPSERT, "version", b"1e400"), (), "not_finite"),
    ("version_leading_zero", b"k", literal(UPSERT, "version", b"041"), (), "not_json"),
    ("version_hexadecimal", b"k", literal(UPSERT, "version", b"0x29"), (), "not_json"),
    ("position_negative", b"k", changed(UPSERT, position=-3), (), "out_of_range"),
    ("position_false", b"k", changed(UPSERT, position=False), (), "wrong_type"),
    ("delete_version_negative", b"k", changed(DELETE, version=-5), (), "out_of_range"),
    ("embedding_version_object", b"k", changed(UPSERT, embedding_version={}), (), "wrong_type"),
    ("embedding_version_too_long", b"k", changed(UPSERT, embedding_version="e" * 257), (), "too_long"),
    ("content_hash_nul", b"k", changed(UPSERT, content_hash="\x00"), (), "control_character"),
    ("segment_list", b"k", changed(UPSERT, segment=[["language", "en"]]), (), "wrong_type"),
    ("segment_value_number", b"k", changed(UPSERT, segment={"language": 5}), (), "wrong_type"),
    ("segment_value_nested", b"k", changed(UPSERT, segment={"a": {"b": "c"}}), (), "wrong_type"),
    ("segment_value_newline", b"k", changed(UPSERT, segment={"language": "en\n# HELP x"}), (), "control_character"),
    ("segment_value_too_long", b"k", changed(UPSERT, segment={"language": "e" * 257}), (), "too_long"),
    ("segment_name_empty", b"k", changed(UPSERT, segment={"": "en"}), (), "empty"),
    ("segment_name_too_long", b"k", changed(UPSERT, segment={"n" * 65: "en"}), (), "too_long"),
    ("expected_text", b"k", changed(DEPLOY, expected="pricing"), (), "wrong_type"),
    ("expected_too_many", b"k", changed(DEPLOY, expected={f"n{i}": "v" for i in range(33)}), (), "too_many"),
    ("upto_list", b"k", changed(DEPLOY, upto=[1, 2]), (), "wrong_type"),
    ("upto_empty", b"k", changed(DEPLOY, upto={}), (), "empty"),
    ("upto_topic_without_partitions", b"k", changed(DEPLOY, upto={"t": {"0": 1}, "u": {}}), (), "empty"),
    ("upto_partition_name", b"k", changed(DEPLOY, upto={"t": {"zero": 1}}), (), "out_of_range"),
    ("upto_partition_padded", b"k", changed(DEPLOY, upto={"t": {"00": 1}}), (), "out_of_range"),
    ("upto_partition_arabic_digit", b"k", changed(DEPLOY, upto={"t": {"٣": 1}}), (), "out_of_range"),
    ("upto_partition_huge", b"k", changed(DEPLOY, upto={"t": {"4294967296": 1}}), (), "out_of_range"),
    ("upto_offset_negative", b"k", changed(DEPLOY, upto={"t": {"0": -1}}), (), "out_of_range"),
    ("upto_offset_float", b"k", changed(DEPLOY, upto={"t": {"0": 1.5}}), (), "wrong_type"),
    ("upto_topic_nul", b"k", changed(DEPLOY, upto={"t\x00": {"0": 1}}), (), "control_character"),
    ("upto_too_many", b"k", changed(DEPLOY, upto={"t": {str(i): i for i in range(4_097)}}), (), "too_many"),
]
"""Native events with a field that is missing, of another type or out of bounds."""

_BAD_TIMES = {
    "no_offset": "2026-08-19T10:12:00",
    "date_only": "2026-08-19",
    "no_such_day": "2026-02-30T00:00:00Z",
    "no_leap_year": "2025-02-29T00:00:00Z",
    "leap_second": "2016-12-31T23:59:60Z",
    "hour_24": "2026-08-19T24:00:00Z",
    "month_13": "2026-13-01T00:00:00Z",
    "space": "2026-08-19 10:12:00Z",
    "comma": "2026-08-19T10:12:00,5Z",
    "basic_format": "20260819T101200Z",
    "week_date": "2026-W34-3T10:12:00Z",
    "offset_without_colon": "2026-08-19T10:12:00+0200",
    "offset_24": "2026-08-19T10:12:00+24:00",
    "two_digit_year": "26-08-19T10:12:00Z",
    "five_digit_year": "12026-08-19T10:12:00Z",
    "ten_fraction_digits": "2026-08-19T10:12:00.1234567890Z",
    "newline": TIME + "\n",
    "blank": " " + TIME,
    "empty": "",
    "word": "yesterday",
    "arabic_digits": "٢٠٢٦-08-19T10:12:00Z",
    "nul": TIME + "\x00",
}

TIMES: list[Hostile] = [
    *((f"time_{name}", b"k", changed(UPSERT, event_time=time), (), "bad_time") for name, time in _BAD_TIMES.items()),
    ("time_number", b"k", changed(UPSERT, event_time=1_787_134_320), (), "wrong_type"),
    ("time_year_0001", b"k", changed(UPSERT, event_time="0001-01-01T00:00:00+23:59"), (), "out_of_range"),
    ("time_year_9999", b"k", changed(UPSERT, event_time="9999-12-31T23:59:59-23:59"), (), "out_of_range"),
    ("time_year_0000", b"k", changed(UPSERT, event_time="0000-01-01T00:00:00Z"), (), "bad_time"),
    ("time_before_1970", b"k", changed(DELETE, event_time="1969-12-31T23:59:59Z"), (), "out_of_range"),
    ("time_year_2100", b"k", changed(HEARTBEAT, event_time="2100-01-01T00:00:00Z"), (), "out_of_range"),
]
"""Event times that are no instants, or absurd ones."""

_BAD_B64 = {
    "white_space": packed(1, 2, 3, 4)[:4] + "\n" + packed(1, 2, 3, 4)[4:],
    "url_safe": packed(1, 2, 3, 4)[:-4] + "_-8=",
    "no_padding": packed(1, 2, 3, 4).rstrip("="),
    "too_much_padding": packed(1, 2, 3, 4) + "=",
    "padding_inside": "AA==" + packed(1, 2, 3, 4),
    "data_url": "data:;base64," + packed(1, 2, 3, 4),
    "unicode": "ＡＡＡＡ",
}

VECTORS: list[Hostile] = [
    *(
        (f"b64_{name}", b"k", changed(UPSERT, vector=None, vector_b64=text), (), "bad_base64")
        for name, text in _BAD_B64.items()
    ),
    ("nan", b"k", literal(UPSERT, "vector", b"[1, NaN, 3, 4]"), (), "not_finite"),
    ("infinity", b"k", literal(UPSERT, "vector", b"[1, Infinity, 3, 4]"), (), "not_finite"),
    ("minus_infinity", b"k", literal(UPSERT, "vector", b"[1, -Infinity, 3, 4]"), (), "not_finite"),
    ("overflow_double", b"k", literal(UPSERT, "vector", b"[1, 1e400, 3, 4]"), (), "not_finite"),
    ("overflow_float32", b"k", literal(UPSERT, "vector", b"[1, -1e39, 3, 4]"), (), "not_finite"),
    ("overflow_integer", b"k", literal(UPSERT, "vector", b"[1, " + b"9" * 5_000 + b", 3, 4]"), (), "not_finite"),
    ("vector_empty", b"k", changed(UPSERT, vector=[]), (), "wrong_dimension"),
    ("vector_short", b"k", changed(UPSERT, vector=[1.0, 2.0, 3.0]), (), "wrong_dimension"),
    ("vector_long", b"k", changed(UPSERT, vector=[1.0] * 384), (), "wrong_dimension"),
    ("vector_flood", b"k", literal(UPSERT, "vector", b"[" + b"0," * 30_000 + b"0]"), (), "wrong_dimension"),
    ("vector_nested", b"k", changed(UPSERT, vector=[[1.0, 2.0, 3.0, 4.0]]), (), "wrong_type"),
    ("vector_strings", b"k", changed(UPSERT, vector=["1", "2", "3", "4"]), (), "wrong_type"),
    ("vector_null_component", b"k", changed(UPSERT, vector=[1.0, None, 3.0, 4.0]), (), "wrong_type"),
    ("vector_true_component", b"k", changed(UPSERT, vector=[1.0, True, 3.0, 4.0]), (), "wrong_type"),
    ("vector_text", b"k", changed(UPSERT, vector="[1, 2, 3, 4]"), (), "wrong_type"),
    ("vector_sparse", b"k", changed(UPSERT, vector={"indices": [1], "values": [2.0]}), (), "wrong_type"),
    ("vector_twice", b"k", changed(UPSERT, vector_b64=packed(1, 2, 3, 4)), (), "conflicting_fields"),
    ("b64_number", b"k", changed(UPSERT, vector=None, vector_b64=7), (), "wrong_type"),
    ("b64_short", b"k", changed(UPSERT, vector=None, vector_b64=packed(1, 2, 3)), (), "wrong_dimension"),
    ("b64_odd_bytes", b"k", changed(UPSERT, vector=None, vector_b64="AAAAAAA="), (), "wrong_dimension"),
    ("b64_empty", b"k", changed(UPSERT, vector=None, vector_b64=""), (), "wrong_dimension"),
    ("b64_nan", b"k", changed(UPSERT, vector=None, vector_b64=packed(1, float("nan"), 3, 4)), (), "not_finite"),
    ("b64_infinity", b"k", changed(UPSERT, vector=None, vector_b64=packed(1, 2, 3, -float("inf"))), (), "not_finite"),
]
"""Vectors that would poison every score."""


HOSTILE: list[Hostile] = [*BYTES, *VALUES, *TIMES, *VECTORS, *FOREIGN]
"""(name, key, value, headers, expected reason); names are unique."""
