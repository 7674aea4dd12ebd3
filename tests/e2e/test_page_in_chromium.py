"""The page in a real browser: nothing overflows a phone, the policy is kept, both colour schemes, heard as seen."""

import struct
import time
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

from docs import screenshots
from monitor.core.index.baseline import Judged
from monitor.core.model.anchors import Anchor
from monitor.core.records.published import Published
from tests.adapters.cards import Explaining, anchor, card
from tests.adapters.pages import crowd
from tests.adapters.pasts import anchor_past, chunk_past, past
from tests.adapters.serving import Served, served
from tests.adapters.views import HOSTILE, health
from tests.adapters.web.page.test_endpoints import record
from tests.adapters.web.page.test_migration import faulty, judged
from tests.browser import Browser, Tab, chromium
from tests.stack import need

pytestmark = pytest.mark.stack
LONG = "a-name-without-any-place-to-break-" * 6
ASKED = (
    "/",
    "/?segment=source=source-segment-0",
    "/?deploy=d1",
    "/?deploy=d1&anchor=a1",
    "/?migration=now",
    "/?measure=swaps",
    "/?chunk=long",
    "/?find=a",
)


def shown() -> Published:
    """A crowd of segments, a timeline longer than a phone is wide, names that cannot be broken."""
    made = crowd(20)
    verdicts = ("pass", "fail", "unknown", "inconclusive")
    ledger = tuple(Judged(f"2026-08-{at:02}", 1_780_000_000_000_000, verdicts[at % 4]) for at in range(30))
    waiting = health(turned=time.time(), waiting=(LONG, *HOSTILE))
    assessment = judged(faulty(LONG, *HOSTILE))
    return replace(
        made,
        assessment=assessment,
        ledger=(*ledger, Judged("d1", 1_780_000_000_000_000, "fail")),
        health=waiting,
        corpus=LONG,
    )


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with ExitStack() as stack:
        yield need(chromium(), stack)


@pytest.fixture(scope="module")
def site() -> Iterator[Served]:
    anchors = [anchor(name, LONG) for name in ("a1", LONG, *HOSTILE)]
    made = shown()
    places = [(of.dimension, of.segment) for of in made.report.segments]
    service = Explaining(
        made,
        {"d1": record()},
        document=card(LONG, anchors=anchors),
        watched=[Anchor(name, name, None, ()) for name in (LONG, *HOSTILE)],
        past=past(places, name=LONG + "{}"),
        lists={"a1": anchor_past(name=LONG + "{}")},
        texts={"long": replace(chunk_past(LONG), text=LONG * 20)},
    )
    with served(service) as at:
        yield at


def fits(tab: Tab) -> bool:
    """Whether nobody has to scroll sideways."""
    width = tab.value("document.documentElement.scrollWidth")
    return isinstance(width, int) and width <= tab.width


@pytest.mark.parametrize("path", ASKED)
@pytest.mark.parametrize("width", [320, 360, 1280])
def test_nobody_scrolls_sideways(browser: Browser, site: Served, path: str, width: int) -> None:
    tab = browser.open(site.url + path, width=width, height=740)
    tab.value("document.querySelectorAll('details').forEach(of => of.open = true)")
    assert fits(tab)


@pytest.mark.parametrize("path", ASKED)
def test_one_request_and_no_complaint(browser: Browser, site: Served, path: str) -> None:
    tab = browser.open(site.url + path)
    assert [address for address in tab.requested() if not address.endswith("/favicon.ico")] == [site.url + path]
    assert [said for said in tab.complaints() if "favicon" not in said and "404" not in said] == []
    assert tab.value("document.styleSheets.length") == 1  # the policy knows the hash of this very style
    assert tab.value("document.scripts.length") == 0


def test_the_policy_stops_what_is_not_ours(browser: Browser, site: Served) -> None:
    tab = browser.open(site.url)
    assert tab.value("getComputedStyle(document.body).maxWidth") != "none"
    tab.value(
        "(() => { const more = document.createElement('style'); more.textContent = 'body{max-width:9px}';"
        " document.head.append(more); })()"
    )
    assert tab.value("getComputedStyle(document.body).maxWidth") != "9px"
    assert any("Content Security Policy" in said for said in tab.complaints())


@pytest.mark.parametrize("width", [360, 1280])
def test_light_and_dark(browser: Browser, site: Served, width: int) -> None:
    bright, dark = (browser.open(site.url, width=width, dark=scheme) for scheme in (False, True))
    paper = "getComputedStyle(document.body).backgroundColor"
    assert (bright.value(paper), dark.value(paper)) == ("rgb(255, 255, 255)", "rgb(20, 23, 27)")
    for tab in (bright, dark):
        pixels = png_rows(tab.screenshot())
        assert len(pixels[0]) >= 3 * width
        assert len(set(pixels)) > 100  # text and tables, not one colour


def test_the_pictures_of_the_documentation_can_be_taken(browser: Browser, site: Served) -> None:
    taken = screenshots.pictures(browser, site.url, "d1")
    assert {name: len(png_rows(picture)) for name, picture in taken.items()} == screenshots.HEIGHTS
    assert all(len(set(png_rows(picture))) > 100 for picture in taken.values()), "text, not one colour"


