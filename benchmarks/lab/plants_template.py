"""Pages made of one template, each with a word, a few words or a paragraph of its own: what becomes of some of them.

A query asks for what a page has of its own, so that alone is its known item: the other pages say all the rest.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.lab.corpus import Anchor, Change, Chunk, Remove, Stream, Write
from benchmarks.lab.kinds import PAGE, Kind, Setting, removed
from benchmarks.lab.streams import SEED, first_sentence
from benchmarks.lab.truth import words

PAGES = 120
MIRRORED = 3
"""Every third page has an exact copy in a document of its own."""
_OWN_WORDS = 24
"""Of the template with a paragraph of its own."""
_HEAD = (
    "Welcome to our pages. Here you find what visitors ask most. Our staff is glad to help you at the desk, by "
    "letter and by telephone. Please bring a document that shows your address, and take a number at the entrance."
)
_TAIL = (
    "The entrance is level with the street, and there are stands for bicycles. Dogs have to wait outside. If you are "
    "late, tell the desk before the day ends. Changes to these pages are announced a week before they hold."
)


@dataclass(frozen=True, slots=True)
class _Page:
    """A page's text, what it has of its own, and who asks for that."""

    text: str
    own: str
    query: str


def with_pages(stream: Stream, count: int = PAGES) -> Stream:
    """A stream with pages of three templates among its chunks, an anchor for each page, and no deploys.

    Raises:
        ValueError: nobody encodes the texts.
    """
    if stream.encode is None:
        message = f"stream {stream.name}: pages of a template need vectors, and no encoder is at hand"
        raise ValueError(message)
    pages = list(_pages(stream.initial, count))
    vectors, queries = (
        stream.encode(said) for said in zip(*((page.text, page.query) for page in pages), strict=True)
    )
    labels = [anchor.segment for anchor in stream.anchors if not _foreign(anchor.segment)] or [()]
    made, anchors = [], []
    for at, (page, vector, query) in enumerate(zip(pages, vectors, queries, strict=True)):
        attributes = dict(labels[at % len(labels)]) | {"doc_type": PAGE}
        chunk = Chunk(f"page/{at}", f"page/{at}", 0, page.text, vector, tuple(sorted(attributes.items())))
        copied = at % MIRRORED == 0
        made += [chunk, *([replace(chunk, chunk_id=f"mirror/{at}", doc_id=f"mirror/{at}")] if copied else [])]
        anchors.append(Anchor(f"p{at:04}", page.query, query, chunk.segment, chunk.chunk_id, page.own))
    return replace(
        stream,
        name=f"{stream.name}-template",
        initial=(*stream.initial, *made),
        anchors=(*stream.anchors, *anchors),
        deploys=(),
    )


def _foreign(segment: Sequence[tuple[str, str]]) -> bool:
    return dict(segment).get("language", "en") != "en"


def _pages(chunks: Sequence[Chunk], count: int) -> Iterator[_Page]:
    """Names and paragraphs are of words that the corpus has, the rare ones first: its encoder knows them."""
    counts = Counter(word for chunk in chunks for word in set(words(chunk.text)))
    rare = sorted((word for word in counts if word.isalpha() and len(word) > 4), key=lambda one: (counts[one], one))
    rare = [word for word in rare if counts[word] > 1] or rare
    names, generator = rare[:count], np.random.default_rng(SEED)
    for at, name in enumerate(names):
        others = [rare[row] for row in generator.integers(len(rare), size=_OWN_WORDS).tolist()]
        if at % 3 == 0:
            said = f"The opening hours of the branch in {name} are from nine to five on all days of the week."
            yield _Page(f"{_HEAD} {said} {_TAIL}", f"branch in {name} are from", f"opening hours branch in {name}")
        elif at % 3 == 1:
            said = f"The workshop {name} is led by {others[0]} {others[1]} and costs {20 + at} for each person."
            yield _Page(f"{_TAIL} {said} {_HEAD}", f"the workshop {name} is led", f"who leads the workshop {name}")
        else:
            own = f"{name} {' '.join(others)}"
            yield _Page(f"{_HEAD} Notes on the model {own}. {_TAIL}", own, f"notes on the model {name}")


def template_deleted(at: Setting) -> list[Change]:
    """Some pages of a template are deleted, with their copies; the others stay."""
    return removed([copy for page in _some(at) for copy in _with_copies(at, page)])


