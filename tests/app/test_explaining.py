"""The incident card over real runs: what it says of deploys, segments and anchors, and what it refuses."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from monitor.app.card_text import explain_card
from monitor.app.configuration import load
from monitor.app.explaining import stored_card
from monitor.app.service import MonitorService
from monitor.app.wiring import around, read_state
from monitor.core.explain.card import CardQuery
from monitor.core.explain.schema import explain_schema
from monitor.core.index.baseline import Approval
from monitor.ports import ConfigurationError, UnreachableError
from tests.app.loops import opened, to_end
from tests.corpora import Shape, write_case

SHAPE = Shape(deploys=4, incident=True)


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run to the end over both legs: d3 is the incident."""
    path = write_case(tmp_path_factory.mktemp("case"), shape=SHAPE)
    with opened(path) as monitor:
        assert to_end(monitor)
    return path


def card(config: Path, deploy: str = "", segment: str = "", anchor: str = "") -> dict[str, Any]:
    configuration = load(config, {})
    with read_state(configuration) as store:
        made = stored_card(store, deploy, CardQuery(segment, anchor), around(configuration, str(config)))
    jsonschema.validate(made, explain_schema())
    return made


def test_the_card_of_an_incident(config: Path) -> None:
    made = card(config)
    assert (made["deploy"], made["verdict"]["verdict"], made["baseline"]["name"]) == ("d3", "fail", "main")
    assert made["causes"][0]["cause"] == "CORPUS"
    assert {one["leg"] for one in made["size"]} == {"dense", "lexical"}
    for one in made["size"]:
        shares: dict[str, list[dict[str, Any]]] = {}
        for share in made["blame"]:
            if share["leg"] == one["leg"]:
                shares.setdefault(share["level"], []).append(share)
        assert set(shares) == {"source", "path", "document", "segment", "deploy"}
        for found in shares.values():
            assert sum(share["share"] for share in found) == pytest.approx(1.0)
            assert sum(share["slots"] for share in found) == pytest.approx(one["entered"] + one["left"])
        assert 0 < one["changed_anchors"] <= one["anchors"] == 24
    deploys = {share["name"]: share["share"] for share in made["blame"] if share["level"] == "deploy"}
    assert deploys["d3"] > 0.5
    assert set(deploys) <= {"d1", "d2", "d3", "(lexical statistics)"}
    offered = [action["action"] for action in made["actions"]]
    assert offered[0] == "advice"
    assert offered[-1] == "approve", "last of all"
    assert set(offered[1:-1]) >= {"restore_documents", "try_queries", "revert_documents", "revert_offsets"}
    assert made["limits"] == []


def test_events_are_those_of_the_stream(config: Path) -> None:
    """Each blamed offset holds an event of the blamed chunk, of the blamed kind."""
    lines = (config.parent / "events.jsonl").read_text(encoding="utf-8").splitlines()
    made = card(config)
    assert made["events"]
    for event in made["events"]:
        line = lines[event["offset"]]
        assert f'"{event["chunk_id"]}"' in line
        assert ('"delete"' in line) == (event["kind"] == "delete")
    for of in made["ranges"]:
        offsets = [event["offset"] for event in made["events"] if event["leg"] == of["leg"]]
        assert of["first"] <= min(offsets)
        assert max(offsets) <= of["last"]


def test_lists_before_and_after_say_what_became_of_each_result(config: Path) -> None:
    made = card(config)
    states = set()
    for anchor in made["anchors"]:
        before, after = ({one["chunk_id"]: one for one in anchor[side]} for side in ("before", "after"))
        for name, one in after.items():
            states.add(one["state"])
            assert (one["state"] == "entered") <= (name not in before)
            assert one["other_rank"] == (before[name]["rank"] if name in before else None)
            assert one["snippet"], "a text that is live is shown"
            assert bool(one["causes"]) == (one["state"] in ("entered", "rewritten"))
        for name, one in before.items():
            states.add(one["state"])
            assert (one["state"] == "left") <= (name not in after)
            assert one["snippet"] is None or name in after or one["state"] == "left"
    assert {"entered", "left"} <= states
    assert made["anchors"][0]["swaps"] == max(one["swaps"] for one in made["anchors"])


