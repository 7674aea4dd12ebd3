"""CloudEvents 1.0, structured and binary: native events in an envelope."""

import base64
from typing import Any

import pytest

from monitor.adapters.codecs.forms import decoder
from monitor.core.model.events import TIMESTAMP_HEADER, Deploy, Heartbeat
from tests.adapters.codecs.forge import (
    CE,
    CLOUD,
    DELETE,
    DEPLOY,
    HEARTBEAT,
    LIMITS,
    OPTIONS,
    TIME,
    UPSERT,
    changed,
    dumped,
    record,
    same,
)

CLOUDS = decoder("cloudevents", OPTIONS, LIMITS)
AUTO = decoder("auto", OPTIONS, LIMITS)
NO_OP = {name: value for name, value in UPSERT.items() if name != "op"}
TIMELESS = {name: value for name, value in DELETE.items() if name != "event_time"}
STRUCTURED = (("content-type", b"application/cloudevents+json; charset=UTF-8"),)


@pytest.mark.parametrize(
    ("value", "headers", "native"),
    [
        (dumped(CLOUD), (), UPSERT),
        (dumped(CLOUD), STRUCTURED, UPSERT),
        (dumped(CLOUD), (("Content-Type", b"application/json"),), UPSERT),
        (changed(CLOUD, data=NO_OP), STRUCTURED, UPSERT),
        (changed(CLOUD, data=DELETE), STRUCTURED, DELETE),
        (changed(CLOUD, data=DELETE, datacontenttype="application/vnd.acme+json"), STRUCTURED, DELETE),
        (changed(CLOUD, data=TIMELESS, time=TIME), STRUCTURED, DELETE),
        (changed(CLOUD, data=DELETE, time="2020-01-01T00:00:00Z"), STRUCTURED, DELETE),
        (changed(CLOUD, data=None, data_base64=base64.b64encode(dumped(UPSERT)).decode()), STRUCTURED, UPSERT),
        (changed(CLOUD, data={"deploy_id": "2026-08-19.1"}, time=TIME, type="x.deploy"), STRUCTURED, DEPLOY),
        (changed(CLOUD, data=None, type="x.heartbeat", time=TIME), STRUCTURED, HEARTBEAT),
        (dumped(UPSERT), CE, UPSERT),
        (dumped(NO_OP), CE, UPSERT),
        (dumped(DELETE), (*CE, ("content-type", b"application/json")), DELETE),
        (dumped(TIMELESS), (*CE, ("ce_time", TIME.encode())), DELETE),
        (dumped(TIMELESS), (*CE, ("ce_time", TIME.encode()), (TIMESTAMP_HEADER, b"5")), DELETE),
        (b"", (*CE[:3], ("ce_type", b"x.heartbeat"), ("ce_time", TIME.encode())), HEARTBEAT),
    ],
)
def test_cloud_events_carry_native_events(value: bytes, headers: Any, native: dict[str, Any]) -> None:
    expected = decoder("native", OPTIONS, LIMITS).decode(record(dumped(native)))
    for each in (CLOUDS, AUTO):
        assert same(each.decode(record(value, b"k", headers)), expected)


def test_heartbeats_and_deploys_pass_through_every_envelope() -> None:
    for native, kind in ((HEARTBEAT, Heartbeat), (DEPLOY, Deploy)):
        assert isinstance(AUTO.decode(record(changed(CLOUD, data=native))), kind)
        assert isinstance(AUTO.decode(record(dumped(native), None, CE)), kind)
