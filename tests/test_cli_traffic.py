"""`anchors coverage` as people call it: of the state, a file, a running monitor, and with nothing there."""

import json
from pathlib import Path

import pytest

from monitor.app.configuration import load
from monitor.app.wiring import serving
from monitor.cli import main
from tests.app.loops import to_end
from tests.app.test_traffic import ENVIRONMENT, asked, case, fresh, opened, written
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
