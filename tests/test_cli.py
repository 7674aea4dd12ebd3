"""The commands as people and pipelines call them: what they say, where, and the exit code."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from monitor.adapters.lock import OwnerLock
from monitor.cli import main
from tests.adapters.codecs.hostile import HOSTILE
from tests.corpora import Shape, events, write_case, written

SHAPE = Shape(deploys=4, incident=True, dense=False)
DEADLINE = 60.0


@dataclass(frozen=True)
class Said:
    """What a command left behind."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


class Commands:
    """Commands in this process, their output caught."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: object) -> Said:
        code = main([str(argument) for argument in arguments])
        caught = self._capsys.readouterr()
        assert "Traceback" not in caught.err
        return Said(code, caught.out, caught.err)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(capsys)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration whose monitor ran to the end and is gone: d0 unknown, d1 and d2 pass, d3 fails."""
    config = write_case(tmp_path_factory.mktemp("ran"), shape=SHAPE)
    assert main(["run", "-c", str(config), "--until-end"]) == 0
    return config


def copied(config: Path, folder: Path) -> Path:
    """The same state for a test that changes it."""
    for file in config.parent.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    return folder / config.name


def refused(said: Said, code: int, *parts: str) -> None:
    """One clear line on stderr and nothing on stdout."""
    assert (said.code, said.out) == (code, "")
    lines = said.err.splitlines()
    assert len(lines) == 1, said.err
    assert lines[0].startswith("corpus-drift: ")
    for part in parts:
        assert part in lines[0]


# ---------------------------------------------------------------- run, gate, report


def test_run_until_end_says_each_deploy_on_stderr(run: Commands, tmp_path: Path) -> None:
    config = write_case(tmp_path, shape=SHAPE)
    said = run("run", "-c", config, "--until-end")
    assert (said.code, said.out) == (0, "")
    lines = [line.split() for line in said.err.splitlines()]
    assert [line for line in lines if "deploy" in line] == [
        ["UNKNOWN", "deploy", "d0"],
        ["PASS", "deploy", "d1"],
        ["PASS", "deploy", "d2"],
        ["FAIL", "deploy", "d3"],
    ]
    assert [line[:2] for line in lines if "deploy" not in line] == [["listening", "on"]]
    again = run("run", "-c", config, "--until-end")
    assert (again.code, "deploy" in again.err) == (0, False)  # nothing is judged twice


@pytest.mark.parametrize(("deploy", "code"), [("d0", 3), ("d1", 0), ("d3", 1), ("d9", 3)])
def test_the_gate_says_it_with_its_exit_code(run: Commands, ran: Path, deploy: str, code: int) -> None:
    said = run("gate", "-c", ran, "--deploy", deploy)
    assert (said.code, said.err) == (code, "")
    assert said.out.startswith({0: "PASS", 1: "FAIL", 3: "UNKNOWN"}[code])


@pytest.mark.parametrize(("choice", "code"), [("error", 3), ("fail", 1), ("pass", 0)])
@pytest.mark.parametrize("form", ["text", "json", "junit", "markdown"])
def test_what_unknown_makes_of_the_exit_code_is_chosen_and_said(
    run: Commands, ran: Path, choice: str, code: int, form: str
) -> None:
    said = run("gate", "-c", ran, "--deploy", "d0", "--on-inconclusive", choice, "--format", form)
    assert said.code == code
    assert "unknown" in said.out.lower()  # the verdict stays what it is
    assert (f"taken as {choice} by --on-inconclusive" in said.out) == (choice != "error")
    decided = run("gate", "-c", ran, "--deploy", "d3", "--on-inconclusive", choice, "--format", form)
    assert decided.code == 1
    assert "taken as" not in decided.out


def test_the_gate_in_every_form_and_into_a_file(run: Commands, ran: Path, tmp_path: Path) -> None:
    said = {
        form: run("gate", "-c", ran, "--deploy", "d3", "--format", form, "--output", tmp_path / form)
        for form in FORMS
    }
    assert {one.code for one in said.values()} == {1}
    assert all((tmp_path / form).read_text(encoding="utf-8") == one.out for form, one in said.items())
    document = said["json"].json()
    assert (document["verdict"], document["state"], document["deploy"]) == ("fail", "judged", "d3")
    suite = ET.fromstring(said["junit"].out)  # noqa: S314 - our own output
    assert int(suite.get("failures", "0")) == len(suite.findall("testcase/failure")) > 1
    assert said["markdown"].out.startswith("## Corpus drift gate: FAIL")
    assert said["text"].out.startswith("FAIL  deploy d3\ncompared with baseline main (approved by bootstrap)")