def template_overwritten(at: Setting) -> list[Change]:
    """Some pages of a template say what other pages of it say, under their own ids."""
    hit = _some(at)
    names = {page.chunk_id for page in hit}
    rest = [page for page in _all(at) if page.chunk_id not in names]
    made: list[Change] = []
    for row, page in enumerate(hit):
        other = rest[row % len(rest)]
        made += [Write(replace(copy, text=other.text, vector=other.vector)) for copy in _with_copies(at, page)]
    return made


def template_recrawled(at: Setting) -> list[Change]:
    """All pages of a template come back under other ids, but for some that are missing."""
    names = {page.chunk_id for page in _some(at)}
    every = [(page, _with_copies(at, page)) for page in _all(at)]
    stay = [page for page, _ in every if page.chunk_id not in names]
    return [*removed([copy for _, copies in every for copy in copies]), *(Write(_renamed(page)) for page in stay)]


def template_renamed(at: Setting) -> list[Change]:
    """Pages of a template have other ids and documents, and no page is lost."""
    hit = _some(at)
    return [*removed(hit), *(Write(_renamed(page)) for page in hit)]


def template_edited(at: Setting) -> list[Change]:
    """Some pages of a template gain a sentence of another text: what editors do all day."""
    rows = [chunk for chunk in at.chunks if chunk.attribute("doc_type") != PAGE]
    return at.written(
        _some(at),
        lambda page: f"{page.text} {first_sentence(rows[int(at.generator.integers(len(rows)))].text)}.",
    )


def template_redesigned(at: Setting) -> list[Change]:
    """All pages of a template are worded otherwise, but for what each has of its own."""
    return at.written(_some(at), lambda page: page.text.replace(_HEAD, "Good day.").replace(" desk", " counter"))


def template_cut(at: Setting) -> list[Change]:
    """Pages of a template are cut into pieces of forty words: those that all pages share fill the lists."""
    made: list[Change] = []
    for page in _some(at):
        said = page.text.split()
        pieces = [" ".join(said[low : low + 40]) for low in range(0, max(1, len(said) - 10), 30)]
        parts = [
            replace(page, chunk_id=f"{page.chunk_id}/{row}", text=piece, position=row)
            for row, piece in enumerate(pieces)
        ]
        made += [Remove(page.chunk_id), *at.written(parts, lambda one: one.text)]
    return made


def template_copies_removed(at: Setting) -> list[Change]:
    """Of pages that there are twice, word for word, one is deleted."""
    return removed([page for page in _some(at) if len(_with_copies(at, page)) > 1])


def _all(at: Setting) -> list[Chunk]:
    return [chunk for chunk in at.chunks if chunk.chunk_id.startswith("page/")]


def _some(at: Setting) -> list[Chunk]:
    """A share of the pages, in their order."""
    every = _all(at)
    drawn = at.generator.choice(len(every), max(1, round(at.share * len(every))), replace=False)
    return [every[row] for row in sorted(drawn.tolist())]


def _with_copies(at: Setting, page: Chunk) -> list[Chunk]:
    return [one for one in at.chunks if one.attribute("doc_type") == PAGE and one.text == page.text]


def _renamed(page: Chunk) -> Chunk:
    return replace(page, chunk_id=f"site/{page.chunk_id}", doc_id=f"site/{page.doc_id}")


KINDS = (
    Kind("template_deleted", "loss", template_deleted, "CORPUS", shares=(0.1, 0.2, 0.34), pages=True),
    Kind("template_overwritten", "loss", template_overwritten, "CORPUS", shares=(0.1, 0.2, 0.34), pages=True),
    Kind("template_recrawled", "loss", template_recrawled, "CORPUS", shares=(0.1, 0.2, 0.34), pages=True),
    Kind("template_cut", "loss", template_cut, "CORPUS", encodes=True, shares=(0.25, 1.0), pages=True),
    Kind("template_renamed", "same", template_renamed, pages=True),
    Kind("template_edited", "same", template_edited, encodes=True, shares=(0.1, 0.3), pages=True),
    Kind("template_copies_removed", "same", template_copies_removed, shares=(0.5, 1.0), pages=True),
    Kind("template_redesigned", "large", template_redesigned, encodes=True, shares=(1.0,), pages=True),
)
