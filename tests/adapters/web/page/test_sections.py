"""The registry of sections: each has a place of its own, and one that cannot be had leaves the others standing."""

from collections import Counter

import pytest

from monitor.adapters.web.page import render
from monitor.adapters.web.page.context import Document, PageContext, PageSection
from monitor.adapters.web.page.sections import SECTIONS
from monitor.ports import UnreachableError
from tests.adapters.pages import moved, read


def test_a_part_of_the_page_has_one_place() -> None:
    twice = {part for part, count in Counter(section.part for section in SECTIONS).items() if count > 1}
    assert twice == {"incident"}, "the card stands first where an anchor was asked for, and is shown once"


def test_the_list_of_parts_leads_to_each() -> None:
    found = read(moved(("language", "de", 4.0)))
    addresses = [address[1:] for address in found.values("href") if address.startswith("#")]
    assert addresses[:2] == ["segments", "deploys"]
    assert set(addresses) <= set(found.values("id"))


def test_a_section_that_cannot_be_had_says_so_and_the_others_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(page: PageContext) -> Document | None:
        message = "the state is <locked>"
        raise UnreachableError(message)

    broken = PageSection("later", "Later", "heat.html", refuses)
    monkeypatch.setattr(render, "SECTIONS", (broken, *SECTIONS))
    found = read(moved(("language", "de", 4.0)))
    assert "Later the state is <locked> Why" in found.words
    assert "#later" in found.values("href")
    assert "language=de" in found.text