FORMS = ("text", "json", "junit", "markdown")


def test_a_report_as_a_table_and_as_json(run: Commands, ran: Path) -> None:
    table, newest, named = (
        run("report", "-c", ran, *more) for more in ((), ("--json",), ("--deploy", "d1", "--json"))
    )
    assert (table.code, newest.code, named.code) == (0, 0, 0)
    assert table.out.startswith("FAIL  as of ")
    assert (newest.json()["deploy_id"], named.json()["deploy_id"]) == ("d3", "d1")
    schema = run("schema", "report").json()
    assert set(named.json()) == set(schema["properties"])


# ---------------------------------------------------------------- baselines


def test_baselines_while_no_monitor_runs(run: Commands, ran: Path, tmp_path: Path) -> None:
    config = copied(ran, tmp_path)
    assert [one["name"] for one in run("baseline", "list", "-c", config, "--json").json()] == ["main"]
    captured = run("baseline", "capture", "-c", config, "late", "--json")
    assert (captured.code, captured.json()["approval"]) == (0, None)
    refused(
        run("gate", "-c", config, "--deploy", "d3", "--baseline", "late"),
        2,
        "baseline 'late': not captured and approved",
    )
    assert "approve it with: corpus-drift baseline approve late" in run("baseline", "show", "-c", config, "late").out
    approve = ("baseline", "approve", "-c", config, "late", "--author", "ann")
    refused(run(*approve, "--reason", " "), 2, "baseline 'late': approval needs an author and a reason")
    approved = run(*approve, "--reason", "the new normal")
    assert "approved by ann at 20" in approved.out
    assert run("gate", "-c", config, "--deploy", "d3", "--baseline", "late").code == 0
    assert run("gate", "-c", config, "--deploy", "d3").code == 1
    table = run("baseline", "list", "-c", config).out
    assert "late" in table
    assert "the new normal" in table
    refused(run("baseline", "show", "-c", config, "never"), 2, "baseline 'never': not captured")
    refused(
        run("baseline", "approve", "-c", config, "never", "--author", "a", "--reason", "r"),
        2,
        "expected one of: main, late",
    )
    refused(run("baseline", "capture", "-c", config, "a b"), 2, "baseline 'a b': expected 1 to 64 letters")


# ---------------------------------------------------------------- a running monitor


@contextmanager
def process(*arguments: object, env: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
    """A command as a process of its own; it is gone at the end."""
    command = [sys.executable, "-m", "monitor", *map(str, arguments)]
    environment = {**os.environ, **(env or {})}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as started:
        try:
            yield started
        finally:
            if started.poll() is None:
                started.kill()
            started.communicate(timeout=DEADLINE)


@pytest.fixture(scope="module")
def alive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, subprocess.Popen[str]]]:
    """A monitor that follows its file in a process of its own, with a token, after d0."""
    folder = tmp_path_factory.mktemp("alive")
    config = write_case(folder, shape=SHAPE)
    config.write_text(config.read_text().replace('"events.jsonl"', '"events.jsonl"\nfollow = true'), encoding="utf-8")
    lines = written(events(7, SHAPE)).splitlines(keepends=True)
    (folder / "events.jsonl").write_bytes(b"".join(lines[:61]))
    with process("run", "-c", config, env=TOKEN) as started:
        until = time.monotonic() + DEADLINE
        lock = OwnerLock(folder / "state.db")
        while not (owner := lock.owner()) or not owner.url:
            assert time.monotonic() < until
            assert started.poll() is None, started.communicate()
            threading.Event().wait(0.05)
        yield config, started


TOKEN = {"CORPUS_DRIFT_HTTP__TOKEN": "hush-hush"}


