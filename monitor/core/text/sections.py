"""Documents to chunks: split at headings, then at about 180 words; without structure, where the content says.

Ids are meant to survive edits elsewhere in the document: a section is named by the path of its headings, a
repeated heading is numbered among its siblings of the same name only, and the further parts of a long section
are numbered within that section. So `guide.md#install/linux--2` is the second part of the section Linux under
Install, whatever was written above it. Pieces of a text without structure are named by how they begin.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from monitor.core.text.borders import borders, joined, priorities
from monitor.core.text.layout import DocumentLayout, Heading

WORDS = 180
"""About 250 word pieces: what the common sentence encoders read of a chunk before they cut it."""

_LEAST = 4
"""A piece of a text without structure below a quarter of the limit joins the one before it."""
_SLUG = 80
_PATH_BYTES = 200  # of the headings above: with its own slug an id stays far below the usual limit of 1,024 bytes
_REPEATED_TITLE = 200
_ASCII_WORD = re.compile("[a-z0-9_]+")
_UNSPACED = re.compile("[\u0e00-\u17ff\u2e80-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
"""Thai to Khmer, kana and ideographs; Hangul is written with spaces."""
_PREAMBLE = "_top"  # no slug begins with an underscore, so no heading can be called this


@dataclass(frozen=True, slots=True)
class DocumentSection:
    """One chunk of a document: its id, its place among the document's chunks, its text."""

    chunk_id: str
    ordinal: int
    text: str


def split(document: DocumentLayout, *, doc_id: str, words: int = WORDS) -> list[DocumentSection]:
    r"""The chunks of one document, in order.

    Every line that is neither blank nor front matter is in exactly one chunk, heading titles excepted: each part
    of a section opens with its title (a part after the first with at most 200 characters of it). Parts end
    between paragraphs, inside a paragraph only when it alone exceeds `words`, inside code or a comment never.
    Linear in the length of the text; never raises; no text gives no chunks.

    Args:
        document: the lines and their structure.
        doc_id: becomes the part of the ids in front of `#`.
        words: the most words of a part that has more than one paragraph; a quarter more where a small piece of a text
            without structure joined it.

    >>> document = DocumentLayout(["A", "one", "B", "two"], [Heading(0, 1, 1, "A"), Heading(2, 3, 2, "B")])
    >>> [s.chunk_id for s in split(document, doc_id="g.md")]
    ['g.md#a', 'g.md#a/b']
    """
    lines, start, headings = document.lines, document.start, document.headings
    names = _names(headings)
    first = headings[0].start if headings else len(lines)
    spans = [(start, first, document.title, _PREAMBLE)] if any(map(str.strip, lines[start:first])) else []
    ends = [*(heading.start for heading in headings[1:]), len(lines)]
    spans += [(h.end, end, h.title, name) for h, end, name in zip(headings, ends, names, strict=False)]
    sections: list[DocumentSection] = []
    for begin, end, heading, name in spans:
        span = _Span(document, begin, end, words)
        parts = _numbered(span, name) if document.structured else _named_by_content(span, name)
        for at, (part, body) in enumerate(parts):
            shown = heading if at == 0 else heading[:_REPEATED_TITLE]
            whole = f"{shown}\n{body}".strip("\n")
            if whole.strip():
                sections.append(DocumentSection(f"{doc_id}#{part}", len(sections), whole))
    return sections


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


@dataclass(frozen=True, slots=True)
class _Span:
    """The text of one section: its lines, and the most words of a part."""

    document: DocumentLayout
    start: int
    stop: int
    limit: int

    def text(self, begin: int, end: int) -> str:
        return "\n".join(self.document.lines[begin:end]).strip("\n")

    def pieces(self, blocks: Sequence[tuple[int, int, int]], starts: Sequence[int]) -> Iterator[str]:
        """The texts of runs of blocks, by the first block of each; the whole where there are no blocks."""
        if not blocks:
            yield self.text(self.start, self.stop)
            return
        for at, following in zip(starts, [*starts[1:], len(blocks)], strict=True):
            yield self.text(blocks[at][0] if at else self.start, blocks[following - 1][1])

    def blocks(self) -> list[tuple[int, int, int]]:
        """(start, end, words) of what is cut between; nothing where the whole is within the limit."""
        whole = self.text(self.start, self.stop)
        if _words(whole) <= self.limit:
            return []
        plain = whole.isascii()
        lines = self.document.lines[self.start : self.stop]
        counts = [len(line.split()) if plain else _words(line) for line in lines]
        return [
            (first, last, sum(counts[first - self.start : last - self.start]))
            for first, last in _blocks(counts, self.start, self.document.solid, self.limit)
        ]


def _numbered(span: _Span, name: str) -> Iterator[tuple[str, str]]:
    """(name, text): whole blocks packed up to the limit; at least one part, empty for a heading without text."""
    blocks = span.blocks()
    starts: list[int] = []
    held = 0
    for at, (_, _, count) in enumerate(blocks):
        if not starts or (held and held + count > span.limit):
            starts.append(at)
            held = 0
        held += count
    for part, body in enumerate(span.pieces(blocks, starts), 1):
        yield (name if part == 1 else f"{name}--{part}"), body


def _named_by_content(span: _Span, name: str) -> Iterator[tuple[str, str]]:
    """(name, text): pieces between content-defined borders; the first keeps the section's name."""
    blocks = span.blocks()
    sizes = [count for _, _, count in blocks]
    texts = [span.text(first, last) for first, last, _ in blocks]
    starts = joined(borders(sizes, priorities(texts), span.limit), sizes, max(1, span.limit // _LEAST))
    names = [name, *(f"{name}--{_digest(texts[at])}" for at in starts[1:])]  # none where there are no blocks
    seen: Counter[str] = Counter()
    for own, body in zip(names, span.pieces(blocks, starts), strict=True):
        seen[own] += 1
        yield (own if seen[own] == 1 else f"{own}-{seen[own]}"), body


def _blocks(counts: Sequence[int], start: int, solid: Mapping[int, int], limit: int) -> Iterator[tuple[int, int]]:
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
