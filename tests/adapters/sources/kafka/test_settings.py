"""Settings are checked before anything is opened, and their secrets are shown nowhere."""

import logging
import ssl
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from monitor.adapters.sources.kafka.log import hide_secrets
from monitor.adapters.sources.kafka.settings import (
    KafkaSettings,
    client_options,
    problems,
    start_milliseconds,
    start_time,
)

GOOD = KafkaSettings(("kafka-1:9092", "[::1]:9093"), ("corpus",))
SASL = replace(
    GOOD, security="SASL_SSL", sasl_mechanism="SCRAM-SHA-512", sasl_username="monitor", sasl_password="hunter2"
)


@pytest.mark.parametrize("settings", [GOOD, SASL, replace(GOOD, start="latest"), replace(GOOD, security="SSL")])
def test_good_settings_have_no_problems(settings: KafkaSettings) -> None:
    assert problems(settings) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"bootstrap_servers": ()}, "kafka.bootstrap_servers is empty"),
        ({"bootstrap_servers": ("kafka",)}, "'kafka'; expected host:port"),
        ({"bootstrap_servers": ("kafka:99999",)}, "expected host:port"),
        ({"bootstrap_servers": ("kafka:\u0663",)}, "expected host:port"),
        ({"topics": ()}, "kafka.topics is empty"),
        ({"topics": ("a b",)}, "kafka topic 'a b'"),
        ({"control_topics": ("x" * 250,)}, "expected 1 to 249"),
        ({"start": "newest"}, "kafka.start: 'newest'"),
        ({"start": "2026-01-01T00:00:00"}, "no offset from UTC"),
        ({"start": "1969-01-01T00:00:00Z"}, "before 1970"),
        ({"security": "TLS"}, "kafka.security: 'TLS'; expected one of PLAINTEXT"),
        ({"sasl_password": "hunter2"}, "PLAINTEXT with SASL credentials"),
        ({"security": "SASL_SSL"}, "kafka.sasl_mechanism: ''"),
        (
            {"ca_file": "/nowhere/ca.pem", "security": "SSL"},
            "kafka.ca_file: '/nowhere/ca.pem' is not a readable file",
        ),
        ({"ca_file": __file__}, "PLAINTEXT with certificate files"),
        ({"key_file": __file__, "security": "SSL"}, "kafka.key_file without kafka.cert_file"),
        ({"answer_timeout": 0.0}, "kafka.answer_timeout: 0.0; expected 0.05 or more"),
        ({"start_timeout": float("nan")}, "kafka.start_timeout: nan"),
        ({"max_fetch_bytes": 1}, "kafka.max_fetch_bytes: 1"),
        ({"api_version": (0, 10)}, "expected 0.11 or later"),
    ],
)
def test_each_problem_is_one_line(changes: dict[str, Any], said: str) -> None:
    found = problems(replace(GOOD, **changes))
    assert any(said in line for line in found), found
    assert all("\n" not in line for line in found)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sasl_password": ""}, "kafka.sasl_password is empty"),
        ({"sasl_username": ""}, "kafka.sasl_username is empty"),
        ({"sasl_mechanism": "GSSAPI"}, "kafka.sasl_mechanism: 'GSSAPI'"),
        ({"security": "SASL_PLAINTEXT"}, "sends credentials unencrypted"),
    ],
)
def test_credentials_that_would_not_protect_are_refused(changes: dict[str, Any], said: str) -> None:
    found = problems(replace(SASL, **changes))
    assert len(found) == 1
    assert said in found[0]


def test_sasl_without_tls_can_be_allowed() -> None:
    assert problems(replace(SASL, security="SASL_PLAINTEXT", allow_sasl_without_tls=True)) == []


def test_all_problems_are_said_at_once() -> None:
    assert len(problems(KafkaSettings((), (), start="?", security="SASL_PLAINTEXT", api_version=(0, 9)))) == 8


def test_secrets_are_in_no_repr_and_no_problem() -> None:
    settings = replace(SASL, key_password="sesame", sasl_mechanism="?")
    shown = repr(settings) + str(settings) + " ".join(problems(settings))
    assert "hunter2" not in shown
    assert "sesame" not in shown
    assert client_options(settings)["sasl_plain_password"] == "hunter2"


def test_start_times() -> None:
    assert start_time("earliest") is None
    assert start_time("2026-01-01T01:00:00+01:00") == datetime(2026, 1, 1, tzinfo=UTC)
    assert start_milliseconds("1970-01-01T00:00:01.5Z") == 1500
    assert start_milliseconds("latest") is None


def test_certificate_files_are_read_before_anything_connects(tmp_path: Path) -> None:
    for name in ("ca", "cert", "key"):
        (tmp_path / name).write_text("", encoding="ascii")
    ca, cert, key = (str(tmp_path / name) for name in ("ca", "cert", "key"))
    assert problems(replace(SASL, ca_file=ca))[0].startswith(f"kafka.ca_file: '{ca}': ")
    (said,) = problems(replace(SASL, cert_file=cert, key_file=key, key_password="sesame"))
    assert said.startswith(f"kafka.cert_file: '{cert}' with kafka.key_file '{key}': ")
    assert "sesame" not in said
    context = client_options(SASL)["ssl_context"]
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert "ssl_context" not in client_options(GOOD)


class SaslAuthenticateRequest:
    def __repr__(self) -> str:
        return "SaslAuthenticateRequest(auth_bytes=b'hunter2')"


def test_the_client_does_not_log_credentials_at_debug(caplog: pytest.LogCaptureFixture) -> None:
    hide_secrets()
    hide_secrets()
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("kafka.net.connection").debug("%s Request %d: %s", "c", 3, SaslAuthenticateRequest())
        logging.getLogger("kafka.protocol.parser").debug("%s Send: %r", "c", b"\0monitor\0hunter2")
    assert "SaslAuthenticateRequest(hidden)" in caplog.text
    assert "hunter2" not in caplog.text
    assert len(logging.getLogger("kafka.protocol.parser").filters) == 1
