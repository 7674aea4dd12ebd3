"""`anchors coverage` as people call it: of the state, a file, a running monitor, and with nothing there."""

import json
import time
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from monitor.app.configuration import load
from monitor.app.wiring import read_state, serving
from monitor.cli import main
from monitor.core.model.anchors import Anchor
from monitor.core.traffic.rotation import PanelMonth, due, panel_group
from tests.app.loops import to_end
from tests.app.test_traffic import ENVIRONMENT, SHAPE, asked, case, fresh, opened, written
from tests.corpora import DIMENSION, World, anchors
from tests.e2e.program import eventually, fetched


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


def ran(config: Path) -> Path:
    with opened(config) as monitor:
        assert to_end(monitor)
    return config


def test_from_the_state(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = ran(case(tmp_path, asked(400)))
    assert main(["anchors", "coverage", "-c", str(config)]) == 0
    said = capsys.readouterr().out
    assert said.startswith("COVERED: the anchors speak for the traffic (limit 50%)")
    assert "400 queries of 40 clients" in said
    assert "source=guide" in said
    month = PanelMonth.at(time.time())
    own = due([Anchor("", of.text) for of in anchors(7, SHAPE)], month)
    assert (f"{own} anchors of group {month.group} of 8 are due in {month}" if own else "nothing is due") in said
    assert main(["anchors", "coverage", "-c", str(config), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["coverage"][0]["share"] == pytest.approx(0.7, abs=0.02)


def test_of_a_file_over_the_state_which_stays_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = ran(case(tmp_path, asked(400)))
    other = tmp_path / "other.jsonl"
    other.write_bytes(written(asked(400, known=0.1)))
    assert main(["anchors", "coverage", "-c", str(config), "--traffic", str(other)]) == 1
    assert capsys.readouterr().out.startswith("BEHIND: the anchors no longer speak for the traffic")
    assert main(["anchors", "coverage", "-c", str(config)]) == 0


def test_of_a_running_monitor(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = case(tmp_path, asked(400))
    with opened(config) as monitor, serving(load(config, ENVIRONMENT), monitor) as url:
        assert to_end(monitor)

        def asks() -> bool:  # a view is made anew at intervals only, which are longer on a busy machine
            monitor.measuring.republish()
            code = main(["anchors", "coverage", "--monitor", url])
            return "400 queries of 40 clients" in capsys.readouterr().out and code == 0

        assert eventually(asks, 120.0, "all queries")
        text = fetched(f"{url}/metrics")[1].decode()
    assert (
        'corpus_drift_anchor_traffic_coverage_ratio{dimension="all",segment="all",stat="share",weight="asks"} 0.7'
        in text
    )
    assert 'corpus_drift_traffic_records_total{reason="counted"} 400.0' in text


def test_with_nothing_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = case(tmp_path, [])
    assert main(["anchors", "coverage", "-c", str(config)]) == 4
    ran(config)
    capsys.readouterr()
    assert main(["anchors", "coverage", "-c", str(config)]) == 3
    assert capsys.readouterr().out.startswith("UNKNOWN: no traffic was read")
    assert main(["anchors", "coverage", "-c", str(config), "--traffic", str(tmp_path / "no.jsonl")]) == 2
    assert "not there" in capsys.readouterr().err


def test_without_the_section(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CORPUS_DRIFT_TRAFFIC__KEY")
    config = case(tmp_path, [], extra="")
    with opened(config, {}) as monitor, serving(load(config, {}), monitor) as url:
        assert to_end(monitor)
        assert main(["anchors", "coverage", "--monitor", url]) == 2
    assert "no traffic is read" in capsys.readouterr().err
    assert main(["anchors", "coverage", "-c", str(config)]) == 2
    assert "expected a section [traffic]" in capsys.readouterr().err


def test_a_proposal_is_a_difference_that_a_person_merges(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = ran(case(tmp_path, [*asked(200, days=14), *fresh([5, 13])]))
    capsys.readouterr()
    assert main(["anchors", "propose", "-c", str(config)]) == 0
    assert "its text was not kept: ask the running monitor, or use --traffic FILE" in capsys.readouterr().out
    before, output = (tmp_path / "anchors.jsonl").read_bytes(), tmp_path / "proposed.jsonl"
    words = ["anchors", "propose", "-c", str(config), "--traffic", str(tmp_path / "traffic.jsonl")]
    assert main([*words, "--output", str(output)]) == 0
    said = capsys.readouterr()
    assert said.out.startswith('+ {"id": "q-')
    assert "# new intent: 25 clients this week, 25 the week before" in said.out
    assert "13 anchors" in said.err
    assert output.read_bytes().startswith(before)
    assert (tmp_path / "anchors.jsonl").read_bytes() == before, "a person merges"
    assert main(["anchors", "check", str(output), "--dimension", "8"]) == 0
    assert main([*words, "--output", str(output)]) == 2
    assert "it is there already" in capsys.readouterr().err
    assert main([*words, "--json"]) == 0
    (proposal,) = json.loads(capsys.readouterr().out)
    assert proposal["kind"] == "add"


def log_of(folder: Path, *, vectors: bool = True, count: int = 200) -> Path:
    """A log in the form of `anchors build`: questions of other words, by source."""
    world = World(np.random.default_rng(11), SHAPE)
    path = folder / "asked.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for at in range(count):
            text = world.text(at % 3, words=4)
            line = {"text": text, "count": 3 + at % 5, "segment": {"source": ("guide", "api", "blog")[at % 3]}}
            vector = world.vector(text)
            if vectors and vector is not None:
                line["vector"] = vector.tolist()
            file.write(json.dumps(line) + "\n")
    return path


def crowded(folder: Path) -> tuple[Path, str]:
    """A case whose anchors file is looked at in every turn, and a month whose group has anchors."""
    config = case(folder, [])
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("[anchors]\n", "[anchors]\nwatch_seconds = 1e-9\n"), encoding="utf-8")
    groups = Counter(panel_group(of.text) for of in anchors(7, SHAPE))
    group = groups.most_common(1)[0][0]
    return config, next(str(month) for at in range(1, 9) if (month := PanelMonth(2026, at)).group == group)


def said_of(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out


def test_a_group_is_rotated_taken_up_and_bridged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config, month = crowded(tmp_path)
    log, output, file = log_of(tmp_path), tmp_path / "rotated.jsonl", tmp_path / "anchors.jsonl"
    before = file.read_bytes()
    words = ["anchors", "rotate", str(log), "-c", str(config), "--month", month]
    assert main([*words, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert main([*words, "-o", str(output)]) == 0
    said = capsys.readouterr()
    came = len(document["come"])
    assert came == len(document["leave"]) > 0
    assert f"{came} of 12 anchors leave, {came} come" in said.out
    assert said.out.count("\n- ") == said.out.count("\n+ ") == came
    assert "12 anchors; check it and put it in their place" in said.err
    assert file.read_bytes() == before, "a person merges"
    assert set(output.read_text().splitlines()) - set(before.decode().splitlines()) == {
        line for line in output.read_text().splitlines() if f'"since":"{month}"' in line
    }
    assert main(["anchors", "check", str(output), "--dimension", str(DIMENSION)]) == 0
    assert main([*words, "-o", str(output)]) == 2
    assert "it is there already" in capsys.readouterr().err
    with opened(config) as monitor, serving(load(config, ENVIRONMENT), monitor) as url:
        assert to_end(monitor)
        assert "corpus_drift_anchor_panel_bridge{" not in fetched(f"{url}/metrics")[1].decode()
        output.replace(file)

        def bridged() -> bool:
            monitor.turn(0.0)
            return "corpus_drift_anchor_panel_bridge{" in fetched(f"{url}/metrics")[1].decode()

        assert eventually(bridged, 120.0, "the bridge")
        (found,) = monitor.parts.panel.bridges
    assert (found.matched, found.came, found.left) == (12 - came, came, came)
    assert found.lower <= found.difference <= found.upper
    assert main([*words, "-o", str(output)]) == 0
    assert f"nothing is due of group {PanelMonth(*map(int, month.split('-'))).group} of 8 in {month}" in said_of(
        capsys
    )
    assert not output.exists(), "nothing is to do"


def test_a_rotation_that_cannot_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config, month = crowded(tmp_path)
    words = ["-c", str(config), "--month", month]
    log, bare, short = (tmp_path / name for name in ("log.jsonl", "bare.jsonl", "short.jsonl"))
    log_of(tmp_path).rename(log)
    log_of(tmp_path, vectors=False).rename(bare)
    log_of(tmp_path, count=1).rename(short)
    for given, expected in (
        (["no.jsonl", *words], "not there"),
        ([str(log), *words[:-1], "soon"], "expected a month such as 2026-11"),
        ([str(log), *words, "--keep", "fixed"], "expected attribute=value"),
        ([str(bare), *words], "new anchors have no vector and encoder.kind = 'none'"),
        ([str(short), *words], "nobody takes a place in group"),
    ):
        assert main(["anchors", "rotate", *given]) == 2, given
        said = capsys.readouterr()
        assert (said.out, said.err.count("\n")) == ("", 1), given
        assert expected in said.err
    empty = next(at for at in range(1, 9) if at not in {panel_group(of.text) for of in anchors(7, SHAPE)})
    assert main(["anchors", "rotate", str(log), *words[:-1], f"2026-{empty:02}"]) == 0
    assert f"nothing is due of group {empty} of 8" in said_of(capsys)
    (tmp_path / "anchors.jsonl").write_text('{"id": "a"}\n')
    assert main(["anchors", "rotate", str(log_of(tmp_path)), *words]) == 2
    assert "anchors.jsonl:1" in capsys.readouterr().err


def test_judgements_under_ids_that_count_places_are_carried_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Chunks of 60 words become chunks of 40 and 50: what is now the third is little of what was judged."""

    def said(document: int, first: int, last: int) -> str:
        return " ".join(f"d{document}w{at:03d}" for at in range(first, last))

    time = "2026-06-01T00:00:00Z"
    events = [
        *cut(said, [0, 60, 120, 180], time),
        {"op": "deploy", "deploy_id": "one", "event_time": time},
        *cut(said, [0, 40, 90, 130, 180], time),
        {"op": "deploy", "deploy_id": "two", "event_time": time},
    ]
    asked = [{"id": f"a{of}", "text": said(of, 0, 180), "relevant": {f"doc{of}#{of % 3}": 1.0}} for of in range(12)]
    for name, lines in (("events", events), ("anchors", asked), ("traffic", [{"query": said(0, 0, 9)}])):
        (tmp_path / f"{name}.jsonl").write_bytes(written(lines))
    config = tmp_path / "corpus-drift.toml"
    config.write_text(RECHUNKED, encoding="utf-8")
    ran(config)
    with read_state(load(config, ENVIRONMENT)) as store:
        record = store.deploy("two")
    assert record is not None
    found = {of.metric: of.value for of in record.report.measurements if of.stat == "mean" and of.segment == "all"}
    assert found["recall_ratio"] == 1.0
    assert found["carried_recall_ratio"] == pytest.approx(1 / 3), "the report says what is carried"
    words = ["-c", str(config), "--traffic", str(tmp_path / "traffic.jsonl")]
    assert main(["anchors", "coverage", *words]) in (0, 1, 3)
    assert "judgements: 8 valid, 4 moved" in capsys.readouterr().out
    assert main(["anchors", "propose", *words, "--json"]) == 0
    relabelled = [of["anchor"] for of in json.loads(capsys.readouterr().out) if of["kind"] == "relabel"]
    assert [of["relevant"] for of in relabelled] == [{f"doc{of}#3": 1.0} for of in (2, 5, 8, 11)]


RECHUNKED = """
[corpus]
name = "cut"
[source.file]
path = "events.jsonl"
[anchors]
path = "anchors.jsonl"
[dense]
engine = "none"
[measure]
depths = [10]
[baseline]
bootstrap = "first-deploy"
[traffic]
path = "traffic.jsonl"
format = "json"
"""


def cut(said: Callable[[int, int, int], str], borders: list[int], time: str) -> list[dict[str, Any]]:
    """Documents as chunks between borders."""
    return [
        {
            "op": "upsert",
            "chunk_id": f"doc{of}#{at}",
            "doc_id": f"doc{of}",
            "text": said(of, *span),
            "event_time": time,
        }
        for of in range(12)
        for at, span in enumerate(pairwise(borders))
    ]
