"""How to reach Kafka: settings as the configuration gives them, checked here because the client checks too little."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from monitor.adapters.sources.kafka.tls import tls_context
from monitor.ports import ConfigurationError

Security = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]

WITH_CREDENTIALS = ("SASL_PLAINTEXT", "SASL_SSL")
SECURITIES = ("PLAINTEXT", "SSL", *WITH_CREDENTIALS)
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
FETCH_WAIT_MS = 100  # also how long a resumed partition may wait for its first fetch
MEBIBYTE = 2**20


@dataclass(frozen=True, slots=True)
class KafkaSettings:
    """Everything the Kafka adapters are told; opening nothing and believing nothing until `problems` is empty.

    Args:
        bootstrap_servers: `host:port` each.
        topics: topics of corpus events.
        control_topics: topics that carry deploy markers only; read like the others.
        group_id: group under which offsets are published for lag tools; empty publishes none.
        security: transport, as Kafka names it.
        sasl_mechanism: PLAIN or SCRAM-SHA-256 or SCRAM-SHA-512.
        sasl_username: user for SASL.
        sasl_password: secret; never in a repr, a log or an error.
        allow_sasl_without_tls: accept SASL_PLAINTEXT, where the password (PLAIN) or its proof crosses in the clear.
        ca_file: certificates of the authorities to believe; empty means the system's.
        cert_file: client certificate; with `key_file` for mutual TLS.
        key_file: private key of the client certificate.
        key_password: secret; password of the key file.
        start: where a first start begins: `earliest`, `latest` or an ISO 8601 time with an offset from UTC.
        start_timeout: seconds within which `start` reaches a broker and finds its topics.
        answer_timeout: seconds a question to the broker (end offsets, bounds) may take.
        partition_check_seconds: how often added partitions are looked for.
        max_fetch_bytes: bytes the broker may send in one answer (a single larger batch is still sent).
        max_batch_bytes: bytes one record batch may unpack to; a larger one is unreadable, never inflated further.
        api_version: broker version as the client counts it; None asks the broker.
        client_id: name in the broker's logs.
    """

    bootstrap_servers: tuple[str, ...]
    topics: tuple[str, ...]
    control_topics: tuple[str, ...] = ()
    group_id: str = ""
    security: Security = "PLAINTEXT"
    sasl_mechanism: str = ""
    sasl_username: str = ""
    sasl_password: str = field(default="", repr=False)
    allow_sasl_without_tls: bool = False
    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""
    key_password: str = field(default="", repr=False)
    start: str = "earliest"
    start_timeout: float = 15.0
    answer_timeout: float = 2.0
    partition_check_seconds: float = 30.0
    max_fetch_bytes: int = 16 * MEBIBYTE
    max_batch_bytes: int = 64 * MEBIBYTE
    api_version: tuple[int, ...] | None = None
    client_id: str = "corpus-drift"

    @property
    def all_topics(self) -> tuple[str, ...]:
        """Event topics, then control topics, each once."""
        return tuple(dict.fromkeys((*self.topics, *self.control_topics)))


def problems(settings: KafkaSettings) -> list[str]:
    """All that is wrong with the settings, one line each: what, value, expected. Empty means usable."""
    return [*_where(settings), *_who(settings), *_files(settings), *_numbers(settings)]


def start_time(start: str) -> datetime | None:
    """The instant that `start` names, None for `earliest` and `latest`.

    Raises:
        ValueError: neither of the two words nor an ISO 8601 time with an offset.
    """
    if start in {"earliest", "latest"}:
        return None
    moment = datetime.fromisoformat(start)
    if moment.tzinfo is None or moment < datetime(1970, 1, 1, tzinfo=UTC):
        message = "no offset from UTC, or before 1970"
        raise ValueError(message)
    return moment


def start_milliseconds(start: str) -> int | None:
    """`start_time` in whole milliseconds since the epoch, as Kafka counts."""
    moment = start_time(start)
    return None if moment is None else (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def client_options(settings: KafkaSettings) -> Mapping[str, Any]:
    """What consumer and producer of kafka-python both understand. Holds the secrets: never log it.

    Raises:
        ConfigurationError: certificate files that cannot be used.
    """
    options: dict[str, Any] = {
        "bootstrap_servers": list(settings.bootstrap_servers),
        "client_id": settings.client_id,
        "security_protocol": settings.security,
        "api_version": settings.api_version,
        "bootstrap_timeout_ms": int(settings.start_timeout * 1000),
        "allow_auto_create_topics": False,
        "metadata_max_age_ms": max(100, int(settings.partition_check_seconds * 1000)),
        "reconnect_backoff_max_ms": 2000,
        "metrics_enabled": False,
    }
    if settings.security in {"SSL", "SASL_SSL"}:
        options["ssl_context"] = tls_context(
            settings.ca_file, settings.cert_file, settings.key_file, settings.key_password
        )
    if settings.security in {"SASL_PLAINTEXT", "SASL_SSL"}:
        options |= {"sasl_mechanism": settings.sasl_mechanism, "sasl_plain_username": settings.sasl_username}
        options |= {"sasl_plain_password": settings.sasl_password}
    return MappingProxyType(options)


def _where(settings: KafkaSettings) -> list[str]:
    found = []
    if not settings.bootstrap_servers:
        found.append("kafka.bootstrap_servers is empty; expected host:port")
    for server in settings.bootstrap_servers:
        host, _, port = server.rpartition(":")
        if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
            found.append(f"kafka.bootstrap_servers: {server!r}; expected host:port")
    if not settings.topics:
        found.append("kafka.topics is empty; expected at least one topic")
    found += [
        f"kafka topic {topic!r}; expected 1 to 249 of letters, digits, dot, underscore, hyphen"
        for topic in settings.all_topics
        if not (
            0 < len(topic) < 250
            and topic.isascii()
            and topic.replace(".", "").replace("_", "").replace("-", "").isalnum()
        )
    ]
    try:
        start_time(settings.start)
    except ValueError as error:
        found.append(
            f"kafka.start: {settings.start!r} ({error}); expected earliest, latest or an ISO time with offset"
        )
    return found


def _who(settings: KafkaSettings) -> list[str]:
    if settings.security not in SECURITIES:
        return [f"kafka.security: {settings.security!r}; expected one of {', '.join(SECURITIES)}"]
    if settings.security not in WITH_CREDENTIALS:
        wanted = settings.sasl_mechanism or settings.sasl_username or settings.sasl_password
        return [f"kafka.security: {settings.security} with SASL credentials; expected SASL_SSL"] if wanted else []
    found = []
    if settings.sasl_mechanism not in MECHANISMS:
        found.append(f"kafka.sasl_mechanism: {settings.sasl_mechanism!r}; expected one of {', '.join(MECHANISMS)}")
    if not settings.sasl_username:
        found.append("kafka.sasl_username is empty; expected a user name")
    if not settings.sasl_password:
        found.append("kafka.sasl_password is empty; expected a secret from the environment or a file")
    if settings.security == "SASL_PLAINTEXT" and not settings.allow_sasl_without_tls:
        found.append("kafka.security: SASL_PLAINTEXT sends credentials unencrypted; expected SASL_SSL, or allow it")
    return found


def _files(settings: KafkaSettings) -> list[str]:
    named = {"ca_file": settings.ca_file, "cert_file": settings.cert_file, "key_file": settings.key_file}
    found = [
        f"kafka.{name}: {path!r} is not a readable file"
        for name, path in named.items()
        if path and not Path(path).is_file()
    ]
    if any(named.values()) and settings.security not in {"SSL", "SASL_SSL"}:
        found.append(f"kafka.security: {settings.security} with certificate files; expected SSL or SASL_SSL")
    if settings.key_file and not settings.cert_file:
        found.append("kafka.key_file without kafka.cert_file; expected both")
    return found or _unusable(settings)


def _unusable(settings: KafkaSettings) -> list[str]:
    """What is wrong inside of files that are there."""
    try:
        tls_context(settings.ca_file, settings.cert_file, settings.key_file, settings.key_password)
    except ConfigurationError as error:
        return [str(error)]
    return []


def _numbers(settings: KafkaSettings) -> list[str]:
    least = {
        "start_timeout": (settings.start_timeout, 0.1),
        "answer_timeout": (settings.answer_timeout, 0.05),
        "partition_check_seconds": (settings.partition_check_seconds, 0.1),
        "max_fetch_bytes": (settings.max_fetch_bytes, 1024),
        "max_batch_bytes": (settings.max_batch_bytes, 1024),
    }
    found = [
        f"kafka.{name}: {value}; expected {low} or more" for name, (value, low) in least.items() if not value >= low
    ]
    if settings.api_version is not None and settings.api_version < (0, 11):
        found.append(f"kafka.api_version: {settings.api_version}; expected 0.11 or later")
    return found
