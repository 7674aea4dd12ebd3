"""The generated stream: documentation strings of Python's standard library, a part of them in a made-up language.

The corpus depends on the version of Python alone. Sources are packages, types are kinds of objects, and the second
language is a letter cipher of some packages: losing or mixing up languages can be planted without a translator.
"""

import re
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from benchmarks.lab.corpus import Anchor, Change, Chunk, Encode, Remove, Stream, Write, with_texts
from benchmarks.lab.encoders import Encoder, fitted
from monitor.demo.docstrings import installed_roots, read_documentation

SOURCES = (
    "asyncio", "email", "importlib", "logging", "xml", "multiprocessing", "unittest", "http", "urllib", "encodings",
    "inspect", "typing", "ipaddress", "datetime", "pathlib", "threading", "difflib", "collections", "enum",
    "statistics", "configparser", "zipfile", "smtplib", "subprocess", "shutil", "concurrent",
)  # fmt: skip
TRANSLATED = ("email", "http", "importlib", "unittest", "urllib", "xml")
"""Packages that the second language has as well."""
ANCHORS, LEAST_WORDS, MOST_WORDS = 500, 3, 16
SEED = 2_026
ORDINARY = 6
"""Deploys of usual updates."""
EDITED, ADDED, REMOVED = 0.01, 0.005, 0.003
"""What one of them changes, as shares of the chunks."""
_VOWELS, _CONSONANTS = "aeiou", "bcdfghjklmnpqrstvwxyz"
_SENTENCE_END = re.compile(r"(?<=[.!?])\s|\n\s*\n|::")


def cipher(text: str, shift: int = 1) -> str:
    """A text in a made-up language: vowels and consonants move on in their own rows, so words keep their shape.

    >>> cipher("Read a file.")
    'Siaf e goli.'
    """
    table: dict[str, str | int | None] = {}
    for row in (_VOWELS, _CONSONANTS):
        moved = row[shift % len(row) :] + row[: shift % len(row)]
        table |= dict(zip(row + row.upper(), moved + moved.upper(), strict=True))
    return text.translate(str.maketrans(table))


def first_sentence(text: str) -> str:
    """What someone would search for: the first sentence in one line, cut at MOST_WORDS words."""
    return " ".join(_SENTENCE_END.split(text.strip(), maxsplit=1)[0].split()[:MOST_WORDS]).rstrip(".:")


def generated(deploys: int = ORDINARY) -> Stream:
    """The stream with its ordinary deploys."""
    texts = list(_documentation())
    encoder = fitted([text for *_, text in texts])
    vectors = encoder([text for *_, text in texts])
    chunks = [
        Chunk(chunk_id, doc_id, position, text, vector, segment)
        for (chunk_id, doc_id, position, segment, text), vector in zip(texts, vectors, strict=True)
    ]
    anchors = draw_anchors(chunks, encoder, first_sentence, count=ANCHORS)
    generator = np.random.default_rng(SEED)
    late = set(generator.choice(len(chunks), round(deploys * ADDED * len(chunks)), replace=False).tolist())
    late -= {at for at, chunk in enumerate(chunks) if chunk.chunk_id in {anchor.known for anchor in anchors}}
    initial = tuple(chunk for at, chunk in enumerate(chunks) if at not in late)
    coming = [chunks[at] for at in sorted(late)]
    made = tuple(_ordinary(initial, coming, deploys, encoder, generator))
    return Stream(
        "generated", ("language", "source"), encoder.embedding_version, initial, tuple(anchors), made, encoder
    )


def _documentation() -> Iterator[tuple[str, str, int, tuple[tuple[str, str], ...], str]]:
    """Id, document, position, segment and text of every chunk, in both languages."""
    roots = [root for root in installed_roots() if root.domain == "standard-library"]
    for one in read_documentation(roots).objects:
        if one.package in SOURCES:
            about = (("doc_type", one.kind), ("language", "en"), ("source", one.package))
            yield f"en/{one.chunk_id}", f"en/{one.doc_id}", one.ordinal, about, one.text
            if one.package in TRANSLATED:
                about = (("doc_type", one.kind), ("language", "xx"), ("source", one.package))
                yield f"xx/{one.chunk_id}", f"xx/{one.doc_id}", one.ordinal, about, cipher(one.text)


def draw_anchors(
    chunks: Sequence[Chunk], encoder: Encoder, query: Callable[[str], str], *, count: int
) -> list[Anchor]:
    """Queries that only one chunk offers, evenly over the corpus, at most `count`.

    Args:
        chunks: the initial corpus.
        encoder: makes the queries' vectors.
        query: the query that a chunk's text offers, "" for none.
        count: how many.
    """
    offered: dict[str, list[Chunk]] = {}
    for chunk in chunks:
        said = query(chunk.text)
        if len(said.split()) >= LEAST_WORDS:
            offered.setdefault(said.lower(), []).append(chunk)
    alone = [found[0] for found in offered.values() if len(found) == 1]
    drawn = np.sort(np.random.default_rng(SEED).permutation(len(alone))[:count])
    chosen = [alone[at] for at in drawn.tolist()]
    texts = [query(chunk.text) for chunk in chosen]
    vectors = encoder.queries(texts)
    return [
        Anchor(f"q{at:04}", text, vector, chunk.segment, chunk.chunk_id)
        for at, (chunk, text, vector) in enumerate(zip(chosen, texts, vectors, strict=True))
        if np.linalg.norm(vector) > 0
    ]


def _ordinary(
    initial: Sequence[Chunk], coming: Sequence[Chunk], deploys: int, encode: Encode, generator: np.random.Generator
) -> Iterator[tuple[str, tuple[Change, ...]]]:
    """Usual updates: some texts gain a sentence of another chunk, a few chunks come, a few go."""
    live = {chunk.chunk_id: chunk for chunk in initial}
    for number in range(deploys):
        changes = [*usual(live, generator, encode, share=EDITED)]
        rest = [name for name in live if name not in {one.chunk.chunk_id for one in changes}]
        gone = generator.choice(len(rest), max(1, round(REMOVED * len(live))), replace=False).tolist()
        parts: tuple[Change, ...] = (
            *changes,
            *(Write(chunk) for chunk in coming[number::deploys]),
            *(Remove(rest[at]) for at in gone),
        )
        for change in parts:
            if isinstance(change, Write):
                live[change.chunk.chunk_id] = change.chunk
            else:
                del live[change.chunk_id]
        yield f"ordinary-{number + 1}", parts


def usual(
    corpus: dict[str, Chunk], generator: np.random.Generator, encode: Encode | None, *, share: float
) -> list[Write]:
    """A share of the chunks gains the first sentence of another chunk of its language: what editors do all day."""
    rows = list(corpus.values())
    drawn = [rows[at] for at in np.sort(generator.choice(len(rows), max(1, round(share * len(rows))), replace=False))]
    texts = []
    for chunk in drawn:
        other = rows[int(generator.integers(len(rows)))]
        said = first_sentence(other.text) if other.attribute("language") == chunk.attribute("language") else "Updated"
        texts.append(f"{chunk.text}\n\nSee also: {said}.")
    return [Write(chunk) for chunk in with_texts(drawn, texts, encode)]
