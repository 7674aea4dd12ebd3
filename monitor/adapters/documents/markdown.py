"""Markdown by markdown-it-py: the block structure of CommonMark, front matter, explicit ids of headings.

Lists and quotes are not opened: a heading inside one is none of the page's sections, and what is not opened costs
neither time nor memory where somebody nests a million of them.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from monitor.core.text.layout import DocumentLayout, Heading

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_WHOLE = ("<!--", "<pre", "<script", "<style", "<textarea")
"""Openers of HTML blocks that end with their own closer: other blocks end at a blank line and are text."""


_SETEXT_LINES = 3
"""A longer paragraph above `---` is far more often text and a rule than a heading."""


def markdown(text: str) -> DocumentLayout:
    """A Markdown page."""
    lines = text.split("\n")
    start, title = front_matter(lines)
    return laid_out(lines, lines, start, title)


def laid_out(lines: Sequence[str], parsed: Sequence[str], start: int, title: str) -> DocumentLayout:
    """The document of `lines`, with the structure of `parsed` (as many, some blanked) from line `start` on."""
    tokens = _parser().parse("\n".join(parsed[start:]))
    headings: list[Heading] = []
    solid: dict[int, int] = {}
    for at, token in enumerate(tokens):
        if token.map is None:
            continue
        first, last = (line + start for line in token.map)
        if token.type == "heading_open" and (heading := _heading(token, tokens[at + 1], first, last)):
            headings.append(heading)
        elif token.type == "fence" or (token.type == "html_block" and _is_whole(token.content)):
            solid[first] = last
    return DocumentLayout(lines, headings, solid, start, title)


@lru_cache(maxsize=1)
def _parser() -> "MarkdownIt":
    from markdown_it import MarkdownIt  # a page of Markdown asks for it, importing this module does not

    parser = MarkdownIt("commonmark").disable(["list", "blockquote", "reference"])
    parser.core.ruler.enableOnly(["normalize", "block"])
    return parser


def _heading(opened: "Token", inline: "Token", first: int, last: int) -> Heading | None:
    parts = inline.content.split("\n")
    if opened.markup in {"=", "-"} and (len(parts) > _SETEXT_LINES or any(map(_container, parts))):
        return None
    title, anchor = _anchored(" ".join(part.strip() for part in parts))
    return Heading(first, last, int(opened.tag[1]), title, anchor)


def _is_whole(html: str) -> bool:
    return html.lstrip()[:9].lower().startswith(_WHOLE)


def front_matter(lines: Sequence[str]) -> tuple[int, str]:
    """(first line behind the front matter, its title); (0, '') where the document has none."""
    fence = lines[0].rstrip()
    if fence not in {"---", "+++"} or len(lines) < 2 or not lines[1].strip():
        return 0, ""
    title = ""
    sign = ":" if fence == "---" else "="
    for index, line in enumerate(lines[1:], 1):
        if line.rstrip() == fence or (fence == "---" and line.rstrip() == "..."):
            return index + 1, title
        if index == 1 and sign not in line and not line.startswith("#"):
            return 0, ""  # a rule at the top of the page, not front matter
        name, _, value = line.partition(sign)
        if name.rstrip() == "title":
            title = value.strip().strip("\"'")
    return 0, ""


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
    if body.startswith((">", "|")):
        return True
    if body.startswith(("-", "*", "+")):
        return len(body) == 1 or body[1] in " \t"
    digits = len(body[:10]) - len(body[:10].lstrip("0123456789"))
    return 0 < digits < len(body) and body[digits] in ".)" and body[digits + 1 : digits + 2] in {"", " ", "\t"}
