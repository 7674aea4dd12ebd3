"""How large a metrics page gets at 50 segments in each of 4 dimensions, and that only its first scrape costs."""

import time
from collections import Counter
from dataclasses import replace

import pytest

from monitor.adapters.prometheus.exporter import MetricsPage
from monitor.core.model.report import ALL
from monitor.core.records.published import Published
from tests.app.loops import opened, to_end
from tests.corpora import Shape, write_case

DIMENSIONS, SEGMENTS = 4, 50
PLACES = DIMENSIONS * (SEGMENTS + 1) + 1
"""Each dimension's segments and its `other`, and all anchors."""
MOST_OF_A_PLACE = 200
"""Series of one segment: what a new measurement adds, it adds some two hundred times."""
ELSEWHERE = 300
"""Series that do not depend on segments: histograms, counters, health."""


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """A real view, with what it says of one real segment said of 50 segments in each of 4 dimensions."""
    config = write_case(tmp_path_factory.mktemp("case"), shape=Shape(incident=True))
    with opened(config) as monitor:
        assert to_end(monitor)
        view = monitor.published
    assert view is not None
    place = ("source", "guide")
    assert {(of.dimension, of.segment) for of in view.verdict.findings} > {place}
    places = [(f"d{at}", f"segment {n:02}") for at in range(DIMENSIONS) for n in range(SEGMENTS + 1)]
    report = replace(
        view.report,
        measurements=(
            *(of for of in view.report.measurements if of.dimension == ALL),
            *(
                of._replace(dimension=dimension, segment=segment)
                for of in view.report.measurements
                if (of.dimension, of.segment) == place
                for dimension, segment in places
            ),
        ),
    )
    findings = (
        *(of for of in view.verdict.findings if of.dimension == ALL),
        *(
            replace(of, rule=f"{of.rule}-{dimension}", dimension=dimension, segment=segment)
            for of in view.verdict.findings
            if (of.dimension, of.segment) == place
            for dimension, segment in places
        ),
    )
    return replace(view, report=report, verdict=replace(view.verdict, findings=findings))


def series(page: bytes) -> Counter[str]:
    return Counter(line.partition("{")[0].partition(" ")[0] for line in page.decode().splitlines() if line[:1] != "#")


def test_the_number_of_series_is_bounded(large: Published, capsys: pytest.CaptureFixture[str]) -> None:
    page = MetricsPage().render(large)
    found = series(page)
    said = f"\n{SEGMENTS} segments x {DIMENSIONS} dimensions: {found.total():,} series, {len(page) / 1e6:.1f} MB"
    with capsys.disabled():
        print(said)  # noqa: T201 - the figure is what is asked for
    assert 10_000 < found.total() <= MOST_OF_A_PLACE * PLACES + ELSEWHERE
    assert sum(n for n in found.values() if n < DIMENSIONS * SEGMENTS) <= ELSEWHERE


def test_only_the_first_scrape_of_a_report_costs(large: Published, capsys: pytest.CaptureFixture[str]) -> None:
    page = MetricsPage()
    rendered = _seconds(page, large)
    first = page.render(large)
    again = min(_seconds(page, large) for _ in range(5))
    assert page.render(large) is first
    beats = [replace(large, health=replace(large.health, state_bytes=n)) for n in range(1, 6)]
    health = min(_seconds(page, beat) for beat in beats)
    said = f"\nrendered in {rendered * 1e3:.0f} ms, again in {again * 1e6:.1f} us, new health {health * 1e3:.1f} ms"
    with capsys.disabled():
        print(said)  # noqa: T201 - the figure is what is asked for
    assert again < rendered / 1_000
    assert health < rendered / 3


def _seconds(page: MetricsPage, view: Published) -> float:
    began = time.thread_time()
    page.render(view)
    return time.thread_time() - began


def test_segments_that_are_gone_are_gone(large: Published) -> None:
    page = MetricsPage()
    assert b'dimension="d3"' in page.render(large)
    kept = tuple(of for of in large.report.measurements if of.dimension != "d3")
    findings = tuple(of for of in large.verdict.findings if of.dimension != "d3")
    smaller = replace(
        large, report=replace(large.report, measurements=kept), verdict=replace(large.verdict, findings=findings)
    )
    after = page.render(smaller)
    assert b'dimension="d3"' not in after
    assert b'dimension="d2"' in after
