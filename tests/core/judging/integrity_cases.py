"""A documentation corpus with vectors that follow its words, and what may happen to it: harmful and harmless."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from monitor.core.model.anchors import Anchor
from monitor.core.model.events import Chunk, CorpusEvent, Delete, Upsert, chunk_key, text_hash
from monitor.core.session import Session

DIMENSION, DOCUMENTS, CHUNKS, LENGTH = 48, 90, 4, 60
PAGES = [f"word{at}" for at in range(1500)]


@dataclass(frozen=True)
class Piece:
    """A chunk in the making."""

    id: str
    doc: str
    ordinal: int
    text: str
    source: str
    vector: NDArray[np.float32]
    time: int = 1_700_000_000_000_000
    version: str = "e1"

    def upsert(self) -> Upsert:
        given = (("source", self.source),)
        return Upsert(
            Chunk(
                self.id, self.doc, self.ordinal, self.text, self.vector, self.version, given, self.time,
                text_hash(self.text),
            )
        )  # fmt: skip


def embedded(text: str, seed: int = 0) -> NDArray[np.float32]:
    """The sum of a random vector for each word: texts that share words are near, another seed is another encoder."""
    words = text.split() or [""]
    summed: NDArray[np.float32] = np.sum([_vector(word, seed) for word in words], axis=0).astype(np.float32)
    return summed / np.linalg.norm(summed)


@cache
def _vector(word: str, seed: int) -> NDArray[np.float64]:
    return np.random.default_rng([chunk_key(word), seed]).standard_normal(DIMENSION)


def said(piece: Piece, text: str, *, seed: int = 0) -> Piece:
    """The chunk with another text."""
    return replace(piece, text=text, vector=embedded(text, seed))


def corpus() -> list[Piece]:
    """Three sources of 30 documents, 4 chunks each; every chunk has words of its own."""
    random = np.random.default_rng(7)
    made = []
    for doc in range(DOCUMENTS):
        for at in range(CHUNKS):
            text = " ".join(PAGES[word] for word in random.integers(0, len(PAGES), LENGTH))
            source = ("guide", "api", "blog")[doc % 3]
            made.append(Piece(f"d{doc}#{at}", f"d{doc}", at, text, source, embedded(text)))
    return made


def questions(pieces: Sequence[Piece]) -> list[Anchor]:
    """A question for every third chunk, in seven of its words."""
    asked = [" ".join(piece.text.split()[5:12]) for piece in pieces[::3]]
    return [Anchor(f"a{at}", text, embedded(text), embedding_version="e1") for at, text in enumerate(asked)]


def session(pieces: Sequence[Piece]) -> Session:
    """Over those chunks."""
    made = Session(questions(pieces), dimension=DIMENSION, depths=(5,), dimensions=("source",))
    made.apply(piece.upsert() for piece in pieces)
    return made


def events(before: Sequence[Piece], after: Sequence[Piece]) -> list[CorpusEvent]:
    """What turns one corpus into the other."""
    ids = {piece.id for piece in after}
    then = {piece.id: piece for piece in before}
    gone = [Delete(piece.id, 1_700_000_000_000_000) for piece in before if piece.id not in ids]
    return [*gone, *(piece.upsert() for piece in after if then.get(piece.id) is not piece)]


def deploy(made: Session, before: Sequence[Piece], after: Sequence[Piece]) -> None:
    """Turn one corpus into the other."""
    made.apply(events(before, after))


Change = Callable[[list[Piece]], list[Piece]]


def _some(pieces: list[Piece], every: int, made: Callable[[Piece], Piece]) -> list[Piece]:
    return [made(piece) if at % every == 0 else piece for at, piece in enumerate(pieces)]


def _document(pieces: list[Piece], every: int, made: Callable[[Piece], Piece]) -> list[Piece]:
    return [made(piece) if int(piece.doc[1:]) % every == 0 else piece for piece in pieces]


def _rechunked(pieces: list[Piece], size: int, *, stay: bool = False) -> list[Piece]:
    by_document: dict[str, list[Piece]] = {}
    for piece in pieces:
        by_document.setdefault(piece.doc, []).append(piece)
    made: list[Piece] = list(pieces) if stay else []
    for doc, parts in by_document.items():
        words = " ".join(part.text for part in parts).split()
        for at in range(0, len(words), size):
            text = " ".join(words[at : at + size])
            made.append(Piece(f"{doc}@{at}", doc, at, text, parts[0].source, embedded(text)))
    return made


def _edit(text: str) -> str:
    return f"{text} please"


def _reworded(piece: Piece, seed: int) -> str:
    """Another text as long, of the corpus's words."""
    drawn = np.random.default_rng([chunk_key(piece.id), seed]).integers(0, len(PAGES), LENGTH)
    return " ".join(PAGES[word] for word in drawn)


