"""Where the headings of a Markdown or reStructuredText document stand, and which lines must stay together.

One forward pass over the lines for each kind; nothing is looked at twice, so the time is linear in the text
whatever it holds. Unknown constructs are plain text: a scan never raises.
"""

from collections.abc import Sequence
from typing import NamedTuple


class Heading(NamedTuple):
    """Lines `start` to `end` (exclusive) are a heading; `anchor` is the explicit id its author gave it, or ''."""

    start: int
    end: int
    level: int
    title: str
    anchor: str = ""


class Layout(NamedTuple):
    """Headings in order, and the solid ranges (start to end, exclusive) that must not be cut: code, comments."""

    headings: tuple[Heading, ...]
    solid: dict[int, int]


_CLOSERS = {"<!--": "-->", "<pre": "</pre>", "<script": "</script>", "<style": "</style>", "<textarea": "</textarea>"}
_HTML_BLOCKS = frozenset(
    {"address", "article", "aside", "blockquote", "body", "center", "details", "dialog", "dd", "div", "dl", "dt"}
    | {"fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "head", "header"}
    | {"hr", "html", "iframe", "legend", "li", "link", "main", "menu", "nav", "ol", "option", "p", "search"}
    | {"section", "summary", "table", "tbody", "td", "tfoot", "th", "thead", "title", "tr", "ul"}
)
_MARKS = frozenset("#=-`~<")
_PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
_LITERAL = frozenset({"code", "code-block", "sourcecode", "parsed-literal", "literalinclude", "raw", "math"})
_SETEXT_LINES = 3
"""A longer paragraph above `---` is far more often text and a rule than a heading."""


def markdown(lines: Sequence[str], start: int = 0) -> Layout:
    """ATX and setext headings from line `start` on; code, comments and HTML blocks hide what looks like one."""
    headings: list[Heading] = []
    solid: dict[int, int] = {}
    floor = start  # lines above it are spoken for: a heading, a rule, code, HTML
    telling = [at for at in range(start, len(lines)) if lines[at].lstrip()[:1] in _MARKS]  # most lines end here
    for at in telling:
        if at < floor:
            continue
        body = lines[at].strip()
        indent = _indent(lines[at])
        end = _hidden(lines, at, body, indent)
        if end > at:
            solid[at] = floor = end
        elif indent <= 3 and _html_block(body):
            floor = _end_of_block(lines, at)
        elif indent <= 3 and (heading := _markdown_heading(lines, at, body, floor)):
            headings.append(heading)
            floor = at + 1
        elif _rule(body):
            floor = at + 1
    return Layout(tuple(headings), solid)


def _markdown_heading(lines: Sequence[str], at: int, body: str, floor: int) -> Heading | None:
    level = _atx_level(body)
    if level:
        return Heading(at, at + 1, level, *_anchored(_atx_title(body, level)))
    level = _setext_level(body)
    first = _paragraph(lines, at, floor) if level else at
    if first == at:
        return None
    title = " ".join(part.strip() for part in lines[first:at])
    return Heading(first, at + 1, level, *_anchored(title))


def _paragraph(lines: Sequence[str], at: int, floor: int) -> int:
    """The first line of the paragraph that ends above line `at`, or `at`: lists, quotes and tables are none."""
    first = at
    while first > floor and at - first <= _SETEXT_LINES:
        above = lines[first - 1].strip()
        if not above or _rule(above):
            break
        first -= 1
    plain = not any(_container(lines[index].strip()) for index in range(first, at))
    return first if at - first <= _SETEXT_LINES and plain and first < at and _indent(lines[first]) <= 3 else at


def _end_of_block(lines: Sequence[str], at: int) -> int:
    while at < len(lines) and lines[at].strip():
        at += 1
    return at


def _indent(line: str) -> int:
    if not line.startswith((" ", "\t")):
        return 0
    white = line[: len(line) - len(line.lstrip())]
    return len(white.expandtabs(4))


def _hidden(lines: Sequence[str], at: int, body: str, indent: int) -> int:
    """The end of the fenced code, comment or raw HTML that opens on this line, or `at` when none does."""
    if body.startswith(("```", "~~~")):
        run = len(body) - len(body.lstrip(body[0]))
        if body[0] == "~" or "`" not in body[run:]:
            return _fence_end(lines, at, body[0], run, indent)
    if body[0] == "<" and indent <= 3:
        opened = body[:10].lower()
        for opener, closer in _CLOSERS.items():
            if opened.startswith(opener) and (opener == "<!--" or opened[len(opener) :][:1] in {"", ">", " ", "\t"}):
                return _end_of(lines, at, closer)
    return at


def _fence_end(lines: Sequence[str], at: int, mark: str, run: int, indent: int) -> int:
    """Behind the closing fence; a fence inside a list item also ends where the item does."""
    for index in range(at + 1, len(lines)):
        line = lines[index]
        body = line.strip()
        if len(body) >= run and body.strip(mark) == "":
            return index + 1
        if indent > 3 and body and _indent(line) < 2:
            return index
    return len(lines)


def _end_of(lines: Sequence[str], at: int, closer: str) -> int:
    for index in range(at, len(lines)):
        if closer in lines[index].lower():
            return index + 1
    return len(lines)


def _atx_level(body: str) -> int:
    if body[0] != "#":
        return 0
    level = len(body) - len(body.lstrip("#"))
    return level if level <= 6 and (len(body) == level or body[level] in " \t") else 0


def _atx_title(body: str, level: int) -> str:
    title = body[level:].strip()
    bare = title.rstrip("#")
    return bare.rstrip() if not bare or bare[-1] in " \t" else title


def _setext_level(body: str) -> int:
    if body.strip("=") == "":
        return 1
    return 2 if body.strip("-") == "" else 0


def _anchored(title: str) -> tuple[str, str]:
    """The title without its attribute list, and the explicit id in it: `Install {#install .wide}`."""
    opened = title.rfind("{")
    if not title.endswith("}") or opened < 0:
        return title, ""
    words = title[opened + 1 : -1].strip(":/* \t").split()
    anchors = [word[1:] for word in words if word[0] == "#" and len(word) > 1]
    return (title[:opened].rstrip(), anchors[0]) if anchors else (title, "")


def _container(body: str) -> bool:
    """A line that opens a quote, a list item or a table row: no setext heading follows it directly."""
    if body[0] in ">|":
        return True
    if body[0] in "-*+":
        return len(body) == 1 or body[1] in " \t"
    digits = len(body[:10]) - len(body[:10].lstrip("0123456789"))
    return 0 < digits < len(body) and body[digits] in ".)" and body[digits + 1 : digits + 2] in {"", " ", "\t"}


def _rule(body: str) -> bool:
    """A thematic break: three or more of one mark, with or without spaces."""
    return body[0] in "-*_" and body.count(body[0]) >= 3 and not body.strip(body[0] + " \t")


def _html_block(body: str) -> bool:
    if body[0] != "<":
        return False
    name = body[1:20].removeprefix("/").lower()
    letters = len(name)
    for index, character in enumerate(name):
        if not character.isalnum():
            letters = index
            break
    return name[:letters] in _HTML_BLOCKS


def restructured(lines: Sequence[str], start: int = 0) -> Layout:
    """Section titles with an underline, or with an overline too; levels by the order in which styles appear."""
    headings: list[Heading] = []
    solid: dict[int, int] = {}
    styles: dict[tuple[str, bool], int] = {}
    floor = start
    for at in range(start, len(lines)):
        line = lines[at].rstrip()
        if at < floor or not line:
            continue
        if _adornment(line) and (found := _title(lines, at, floor)):
            first, floor, title = found
            level = styles.setdefault((line[0], floor - first == 3), len(styles) + 1)
            headings.append(Heading(first, floor, level, title))
        elif "::" in line and (end := _literal_end(lines, at)) > at + 1:
            solid[at] = floor = end
    return Layout(tuple(headings), solid)


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
