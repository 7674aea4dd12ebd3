"""The site builds offline without a warning, and loads nothing from elsewhere."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, ROOT, nav

LOADS = {"script": "src", "img": "src", "iframe": "src", "source": "src", "object": "data"}


class Loaded(HTMLParser):
    """Addresses that a browser fetches by itself when it opens a page."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if tag in LOADS:
            self.addresses.append(named.get(LOADS[tag]) or "")
        elif tag == "link" and named.get("rel") not in ("canonical", "next", "prev", "edit"):
            self.addresses.append(named.get("href") or "")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as `make docs` does, into a folder of its own."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", str(folder)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert not done.stderr, done.stderr
    return folder


def test_every_page_is_in_the_site_and_in_its_navigation(site: Path) -> None:
    names = [name.removeprefix("docs/") for name in nav()]
    there = {str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md")}
    assert {name for name in there if not name.startswith(("lab/", "runbooks/"))} == set(names)
    pages = {str(path.relative_to(site)) for path in site.rglob("*.html")}
    assert {name.removesuffix(".md") + ".html" for name in names} <= pages
    assert "runbooks/CorpusDriftExceeded.html" in pages


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) >= 40
    for path in pages:
        loaded = Loaded()
        loaded.feed(path.read_text(encoding="utf-8"))
        assert loaded.addresses
        assert not [address for address in loaded.addresses if re.match(r"(\w+:)?//", address)], path
    for path in site.rglob("*.css"):
        assert not re.search(r"""(@import|url\()\s*["']?(https?:)?//""", path.read_text(encoding="utf-8")), path


def test_the_python_api_has_signatures_and_docstrings(site: Path) -> None:
    page = (site / "api.html").read_text(encoding="utf-8")
    assert "Session" in page
    assert "Parameters" in page or "Arguments" in page
    assert "min_anchors" in page
    assert "<blockquote>" not in page, "an example that is no code"
    assert "&gt;&gt;&gt; " in page


def test_the_pages_on_extending_show_the_code_that_tests_run(site: Path) -> None:
    for page, line in (("source", "TOY_SOURCE"), ("store", "TOY_STORE"), ("encoder", "LETTERS")):
        shown = (site / "extending" / f"{page}.html").read_text(encoding="utf-8")
        assert line in shown
        assert "--8&lt;--" not in shown
        assert "--8<--" not in shown


def test_links_between_the_repository_and_the_site_lead_somewhere(site: Path) -> None:
    """Runbooks link to deploy/README.md, which is a page of another name here."""
    runbook = (site / "runbooks" / "CorpusDriftExceeded.html").read_text(encoding="utf-8")
    assert 'href="../deployment.html"' in runbook
