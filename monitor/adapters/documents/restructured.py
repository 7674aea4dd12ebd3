"""reStructuredText: section titles and literal blocks, by one scan over the lines.

Not by docutils, which the tests hold against it as the oracle: measured on one core it reads 46 KB/s where this reads
10 MB/s (a history has tens of thousands of versions of pages), a page of 4 KB ends it with a RecursionError, and one
of 20 KB takes it 8 s.
"""

from collections.abc import Sequence

from monitor.core.text.layout import DocumentLayout, Heading

_PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
_LITERAL = frozenset({"code", "code-block", "sourcecode", "parsed-literal", "literalinclude", "raw", "math"})


def restructured(text: str) -> DocumentLayout:
    """Section titles with an underline, or with an overline too; levels by the order in which styles appear."""
    lines = text.split("\n")
    headings: list[Heading] = []
    solid: dict[int, int] = {}
    styles: dict[tuple[str, bool], int] = {}
    floor = 0
    for at in range(len(lines)):
        line = lines[at].rstrip()
        if at < floor or not line:
            continue
        if _adornment(line) and (found := _title(lines, at, floor)):
            first, floor, title = found
            level = styles.setdefault((line[0], floor - first == 3), len(styles) + 1)
            headings.append(Heading(first, floor, level, title))
        elif "::" in line and (end := _literal_end(lines, at)) > at + 1:
            solid[at] = floor = end
    return DocumentLayout(lines, headings, solid)


def _title(lines: Sequence[str], at: int, floor: int) -> tuple[int, int, str] | None:
    """(start, end, title) of the section title that has this line as its overline or underline."""
    line = lines[at].rstrip()
    if _fresh(lines, at, floor) and at + 2 < len(lines) and lines[at + 2].rstrip() == line:
        title = lines[at + 1].strip()
        if title and len(line) >= min(4, len(title)) and not _adornment(title):
            return at, at + 3, title
    if at <= floor or not _fresh(lines, at - 1, floor):
        return None
    title = lines[at - 1].rstrip()
    wanted = bool(title) and title[0] not in " \t" and len(line) >= min(4, len(title))
    return (at - 1, at + 1, title) if wanted and not _adornment(title) and not _body_element(title) else None


def _fresh(lines: Sequence[str], at: int, floor: int) -> bool:
    """Whether a paragraph begins on this line: a title is the first line of one."""
    return at == floor or not lines[at - 1].strip() or lines[at - 1][0] in " \t"


def _adornment(line: str) -> bool:
    return bool(line) and line[0] in _PUNCTUATION and line.strip(line[0]) == ""


def _body_element(line: str) -> bool:
    """Lines that reStructuredText reads as a list item, directive, field, table or doctest before a title."""
    if line.startswith((".. ", "__ ", "| ", ">>> ", "+-", "- ", "* ", "+ ")) or line == "..":
        return True
    if line[0] != ":" or line[1:2] in {"", " ", ":"}:
        return False
    end = line.find(":", 1)
    while end > 0 and line[end + 1 : end + 2] not in {"", " ", "`"}:
        end = line.find(":", end + 1)
    return end > 0 and line[end + 1 : end + 2] != "`"


def _literal_end(lines: Sequence[str], at: int) -> int:
    """The end of the literal block that this line introduces, or `at`."""
    body = lines[at].strip()
    if not _introduces_literal(body):
        return at
    indent = _indent(lines[at])
    last = at
    for index in range(at + 1, len(lines)):
        line = lines[index]
        if line.strip():
            if _indent(line) <= indent:
                break
            last = index
    return last + 1


def _introduces_literal(body: str) -> bool:
    if body.startswith(".. "):
        return body[3:40].partition("::")[0].strip() in _LITERAL and "::" in body[:40]
    return body.endswith("::")


def _indent(line: str) -> int:
    if not line.startswith((" ", "\t")):
        return 0
    white = line[: len(line) - len(line.lstrip())]
    return len(white.expandtabs(4))