def test_the_newest_deploy_is_in_view_and_the_oldest_can_be_reached(browser: Browser, site: Served) -> None:
    tab = browser.open(site.url, width=360)
    inside = "(() => { const of = {}.getBoundingClientRect();"
    inside += " const line = document.querySelector('.line').getBoundingClientRect();"
    inside += " return of.left >= line.left - 1 && of.right <= line.right + 1; })()"
    assert tab.value(inside.replace("{}", "document.querySelector('.line li')"))
    assert not tab.value(inside.replace("{}", "document.querySelector('.line li:last-child')"))
    tab.value("document.querySelector('.line').scrollLeft = -1e6")
    assert tab.value(inside.replace("{}", "document.querySelector('.line li:last-child')"))


def test_the_name_of_a_segment_stays_while_its_numbers_are_scrolled(browser: Browser, site: Served) -> None:
    tab = browser.open(site.url, width=360)
    tab.value("document.querySelector('.scroll').scrollLeft = 400")
    assert tab.value("document.querySelector('.heat tbody th').getBoundingClientRect().left") < 40


@pytest.mark.parametrize(
    ("path", "part"),
    [("/?segment=source=source-segment-0#segment", "segment"), ("/?deploy=d1&anchor=a1#anchor", "anchor")],
)
def test_a_deep_link_has_its_part_in_view(browser: Browser, site: Served, path: str, part: str) -> None:
    tab = browser.open(site.url + path, width=360, height=740)
    top = tab.value(f"document.getElementById('{part}').getBoundingClientRect().top")
    assert 0 <= top < 370


def test_what_is_seen_is_heard(browser: Browser, site: Served) -> None:
    found = browser.open(site.url).accessible()
    assert ("table", "Segments by metrics, worst first") in found
    assert ("region", "Segments, worst first") in found
    assert ("columnheader", "Segment") in found
    assert any(role == "rowheader" and name.endswith("source-segment-0") for role, name in found)
    assert ("heading", "Deploys, newest right") in found
    assert any(role in ("gridcell", "cell") and "over the limit: 4.20" in name for role, name in found)
    assert not [name for role, name in found if role == "link" and not name.strip()]


def test_the_keyboard_finds_an_anchor(browser: Browser, site: Served) -> None:
    tab = browser.open(site.url + "/?refresh=off")
    tab.value("document.querySelector('#find-words').focus()")
    tab.pipe.ask("Input.insertText", tab.session, text=LONG[:20])
    tab.pipe.events.clear()
    enter = {"type": "keyDown", "key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"}
    tab.pipe.ask("Input.dispatchKeyEvent", tab.session, **enter)
    tab.pipe.wait("Page.loadEventFired", tab.session)
    assert str(tab.value("location.search")).startswith("?find=a-name")
    assert tab.value("document.querySelectorAll('#find ~ ul a').length") == 1
    assert tab.complaints() == [], "the policy lets our own form through"


@pytest.mark.parametrize("path", ["/", "/?segment=all", "/?deploy=d1&anchor=a1"])
def test_every_picture_is_drawn_in_both_schemes_and_in_more_contrast(
    browser: Browser, site: Served, path: str
) -> None:
    visible = (
        "[...document.querySelectorAll('svg path, svg rect')].every(of => {"
        " const style = getComputedStyle(of), paint = of.tagName === 'rect' ? style.fill : style.stroke;"
        " return paint !== 'none' && paint !== getComputedStyle(document.body).backgroundColor; })"
    )
    for dark in (False, True):
        tab = browser.open(site.url + path, dark=dark)
        assert tab.value("document.querySelectorAll('svg path').length") > 4
        assert tab.value(visible) is True
        more = [{"name": "prefers-contrast", "value": "more"}]
        width = (
            "getComputedStyle(document.querySelector('svg path.dense, svg path.stayed, svg path.left')).strokeWidth"
        )
        before = tab.value(width)
        tab.pipe.ask("Emulation.setEmulatedMedia", tab.session, features=more)
        assert (before, tab.value(width)) in (("2px", "3px"), ("1.5px", "3px"))


def test_the_keyboard_reaches_every_scrolling_part(browser: Browser, site: Served) -> None:
    tab = browser.open(site.url, width=360)
    assert tab.value("[...document.querySelectorAll('.scroll, .line')].every(of => of.tabIndex === 0)") is True


def png_rows(data: bytes) -> list[bytes]:
    """The rows of a PNG as they are stored (filtered), without the filter's byte."""
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    width, height, depth, kind = struct.unpack(">IIBB", data[16:26])
    assert depth == 8
    at, packed = 8, b""
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        if data[at + 4 : at + 8] == b"IDAT":
            packed += data[at + 8 : at + 8 + length]
        at += 12 + length
    raw, stride = zlib.decompress(packed), 1 + width * {2: 3, 6: 4}[kind]
    return [raw[row * stride + 1 : (row + 1) * stride] for row in range(height)]
