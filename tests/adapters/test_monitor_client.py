"""The client of a running monitor: every answer that is none is one line with the right exit code behind it."""

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from typing import Any

import numpy as np
import pytest

from monitor.adapters.monitor_client import MonitorClient, checked_url
from monitor.adapters.web.server import HttpServer, HttpSettings
from monitor.ports import ConfigurationError, CorpusDriftError, UnreachableError
from tests.adapters.serving import Shown, served
from tests.adapters.views import view
from tests.contracts.stores import snapshot

SECRET = "s3cret-token"


@contextmanager
def saying(*answers: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """A server that says exactly these bytes to one connection after the other, and what it was sent."""
    heard: list[bytes] = []
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        for answer in answers:
            try:
                connection, _ = listening.accept()
            except OSError:  # nobody came
                return
            with connection:
                connection.settimeout(60)
                heard.append(connection.recv(65_536))
                connection.sendall(answer)

    thread = Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", heard
    finally:
        # closing alone does not end an accept that waits
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(60)


def answer(status: str, content: bytes, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(content)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


@pytest.mark.parametrize(
    ("said", "kind", "message"),
    [
        (answer("400 Bad", b'{"error": "no such thing"}'), ConfigurationError, "400 no such thing"),
        (
            answer("401 No", b'{"error": "authorization: expected"}'),
            ConfigurationError,
            "401 authorization: expected",
        ),
        (answer("404 No", b"not json"), ConfigurationError, "404 No"),
        (answer("421 No", b'{"error": 1}'), ConfigurationError, "421 1"),
        (answer("503 Busy", b'{"error": "restoring"}'), UnreachableError, "503 restoring"),
        (answer("500 Oops", b'["list"]'), UnreachableError, "500 Oops"),
        (answer("502 Bad", b"x" * 100_000), UnreachableError, "502 Bad"),
        (answer("200 OK", b"<html>"), UnreachableError, "no answer"),
        (answer("200 OK", b"\xff\xfe"), UnreachableError, "no answer"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{", UnreachableError, "no answer"),
        (b"SSH-2.0-OpenSSH\r\n", UnreachableError, "no answer"),
        (b"", UnreachableError, "no answer"),
        (b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200 + b"\r\n", UnreachableError, "no answer"),
    ],
)
def test_what_is_no_answer_is_told_in_one_line(said: bytes, kind: type[CorpusDriftError], message: str) -> None:
    with saying(said) as (url, _), pytest.raises(kind) as error:
        MonitorClient(url, SECRET, timeout=60.0).get("/api/v1/report")
    assert message in str(error.value)
    assert str(error.value).startswith(f"monitor at {url}: ")
    assert "\n" not in str(error.value)
    assert SECRET not in str(error.value)
    assert type(error.value) is kind


def test_nobody_there_and_nobody_talking() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        with pytest.raises(UnreachableError, match="timed out"):
            MonitorClient(url, timeout=0.1).get("/")
    with pytest.raises(UnreachableError, match="refused"):
        MonitorClient(url).get("/")


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
def test_a_redirect_is_not_followed(status: str) -> None:
    with (
        saying(answer("200 OK", b"{}")) as (other, heard),
        saying(answer(status, b"", f"location: {other}/?token=abc")) as (url, _),
        pytest.raises(UnreachableError, match=f": {status}$"),
    ):
        MonitorClient(url, SECRET).get("/")
    assert heard == []


def test_an_answer_that_drips_ends_with_the_deadline() -> None:
    """Each byte comes well within a socket's limit; all of them together do not."""
    stopped = Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def drip() -> None:
            connection, _ = listening.accept()
            with connection, suppress(OSError):
                connection.sendall(b"HTTP/1.1 200 OK\r\nx: ")
                while not stopped.wait(0.05):
                    connection.sendall(b"y")

        thread = Thread(target=drip, daemon=True)
        thread.start()
        with pytest.raises(UnreachableError, match=r"no answer \(timed out after 0.5 s\)"):
            MonitorClient(f"http://127.0.0.1:{listening.getsockname()[1]}", timeout=0.5).get("/")
        stopped.set()
        thread.join(60)


@pytest.mark.parametrize("token", ["two words", "line\nbreak", "t\u00f6ken", "\x00", "a\r\nhost: evil"])
def test_a_token_that_no_header_can_hold_is_refused_unseen(token: str) -> None:
    with pytest.raises(ConfigurationError, match="token: expected visible ASCII") as error:
        MonitorClient("http://127.0.0.1:1", token)
    assert token not in str(error.value)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9464", "https://drift.example.org", "https://a.example/drift/", "http://[::1]:9464"]
)
def test_a_base_url_is_taken(url: str) -> None:
    assert checked_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "", "drift.example.org", "drift.example.org:9464", "ftp://a.example", "file:///etc/passwd", "http://",
        "http://:9464", "http://a.example:0", "http://a.example:99999", "http://a.example:x", "http://[::1",
        "http://a.example/?q=1", "http://a.example/#top", "http://a example", "http://a.example\n/", "http://\u00e4.example",
    ],
)  # fmt: skip
def test_another_url_is_refused_in_one_line(url: str) -> None:
    with pytest.raises(
        ConfigurationError, match=r"--monitor.*: expected a monitor's base URL, such as https://"
    ) as e:
        checked_url(url)
    assert "\n" not in str(e.value)


@pytest.mark.parametrize(
    "url", ["https://ann:s3cret@a.example", "https://s3cret@a.example", "x://s3cret@a", "s3cret@a"]
)
def test_credentials_in_a_url_are_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        checked_url(url)
    assert "s3cret" not in str(error.value)


@pytest.mark.parametrize("url", ["https://a.example/?token=s3cret", "https://a.example:x/?token=s3cret"])
def test_a_query_is_not_repeated_either(url: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        checked_url(url)
    assert "s3cret" not in str(error.value)


def test_a_proxy_of_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with served(Shown(view(["s"]))) as at:
        assert MonitorClient(at.url).get("/api/v1/report")["deploy_id"] == "d1"


def test_queries_and_bodies_arrive_as_they_were_given() -> None:
    odd = 'ü & = ? # / \\ " 漢 +'
    service = Shown(view(["s"]), captured=[snapshot(np.random.default_rng(0))])
    with served(service, HttpSettings(port=0, token=SECRET)) as at:
        client = MonitorClient(f"{at.url}/", SECRET)
        assert client.get("/api/v1/gate", deploy=odd)["deploy"] == odd
        assert client.post("/api/v1/deploys", {"deploy": odd}) == {"deploy": odd, "state": "waiting"}
        with pytest.raises(ConfigurationError, match="401 authorization: expected a bearer token"):
            MonitorClient(at.url, "wrong").get("/api/v1/report")
    assert service.asked == [("deploy", odd)]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two self-signed certificates for a name that is not 127.0.0.1."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("tls")
    for name in ("own", "other"):
        files = ["-keyout", str(folder / f"{name}.key"), "-out", str(folder / f"{name}.pem")]
        kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
        command = [openssl, "req", *kind, "-subj", "/CN=drift.example", *files]
        subprocess.run(command, check=True, capture_output=True)
    return folder


def test_a_monitor_with_tls_is_asked_through_its_own_certificate(certificates: Path) -> None:
    own, other = str(certificates / "own.pem"), str(certificates / "other.pem")
    settings = HttpSettings(port=0, certificate_file=own, key_file=str(certificates / "own.key"))
    server = HttpServer(settings, Shown(view(["s"])))
    url = server.start()
    try:
        assert url.startswith("https://127.0.0.1:")
        assert MonitorClient(url, certificate_file=own).get("/api/v1/report")["deploy_id"] == "d1"
        for client in (MonitorClient(url), MonitorClient(url, certificate_file=other)):
            with pytest.raises(UnreachableError, match="certificate verify failed"):
                client.get("/api/v1/report")
    finally:
        server.close()


@pytest.mark.parametrize("wrong", ["missing", "key of another", "no key", "not a certificate"])
def test_a_certificate_that_does_not_serve_is_told_in_one_line(certificates: Path, wrong: str) -> None:
    own, key = certificates / "own.pem", certificates / "own.key"
    files: dict[str, Any] = {
        "missing": (certificates / "none.pem", key),
        "key of another": (own, certificates / "other.key"),
        "no key": (own, certificates / "none.key"),
        "not a certificate": (key, key),
    }
    certificate, private = map(str, files[wrong])
    with pytest.raises(ConfigurationError) as error:
        HttpServer(HttpSettings(port=0, certificate_file=certificate, key_file=private), Shown()).start()
    said = str(error.value)
    assert said.startswith(f"http.certificate_file = {certificate!r}, http.key_file = {private!r}: ")
    assert said.endswith("; expected a PEM certificate chain and its key")
    assert "\n" not in said


def test_a_certificate_file_that_cannot_be_read_is_told_to_the_client_too(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"http.certificate_file = .*: No such file or directory; expected"):
        MonitorClient("https://127.0.0.1:1", certificate_file=str(tmp_path / "none"))
