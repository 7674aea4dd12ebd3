"""TLS, client certificates and SCRAM against Apache Kafka itself, and what a user reads when one of them is wrong."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from itertools import count as counting
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient

from monitor.adapters.sources.kafka.dead_letters import DeadLetterSettings, KafkaDeadLetters
from monitor.adapters.sources.kafka.source import KafkaSettings, KafkaSource
from monitor.core.model.events import Position
from monitor.core.records.committed import Quarantined
from monitor.ports import ConfigurationError, UnreachableError
from tests.kafka_admin import created, produce
from tests.kafka_reading import count, numbered, until
from tests.secure_kafka import KEY_PASSWORD, MECHANISMS, SecureBroker, secure_kafka_broker
from tests.stack import PASSWORD, USER, need

pytestmark = pytest.mark.stack
NAMES = counting()


@pytest.fixture(scope="module")
def broker() -> Iterator[SecureBroker]:
    with ExitStack() as stack:
        yield need(secure_kafka_broker(), stack)


@pytest.fixture(scope="module")
def topic(broker: SecureBroker) -> str:
    admin = AdminClient({"bootstrap.servers": broker.plain.bootstrap, "log_level": 0})
    name = created(admin, f"secure-{next(NAMES)}", 1)
    produce(broker.plain, name, 0, numbered(3))
    return name


def scram(broker: SecureBroker, topic: str, **changes: Any) -> KafkaSettings:
    given: dict[str, Any] = {
        "security": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_username": USER,
        "sasl_password": PASSWORD,
        "ca_file": str(broker.authority),
        "start_timeout": 20.0,
    }
    return KafkaSettings((broker.scram,), (topic,), **(given | changes))


def mutual(broker: SecureBroker, topic: str, **changes: Any) -> KafkaSettings:
    given: dict[str, Any] = {
        "security": "SSL",
        "ca_file": str(broker.authority),
        "cert_file": str(broker.certificate),
        "key_file": str(broker.key),
        "key_password": KEY_PASSWORD,
        "start_timeout": 20.0,
    }
    return KafkaSettings((broker.mutual,), (topic,), **(given | changes))


def read(settings: KafkaSettings) -> int:
    source = KafkaSource(settings)
    source.start({})
    try:
        records, faults = until(source, count(3))
    finally:
        source.close()
    assert faults == []
    return len(records)


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_scram_over_tls_reads_and_writes(
    broker: SecureBroker, topic: str, mechanism: str, caplog: pytest.LogCaptureFixture
) -> None:
    settings = scram(broker, topic, sasl_mechanism=mechanism)
    with caplog.at_level(logging.DEBUG):
        assert read(settings) >= 3
        letters = KafkaDeadLetters(settings, DeadLetterSettings(topic))
        letters.publish([Quarantined(Position(topic, 0, 1), "not_json", "why", b"k", b"v", 1)])
        letters.close()
    assert PASSWORD not in caplog.text


def test_a_client_certificate_with_an_encrypted_key_is_shown(broker: SecureBroker, topic: str) -> None:
    assert read(mutual(broker, topic)) >= 3


def cases(broker: SecureBroker, topic: str) -> dict[str, tuple[KafkaSettings, type[Exception], str]]:
    """Settings that can't work, and the error with what it has to name."""
    soon = {"start_timeout": 3.0}
    elsewhere = scram(broker, topic, **soon)
    named = replace(elsewhere, bootstrap_servers=(broker.scram.replace("127.0.0.1", "localhost"),))
    return {
        "password": (scram(broker, topic, sasl_password="not-the-secret", **soon), UnreachableError, "uthentication"),
        "user": (scram(broker, topic, sasl_username="nobody", **soon), UnreachableError, "uthentication"),
        "mechanism": (scram(broker, topic, sasl_mechanism="PLAIN", **soon), UnreachableError, "PLAIN"),
        "authority": (
            scram(broker, topic, ca_file=str(broker.stranger), **soon),
            UnreachableError,
            "certificate verify",
        ),
        "system's authorities": (scram(broker, topic, ca_file="", **soon), UnreachableError, "certificate verify"),
        "name": (named, UnreachableError, "localhost"),
        "no certificate": (mutual(broker, topic, cert_file="", key_file="", **soon), UnreachableError, "certificate"),
        "no TLS": (KafkaSettings((broker.mutual,), (topic,), start_timeout=3.0), UnreachableError, "PLAINTEXT"),
        "key's password": (mutual(broker, topic, key_password="wrong"), ConfigurationError, "key"),
        "no key's password": (mutual(broker, topic, key_password=""), ConfigurationError, "key"),
        "authority's file": (mutual(broker, topic, ca_file=str(broker.key)), ConfigurationError, "ca_file"),
    }


WRONG = ("password", "user", "mechanism", "authority", "system's authorities", "name", "no certificate", "no TLS",
         "key's password", "no key's password", "authority's file")  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_one_line_without_secrets(broker: SecureBroker, topic: str, case: str) -> None:
    known = cases(broker, topic)
    assert set(known) == set(WRONG)
    settings, kind, said = known[case]
    with pytest.raises(kind) as caught:
        KafkaSource(settings).start({})
    message = str(caught.value)
    assert said in message
    assert "\n" not in message
    for secret in (PASSWORD, KEY_PASSWORD, "not-the-secret"):
        assert secret not in message
