"""Hostile CloudEvents, Debezium envelopes and Qdrant points, each with the reason why."""

import json

from tests.adapters.codecs.forge import CE, CLOUD, ENVELOPE, POINT, ROW, UPSERT, Hostile, changed, dumped, without

_WHOLE = dumped(UPSERT)
_CHANGED_ID = {**ENVELOPE, "op": "u", "before": {"chunk_id": "b"}}

FOREIGN: list[Hostile] = [
    ("ce_version", b"k", changed(CLOUD, specversion="0.3"), (), "unsupported_form"),
    ("ce_version_number", b"k", changed(CLOUD, specversion=1.0), (), "wrong_type"),
    ("ce_no_id", b"k", without(CLOUD, "id"), (), "missing_field"),
    ("ce_empty_source", b"k", changed(CLOUD, source=""), (), "empty"),
    ("ce_no_data", b"k", without(CLOUD, "data"), (), "missing_field"),
    ("ce_data_twice", b"k", changed(CLOUD, data_base64="e30="), (), "conflicting_fields"),
    ("ce_data_base64_bad", b"k", changed(CLOUD, data=None, data_base64="e30"), (), "bad_base64"),
    ("ce_data_base64_not_json", b"k", changed(CLOUD, data=None, data_base64="AAAA"), (), "not_json"),
    ("ce_data_text", b"k", changed(CLOUD, data=json.dumps(UPSERT)), (), "wrong_type"),
    ("ce_data_xml", b"k", changed(CLOUD, datacontenttype="application/xml"), (), "unsupported_form"),
    ("ce_data_hostile", b"k", changed(CLOUD, data={**UPSERT, "version": -1}), (), "out_of_range"),
    ("ce_time", b"k", changed(CLOUD, time="soon"), (), "bad_time"),
    (
        "ce_batch",
        b"k",
        b"[" + dumped(CLOUD) + b"]",
        (("content-type", b"application/cloudevents-batch+json"),),
        "unsupported_form",
    ),
    ("ce_avro", b"k", b"\x00\x01", (("content-type", b"application/cloudevents+avro"),), "unsupported_form"),
    ("ce_binary_version", b"k", _WHOLE, (("ce_specversion", b"2.0"), *CE[1:]), "unsupported_form"),
    ("ce_binary_no_type", b"k", _WHOLE, CE[:3], "missing_field"),
    ("ce_binary_header_not_utf8", b"k", _WHOLE, (*CE, ("ce_subject", b"\xff")), "not_utf8"),
    ("ce_binary_content_type", b"k", _WHOLE, (*CE, ("content-type", b"text/plain")), "unsupported_form"),
    ("ce_binary_empty", b"k", b"", CE, "missing_field"),
    ("ce_binary_hostile", b"k", changed(UPSERT, chunk_id=""), CE, "empty"),
    ("cdc_truncate", b"k", dumped({"op": "t", "ts_ms": 1}), (), "truncate_unsupported"),
    (
        "cdc_truncate_wrapped",
        b"k",
        dumped({"schema": {}, "payload": {"op": "t", "before": None}}),
        (),
        "truncate_unsupported",
    ),
    ("cdc_create_without_after", b"k", changed(ENVELOPE, after=None), (), "missing_field"),
    ("cdc_delete_without_before", b"k", changed(ENVELOPE, op="d"), (), "missing_field"),
    ("cdc_delete_without_id", b"k", changed(ENVELOPE, op="d", before={"x": 1}), (), "missing_field"),
    ("cdc_row_is_text", b"k", changed(ENVELOPE, after="row"), (), "wrong_type"),
    ("cdc_id_is_float", b"k", changed(ENVELOPE, after={**ROW, "chunk_id": 1.5}), (), "wrong_type"),
    (
        "cdc_text_not_logged",
        b"k",
        changed(ENVELOPE, after={**ROW, "text": "__debezium_unavailable_value"}),
        (),
        "unavailable_value",
    ),
    ("cdc_identity_changed", b"k", dumped(_CHANGED_ID), (), "identity_changed"),
    ("cdc_time_in_seconds_of_ms", b"k", changed(ENVELOPE, ts_ms=10**18), (), "out_of_range"),
    ("cdc_lsn_text", b"k", changed(ENVELOPE, source={"lsn": "0/16B3748"}), (), "wrong_type"),
    ("sink_id_missing", b"k", without(POINT, "id"), (), "missing_field"),
    ("sink_id_negative", b"k", changed(POINT, id=-1), (), "bad_point_id"),
    ("sink_id_word", b"k", changed(POINT, id="chunk-1"), (), "bad_point_id"),
    ("sink_id_beyond_64_bits", b"k", changed(POINT, id=2**64), (), "bad_point_id"),
    ("sink_id_true", b"k", changed(POINT, id=True), (), "bad_point_id"),
    ("sink_no_payload", b"k", without(POINT, "payload"), (), "missing_field"),
    ("sink_vectors_named", b"k", changed(POINT, vector={"dense": [1.0, 2.0, 3.0, 4.0]}), (), "wrong_type"),
    ("sink_collection_number", b"k", changed(POINT, collection_name=5), (), "wrong_type"),
    ("sink_collection_null", b"k", changed(POINT, collection_name=None), (), "missing_field"),
]
"""The other forms."""
