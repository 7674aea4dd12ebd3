"""Documents to chunks: Markdown and reStructuredText split at headings, then at about 180 words.

Ids are meant to survive edits elsewhere in the document: a section is named by the path of its headings, a
repeated heading is numbered among its siblings of the same name only, and the further parts of a long section
are numbered within that section. So `guide.md#install/linux--2` is the second part of the section Linux under
Install, whatever was written above it.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Literal

from monitor.core.text.headings import Heading, Layout, markdown, restructured

Kind = Literal["markdown", "rst", "text"]

WORDS = 180
"""About 250 word pieces: what the common sentence encoders read of a chunk before they cut it."""

_SLUG = 80
_PATH_BYTES = 200  # of the headings above: with its own slug an id stays far below the usual limit of 1,024 bytes
_REPEATED_TITLE = 200
_SUFFIXES: dict[str, Kind] = {".md": "markdown", ".mdx": "markdown", ".markdown": "markdown", ".rst": "rst"}
_ASCII_WORD = re.compile("[a-z0-9_]+")
_UNSPACED = re.compile("[\u0e00-\u17ff\u2e80-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
"""Thai to Khmer, kana and ideographs; Hangul is written with spaces."""
_PREAMBLE = "_top"  # no slug begins with an underscore, so no heading can be called this


@dataclass(frozen=True, slots=True)
class Section:
    """One chunk of a document: its id, its place among the document's chunks, its text."""

    chunk_id: str
    ordinal: int
    text: str


def kind_of(path: str) -> Kind:
    """How to read a file, by its suffix; anything unknown is plain text.

    >>> kind_of("docs/index.MD")
    'markdown'
    """
    return _SUFFIXES.get("." + path.rpartition(".")[2].lower(), "text")


def split(text: str, *, doc_id: str, kind: Kind, words: int = WORDS) -> list[Section]:
    r"""The chunks of one document, in order.

    Every line that is neither blank nor front matter is in exactly one chunk, heading titles excepted: each part
    of a section opens with its title (a part after the first with at most 200 characters of it). Parts end
    between paragraphs, inside a paragraph only when it alone exceeds `words`, inside code or a comment never.
    Linear in the length of the text; never raises; no text gives no chunks.

    Args:
        text: the document, any line ends.
        doc_id: becomes the part of the ids in front of `#`.
        kind: how to find headings; plain text has none.
        words: the most words of a part that has more than one paragraph.

    >>> [s.chunk_id for s in split("# A\n\none\n\n## B\n\ntwo\n", doc_id="g.md", kind="markdown")]
    ['g.md#a', 'g.md#a/b']
    """
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    start, title = _front_matter(lines) if kind == "markdown" else (0, "")
    layout = _LAYOUTS[kind](lines, start)
    names = _names(layout.headings)
    first = layout.headings[0].start if layout.headings else len(lines)
    spans = [(start, first, title, _PREAMBLE)] if any(map(str.strip, lines[start:first])) else []
    ends = [*(heading.start for heading in layout.headings[1:]), len(lines)]
    spans += [(h.end, end, h.title, name) for h, end, name in zip(layout.headings, ends, names, strict=False)]
    sections: list[Section] = []
    for begin, end, heading, name in spans:
        for part, body in enumerate(_parts(lines, begin, end, layout.solid, words), 1):
            shown = heading if part == 1 else heading[:_REPEATED_TITLE]
            whole = f"{shown}\n{body}".strip("\n")
            if whole.strip():
                identity = f"{doc_id}#{name}" if part == 1 else f"{doc_id}#{name}--{part}"
                sections.append(Section(identity, len(sections), whole))
    return sections


def _plain(_lines: Sequence[str], _start: int = 0) -> Layout:
    return Layout((), {})


_LAYOUTS = {"markdown": markdown, "rst": restructured, "text": _plain}


def _front_matter(lines: Sequence[str]) -> tuple[int, str]:
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


# ---------------------------------------------------------------- names


def _names(headings: Sequence[Heading]) -> list[str]:
    """A unique path for each heading. Siblings of one name are numbered; a number another sibling has is skipped."""
    parents = _parents(headings)
    anchors = [_anchor(heading.anchor) if heading.anchor else "" for heading in headings]
    slugs = [anchor or slug(heading.title) for heading, anchor in zip(headings, anchors, strict=True)]
    scopes = [-1 if anchor else parent for anchor, parent in zip(anchors, parents, strict=True)]
    taken = set(zip(scopes, slugs, strict=True))
    seen: dict[tuple[int, str], int] = {}
    names: list[str] = []
    for scope, name in zip(scopes, slugs, strict=True):
        count = seen.get((scope, name), 0) + 1
        while count > 1 and (scope, f"{name}-{count}") in taken:
            count += 1
        seen[scope, name] = count
        unique = name if count == 1 else f"{name}-{count}"
        names.append(unique if scope < 0 else f"{_shortened(names[scope])}/{unique}")
    return names


