"""AsciiDoc: section titles, explicit ids and delimited blocks, by one scan over the lines: no parser is kept."""

import re

from monitor.core.text.layout import DocumentLayout, Heading

_TITLE = re.compile(r"(={1,6}|#{1,6})[ \t]+(\S.*)")
_ANCHOR = re.compile(r"\[\[([^\],]+)(?:,[^\]]*)?\]\]|\[[^\]#\s]*#([^\],.%\s]+)[^\]]*\]")
_DELIMITERS = re.compile(r"([-.+/*_=])\1{3,}|--|[|,:!]={3,}|```.*")


def asciidoc(text: str) -> DocumentLayout:
    """Titles outside of delimited blocks (listings, literals, passthroughs, comments, examples, tables, ...)."""
    lines = text.split("\n")
    headings: list[Heading] = []
    solid: dict[int, int] = {}
    closers = _closers(lines)
    at = 0
    while at < len(lines):
        line = lines[at].rstrip()
        end = closers.get(at, at)
        if end > at:
            solid[at] = at = end + 1
            continue
        if found := _TITLE.fullmatch(line):
            named = _ANCHOR.fullmatch(lines[at - 1].strip()) if at and at - 1 not in solid else None
            anchor = (named[1] or named[2]) if named else ""
            headings.append(Heading(at - 1 if named else at, at + 1, len(found[1]), found[2], anchor))
        at += 1
    return DocumentLayout(lines, headings, solid)


def _closers(lines: list[str]) -> dict[int, int]:
    """The line that closes the block which a delimiter line would open; one that nothing closes opens none."""
    after: dict[str, int] = {}
    closers: dict[int, int] = {}
    for at in range(len(lines) - 1, -1, -1):
        line = lines[at].rstrip()
        if _DELIMITERS.fullmatch(line):
            mark = "```" if line.startswith("```") else line
            if mark in after:
                closers[at] = after[mark]
            if line == mark:
                after[mark] = at
    return closers
