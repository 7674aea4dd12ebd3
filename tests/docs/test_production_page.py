"""The page about the retriever that users get, followed to the letter: from its files to a verdict."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from monitor.app.configuration import load
from tests.docs.pages import blocks

PAGE = "docs/ways-in/production.md"
PORT = "8080"


def free_port() -> str:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return str(bound.getsockname()[1])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The page's files, on a port that is free here."""
    port = free_port()
    for block in blocks("python", "toml", pages=(PAGE,)):
        if block.title:
            (tmp_path / block.title).write_text(block.text.replace(f":{PORT}/", f":{port}/"), encoding="utf-8")
    (tmp_path / "port").write_text(port)
    return tmp_path


@contextmanager
def shell(folder: Path, command: str) -> Iterator[subprocess.Popen[str]]:
    here = str(Path(sys.executable).parent)
    path = f"{here}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "CORPUS_DRIFT_HTTP__PORT": "0"}
    with subprocess.Popen(
        ["bash", "-c", f"exec {command}"], cwd=folder, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    ) as started:  # fmt: skip
        try:
            yield started
        finally:
            if started.poll() is None:
                os.killpg(started.pid, signal.SIGTERM)


def listening(port: str) -> None:
    pause = threading.Event()
    for _ in range(400):
        with socket.socket() as asked:
            asked.settimeout(1.0)
            if asked.connect_ex(("127.0.0.1", int(port))) == 0:
                return
        pause.wait(0.05)
    pytest.fail("the retriever does not listen")


def run(folder: Path, line: str) -> str:
    command, _, expected = line.partition("  # exit ")
    with shell(folder, command) as started:
        out, err = started.communicate(timeout=300)
    assert started.returncode == int(expected or 0), f"{line}\n{out[-2_000:]}\n{err[-2_000:]}"
    assert "Traceback" not in err
    return out


@pytest.mark.timeout(900)
def test_from_nothing_to_a_verdict(folder: Path) -> None:
    (steps,) = blocks("sh", pages=(PAGE,))
    (promised,) = (block.text.splitlines() for block in blocks("text", pages=(PAGE,)))
    port, said = (folder / "port").read_text(), dict[str, str]()
    lines = [line.replace(f" {PORT}", f" {port}") for line in steps.text.splitlines()]
    at = next(at for at, line in enumerate(lines) if line.endswith(" &"))
    for line in lines[:at]:
        run(folder, line)
    with shell(folder, lines[at].removesuffix(" &")):
        listening(port)
        for line in lines[at + 1 :]:
            said[line.split()[1]] = run(folder, line)
    for line in promised:
        assert any(line in out for out in said.values()), (line, said)
    assert re.search(r"FAIL", said["gate"])
    assert "production" in said["explain"]


def test_every_section_shown_loads(tmp_path: Path) -> None:
    """Those that are not whole, in a configuration that is."""
    shown = [block.text for block in blocks("toml", pages=(PAGE,)) if not block.title]
    assert len(shown) == 2
    for at, section in enumerate(shown):
        path = tmp_path / f"c{at}.toml"
        whole = '[corpus]\ndimension = 2\nembedding_version = "v"\n[source.file]\npath = "e"\n[anchors]\npath = "a"\n'
        path.write_text(whole + section, encoding="utf-8")
        assert load(path, {}).production is not None
