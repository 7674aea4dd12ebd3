"""A chunk's own page: what it says, and which words changed since it stood in a list with another text."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from monitor.adapters.web.page.context import Document, PageContext, PageSection
from monitor.adapters.web.page.words import shown
from monitor.core.records.history import ChunkPast, TextVersion
from monitor.core.text.word_diff import WordDiff, WordRun, word_diff

VERSIONS = 8
"""Earlier texts that are compared, the newest first."""
RUN_CHARACTERS = 2_000
"""Of some words in a row."""
TEXT_CHARACTERS = 6_000
"""Of a text that is shown whole."""
NOW = "now"


@dataclass(frozen=True, slots=True)
class TextChange:
    """From one text to the next.

    Args:
        before: when the earlier one stood in lists, in words.
        after: the same of the later one.
        diff: the words that changed; None where one of the texts is not kept.
        note: what is to be known of it, "" for nothing.
    """

    before: str
    after: str
    diff: WordDiff | None
    note: str


def _made(page: PageContext) -> Document | None:
    if not page.asked.chunk or page.service is None:
        return None
    found = page.service.chunk_past(page.asked.chunk)
    if found is None:
        return {"chunk": None, "name": shown(page.asked.chunk, 160)}
    text = found.text if found.text is not None else next((of.text for of in reversed(found.versions)), None)
    return {
        "chunk": found,
        "name": shown(found.chunk_id, 160),
        "text": None if text is None else _shown(text, TEXT_CHARACTERS),
        "changes": changes(found)[:VERSIONS],
        "versions": len(found.versions),
    }


def changes(of: ChunkPast) -> list[TextChange]:
    """Each text against the one after it, the newest first; the last one is against what the chunk says now."""
    ordered = sorted(of.versions, key=lambda version: (version.newest, version.first))
    then = [(version, _when(version, of)) for version in ordered if version.content_hash != of.content_hash]
    texts: list[tuple[str | None, str, int]] = [
        (one.text, f"the text of {said}", one.characters) for one, said in then
    ]
    if of.live:
        texts.append((of.text, "the text of now", len(of.text or "")))
    return [_change(*pair) for pair in pairwise(texts)][::-1]


def _change(before: tuple[str | None, str, int], after: tuple[str | None, str, int]) -> TextChange:
    old, was, _ = before
    new, became, _ = after
    if old is None or new is None:
        missing = was if old is None else became
        return TextChange(was, became, None, f"{missing} is no longer kept")
    made = word_diff(old, new)
    cut = [said for text, said, whole in (before, after) if text is not None and len(text) < whole]
    notes = [f"only the beginning of {said} is kept" for said in cut]
    if any(made.uncompared):
        notes.append("{:,} words before and {:,} after were too many to compare".format(*made.uncompared))
    if made.same and not notes:
        notes.append("the words are the same; only white space, attributes or the vector differ")
    runs = tuple(WordRun(run.kind, _shown(run.text, RUN_CHARACTERS), run.words) for run in made.runs)
    return TextChange(was, became, WordDiff(runs, made.gone, made.new, made.uncompared), "; ".join(notes))


def _when(version: TextVersion, of: ChunkPast) -> str:
    """The deploys between which a text stood in lists."""
    names = [of.deploys[number] for number in sorted(of.deploys) if version.first <= number <= version.newest]
    ends: Sequence[str] = list(dict.fromkeys([names[0], names[-1]])) if names else []
    return " to ".join(shown(name, 40) for name in ends) if ends else "a time of which no deploy is kept"


def _shown(text: str, most: int) -> str:
    """A text with its lines, every other control made visible, cut."""
    return "\n".join(shown(line, most) for line in text[:most].split("\n")) + ("…" if len(text) > most else "")


SECTION = PageSection("chunk", "", "chunk.html", _made)
