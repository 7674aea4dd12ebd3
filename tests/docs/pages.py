"""The project's Markdown, read for what tests check in it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"
_NAV = re.compile(r"^ +- (?:.+: )?(\S+\.md)$", re.MULTILINE)
_BLOCK = re.compile(
    r"^(?:<!-- (?P<mark>[^>]+) -->\n)?```(?P<language>\w+)(?: title=\"(?P<title>[^\"]+)\")?\n(?P<text>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Block:
    """A block of code; `mark` is the comment that stands right above it, "" for none."""

    page: str
    language: str
    title: str
    text: str
    mark: str

    def commands(self) -> list[str]:
        """The lines of a console block, without the prompt."""
        return [line.removeprefix("$ ") for line in self.text.splitlines()]


def nav() -> list[str]:
    """The site's pages in its order, as paths from the repository's root."""
    return [f"docs/{name}" for name in _NAV.findall((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))]


WALKED = tuple(f"docs/ways-in/{way}.md" for way in ("qdrant", "kafka", "file", "git"))
"""Pages that begin with nothing but what a reader has: each is walked alone, by tests/docs/test_ways_in.py."""
PAGES = ("README.md", *nav())
"""Where commands and links are checked, in the order in which the commands are run."""


def text(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(*languages: str, pages: tuple[str, ...] = PAGES) -> Iterator[Block]:
    for page in pages:
        for found in _BLOCK.finditer(text(page)):
            if not languages or found["language"] in languages:
                yield Block(page, found["language"], found["title"] or "", found["text"], found["mark"] or "")
