"""The commands that check and build, and every command given something wrong: one line, the right exit code."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import typer

from monitor.cli import app
from tests.adapters.codecs.hostile import HOSTILE
from tests.app.loops import left
from tests.commands import SHAPE, Commands, copied, refused
from tests.corpora import Shape, write_case

DEADLINE = 60.0


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


def test_a_bootstrap_needs_a_stream_to_follow_and_check_config_says_so(run: Commands, tmp_path: Path) -> None:
    config = write_case(tmp_path, extra='[bootstrap]\npath = "corpus.parquet"\n')
    wanted = "source.file: does not say where it ends; expected a stream that does, such as source.kafka"
    refused(run("check-config", "-c", config), 2, wanted)


@pytest.mark.parametrize("what", ["anchors", "config", "events", "explain", "gate", "report"])
def test_schemas_are_json_schemas(run: Commands, what: str) -> None:
    said = run("schema", what)
    assert said.code == 0
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
    text = run("anchors", "build", log, "-o", made, "--count", "10").out.splitlines()
    assert text[0] == f"{made}: 10 anchors, chosen of 40 queries"
    assert text[2].split() == ["lines", "read", "40,", "blank", "0,", "refused", "0"]
    assert not set("{}[]'") & set("".join(text[1:]))
    made.write_text(made.read_text() + '{"id": "x"}\n{\n', encoding="utf-8")
    wrong = run("anchors", "check", made)
    assert wrong.code == 2
    assert [line.partition(":")[2][:2] for line in wrong.out.splitlines()[:2]] == ["11", "12"]


def test_vectors_are_counted_and_held_against_the_dimension_of_most(run: Commands, tmp_path: Path) -> None:
    path = tmp_path / "anchors.jsonl"
    good = [{"id": f"a{n}", "text": "x", "vector": [1.0, 2.0, float(n)]} for n in range(3)]
    path.write_text("".join(f"{json.dumps(line)}\n" for line in [*good, {"id": "bare", "text": "x"}]))
    said = run("anchors", "check", path)
    assert (said.code, said.out) == (0, "4 anchors, 3 with vectors of 3 numbers\n")
    odd = {"id": "odd", "text": "x", "vector": [1.0]}
    path.write_text(path.read_text() + json.dumps(odd) + "\n")
    said = run("anchors", "check", path)
    assert (said.code, said.out.splitlines()[0]) == (2, f"{path}:5: vector has 1 numbers, expected 3")
    assert run("anchors", "check", path, "--dimension", 1, "--json").json()["counts"]["with vectors"] == 1
    path.write_text('{"id": "a", "text": "x", "vector_b64": "no"}\n')
    assert run("anchors", "check", path).out.startswith(f"{path}:1: vector_b64 is not base64")


def test_a_version_path_that_leads_nowhere_is_told(run: Commands, tmp_path: Path) -> None:
    """A row without a version is fine where none was promised; a promised one that is never there orders nothing."""
    row = {"chunk_id": "c", "text": "t"}
    event = {"op": "c", "after": row, "source": {"file": "b.000001", "pos": 4}, "ts_ms": 1_767_600_000_000}
    (tmp_path / "events.jsonl").write_text(json.dumps(event) + "\n", encoding="utf-8")

    def checked(fields: str) -> tuple[int, list[str]]:
        (tmp_path / "anchors.jsonl").write_text('{"id": "a", "text": "b"}\n', encoding="utf-8")
        config = tmp_path / "c.toml"
        config.write_text(
            '[corpus]\n[source]\nformat = "debezium"\n[source.file]\npath = "events.jsonl"\n'
            f'[dense]\nengine = "none"\n[anchors]\npath = "anchors.jsonl"\n[source.fields]\n{fields}\n',
            encoding="utf-8",
        )
        said = run("events", "check", tmp_path / "events.jsonl", "-c", config)
        return said.code, said.out.splitlines()

    assert checked("")[0] == 0
    assert checked('debezium_version = ["source.file", "source.pos"]')[0] == 0
    for fields in ('debezium_version = "pos"', 'version = "source.file"'):
        code, lines = checked(fields)
        assert code == 1
        assert f"no upsert has a version at {fields.replace(chr(34), chr(39))}: " in lines[0]
        assert lines[1] == "1 events, 0 malformed, 1 upsert"


def test_events_are_checked_with_the_configured_field_paths(run: Commands, tmp_path: Path) -> None:
    config, path = write_case(tmp_path, shape=SHAPE), tmp_path / "rows.jsonl"
    row = {"page": {"id": "c1"}, "doc": "d1", "body": "words", "at": "2026-08-19T10:12:00Z"}
    path.write_text(f"{json.dumps(row)}\n")
    fields = '[source]\nformat = "fields"\n[source.fields]\nchunk_id = "%s"\ndoc_id = "doc"\n'
    fields += 'text = "body"\nevent_time = "at"\n'
    text = config.read_text()
    config.write_text(text.replace("[source.file]", fields % "page.id" + "[source.file]"))
    said = run("events", "check", path, "-c", config, "--json").json()
    assert (said["problems"], said["counts"]["upsert"]) == ([], 1)
    assert run("events", "check", path).code == 1, "nobody knows these fields without the configuration"
    config.write_text(text.replace("[source.file]", fields % "page.name" + "[source.file]"))
    wrong = run("events", "check", path, "-c", config)
    assert (wrong.code, "1 malformed" in wrong.out) == (1, True)
    assert run("events", "check", path, "-c", config, "--format", "native").code == 1
    dense = write_case(tmp_path, shape=Shape(chunks=8, deploys=1))
    assert run("events", "check", tmp_path / "events.jsonl", "-c", dense).code == 0
    dense.write_text(dense.read_text().replace("dimension = 8", "dimension = 9"))
    assert run("events", "check", tmp_path / "events.jsonl", "-c", dense).code == 1


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


def test_what_was_set_aside_by_mistake_is_taken_on_another_try(run: Commands, tmp_path: Path) -> None:
    (tmp_path / "right").mkdir()
    right = write_case(tmp_path / "right", shape=(shape := Shape(chunks=8, deploys=1)))
    assert run("run", "-c", right, "--until-end").code == 0
    config = write_case(tmp_path, shape=shape, extra="")
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("[source.file]", '[source]\nformat = "cloudevents"\n[source.file]'), "utf-8")
    assert run("run", "-c", config, "--until-end").code == 1  # nothing could be applied
    assert not any(row.live for row, _, _ in left(tmp_path / "state.db").chunks)
    assert run("quarantine", "replay", "-c", config).code == 1  # nothing has changed: everything stays

    config.write_text(text, encoding="utf-8")
    listed = run("quarantine", "list", "-c", config, "--json").json()
    shown = [run("quarantine", "show", f"file/0/{one['offset']}", "-c", config, "--json").json() for one in listed]
    markers = [one["offset"] for one in shown if json.loads(one["value"])["op"] == "deploy"]
    assert len(markers) >= 1
    assert "quarantine 'file/0/x': not there" in run("quarantine", "show", "file/0/x", "-c", config).err
    again = run("quarantine", "replay", "-c", config, "--json")
    assert (again.code, again.json()["taken"]) == (1, len(listed) - len(markers))
    assert {one["offset"]: one["reason"] for one in again.json()["kept"]} == dict.fromkeys(
        markers, "a marker: its place in the stream is past"
    )
    assert left(tmp_path / "state.db").chunks == left(tmp_path / "right" / "state.db").chunks
    assert [one["offset"] for one in run("quarantine", "list", "-c", config, "--json").json()] == markers


def test_a_log_without_a_query_says_why(run: Commands, tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text('{"query": "how"}\n\n{"text": ""}\n{"query": "where"}\n', encoding="utf-8")
    build = ("anchors", "build", tmp_path / "log.jsonl", "-o", tmp_path / "out.jsonl")
    refused(run(*build), 2, "2 x bad_json", "1 x no_text", "log.jsonl:1: bad_json: ", "`query`")
    (tmp_path / "log.jsonl").write_bytes(b"")
    refused(run(*build), 2, "no query in it: none at all")
    (tmp_path / "log.jsonl").write_text('{"text": "?!"}\n', encoding="utf-8")
    refused(run(*build), 2, "none of its 1 queries has a word")
    refused(run(*build, "--form", "xml"), 2, "--form 'xml': expected one of text, jsonl, tsv, csv, ubi")
    assert not (tmp_path / "out.jsonl").exists()


def test_anchors_are_built_from_named_columns_in_a_named_encoding(run: Commands, tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_bytes(
        "Wer;Was;Wie oft\nann;Schlüssel drehen;3\nbob;Schlüssel sperren;4\n".encode("cp1252")
    )
    made = tmp_path / "out.jsonl"
    said = ("--query-field", "was", "--count-field", "wie oft", "--encoding", "cp1252", "--json")
    built = run("anchors", "build", tmp_path / "log.csv", "-o", made, *said)
    assert (built.code, built.json()["columns"]) == (0, "query = Was, count = Wie oft")
    shown = run("anchors", "build", tmp_path / "log.csv", "-o", made, *said[:-1]).out
    assert "read as        csv: query = Was, count = Wie oft" in shown
    assert "lines read     2, blank 0, refused 0" in shown, "a header is no refused line"
    texts = [json.loads(line)["text"] for line in made.read_text(encoding="utf-8").splitlines()]
    assert sorted(texts) == ["Schlüssel drehen", "Schlüssel sperren"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_json_lines_of_another_encoding_are_named_in_one_line(run: Commands, tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "lines.jsonl"
    path.write_bytes('{"id": "q1", "text": "rotate"}\r\n'.encode(encoding))
    for group in ("events", "anchors"):
        name = encoding.upper()
        refused(run(group, "check", path), 2, f"is {name} by its byte-order mark, expected UTF-8; convert it: iconv")


# ---------------------------------------------------------------- wrong input


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nonsense"], 2, "No such command 'nonsense'"),
        (["gate", "--deploy", "d"], 2, "neither -c nor --monitor: expected -c FILE, or --monitor URL"),
        (["gate", "-c", "none.toml"], 2, "Missing option '--deploy'"),
        (["gate", "-c", "none.toml", "--deploy", "d"], 2, "none.toml: cannot be read: No such file or directory"),
        (["gate", "-c", "{ran}", "--deploy", "d", "--format", "yaml"], 2, "'--format': 'yaml' is not one of"),
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
        (
            ["schema", "nothing"],
            2,
            "schema 'nothing': expected one of anchors, config, events, explain, gate, report",
        ),
        (["events", "check", "none.jsonl"], 2, "none.jsonl: not there or not readable; expected a readable file"),
        (["events", "check", "."], 2, ".: a folder; expected a readable file"),
        (["gate", "-c", "{ran}", "--deploy", "d", "--dry-run", "none.jsonl"], 2, "none.jsonl: not there"),
        (["demo", "--folder", "{ran}"], 2, "corpus-drift.toml: File exists; expected a folder that can be written"),
        (["demo", "--migration", "--folder", "{ran}/x"], 2, "Not a directory; expected a folder that can be written"),
        (["demo", "--migration", "--lost", "email"], 2, "--flooded, --lost: a migration has no such incident"),
        (["replay-git", ".", "--folder", "{ran}"], 2, "File exists; expected a folder"),
        (["gate", "-c", "{ran}", "--deploy", ""], 2, "--deploy '': expected a deploy's id"),
        (["gate", "-c", "{ran}", "--deploy", "d1", "--timeout", "-1"], 2, "--timeout -1.0: expected seconds"),
        (["gate", "-c", "{ran}", "--deploy", "d1", "--timeout", "nan"], 2, "--timeout nan: expected seconds"),
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


@pytest.mark.parametrize("option", ["-c", "--token-file", "--ca-file", "--dry-run"])
def test_the_answer_of_a_gate_is_not_written_over_what_it_reads(run: Commands, tmp_path: Path, option: str) -> None:
    mine = tmp_path / "mine"
    mine.write_text("mine")
    said = run("gate", "--deploy", "d", "--output", mine, option, mine)
    refused(said, 2, f"--output {mine}: is one of the files to be read; expected another file")
    assert mine.read_text() == "mine"


def test_help_shows_every_form_of_a_run(run: Commands) -> None:
    said = " ".join(run("compare", "--help").out.split())
    assert 'R is [id, …], [[id, score], …] or [{"id": …, "score": …}, …], best first, or {id: score}.' in said


def test_a_reader_who_goes_away_makes_no_verdict(ran: Path) -> None:
    """`gate ... | head -1` in a shell with pipefail: a broken pipe is code 4 and never 1, which reads FAIL."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        command = [sys.executable, "-m", "monitor", "gate", "-c", str(ran), "--deploy", "d1"]
        done = subprocess.run(command, check=False, stdout=writing, stderr=subprocess.PIPE, timeout=DEADLINE)
    finally:
        os.close(writing)
    assert (done.returncode, b"nobody reads the output" in done.stderr) == (4, True)
    assert b"Traceback" not in done.stderr


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