def _parents(headings: Sequence[Heading]) -> list[int]:
    parents: list[int] = []
    above: list[int] = []
    for index, heading in enumerate(headings):
        while above and headings[above[-1]].level >= heading.level:
            above.pop()
        parents.append(above[-1] if above else -1)
        above.append(index)
    return parents


def _shortened(path: str) -> str:
    return path if len(path.encode("utf-8", "surrogatepass")) <= _PATH_BYTES else "~" + _digest(path)


def _digest(text: str) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def _anchor(anchor: str) -> str:
    """An explicit id made safe for our paths: no separator of ours in it."""
    return "-".join(part for part in anchor[:_SLUG].replace("/", "-").replace("#", "-").split("-") if part)


def slug(title: str) -> str:
    """A heading as the last part of an id: lower-cased letters, digits, marks and underscores, joined by hyphens.

    Link targets and HTML tags do not count. A title without a letter is named by its hash; one of more than 80
    characters is cut and completed by its hash.

    >>> slug("Déjà vu: [the docs](https://example.org)")
    'déjà-vu-the-docs'
    """
    shown = _without_targets(title)[: 2 * _SLUG].lower()
    if not shown.isascii():
        shown = unicodedata.normalize("NFKC", shown).lower()
        shown = "".join(character if _in_word(character) else "-" for character in shown)
        made = "-".join(part for part in shown.split("-") if part).strip("-_")
    else:
        made = "-".join(_ASCII_WORD.findall(shown)).strip("-_")
    if not made:
        return "h-" + _digest(title)
    return made if len(made) <= _SLUG else f"{made[: _SLUG - 17].rstrip('-_')}-{_digest(title)}"


def _in_word(character: str) -> bool:
    return character.isalnum() or character == "_" or unicodedata.category(character)[0] == "M"


def _without_targets(title: str) -> str:
    """The title without `](target)` of links and without tags."""
    for opener, closer in (("](", ")"), ("<", ">")):
        kept: list[str] = []
        at = 0
        while (opened := title.find(opener, at)) >= 0 and (closed := title.find(closer, opened)) >= 0:
            kept.append(title[at:opened])
            at = closed + 1
        title = "".join((*kept, title[at:]))
    return title


# ---------------------------------------------------------------- parts


def _parts(lines: Sequence[str], start: int, stop: int, solid: dict[int, int], limit: int) -> Iterator[str]:
    """Whole blocks packed up to the limit; at least one part, which is empty for a heading without text."""
    whole = _joined(lines, start, stop)
    if _words(whole) <= limit:
        yield whole
        return
    plain = whole.isascii()
    counts = [len(line.split()) if plain else _words(line) for line in lines[start:stop]]
    begin, end, held = start, start, 0
    for first, last in _blocks(counts, start, solid, limit):
        count = sum(counts[first - start : last - start])
        if held and held + count > limit:
            yield _joined(lines, begin, end)
            begin, held = first, 0
        end, held = last, held + count
    yield _joined(lines, begin, end)


def _joined(lines: Sequence[str], begin: int, end: int) -> str:
    return "\n".join(lines[begin:end]).strip("\n")


def _blocks(counts: Sequence[int], start: int, solid: dict[int, int], limit: int) -> Iterator[tuple[int, int]]:
    """(start, end) of paragraphs and solid ranges; a paragraph over the limit comes line by line.

    `counts` are the words of each line from `start` on: a line without words parts two paragraphs.
    """
    at, stop = start, start + len(counts)
    while at < stop:
        last = at
        held = 0
        while last < stop and counts[last - start] and last not in solid:
            held += counts[last - start]
            last += 1
        if held > limit:
            yield from ((index, index + 1) for index in range(at, last))
        elif held:
            yield at, last
        at = last
        if at in solid:
            at = min(solid[at], stop)
            yield last, at
        elif at < stop:
            at += 1


def _words(text: str) -> int:
    """Words by white space; two characters of a script written without spaces count as one."""
    count = len(text.split())
    return count if text.isascii() else count + len(_UNSPACED.findall(text)) // 2
