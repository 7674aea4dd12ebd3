"""Apache Kafka with TLS: a listener that demands client certificates, and one with SCRAM; openssl makes them."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.stack import PASSWORD, USER, KafkaBroker, free_ports, kafka_broker, program

KEY_PASSWORD = "a-key-of-the-key"
MECHANISMS = ("SCRAM-SHA-256", "SCRAM-SHA-512")
SCRAM_LOGIN = "org.apache.kafka.common.security.scram.ScramLoginModule required;"


@dataclass(frozen=True, slots=True)
class SecureBroker:
    """A running broker and what a client needs for it: the authority, and a certificate with its encrypted key."""

    plain: KafkaBroker
    mutual: str
    scram: str
    authority: Path
    stranger: Path
    """An authority that signed nothing of this broker."""
    certificate: Path
    key: Path


@contextmanager
def secure_kafka_broker() -> Iterator[SecureBroker]:
    """A broker whose certificate is for 127.0.0.1 alone, not for localhost; raises Missing without openssl."""
    program("openssl")
    mutual, scram = free_ports(2)
    with TemporaryDirectory(prefix="corpus-drift-tls-") as folder:
        here = Path(folder)
        certificates(here)
        formatted = [
            option
            for name in MECHANISMS
            for option in ("--add-scram", f"{name}=[name={USER},password={PASSWORD},iterations=4096]")
        ]
        with kafka_broker({"TLS": mutual, "SCRAM": scram}, tls_properties(here), formatted=formatted) as plain:
            yield SecureBroker(
                plain, f"127.0.0.1:{mutual}", f"127.0.0.1:{scram}", here / "authority.pem", here / "stranger.pem",
                here / "client.pem", here / "client.key",
            )  # fmt: skip


def certificates(folder: Path) -> None:
    """Two authorities; a server and a client certificate signed by the first."""
    for name in ("authority", "stranger"):
        openssl(folder, name, "-nodes", "-addext", "basicConstraints=critical,CA:TRUE")
    signed = ("-CA", "authority.pem", "-CAkey", "authority.key")
    openssl(folder, "server", "-nodes", *signed, "-addext", "subjectAltName=IP:127.0.0.1")
    openssl(folder, "client", "-passout", f"pass:{KEY_PASSWORD}", *signed)
    joined = (folder / "server.key").read_text() + (folder / "server.pem").read_text()
    (folder / "server.both.pem").write_text(joined)


def openssl(folder: Path, name: str, *options: str) -> None:
    """One certificate `name`.pem with its key."""
    command = ["openssl", "req", "-x509", "-days", "2", "-newkey", "rsa:2048", "-subj", f"/CN={name}", *options]
    files = ["-keyout", f"{name}.key", "-out", f"{name}.pem"]
    subprocess.run([*command, *files], check=True, capture_output=True, cwd=folder, timeout=60)


def tls_properties(folder: Path) -> str:
    """What the listeners TLS and SCRAM ask of their clients, and the broker's own certificate."""
    lines = [
        f"listener.name.scram.sasl.enabled.mechanisms={','.join(MECHANISMS)}",
        "listener.name.tls.ssl.client.auth=required",
        "ssl.keystore.type=PEM",
        f"ssl.keystore.location={folder / 'server.both.pem'}",
        "ssl.truststore.type=PEM",
        f"ssl.truststore.location={folder / 'authority.pem'}",
    ]
    lines += [f"listener.name.scram.{name.lower()}.sasl.jaas.config={SCRAM_LOGIN}" for name in MECHANISMS]
    return "\n".join([*lines, ""])
