"""The commands as people and pipelines call them: what they say, where, and the exit code."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from monitor.adapters.lock import OwnerLock
from monitor.cli import main
from tests.app.loops import opened, to_end
from tests.commands import SHAPE, Commands, copied, refused
from tests.corpora import events, write_case, written

DEADLINE = 60.0


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
    assert [line[:2] for line in lines[:1]] == [["listening", "on"]]
    assert said.err.splitlines()[-1].endswith(", 0 set aside; 4 deploys judged (1 FAIL, 2 PASS, 1 UNKNOWN)")
    again = run("run", "-c", config, "--until-end")
    assert again.code == 0
    assert again.err.splitlines()[1:] == ["0 changes read, 0 applied, 0 set aside; 0 deploys judged"]  # none twice


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
    arguments = ("gate", "-c", ran, "--deploy", "d3", "--format")
    said = {form: run(*arguments, form) for form in FORMS}
    told = {form: run(*arguments, form, "--output", tmp_path / form) for form in FORMS}
    assert {one.code for one in (*said.values(), *told.values())} == {1}
    assert all((tmp_path / form).read_text(encoding="utf-8") == one.out for form, one in said.items())
    reasons = said["json"].json()["reasons"]
    for form, one in told.items():  # a summary: verdict, reasons, where the file is
        lines = one.out.splitlines()
        assert (lines[0], lines[-1]) == ("FAIL  deploy d3", f"{form} answer in {tmp_path / form}")
        assert [line for line in lines if line.startswith("  - ")] == [f"  - {reason}" for reason in reasons[:10]]
        assert len(lines) <= 14
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
    assert (newest.json()["deploy_id"], named.json()["deploy_id"]) == ("", "d1")
    assert newest.json()["verdict"]["verdict"] == "fail"
    schema = run("schema", "report").json()
    assert set(named.json()) == set(schema["properties"])


def test_a_report_draws_how_each_segment_moved(run: Commands, ran: Path) -> None:
    drawn, swaps = (run("report", "-c", ran, *more).out for more in ((), ("--measure", "swaps")))
    assert "kept_answers_ratio over the last 4 deploys and 0 hours, oldest left" in drawn
    assert "swaps over the last 4 deploys" in swaps
    assert re.search(r"^lexical +all +[▁▂▃▄▅▆▇█·]{4} ", drawn, re.MULTILINE)
    past = run("report", "-c", ran, "--format", "json").json()["history"]
    assert [of["deploy"] for of in past["deploys"]] == ["d0", "d1", "d2", "d3"]
    assert not re.search("[▁▂▃▄▅▆▇█]", run("report", "-c", ran, "--json").out), "a machine reads numbers"
    assert run("report", "-c", ran, "--measure", "never").code == 2


REFUSED = "expected at most 10% (source.max_refused_ratio); see corpus-drift quarantine list"


def spoilt(config: Path, share: float) -> int:
    """Break so many of the events, deploy markers excepted; returns how many."""
    path = config.parent / "events.jsonl"
    lines = path.read_bytes().splitlines()
    changes = [at for at, line in enumerate(lines) if b'"op":"upsert"' in line or b'"op":"delete"' in line]
    broken = changes[: round(share * len(changes))]
    for at in broken:
        lines[at] = b"no json"
    path.write_bytes(b"\n".join(lines) + b"\n")
    return len(broken)


def test_a_run_of_which_nothing_could_be_applied_fails_and_nothing_is_approved(run: Commands, tmp_path: Path) -> None:
    config = write_case(tmp_path, shape=SHAPE)
    broken = spoilt(config, 1.0)
    said = run("run", "-c", config, "--until-end")
    assert (said.code, said.out) == (1, "")
    *_, counted, unapproved, why = said.err.splitlines()
    aside = f"{broken} changes read, 0 applied, {broken} set aside (not_json: {broken})"
    assert counted == f"{aside}; 4 deploys judged (4 UNKNOWN)"
    assert unapproved.startswith("no baseline is in force")
    assert why == f"corpus-drift: {broken} of {broken} changes were set aside, {REFUSED} -c {config}"
    assert run("gate", "-c", config, "--deploy", "d0").code == 3
    refused(run("baseline", "capture", "-c", config, "x"), 4, "baseline 'x': the corpus is empty")
    refused(
        run("baseline", "accept", "-c", config, "--author", "a", "--reason", "r"), 4, "'main': the corpus is empty"
    )
    assert run("baseline", "list", "-c", config).out.startswith("no baseline captured yet")


@pytest.mark.parametrize(
    ("limit", "code"), [("", 1), ("max_refused_ratio = 0.9\n", 0), ("max_refused_ratio = 0\n", 1)]
)
def test_how_much_may_be_refused_is_configured(run: Commands, tmp_path: Path, limit: str, code: int) -> None:
    config = write_case(tmp_path, shape=SHAPE)
    config.write_text(config.read_text().replace("[source.file]", f"[source]\n{limit}[source.file]"))
    assert spoilt(config, 0.3) > 10
    said = run("run", "-c", config, "--until-end")
    assert (said.code, "changes were set aside, expected at most " in said.err) == (code, bool(code))
    gate = run("gate", "-c", config, "--deploy", "d0")
    assert (gate.code, "changes were set aside" in gate.out) == (3, bool(code))


def test_a_stream_without_deploy_markers_says_what_it_lacks_and_can_be_accepted(
    run: Commands, tmp_path: Path
) -> None:
    config = write_case(tmp_path, shape=SHAPE)
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"".join(line for line in path.read_bytes().splitlines(True) if b'"deploy_id"' not in line))
    said = run("run", "-c", config, "--until-end")
    assert said.code == 0
    counted, marker, baseline = said.err.splitlines()[-3:]
    assert counted.endswith("applied, 0 set aside; 0 deploys judged")
    assert marker.startswith("no deploy marker was seen, so nothing was judged")
    assert baseline.startswith("no baseline is in force, so nothing is compared: corpus-drift baseline accept")
    report = run("report", "-c", config)
    assert (report.code, "no approved baseline" in report.out) == (0, True)
    assert report.out.startswith("UNKNOWN  as of 2026-")
    assert run("baseline", "accept", "-c", config, "--author", "ann", "--reason", "it is good").code == 0
    assert run("report", "-c", config).out.startswith("PASS  as of 2026-")


def test_a_report_of_a_state_whose_monitor_was_killed_says_why_there_is_none(run: Commands, tmp_path: Path) -> None:
    config = write_case(tmp_path, shape=SHAPE)
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(True)[:20]))
    with opened(config) as monitor:
        assert to_end(monitor)  # and never comes to its end
    refused(
        run("report", "-c", config), 4, "no report kept: no deploy was judged", "expected corpus-drift run to have"
    )


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
    assert (
        "approve it with: corpus-drift baseline approve -c FILE late"
        in run("baseline", "show", "-c", config, "late").out
    )
    approve = ("baseline", "approve", "-c", config, "late", "--author", "ann")
    refused(run(*approve, "--reason", " "), 2, "baseline 'late': approval needs an author and a reason")
    assert run("report", "-c", config, "--json").json()["verdict"]["verdict"] == "fail"
    approved = run(*approve, "--reason", "the new normal")
    assert "approved by ann at 20" in approved.out
    assert "in force" in approved.out.splitlines()[-1]
    assert run("report", "-c", config).out.startswith("PASS  as of ")
    assert ", against baseline late" in run("report", "-c", config).out
    marks = {one["name"]: one["in_force"] for one in run("baseline", "list", "-c", config, "--json").json()}
    assert marks == {"main": False, "late": True}
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


def test_the_corpus_of_now_is_accepted_in_one_step(run: Commands, ran: Path, tmp_path: Path) -> None:
    config = copied(ran, tmp_path)
    words = ("baseline", "accept", "-c", config)
    refused(
        run(*words, "--author", " ", "--reason", "r"), 2, "baseline 'main': approval needs an author and a reason"
    )
    accepted = run(*words, "--author", "ann", "--reason", "wanted", "--json").json()
    assert (accepted["name"], accepted["deploy"], accepted["in_force"]) == ("main", "d3", True)
    report = run("report", "-c", config, "--json").json()
    assert (report["verdict"]["verdict"], report["baseline"]["deploy_id"]) == ("pass", "d3")
    assert run("baseline", "accept", "-c", config, "x", "--author", "a", "--reason", "r").code == 0
    assert run("report", "-c", config, "--json").json()["baseline"]["name"] == "x"
    again = run("run", "-c", config, "--until-end")
    assert again.code == 0
    assert run("report", "-c", config, "--json").json()["baseline"]["name"] == "x"


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
    assert run("explain", "-c", config, "--deploy", "d3", "--json").json()["events"]
    now = run("explain", "-c", config, "--segment", "source=api", "--json")
    assert (now.code, now.json()["deploy"], now.json()["question"]["segment"]) == (0, "", "source=api")
    commands = [one["command"] for one in now.json()["actions"] if one["command"]]
    assert commands
    assert all(f" -c {config} " in command for command in commands), "the file that this monitor runs with"
    refused(run("explain", "-c", config, "--deploy", "d9"), 2, "404 deploy 'd9'", "never judged")
    refused(run("explain", "-c", config, "--anchor", "nobody"), 2, "404 anchor 'nobody'")

    assert (run("health", "-c", config).out, run("health", "-c", config, "--ready").out) == ("ok\n", "ok\n")
    assert run("baseline", "capture", "-c", config, "late").code == 0
    assert run("baseline", "approve", "-c", config, "late", "--author", "ann", "--reason", "new").code == 0
    assert [one["name"] for one in run("baseline", "list", "-c", config, "--json").json()] == ["main", "late"]
    assert run("gate", "-c", config, "--deploy", "d3", "--baseline", "late").code == 0
    refused(run("gate", "-c", config, "--deploy", "x", "--at-end"), 2, "400 the source cannot say where it ends")
    refused(run("run", "-c", config), 2, f"in use by process {started.pid}")
    refused(run("baseline", "capture", "-c", config, "a b"), 2, "400 baseline 'a b': expected 1 to 64 letters")


def test_nobody_running_is_not_well(run: Commands, ran: Path) -> None:
    for options in ((), ("--ready",)):
        refused(run("health", "-c", ran, *options), 4, f"no monitor with endpoints owns {ran.parent / 'state.db'}")


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


def test_explain_says_who_did_it(run: Commands, ran: Path) -> None:
    text, document = run("explain", "-c", ran, "--deploy", "d3"), run("explain", "-c", ran, "--json")
    assert (text.code, document.code) == (0, 0)
    assert text.out.startswith("FAIL  deploy d3, as of ")
    assert document.json()["deploy"] == "d3"
    part = run("explain", "-c", ran, "--segment", "source=api", "--anchor", "q1", "--json").json()
    assert [one["anchors"] for one in part["size"]] == [1]
    refused(run("explain", "-c", ran, "--deploy", "d9"), 2, "deploy 'd9'", "d0, d1, d2, d3")
    refused(run("explain", "-c", ran, "--segment", "a=b"), 2, "segment 'a=b'", "source=api")
    refused(run("explain", "-c", ran, "--anchor", "nobody"), 2, "anchor 'nobody'")
    assert set(run("schema", "explain").json()["properties"]) == set(document.json())