HARMFUL: dict[str, tuple[str, Change]] = {
    "vectors of another encoder, 5%": (
        "reembedded", lambda of: _some(of, 20, lambda one: said(one, one.text, seed=1))),
    "vectors of another encoder with a trivial edit": (
        "reembedded", lambda of: _some(of, 8, lambda one: said(one, _edit(one.text), seed=1))),
    "vectors shuffled": (
        "reembedded",
        lambda of: [replace(one, vector=other.vector) for one, other in zip(of, [*of[5:], *of[:5]], strict=True)]),
    "a copy of each tenth text from another encoder": (
        "unequal-twins",
        lambda of: [*of, *(replace(said(one, one.text, seed=1), id=f"{one.id}+", doc=f"{one.doc}+")
                           for one in of[::10])]),
    "a tenth of the documents lost": (
        "lost-content", lambda of: [one for one in of if int(one.doc[1:]) % 10]),
    "every document cut to its first half": (
        "lost-content", lambda of: [one for one in of if one.ordinal < 2]),
    "every text cut to its first third": (
        "lost-content", lambda of: [said(one, " ".join(one.text.split()[:20])) for one in of]),
    "a tenth turned into error pages": (
        "boilerplate",
        lambda of: _document(of, 10, lambda one: said(
            one, f"error 404 the page {one.doc} could not be found on this server please go back to the start"))),
    "a prefix before every text": (
        "boilerplate",
        lambda of: [said(one, "subscribe to our letter and never miss an offer from our partners in the whole wide "
                              f"world again {one.text}") for one in of]),
    "a tenth emptied": ("wordless", lambda of: _document(of, 10, lambda one: said(one, ""))),
    "a third dated 2099": (
        "implausible-time", lambda of: _some(of, 3, lambda one: replace(one, time=4_080_000_000_000_000))),
    "a third dated 1970": ("implausible-time", lambda of: _some(of, 3, lambda one: replace(one, time=1_700_000))),
    "every text a second time": (
        "copied", lambda of: [*of, *(replace(one, id=f"{one.id}+", doc=f"{one.doc}+") for one in of)]),
    "near copies of a tenth, in documents of their own": (
        "echoed",
        lambda of: [*of, *(replace(said(one, f"{one.text} in the new version"), id=f"{one.id}+", doc=f"{one.doc}+")
                           for one in of[::10])]),
    "a tenth with the letters of each word in another order": (
        "strange-words",
        lambda of: _document(of, 10, lambda one: said(one, " ".join(word[::-1] for word in one.text.split())))),
    "a tenth in another language": (
        "strange-words",
        lambda of: _document(of, 10, lambda one: said(one, " ".join(f"{word}y" for word in one.text.split())))),
    "a tenth more pages that say one thing again and again": (
        "repetitive",
        lambda of: [*of, *(said(replace(one, id=f"{one.id}+", doc=f"{one.doc}+"), f"{_reworded(one, 3)[:40]} " * 6)
                           for one in of[::10])]),
    "a tenth without its source": (
        "relabelled", lambda of: _document(of, 10, lambda one: replace(one, source=""))),
    "a tenth with a vector of zeros": (
        "reembedded", lambda of: _some(of, 10, lambda one: replace(one, vector=0 * one.vector))),
    "old chunks left after chunking again": ("leftover", lambda of: _rechunked(of, 90, stay=True)),
}  # fmt: skip
"""Name -> the rule that must fail, and the change."""

HARMLESS: dict[str, Change] = {
    "the same again": lambda of: [replace(one) for one in of],
    "renamed": lambda of: [replace(one, doc=f"moved/{one.doc}") for one in of],
    "renumbered": lambda of: [replace(one, id=f"n{at}") for at, one in enumerate(of)],
    "moved to other documents and ids": lambda of: [
        replace(one, id=f"x/{one.id}", doc=f"x/{one.doc}") for one in of],
    "re-ordered": lambda of: [replace(one, ordinal=9 - one.ordinal) for one in of][::-1],
    "chunked finer": lambda of: _rechunked(of, 40),
    "renamed and chunked coarser": lambda of: _rechunked([replace(one, doc=f"x/{one.doc}") for one in of], 110),
    "chunked coarser": lambda of: _rechunked(of, 110),
    "white space": lambda of: [replace(one, text=f"  {one.text.replace(' ', '  ')}\n") for one in of],
    "vectors rounded to 16 bits": lambda of: [
        replace(one, vector=one.vector.astype(np.float16).astype(np.float32)) for one in of],
    "another source": lambda of: _document(of, 30, lambda one: replace(one, source="api")),
    "an ordinary edit in each fifth chunk": lambda of: _some(of, 5, lambda one: said(one, _edit(one.text))),
    "a paragraph rewritten in each tenth document": lambda of: _document(
        of, 10, lambda one: said(one, f"fresh{one.id} {_reworded(one, 1)}")),
    "every fifth word of every text another one": lambda of: [
        said(one, " ".join(
            other if at % 5 == 2 else word
            for at, (word, other) in enumerate(zip(one.text.split(), _reworded(one, 4).split(), strict=True))))
        for one in of],
    "a tenth more documents": lambda of: [
        *of,
        *(said(replace(one, id=f"new{at}", doc=f"n{at // 4}"), _reworded(one, 2))
          for at, one in enumerate(of[:36]))],
    "a translation of half of the documents": lambda of: [
        *of,
        *(said(replace(one, id=f"{one.id}+", doc=f"{one.doc}+"), " ".join(f"{word}y" for word in one.text.split()))
          for one in of if int(one.doc[1:]) % 2)],
}  # fmt: skip
"""Name -> a change that no rule of integrity may fail by."""