def test_a_segment_and_an_anchor_by_themselves(config: Path) -> None:
    whole, part = card(config), card(config, segment="source=api")
    assert [one["anchors"] for one in part["size"]] == [8, 8]
    assert {one["segment"] for one in part["segments"]} == {"source=api"}
    assert all(anchor["segment"]["source"] == "api" for anchor in part["anchors"])
    assert 0 < part["size"][0]["swaps"] < whole["size"][0]["swaps"]
    name = part["anchors"][0]["id"]
    one = card(config, segment="source=api", anchor=name)
    assert {(anchor["id"], anchor["leg"]) for anchor in one["anchors"]} == {(name, "dense"), (name, "lexical")}
    assert one["size"][0]["anchors"] == 1
    assert one["question"] == {"segment": "source=api", "anchor": name}


def test_a_calm_deploy_has_an_empty_card(config: Path) -> None:
    made = card(config, "d0")
    assert (made["baseline"], made["blame"], made["events"], made["causes"]) == (None, [], [], [])
    assert explain_card(made).startswith("UNKNOWN  deploy d0")


def test_the_card_as_text(config: Path) -> None:
    text = explain_card(card(config))
    assert text.startswith("FAIL  deploy d3, as of ")
    for part in ("cause CORPUS", "blame, dense, source: ", "worst segments", "what to do:", "baseline accept", "@"):
        assert part in text
    tables = [line for line in text.splitlines() if not line.startswith("    ")]
    assert max(len(line) for line in tables) <= 120


@pytest.mark.parametrize(
    ("deploy", "segment", "anchor", "said"),
    [
        ("d9", "", "", r"deploy 'd9': never judged; the newest deploys are: d0, d1, d2, d3"),
        ("", "source=nope", "", r"segment 'source=nope': no anchor is in it; .*source=api"),
        ("", "nonsense", "", r"segment 'nonsense': no anchor is in it; .*language=de, .*source=api"),
        ("", "", "q99", r"anchor 'q99': not there; the first anchors are: q0, "),
        ("", "source=api", "q0", r"anchor 'q0': not there in segment 'source=api'"),
    ],
)
def test_what_is_not_there_is_said_in_one_line(
    config: Path, deploy: str, segment: str, anchor: str, said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said):
        card(config, deploy, segment, anchor)


def test_nothing_judged_yet(tmp_path: Path) -> None:
    path = write_case(tmp_path, shape=Shape(deploys=1, dense=False))
    lines = (tmp_path / "events.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "events.jsonl").write_bytes(b"".join(line for line in lines if b'"deploy"' not in line))
    with opened(path) as monitor:
        assert to_end(monitor)
        with pytest.raises(UnreachableError, match="no approved baseline: nothing can be explained"):
            _live(path, monitor)
    with pytest.raises(UnreachableError, match="nothing was judged yet"):
        card(path)


def test_a_deploy_whose_baseline_is_gone_says_so(tmp_path: Path) -> None:
    path = write_case(tmp_path, shape=SHAPE)
    with opened(path) as monitor:
        assert to_end(monitor)
        monitor.operations.capture("main")  # the name now stands for other lists
        monitor.operations.approve("main", Approval("ann", "new", ""))
    made = card(path, "d3")
    assert made["limits"] == ["baseline 'main' as it was then is no longer kept: no lists of before"]
    assert all(anchor["before"] is None for anchor in made["anchors"])
    assert made["events"]
    assert [one["moved"] for one in made["size"]] == [None, None]


def _live(path: Path, monitor: Any, *asked: str) -> dict[str, Any]:
    """As an endpoint would ask, with the loop turning once for the answer."""
    service = MonitorService(monitor, lambda: read_state(load(path, {})), config=str(path))
    service._ask = lambda action: action(monitor.operations)  # type: ignore[method-assign]  # this thread is the loop's
    return dict(service.explain(*(asked or ("", "", ""))))


@pytest.fixture(scope="module")
def live(config: Path) -> Iterator[tuple[Path, Any]]:
    with opened(config) as monitor:
        yield config, monitor


def test_the_running_monitor_says_what_the_state_says(live: tuple[Path, Any]) -> None:
    path, monitor = live
    assert _live(path, monitor, "d3", "", "") == card(path, "d3")
    now, newest = _live(path, monitor), card(path, "d3")
    jsonschema.validate(now, explain_schema())
    assert now["deploy"] == ""
    for part in ("size", "segments", "anchors", "ranges", "causes"):
        assert now[part] == newest[part], part
    with pytest.raises(ConfigurationError, match="segment"):
        _live(path, monitor, "", "x=y", "")
