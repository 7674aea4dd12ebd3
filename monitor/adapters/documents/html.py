"""HTML by selectolax (lexbor): the text of a page's main part, its headings, preformatted text.

Scripts, styles, navigation and footers are no text of the page. Nothing is loaded and nothing is run.
"""

import re
from typing import TYPE_CHECKING

from monitor.adapters.documents.plain import plain
from monitor.core.text.layout import DocumentLayout, Heading

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

_SKIPPED = frozenset({"head", "script", "style", "template", "noscript", "nav", "footer", "svg", "iframe", "object"})
_INLINE = frozenset(
    {"a", "abbr", "b", "bdi", "bdo", "cite", "code", "data", "del", "dfn", "em", "font", "i", "img", "ins", "kbd"}
    | {"label", "mark", "q", "s", "samp", "small", "span", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr"}
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_PARAGRAPHS = frozenset({"p", "pre", "table", "ul", "ol", "dl", "blockquote", "section", "article", "div", "figure"})
_NEVER_NESTED = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"}
    | {"p", "li", "dt", "dd", "td", "th", "tr", "option", "thead", "tbody", "tfoot"}
)
_DEEPEST = 1_000
"""Open elements: the tree builder's time is quadratic in them, and no page that somebody reads has as many."""
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")


def html(text: str) -> DocumentLayout:
    """An HTML page; one that nests absurdly deep is plain text."""
    if _is_too_deep(text):
        return plain(text)
    from selectolax.lexbor import LexborHTMLParser  # a page of HTML asks for it, importing this module does not

    tree = LexborHTMLParser(text)
    title = tree.css_first("title")
    root = tree.css_first("main") or tree.body or tree.root
    walk = _Walk()
    if root is not None:
        walk.over(root)
    return walk.document("" if title is None else " ".join(title.text().split()))


def _is_too_deep(text: str) -> bool:
    depth = 0
    for found in _TAG.finditer(text):
        if found[2].lower() not in _NEVER_NESTED:
            depth = max(0, depth - 1) if found[1] else depth + 1
            if depth > _DEEPEST:
                return True
    return False


class _Walk:
    """Collects lines from a tree without recursion."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._line: list[str] = []
        self._headings: list[Heading] = []
        self._solid: dict[int, int] = {}

    def over(self, root: "LexborNode") -> None:
        """Adds everything below the root."""
        left: list[tuple[LexborNode, bool]] = [(root, False)]
        while left:
            node, leaving = left.pop()
            if not leaving and node is not root and node.next is not None:
                left.append((node.next, False))
            tag = node.tag or ""
            if tag == "-text":
                self._line.append(node.text_content or "")
            elif tag in _HEADINGS:
                self._heading(node, _HEADINGS[tag])
            elif tag == "pre":
                self._preformatted(node)
            elif tag not in _SKIPPED and not tag.startswith("-"):
                self._boundary(tag)
                if not leaving and node.child is not None:
                    left += [(node, True), (node.child, False)]

    def document(self, title: str) -> DocumentLayout:
        """All that was collected."""
        self._break()
        return DocumentLayout(self._lines, self._headings, self._solid, title=title)

    def _boundary(self, tag: str) -> None:
        if tag in _INLINE:
            return
        if tag in {"td", "th"}:
            self._line.append(" ")
            return
        self._break()
        if tag in _PARAGRAPHS and self._lines and self._lines[-1]:
            self._lines.append("")

    def _break(self) -> None:
        said = " ".join("".join(self._line).split())
        self._line.clear()
        if said:
            self._lines.append(said)

    def _heading(self, node: "LexborNode", level: int) -> None:
        self._break()
        title = " ".join(node.text().split()).removesuffix("\u00b6").rstrip()  # generators put a pilcrow behind
        if not title:
            return
        anchor = node.attributes.get("id") or ""
        at = len(self._lines)
        self._headings.append(Heading(at, at + 1, level, title, anchor))
        self._lines.append(title)

    def _preformatted(self, node: "LexborNode") -> None:
        self._break()
        at = len(self._lines)
        self._lines += [line.replace("\r", "") for line in node.text().strip("\n").split("\n")]
        self._solid[at] = len(self._lines)
        self._lines.append("")
