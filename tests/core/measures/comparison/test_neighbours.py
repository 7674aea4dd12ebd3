"""Answers among neighbours that say nearly the same: a page of a template is kept by what it has of its own."""

from collections.abc import Mapping

import pytest

from monitor.core.index.corpus import Corpus
from monitor.core.index.duplicates.duplicates import Duplicates
from monitor.core.index.duplicates.minhash import MinHashBands
from monitor.core.index.lexical.vocabulary import Vocabulary
from monitor.core.model.lists import RankedLists
from tests.core.measures.comparison.worlds import ANCHORS, DEPTHS, LEGS, World, document, drift, one
from tests.core.snapshots import ranked

Texts = Mapping[str, str | None]
HEAD = "Welcome to our pages. Here you find what visitors ask most, and our staff is glad to help you at the desk."
TAIL = "The entrance is level with the street, there are stands for bicycles, and dogs have to wait outside the door."
KEPT, GONE, DISPLACED = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)


def page(name: str, *, head: str = HEAD, hours: str = "nine to five") -> str:
    return f"{head} The opening hours of the branch in {name} are from {hours} on all days of the week. {TAIL}"


def warranty(product: str, country: str) -> str:
    return f"The warranty of the {product} in short. {HEAD} {TAIL} It holds in {country} for two years."


def note(name: str) -> str:
    """Pages of which each has a paragraph."""
    own = " ".join(f"{name}{at}" for at in range(15))
    return f"{HEAD} {TAIL} About {own}."


PAGES: Texts = {"c0": page("Berlin"), "c1": page("Paris"), "c2": page("Rome"), "c3": page("Oslo")}
WARRANTIES: Texts = {
    "c0": warranty("kettle", "France"), "c1": warranty("kettle", "Spain"), "c2": warranty("toaster", "France"),
    "c3": warranty("toaster", "Spain"),
}  # fmt: skip
NOTES: Texts = {name: note(word) for name, word in zip(PAGES, ("kettle", "toaster", "mixer", "oven"), strict=True)}
FAR: Texts = {f"c{at}": " ".join(f"w{at}x{word}" for word in range(20)) for at in (5, 6, 7)}
WORDS = [f"word{at}" for at in range(60)]
WINDOWS: Texts = {
    "c4": " ".join(WORDS[:30]), "c0": " ".join(WORDS[15:45]), "c8": " ".join(WORDS[30:]), "c1": page("Paris"),
}  # fmt: skip
"""Of one document, each sharing half with its neighbours; c0 is the one in the middle."""
SECTIONS: Texts = {"c0": page("Berlin"), "c4": page("Paris"), "c8": page("Rome")}
"""Of one document."""
CODE = "from time import sleep while True do wait for the next second and print what the clock on the wall says now"
TWINS: Texts = {
    "c0": f"{CODE}. So wartet man auf die naechste volle Sekunde ohne dabei Strom zu verbrauchen, in einer Schleife",
    "c1": f"{CODE}. This is how one waits for the next full second without using any power, in a loop",
}


class Site(World):
    """A corpus that says what it is told to."""

    def __init__(self, texts: Texts) -> None:
        super().__init__(0)
        self.corpus, self.vocabulary, self.duplicates = Corpus(3), Vocabulary(), Duplicates(MinHashBands())
        self.offset, self.served = 0, {}
        self.say(texts)

    def say(self, texts: Texts) -> None:
        self.changed = list(texts)
        for name, text in texts.items():
            self.write(name, text)

    def list(self, names: str) -> None:
        row = [(f"c{name}", 1.0 - at / 9) for at, name in enumerate(names)]
        lists: RankedLists = ranked([row] * ANCHORS, 4)
        self.lists = dict.fromkeys(LEGS, lists)


def became(texts: Texts, changes: Texts, then: str, now: str) -> tuple[float, ...]:
    """Kept, gone and displaced of the first of `then`, the baseline's list, where the list is `now` afterwards."""
    site = Site(texts)
    site.list(then)
    before, known = site.snapshot(), drift()
    known.evaluate(before, None, site.view())
    site.say(changes)
    site.list(now)
    view = site.view()
    report = known.evaluate(before, None, view)
    assert repr(report) == repr(drift().evaluate(before, None, view))
    found = (one(report, f"{name}_answers_ratio", "lexical", DEPTHS[0]) for name in ("kept", "gone", "displaced"))
    return tuple(of.value for of in found)


