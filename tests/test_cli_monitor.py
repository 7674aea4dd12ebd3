"""A pipeline's step: a folder with nothing in it, the URL of a monitor elsewhere and its token."""

import json
import shutil
import socket
import subprocess
import threading
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from monitor.adapters.web.server import HttpServer, HttpSettings
from monitor.app import asking
from monitor.app.configuration import load
from monitor.app.wiring import open_monitor, serving
from monitor.core.records.documents import gate_schema
from monitor.core.shards.messages import ShardStatus
from tests.adapters.serving import Shown, served
from tests.adapters.test_monitor_client import answer, saying
from tests.adapters.views import health, view
from tests.app.loops import to_end
from tests.app.scripted import ScriptedSource, records
from tests.commands import Commands, Said, refused
from tests.corpora import Shape, events, write_case

SHAPE = Shape(deploys=4, incident=True, dense=False)
TOKEN = "hush-hush"
FORMS = ("text", "json", "junit", "markdown")
VERDICT = {"text": "UNKNOWN", "json": '"verdict": "unknown"', "junit": 'type="unknown"', "markdown": "gate: UNKNOWN"}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A monitor at the end of its stream: d0 unknown, d1 and d2 pass, d3 fails."""
    config = load(write_case(tmp_path_factory.mktemp("elsewhere"), shape=SHAPE), {"CORPUS_DRIFT_HTTP__TOKEN": TOKEN})
    source = ScriptedSource(records(events(7, SHAPE)))
    with open_monitor(config, source=source) as monitor, serving(config, monitor) as at:
        assert to_end(monitor)
        thread = threading.Thread(target=monitor.run)
        thread.start()
        try:
            yield at
        finally:
            monitor.stopping.set()
            thread.join(60)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Commands:
    """Commands in an empty folder, with the token in the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CORPUS_DRIFT_HTTP__TOKEN", TOKEN)
    return Commands(capsys)


def is_one_answer(path: Path, form: str) -> None:
    """A file in the asked form that says UNKNOWN."""
    text = path.read_text(encoding="utf-8")
    assert VERDICT[form] in text
    if form == "json":
        jsonschema.validate(json.loads(text), gate_schema())
    if form == "junit":
        assert len(ET.fromstring(text).findall("testcase/error")) == 1  # noqa: S314 - our own output


# ---------------------------------------------------------------- what it can do without anything here


def test_all_that_needs_no_state_here(run: Commands, url: str, tmp_path: Path) -> None:
    at = ("--monitor", url)
    codes = {
        deploy: run("gate", *at, "--deploy", deploy, "--timeout", "0").code for deploy in ("d0", "d1", "d3", "d9")
    }
    assert codes == {"d0": 3, "d1": 0, "d3": 1, "d9": 3}
    assert run("report", *at).out.startswith("FAIL  as of ")
    assert run("report", *at, "--deploy", "d1", "--json").json()["deploy_id"] == "d1"
    assert run("explain", *at, "--deploy", "d3").out.startswith("FAIL  deploy d3")
    accept = f"corpus-drift baseline accept --monitor {url} d3 --author YOU --reason WHY"
    assert run("explain", *at, "--deploy", "d3", "--json").json()["actions"][-1]["command"] == accept
    assert run("explain", *at, "--segment", "source=api", "--json").json()["question"]["segment"] == "source=api"
    assert run("health", *at).out == run("health", *at, "--ready").out == "ok\n"
    assert run("quarantine", "replay", *at, "--json").json() == {"taken": 0, "kept": []}

    assert run("baseline", "capture", *at, "late").code == 0
    refused(run("gate", *at, "--deploy", "d3", "--baseline", "late"), 2, "404 baseline 'late': not captured and app")
    assert run("baseline", "approve", *at, "late", "--author", "ann", "--reason", "new").code == 0
    assert [one["name"] for one in run("baseline", "list", *at, "--json").json()] == ["main", "late"]
    assert run("baseline", "show", *at, "late", "--json").json()["approval"]["author"] == "ann"
    late = run("gate", *at, "--deploy", "d3", "--baseline", "late", "--format", "json")
    assert (late.code, late.json()["verdict"], late.json()["baseline"]["name"]) == (0, "pass", "late")
    assert run("gate", *at, "--deploy", "d3").code == 1  # late is not the configured one
    assert not list(tmp_path.iterdir())