def test_a_running_monitor_is_asked(
    run: Commands, alive: tuple[Path, subprocess.Popen[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    config, started = alive
    without = run("gate", "-c", config, "--deploy", "d0")
    refused(without, 2, "401 authorization: expected a bearer token")
    monkeypatch.setenv("CORPUS_DRIFT_HTTP__TOKEN", TOKEN["CORPUS_DRIFT_HTTP__TOKEN"])
    assert run("gate", "-c", config, "--deploy", "d0", "--timeout", "60").code == 3
    unseen = run("gate", "-c", config, "--deploy", "d1", "--timeout", "0.1")
    assert (unseen.code, "not judged within 0.1 s" in unseen.out) == (3, True)

    lines = written(events(7, SHAPE)).splitlines(keepends=True)
    with (config.parent / "events.jsonl").open("ab") as file:
        file.write(b"".join(lines[61:]))
    assert run("gate", "-c", config, "--deploy", "d3", "--timeout", "60").code == 1  # it waits for the barrier
    assert run("gate", "-c", config, "--deploy", "d1").code == 0
    assert run("report", "-c", config, "--json").json()["verdict"]["verdict"] == "fail"
    assert run("report", "-c", config, "--deploy", "d1", "--json").json()["deploy_id"] == "d1"

    assert run("baseline", "capture", "-c", config, "late").code == 0
    assert run("baseline", "approve", "-c", config, "late", "--author", "ann", "--reason", "new").code == 0
    assert [one["name"] for one in run("baseline", "list", "-c", config, "--json").json()] == ["main", "late"]
    assert run("gate", "-c", config, "--deploy", "d3", "--baseline", "late").code == 0
    refused(run("gate", "-c", config, "--deploy", "x", "--at-end"), 2, "400 the source cannot say where it ends")
    refused(run("run", "-c", config), 2, f"in use by process {started.pid}")
    refused(run("baseline", "capture", "-c", config, "a b"), 2, "400 baseline 'a b': expected 1 to 64 letters")


def test_the_gate_waits_for_a_monitor_that_is_starting(run: Commands, ran: Path, tmp_path: Path) -> None:
    """It owns the state and does not listen yet: what the state says now is not the last word."""
    config, lock = copied(ran, tmp_path), OwnerLock(tmp_path / "state.db")
    lock.acquire()
    timer = threading.Timer(0.3, lock.announce, ["http://127.0.0.1:1"])
    timer.start()
    refused(run("gate", "-c", config, "--deploy", "d1"), 4, "monitor at http://127.0.0.1:1: no answer")
    lock.announce("")
    assert (
        run("gate", "-c", config, "--deploy", "d1", "--timeout", "0.1").code == 0
    )  # waited in vain: the state counts
    timer.join()
    lock.release()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_after_its_turn(tmp_path: Path, how: signal.Signals) -> None:
    config = write_case(tmp_path, shape=SHAPE)
    config.write_text(config.read_text().replace('"events.jsonl"', '"events.jsonl"\nfollow = true'), encoding="utf-8")
    with process("run", "-c", config) as started:
        assert started.stderr is not None
        while "deploy d3" not in (line := started.stderr.readline()):
            assert line, "it ended before the last deploy"
        started.send_signal(how)
        assert started.wait(DEADLINE) == 0
    assert OwnerLock(tmp_path / "state.db").owner() is None
    assert main(["gate", "-c", str(config), "--deploy", "d1"]) == 0


# ---------------------------------------------------------------- checks and builders


def test_check_config_says_everything_wrong_at_once(run: Commands, ran: Path, tmp_path: Path) -> None:
    good = run("check-config", "-c", ran)
    assert (good.code, good.err) == (0, "")
    assert ": ok, " in good.out
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(
        ran.read_text(encoding="utf-8").replace('name = "small"', 'name = "a b"')
        + "bogus = 1\n[measure]\ndepths = [0]\n"
    )
    said = run("check-config", "-c", wrong)
    assert (said.code, said.out) == (2, "")
    lines = said.err.splitlines()
    assert len(lines) == 3
    assert all(line.startswith(f"corpus-drift: {wrong}: ") for line in lines)
    assert {line.split(": ")[2].split(" ")[0] for line in lines} == {"corpus.name", "state.bogus", "measure.depths"}


def test_check_config_looks_into_the_files_it_names(run: Commands, ran: Path, tmp_path: Path) -> None:
    config = copied(ran, tmp_path)
    (tmp_path / "anchors.jsonl").write_text('{"id": "a"}\n{"id": "b", "text": "x", "weight": -1}\n', encoding="utf-8")
    said = run("check-config", "-c", config)
    assert (said.code, said.out) == (2, "")
    assert [line.partition("anchors.jsonl:")[2][:2] for line in said.err.splitlines()] == ["1:", "2:"]
    (tmp_path / "anchors.jsonl").unlink()
    refused(run("check-config", "-c", config), 2, "anchors.jsonl", "No such file or directory")


@pytest.mark.parametrize("what", ["anchors", "config", "events", "report"])
def test_schemas_are_json_schemas(run: Commands, what: str) -> None:
    said = run("schema", what)
    assert said.code == 0
    import jsonschema

    jsonschema.Draft202012Validator.check_schema(said.json())


def test_events_are_checked_line_by_line(run: Commands, ran: Path, tmp_path: Path) -> None:
    good = run("events", "check", ran.parent / "events.jsonl", "--json")
    assert (good.code, good.json()["problems"]) == (0, [])
    assert good.json()["counts"]["deploy"] == 4
    values = [(name, value, reason) for name, _, value, _, reason in HOSTILE if value and b"\n" not in value]
    bad = tmp_path / "bad.jsonl"
    bad.write_bytes(
        b"\n".join([b'{"op": "heartbeat", "event_time": "2026-08-19T10:12:00Z"}', *(one[1] for one in values)])
    )
    said = run("events", "check", bad, "--dimension", 4, "--json")
    assert said.code == 1
    assert said.json()["counts"]["heartbeat"] == 1
    assert said.json()["counts"]["malformed"] > len(values) * 0.8  # without keys, headers and configured paths
    assert all(problem.startswith(f"{bad}:") for problem in said.json()["problems"][:-1])
    text = run("events", "check", bad, "--dimension", 4)
    assert (text.code, f"{bad}:2: " in text.out) == (1, True)


def test_events_from_standard_input(ran: Path) -> None:
    content = (ran.parent / "events.jsonl").read_bytes()
    command = [sys.executable, "-m", "monitor", "events", "check", "-", "--json"]
    said = subprocess.run(command, input=content, capture_output=True, timeout=DEADLINE)
    assert (said.returncode, said.stderr) == (0, b"")
    assert json.loads(said.stdout)["counts"]["deploy"] == 4


def test_anchors_are_built_from_a_log_and_checked(run: Commands, tmp_path: Path) -> None:
    log, made = tmp_path / "log.tsv", tmp_path / "made.jsonl"
    log.write_text("".join(f"how do I reset word{n:02} safely\t{100 - n}\n" for n in range(40)), encoding="utf-8")
    built = run("anchors", "build", log, "-o", made, "--count", "10", "--json")
    assert (built.code, built.json()["anchors"], built.json()["queries"]) == (0, 10, 40)
    checked = run("anchors", "check", made, "--json")
    assert (checked.code, checked.json()["counts"]) == (0, {"anchors": 10, "with vectors": 0})
    made.write_text(made.read_text() + '{"id": "x"}\n{\n', encoding="utf-8")
    wrong = run("anchors", "check", made)
    assert wrong.code == 2
    assert [line.partition(":")[2][:2] for line in wrong.out.splitlines()[:2]] == ["11", "12"]


def test_the_quarantine_is_listed(run: Commands, tmp_path: Path) -> None:
    config = write_case(tmp_path, shape=Shape(chunks=8, deploys=1, dense=False))
    lines = (tmp_path / "events.jsonl").read_bytes().splitlines()
    (tmp_path / "events.jsonl").write_bytes(b"\n".join([b"{", *lines, b'{"op": "drop \\u001b[2J"}', b""]))
    assert run("run", "-c", config, "--until-end").code == 0
    listed = run("quarantine", "list", "-c", config, "--json").json()
    assert [(one["offset"], one["reason"]) for one in listed] == [(11, "unknown_op"), (0, "not_json")]
    assert [one["offset"] for one in run("quarantine", "list", "-c", config, "--limit", "1", "--json").json()] == [11]
    table = run("quarantine", "list", "-c", config).out
    assert "file/0/11" in table
    assert "\x1b" not in table


# ---------------------------------------------------------------- wrong input


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nonsense"], 2, "No such command 'nonsense'"),
        (["gate", "--deploy", "d"], 2, "Missing option '-c' / '--config'"),
        (["gate", "-c", "none.toml"], 2, "Missing option '--deploy'"),
        (["gate", "-c", "none.toml", "--deploy", "d"], 2, "none.toml: cannot be read: No such file or directory"),
        (["gate", "-c", "{ran}", "--deploy", "d", "--format", "yaml"], 2, "'yaml' is not one of"),
        (["gate", "-c", "{ran}", "--deploy", "d", "--timeout", "soon"], 2, "Invalid value for '--timeout'"),
        (["gate", "-c", "{ran}", "--deploy", "d", "--on-inconclusive", "shrug"], 2, "'shrug' is not one of"),
        (["gate", "-c", "{ran}", "--deploy", "d1", "--at-end"], 4, "--at-end needs a running monitor"),
        (
            ["gate", "-c", "{ran}", "--deploy", "d1", "--baseline", "none"],
            2,
            "baseline 'none': not captured and approved",
        ),
        (["gate", "-c", "{ran}", "--deploy", "d1", "--output", "/no/such/folder/x"], 2, "--output /no/such/folder/x"),
        (["gate", "-c", "{new}", "--deploy", "d1"], 4, "no monitor is running and there is no state at"),
        (["report", "-c", "{new}"], 4, "no monitor is running and there is no state at"),
        (
            ["report", "-c", "{ran}", "--deploy", "d9"],
            2,
            "deploy 'd9': no report kept; the newest deploys are: d0, d1, d2, d3",
        ),
        (["baseline", "list", "-c", "{new}"], 4, "there is no state at"),
        (["baseline", "capture", "-c", "{new}", "main"], 4, "there is no state at"),
        (["quarantine", "list", "-c", "{new}"], 4, "there is no state at"),
        (["quarantine", "list", "-c", "{ran}", "--limit", "0"], 2, "Invalid value for '--limit'"),
        (["schema", "nothing"], 2, "schema 'nothing': expected one of anchors, config, events, report"),
        (["events", "check", "none.jsonl"], 4, "none.jsonl"),
        (["events", "check", "{ran}", "--format", "xml"], 2, "xml"),
        (["anchors", "check", "none.jsonl"], 2, "none.jsonl: No such file or directory"),
        (["anchors", "build", "none.tsv", "-o", "x.jsonl"], 2, "none.tsv"),
        (["anchors", "build", "none.tsv", "-o", "x.jsonl", "--count", "0"], 2, "Invalid value for '--count'"),
    ],
)
def test_wrong_input_is_one_line_and_the_right_code(
    run: Commands, ran: Path, tmp_path: Path, arguments: list[str], code: int, said: str
) -> None:
    new = write_case(tmp_path, shape=SHAPE)
    refused(run(*(part.format(ran=ran, new=new) for part in arguments)), code, said)


def test_a_source_that_is_not_there(run: Commands, tmp_path: Path) -> None:
    config = write_case(tmp_path, shape=SHAPE)
    (tmp_path / "events.jsonl").unlink()
    refused(run("run", "-c", config, "--until-end"), 4, "events.jsonl", "No such file or directory")


def test_a_state_that_is_none(run: Commands, tmp_path: Path) -> None:
    config = write_case(tmp_path, shape=SHAPE)
    (tmp_path / "state.db").write_bytes(b"no database at all " * 100)
    for command in (("run", "--until-end"), ("report",), ("baseline", "list"), ("quarantine", "list")):
        words = [word for word in command if not word.startswith("--")]
        flags = [word for word in command if word.startswith("--")]
        refused(run(*words, "-c", config, *flags), 2, "state.db", "file is not a database")


def test_a_taken_port_is_told(run: Commands, tmp_path: Path) -> None:
    import socket

    config = write_case(tmp_path, shape=SHAPE)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        config.write_text(config.read_text().replace("port = 0", f"port = {port}"), encoding="utf-8")
        refused(run("run", "-c", config, "--until-end"), 2, f"127.0.0.1:{port}: Address already in use")


def test_help_and_version(run: Commands) -> None:
    assert run("--version").out.startswith("corpus-drift 0.")
    said = run("--help")
    assert said.code == 0
    for command in ("run", "gate", "report", "baseline", "anchors", "events", "quarantine", "check-config", "schema"):
        assert command in said.out


def test_a_reader_that_goes_away_is_no_crash(ran: Path) -> None:
    command = f"{sys.executable} -m monitor schema report | head -c 1"
    said = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=DEADLINE)
    assert (said.stdout, said.stderr) == ("{", "")
