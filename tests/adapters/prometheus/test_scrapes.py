"""A scrape is answered at once: with the page of now where that is soon there, else with the last one and its age."""

import threading
from dataclasses import replace

from monitor.adapters.prometheus.scrapes import Scrapes
from monitor.core.records.published import Published
from tests.adapters.views import health, view

DEADLINE = 60.0


class Slow:
    """A view that is worked out when the test says so."""

    def __init__(self, made: Published | None) -> None:
        self.made, self.free, self.asked = made, threading.Event(), threading.Semaphore(0)
        self.free.set()

    def published(self) -> Published | None:
        self.asked.release()
        assert self.free.wait(DEADLINE)
        return self.made


def age(page: bytes) -> float:
    return float(page.decode().splitlines()[-1].rpartition(" ")[2])


def test_a_page_says_how_old_it_is() -> None:
    source = Slow(view(["s"], health=health(turned=1_000.0)))
    page = Scrapes(source.published, patience=DEADLINE, clock=lambda: 1_004.5).page()
    assert page.decode().splitlines()[-1] == "corpus_drift_metrics_age_seconds 4.5"
    assert b'corpus_drift_lag_events{partition="0",topic="events"} 3.0' in page


def test_while_the_next_page_is_worked_out_the_last_one_is_given_and_grows_old() -> None:
    clock, source = [1_000.0], Slow(view(["s"], health=health(turned=1_000.0)))
    scrapes = Scrapes(source.published, patience=0.01, first=DEADLINE, clock=lambda: clock[0])
    assert age(scrapes.page()) == 0.0
    source.free.clear()
    source.made = replace(view(["t"]), health=health(turned=1_030.0))
    for clock[0] in (1_010.0, 1_020.0, 1_031.0):
        page = scrapes.page()
        assert age(page) == clock[0] - 1_000.0
        assert b'segment="s"' in page
        assert b'segment="t"' not in page
    source.free.set()
    newest = Scrapes(source.published, patience=DEADLINE, first=DEADLINE, clock=lambda: 1_031.0).page()
    assert b'segment="t"' in newest
    assert age(newest) == 1.0


def test_one_page_is_worked_out_at_a_time_however_many_scrape() -> None:
    source = Slow(view(["s"]))
    scrapes = Scrapes(source.published, patience=0.01, first=DEADLINE, clock=lambda: 0.0)
    scrapes.page()
    assert source.asked.acquire(timeout=DEADLINE)
    source.free.clear()
    scrapers = [threading.Thread(target=scrapes.page) for _ in range(5)]
    for scraper in scrapers:
        scraper.start()
    for scraper in scrapers:
        scraper.join(DEADLINE)
        assert not scraper.is_alive()
    assert source.asked.acquire(timeout=DEADLINE)
    assert not source.asked.acquire(blocking=False), "the others waited for the one that was begun"
    source.free.set()


def test_before_the_first_view_the_verdict_is_unknown_and_nothing_has_an_age() -> None:
    page = Scrapes(Slow(None).published, patience=DEADLINE, first=DEADLINE).page()
    assert b'corpus_drift_verdict{verdict="unknown"} 1.0' in page
    assert b"metrics_age" not in page