def test_the_token_comes_from_the_environment_or_from_a_file(
    run: Commands, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret, wrong = tmp_path / "token", tmp_path / "wrong"
    secret.write_text(f"{TOKEN}\n", encoding="utf-8")
    wrong.write_text("something-else", encoding="utf-8")
    gate = ("gate", "--monitor", url, "--deploy", "d1")
    assert run(*gate, "--token-file", secret).code == 0
    said = refused_quietly(run(*gate, "--token-file", wrong), 2, "401 authorization: expected a bearer token")
    assert "no token" not in said
    monkeypatch.delenv("CORPUS_DRIFT_HTTP__TOKEN")
    refused_quietly(run(*gate), 2, "401 authorization: expected a bearer token; no token was sent")
    monkeypatch.setenv("CORPUS_DRIFT_HTTP__TOKEN_FILE", str(secret))
    assert run(*gate).code == 0
    for path, why in (
        (tmp_path / "none", "cannot be read"),
        (Path("/dev/null"), "empty"),
        (Path("/dev/zero"), "too long"),
    ):
        refused_quietly(run(*gate, "--token-file", path), 2, f"--token-file = '{path}': {why}")
        monkeypatch.setenv("CORPUS_DRIFT_HTTP__TOKEN_FILE", str(path))
        refused_quietly(run(*gate), 2, f"CORPUS_DRIFT_HTTP__TOKEN_FILE = '{path}': {why}")
    monkeypatch.setenv("CORPUS_DRIFT_HTTP__TOKEN", f"{TOKEN}\nhost: evil")
    refused_quietly(run(*gate), 2, "token: expected visible ASCII characters")


def refused_quietly(said: Said, code: int, part: str) -> str:
    refused(said, code, part)
    assert TOKEN not in said.err
    assert "something-else" not in said.err
    return said.err


def test_beside_a_configuration_the_url_says_who_is_asked(
    run: Commands, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its token and certificate are taken; its own state is not there and is not missed."""
    config = write_case(tmp_path, shape=SHAPE)
    assert run("gate", "-c", config, "--monitor", url, "--deploy", "d3").code == 1
    monkeypatch.delenv("CORPUS_DRIFT_HTTP__TOKEN")
    assert run("gate", "-c", config, "--monitor", url, "--deploy", "d3").code == 2


# ---------------------------------------------------------------- what it says no to


ALL = (
    ("gate", "--deploy", "d1"),
    ("report",),
    ("explain",),
    ("health",),
    ("baseline", "list"),
    ("baseline", "show", "main"),
    ("baseline", "capture", "late"),
    ("baseline", "approve", "late", "--author", "a", "--reason", "r"),
    ("baseline", "accept", "--author", "a", "--reason", "r"),
    ("quarantine", "replay"),
)


@pytest.mark.parametrize("command", ALL, ids=" ".join)
def test_every_command_says_no_alike(run: Commands, command: tuple[str, ...], tmp_path: Path) -> None:
    refused(run(*command), 2, "neither -c nor --monitor: expected -c FILE, or --monitor URL")
    refused(run(*command, "--monitor", ""), 2, "--monitor '': expected a monitor's base URL")
    refused(run(*command, "--monitor", "drift:9464"), 2, "--monitor 'drift:9464': expected a monitor's base URL")
    refused(run(*command, "--monitor", "http://u:s3cret@a"), 2, "--monitor: credentials in the URL")
    refused(run(*command, "--token-file", "t"), 2, "--token-file 't': expected --monitor URL with it")
    refused(run(*command, "--ca-file", "t"), 2, "--ca-file 't': expected --monitor URL with it")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    at = ("--monitor", f"http://127.0.0.1:{port}")
    refused(run(*command, *at), 4, f"monitor at http://127.0.0.1:{port}: no answer", "refused")
    refused(run(*command, *at, "--ca-file", "none.pem"), 2, "--ca-file = 'none.pem': No such file")
    refused(run(*command, *at, "--ca-file", tmp_path), 2, "expected a file of PEM certificates")
    with saying(answer("302 Found", b"", "location: http://127.0.0.1:1/")) as (other, _):
        refused(run(*command, "--monitor", other), 4, "302 Found")
    if command[0] != "health":
        for body in (b"{}", b"[1]", b'{"verdict": {}}', b'"words"', b"null", b"<html>"):
            with saying(answer("200 OK", body)) as (other, _):
                refused(run(*command, "--monitor", other), 4)


def test_what_needs_the_state_says_so(run: Commands, url: str) -> None:
    refused(
        run("gate", "--monitor", url, "--deploy", "d", "--dry-run", "c.jsonl"),
        2,
        "--dry-run: expected -c FILE without --monitor",
    )


# ---------------------------------------------------------------- the answer file


def occupied(path: Path) -> None:
    path.write_text("PASS of last night", encoding="utf-8")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--deploy", "d1", "--monitor", "http://127.0.0.1:1"), 4),
        (("--deploy", "d1", "--monitor", "nonsense"), 2),
        (("--deploy", "d1"), 2),
        (("--deploy", " ", "--monitor", "http://127.0.0.1:1"), 2),
        (("--deploy", "d\udcff", "--monitor", "http://127.0.0.1:1"), 2),
        (("--deploy", "d1", "--monitor", "http://127.0.0.1:1", "--timeout", "-1"), 2),
        (("--deploy", "d1", "-c", "none.toml"), 2),
        (("--deploy", "d1", "-c", "none.toml", "--dry-run", "none.jsonl"), 2),
    ],
)
def test_without_an_answer_the_file_says_unknown_and_why(
    run: Commands, tmp_path: Path, form: str, options: tuple[str, ...], code: int
) -> None:
    path = tmp_path / "answer"
    occupied(path)
    said = run("gate", *options, "--format", form, "--output", path)
    refused(said, code)
    is_one_answer(path, form)
    if form == "json":
        document = json.loads(path.read_text(encoding="utf-8"))
        assert document["state"] == ("refused" if code == 2 else "unanswered")
        assert [f"corpus-drift: {reason}" for reason in document["reasons"]] == said.err.splitlines()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("deploy", "code"), [("d1", 0), ("d3", 1), ("d0", 3)])
def test_with_an_answer_the_file_has_it(
    run: Commands, url: str, tmp_path: Path, form: str, deploy: str, code: int
) -> None:
    path = tmp_path / "answer"
    occupied(path)
    gate = ("gate", "--monitor", url, "--deploy", deploy, "--format", form)
    assert run(*gate, "--output", path).code == code
    assert path.read_text(encoding="utf-8") == run(*gate).out


@pytest.mark.parametrize("failure", [KeyboardInterrupt(), RuntimeError("a fault of ours")])
def test_whatever_ends_it_the_file_says_unknown(
    failure: BaseException, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from monitor.cli import main

    def fail(ask: Callable[[], object], timeout: float) -> object:
        during.append((tmp_path / "answer").read_text(encoding="utf-8"))
        raise failure

    during: list[str] = []
    monkeypatch.setattr(asking, "wait_for_gate", fail)
    occupied(tmp_path / "answer")
    code = main(["gate", "--monitor", "http://127.0.0.1:1", "--deploy", "d1", "--output", str(tmp_path / "answer")])
    assert code == (130 if isinstance(failure, KeyboardInterrupt) else 4)
    assert during[0].startswith(
        "UNKNOWN  deploy d1: not answered\n  - the gate did not come to an answer, or has not yet"
    )
    said = (tmp_path / "answer").read_text(encoding="utf-8")
    assert said.startswith(
        "UNKNOWN  deploy d1: not answered\n  - "
        + ("interrupted" if code == 130 else "internal error: RuntimeError: a fault of ours")
    )
    capsys.readouterr()


def test_a_file_that_cannot_be_written_is_told_before_the_wait(run: Commands, tmp_path: Path) -> None:
    gate = ("gate", "--monitor", "http://127.0.0.1:1", "--deploy", "d1", "--output")
    refused(run(*gate, tmp_path / "no" / "folder"), 2, "--output ", "No such file or directory; expected a writable")
    refused(run(*gate, tmp_path), 2, "Is a directory; expected a writable")
    refused(run(*gate, "/dev/full"), 2, "No space left on device; expected a writable")


# ---------------------------------------------------------------- TLS


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority, another one, and a certificate that the first signed for 127.0.0.1."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("tls")

    def made(*arguments: str) -> None:
        subprocess.run([openssl, *arguments], check=True, capture_output=True, cwd=folder)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    for name in ("ca", "other"):
        made(
            "req",
            "-x509",
            *key,
            "-days",
            "2",
            "-subj",
            f"/CN={name}",
            "-keyout",
            f"{name}.key",
            "-out",
            f"{name}.pem",
        )
    made("req", *key, "-subj", "/CN=drift", "-keyout", "own.key", "-out", "own.csr")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1", encoding="utf-8")
    signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names")
    made("x509", "-req", "-in", "own.csr", *signed, "-out", "own.pem")
    return folder


@contextmanager
def secured(authority: Path) -> Iterator[str]:
    own, key = str(authority / "own.pem"), str(authority / "own.key")
    server = HttpServer(HttpSettings(port=0, certificate_file=own, key_file=key), Shown(view(["s"])))
    try:
        yield server.start()
    finally:
        server.close()


def test_an_authority_is_trusted_where_it_is_named_and_the_name_must_be_right(run: Commands, authority: Path) -> None:
    with secured(authority) as at:
        assert run("report", "--monitor", at, "--ca-file", authority / "ca.pem", "--json").json()["deploy_id"] == "d1"
        refused(run("report", "--monitor", at), 4, "certificate verify failed")
        refused(run("report", "--monitor", at, "--ca-file", authority / "other.pem"), 4, "certificate verify failed")
        named = at.replace("127.0.0.1", "localhost")
        refused(run("report", "--monitor", named, "--ca-file", authority / "ca.pem"), 4, "not valid for 'localhost'")
        plain = at.replace("https://", "http://")
        refused(run("report", "--monitor", plain), 4, f"monitor at {plain}: no answer")


def test_a_monitor_whose_shard_is_away_is_not_well(run: Commands) -> None:
    shards = (ShardStatus(0, 3, {}, 5), ShardStatus(1, 3, {}, 5, away="node lost"))
    with served(Shown(replace(view(["s"]), health=health(turned=time.time(), shards=shards)))) as at:
        for options in ((), ("--ready",)):
            refused(run("health", "--monitor", at.url, *options), 4, "shard 1 of 2: away (node lost)")