def _commands(group: Any, name: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield name
    for inner, command in getattr(group, "commands", {}).items():
        yield from _commands(command, (*name, inner))


@pytest.mark.parametrize("command", [*_commands(typer.main.get_command(app))], ids=" ".join)
def test_help_fits_a_terminal_of_80_columns_and_nothing_is_cut(
    run: Commands, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    said = run(*command, "--help")
    assert said.code == 0
    assert max(map(len, said.out.splitlines())) <= 80
    shown = [line for line in said.out.splitlines() if not line.startswith("Usage: ")]
    assert not [line for line in shown if line.endswith("...")], "an ellipsis hides what it is for"


def test_help_is_quick_and_loads_nothing_of_what_the_commands_work_with() -> None:
    program = (
        "import sys, time; from monitor.cli import main; main(['--help']);"
        "found = [*{'numpy', 'numba', 'rich', 'pydantic', 'kafka'} & set(sys.modules)];"
        "print(time.process_time(), found, file=sys.stderr)"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=DEADLINE)
    took, loaded = done.stderr.split(" ", 1)
    assert loaded.strip() == "[]"
    assert float(took) < 0.5, "seconds of this process's own time, whatever else the machine does"


def test_a_reader_that_goes_away_is_no_crash(ran: Path) -> None:
    command = f"{sys.executable} -m monitor schema report | head -c 1"
    said = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=DEADLINE)
    assert (said.stdout, said.stderr) == ("{", "")