@pytest.mark.parametrize(
    ("what", "texts", "changes", "lists", "expected"),
    [
        ("a page is deleted, the others stay", PAGES, {"c0": None}, ("0123", "123"), GONE),
        ("of pages with a paragraph of their own", NOTES, {"c0": None}, ("0123", "123"), GONE),
        ("of two that differ in a word: another version, or another branch", PAGES, {"c0": None}, ("01", "1"), GONE),
        ("an exact copy stays", {**PAGES, "c5": page("Berlin")}, {"c0": None}, ("0125", "125"), KEPT),
        ("an exact copy that stood in no list stays", {**PAGES, "c5": page("Berlin")}, {"c0": None}, ("012", "512"),
         KEPT),
        ("a new page comes instead", PAGES, {"c0": None, "c5": page("Bonn")}, ("0123", "5123"), GONE),
        ("a text that holds all of it stays", {**PAGES, "c5": f"First of all. {page('Berlin')} That is all."},
         {"c0": None}, ("0125", "125"), KEPT),
        ("overwritten by what another page says", PAGES, {"c0": page("Paris")}, ("0123", "0123"), GONE),
        ("overwritten by another page, which is edited, too", PAGES,
         {"c0": page("Paris", hours="ten to six"), "c1": page("Paris", hours="ten to six")}, ("0123", "0123"), GONE),
        ("overwritten by a paragraph of another page, edited", NOTES, {"c0": f"{note('mixer')} Closed today."},
         ("0123", "0123"), GONE),
        ("edited in place", PAGES, {"c0": page("Berlin", hours="ten to six")}, ("0123", "0123"), KEPT),
        ("corrected in its own word, in place", PAGES, {"c0": page("Bern")}, ("0123", "0123"), KEPT),
        ("all are worded otherwise", PAGES,
         {name: text.replace(HEAD, "Good day.") for name, text in PAGES.items() if text}, ("0123", "0123"), KEPT),
        ("the others are worded otherwise, and it is deleted", PAGES,
         {"c0": None, "c1": page("Paris", head="Good day."), "c2": page("Rome", head="Good day.")}, ("0123", "123"),
         GONE),
        ("renamed", PAGES, {"c0": None, "c5": page("Berlin")}, ("0123", "5123"), KEPT),
        ("renamed and edited", PAGES, {"c0": None, "c5": page("Berlin", hours="ten to six")}, ("0123", "1523"), KEPT),
        ("all come under other ids but for it", PAGES,
         {"c0": None, "c1": None, "c2": None, "c5": page("Paris"), "c6": page("Rome")}, ("012", "56"), GONE),
        ("cut in two", PAGES, {"c0": None, "c4": page("Berlin")[:130], "c8": page("Berlin")[100:]}, ("0123", "4812"),
         KEPT),
        ("cut in three, of which the list has what is its own", PAGES,
         {"c0": None, "c4": page("Berlin")[60:220]}, ("0123", "4123"), KEPT),
        ("merged into one of the others, and edited", PAGES,
         {"c0": None, "c1": f"{page('Paris')} {page('Berlin', hours='ten to six')}"}, ("0123", "123"), KEPT),
        ("a page that stood in no list says nearly the same", {**PAGES, **FAR}, {"c0": None}, ("0567", "1567"),
         DISPLACED),
        ("not deleted, and pushed out", PAGES, {"c5": page("Bonn")}, ("0123", "5123"), DISPLACED),
        ("two words apart, each of which some other page has", WARRANTIES, {"c0": None}, ("0123", "123"), GONE),
        ("the same, and the others are worded otherwise", WARRANTIES,
         {"c0": None, "c1": f"{WARRANTIES['c1']} Keep the bill.", "c2": f"{WARRANTIES['c2']} Keep the bill."},
         ("0123", "123"), GONE),
        ("windows of one document overlap: two hold it", WINDOWS, {"c0": None}, ("0481", "481"), KEPT),
        ("one window holds its half, and a new one the other", WINDOWS,
         {"c0": None, "c8": None, "c5": " ".join(WORDS[28:50])}, ("0481", "451"), KEPT),
        ("sections of one document are made of a template", SECTIONS, {"c0": None}, ("048", "48"), GONE),
        ("translations share a half", TWINS, {"c0": None}, ("01", "1"), GONE),
        ("tiny texts", {"c0": "Opening hours Berlin", "c1": "Opening hours Paris"}, {"c0": None}, ("01", "1"), GONE),
        ("tiny texts, edited", {"c0": "Opening hours Berlin", "c1": "Opening hours Paris"},
         {"c0": "Opening hours Berlin today"}, ("01", "01"), KEPT),
        ("texts without words", {"c0": "👉 ✨ 🎉 🔥", "c1": "👉 ✨ 🎉 💧"}, {"c0": None}, ("01", "1"), GONE),
        ("texts without words, a copy stays", {"c0": "👉 ✨ 🎉 🔥", "c1": "👉 ✨ 🎉 🔥"}, {"c0": None}, ("01", "1"),
         KEPT),
    ],
)  # fmt: skip
def test_what_became_of_an_answer(
    what: str, texts: Texts, changes: Texts, lists: tuple[str, str], expected: tuple[float, ...]
) -> None:
    assert became(texts, changes, *lists) == expected, what


def test_windows_are_of_one_document() -> None:
    assert {document(name) for name in ("c0", "c4", "c8")} == {"document 0"}
