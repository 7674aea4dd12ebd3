"""The picture of cost against size, and which points are measured."""

import json
import xml.etree.ElementTree as ET
from dataclasses import asdict
from pathlib import Path

from benchmarks.scaling import Point, known, panels, points
from benchmarks.scaling_picture import svg

SVG = "{http://www.w3.org/2000/svg}"


def point(size: int, anchors: int, cost: float) -> Point:
    return Point(size, anchors, {"32": cost, "1024": cost * 10}, {"32": cost * 2, "1024": cost * 3}, 100.0)


def test_each_point_is_measured_once_and_the_common_one_is_in_both_panels() -> None:
    assert list(points([20_000, 100_000], [500, 1_000])) == [(20_000, 1_000), (100_000, 1_000), (100_000, 500)]
    made = panels([point(100_000, 1_000, 5.0), point(100_000, 500, 4.0), point(20_000, 1_000, 3.0)])
    assert [[at for at, _ in panel.points] for panel in made] == [[20_000, 100_000], [500, 1_000]]


def test_what_costs_more_stands_higher_and_what_is_larger_further_right() -> None:
    made = panels([point(20_000, 1_000, 3.0), point(100_000, 1_000, 3.0), point(2_000_000, 1_000, 30.0)])
    root = ET.fromstring(svg(made))  # noqa: S314 - our own
    lines = root.findall(f"{SVG}polyline")
    assert len(lines) == 3 * 2  # the second panel holds the point of 100,000 chunks alone
    turns = [tuple(map(float, pair.split(","))) for pair in lines[0].attrib["points"].split()]
    assert turns[0][0] < turns[1][0] < turns[2][0]
    assert turns[0][1] == turns[1][1] > turns[2][1]
    slower = [tuple(map(float, pair.split(","))) for pair in lines[1].attrib["points"].split()]
    assert all(above[1] < below[1] for above, below in zip(slower, turns, strict=True))
    said = {of.text for of in root.iter(f"{SVG}text")}
    assert {"20k", "100k", "2M", "turn of 32", "turn of 1,024", "report after a turn of 32"} <= said


def test_nothing_measured_is_an_empty_picture() -> None:
    assert not ET.fromstring(svg(panels([]))).findall(f"{SVG}polyline")  # noqa: S314 - our own


def test_a_run_that_was_stopped_goes_on(tmp_path: Path) -> None:
    kept = tmp_path / "points.jsonl"
    assert known(kept) == {}
    assert known(None) == {}
    kept.write_text(json.dumps(asdict(point(20_000, 1_000, 3.0))) + "\n", encoding="utf-8")
    assert known(kept) == {(20_000, 1_000): point(20_000, 1_000, 3.0)}
