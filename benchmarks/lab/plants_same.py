"""Changes that take nothing from readers: A/A variants, and harmless ones that write much."""

import unicodedata
from dataclasses import replace

import numpy as np

from benchmarks.lab.corpus import Change, Chunk, Remove, Write, unit
from benchmarks.lab.kinds import Kind, Setting, removed
from benchmarks.lab.streams import cipher, first_sentence

LONG = 60
"""Words from which on a chunk is cut in two."""


def nothing(at: Setting) -> list[Change]:
    """A deploy of nothing: the marker alone."""
    del at
    return []


def same_again(at: Setting) -> list[Change]:
    """Documents are written again as they are."""
    return [Write(chunk) for chunk in at.some_documents()]


def written_twice(at: Setting) -> list[Change]:
    """Documents are written again, each chunk twice."""
    return [Write(chunk) for chunk in at.some_documents() for _ in range(2)]


def reinserted(at: Setting) -> list[Change]:
    """Documents are deleted and written again as they were."""
    hit = at.some_documents()
    return [*removed(hit), *(Write(chunk) for chunk in hit)]


def reordered(at: Setting) -> list[Change]:
    """Documents are written again in any order."""
    hit = at.some_documents()
    return [Write(hit[row]) for row in at.generator.permutation(len(hit)).tolist()]


def corrected(at: Setting) -> list[Change]:
    """Documents are garbled and put right within one deploy."""
    hit = at.some_documents()
    return [*at.written(hit, lambda chunk: cipher(chunk.text, 2)), *(Write(chunk) for chunk in hit)]


def late_versions(at: Setting) -> list[Change]:
    """Old versions of other texts arrive late: they are older than what is there and count for nothing."""
    return [Write(replace(chunk, text=cipher(chunk.text, 2)), version=0) for chunk in at.some_documents()]


def unknown_deletes(at: Setting) -> list[Change]:
    """Deletes of ids that never were."""
    return [Remove(f"never/{chunk.chunk_id}") for chunk in at.some_documents()]


def renumbered(at: Setting) -> list[Change]:
    """Places in the document begin with 100."""
    return [Write(replace(chunk, position=chunk.position + 100)) for chunk in at.some_documents()]


def ids_renamed(at: Setting) -> list[Change]:
    """Chunks have other ids, documents keep theirs."""
    hit = at.some_documents()
    return [*removed(hit), *(Write(replace(chunk, chunk_id=f"{chunk.chunk_id}~r2")) for chunk in hit)]


def trailing_space(at: Setting) -> list[Change]:
    """Texts end in a line break."""
    return [Write(replace(chunk, text=f"{chunk.text}\n")) for chunk in at.some_documents()]


def line_endings(at: Setting) -> list[Change]:
    """Lines end as on Windows."""
    return [Write(replace(chunk, text=chunk.text.replace("\n", "\r\n"))) for chunk in at.some_documents()]


def indented(at: Setting) -> list[Change]:
    """Lines are indented."""
    return [Write(replace(chunk, text=chunk.text.replace("\n", "\n    "))) for chunk in at.some_documents()]


def decomposed(at: Setting) -> list[Change]:
    """Texts are in another Unicode normal form."""
    return [Write(replace(chunk, text=unicodedata.normalize("NFD", chunk.text))) for chunk in at.some_documents()]


def rounded_to_half(at: Setting) -> list[Change]:
    """Vectors passed through float16."""
    return [
        Write(replace(chunk, vector=chunk.vector.astype(np.float16).astype(np.float32)))
        for chunk in at.some_documents()
    ]


def rounded_to_places(at: Setting) -> list[Change]:
    """Vectors passed through text of four places."""
    return [Write(replace(chunk, vector=np.round(chunk.vector, 4))) for chunk in at.some_documents()]


def normalised_again(at: Setting) -> list[Change]:
    """Vectors are normalised once more, in double precision."""
    return [
        Write(replace(chunk, vector=unit(chunk.vector.astype(np.float64)).astype(np.float32)))
        for chunk in at.some_documents()
    ]


def more_attributes(at: Setting) -> list[Change]:
    """Chunks gain an attribute that nobody watches."""
    return [Write(replace(chunk, segment=(*chunk.segment, ("owner", "docs-team")))) for chunk in at.some_documents()]


def capitals(at: Setting) -> list[Change]:
    """First lines in capitals."""
    return at.written(at.some_documents(), _capitals)


def emphasis(at: Setting) -> list[Change]:
    """Every tenth word is emphasised."""
    return at.written(at.some_documents(), _emphasis)


def quotes(at: Setting) -> list[Change]:
    """Straight quotes become typographic ones."""
    return at.written(at.some_documents(), lambda chunk: chunk.text.replace("'", "\u2019").replace('"', "\u201d"))


def typos_mended(at: Setting) -> list[Change]:
    """One word of each text is spelt otherwise."""
    return at.written(at.some_chunks(), lambda chunk: _typo(at, chunk.text))


def see_also(at: Setting) -> list[Change]:
    """Texts gain one sentence: what editors do all day."""
    rows = at.chunks

    def more(chunk: Chunk) -> str:
        return f"{chunk.text}\n\nSee also: {first_sentence(rows[int(at.generator.integers(len(rows)))].text)}."

    return at.written(at.some_chunks(), more)


def documents_moved(at: Setting) -> list[Change]:
    """Documents have other paths, so documents and chunks have other ids."""
    hit = at.some_documents()
    moved = [replace(chunk, chunk_id=f"docs/{chunk.chunk_id}", doc_id=f"docs/{chunk.doc_id}") for chunk in hit]
    return [*removed(hit), *(Write(chunk) for chunk in moved)]


def cut_in_two(at: Setting) -> list[Change]:
    """A chunker with a lower limit: long chunks are cut in two halves that share a sentence's length."""
    made: list[Change] = []
    for chunk in at.some_documents():
        said = chunk.text.split(" ")
        if len(said) < LONG:
            continue
        half = len(said) // 2
        parts = (" ".join(said[: half + 10]), " ".join(said[half - 10 :]))
        halves = [replace(chunk, chunk_id=f"{chunk.chunk_id}/{at}", text=part) for at, part in enumerate(parts)]
        made += [Remove(chunk.chunk_id), *at.written(halves, lambda one: one.text)]
    return made


def joined(at: Setting) -> list[Change]:
    """A chunker with a higher limit: short neighbours of a document become one chunk."""
    made: list[Change] = []
    documents = at.documents()
    for name in dict.fromkeys(chunk.doc_id for chunk in at.some_documents()):
        family = documents[name]
        for first, second in zip(family[::2], family[1::2], strict=False):
            if len(first.text.split()) + len(second.text.split()) <= LONG:
                whole = replace(first, text=f"{first.text}\n\n{second.text}")
                made += [*at.written([whole], lambda one: one.text), Remove(second.chunk_id)]
    return made


def language_added(at: Setting) -> list[Change]:
    """A translation of documents is added, in a language that no anchor speaks."""
    hit = at.some_documents()
    made = [
        replace(
            chunk,
            chunk_id=f"yy/{chunk.chunk_id}",
            doc_id=f"yy/{chunk.doc_id}",
            segment=tuple((name, "yy" if name == "language" else value) for name, value in chunk.segment),
        )
        for chunk in hit
    ]
    return at.written(made, lambda chunk: cipher(chunk.text, 4))


def everything_touched(at: Setting) -> list[Change]:
    """Ids, places, line ends and attributes change at once; texts and vectors stay."""
    hit = at.some_documents()
    made = [
        replace(
            chunk,
            chunk_id=f"{chunk.doc_id}/{chunk.position:04}/{at.generator.integers(1 << 30):08x}",
            position=chunk.position + 1,
            text=f"{chunk.text}\n",
            segment=(*chunk.segment, ("version", "2")),
        )
        for chunk in hit
    ]
    return [*removed(hit), *(Write(chunk) for chunk in made)]


def _capitals(chunk: Chunk) -> str:
    head, line, rest = chunk.text.partition("\n")
    return f"{head.upper()}{line}{rest}"


def _emphasis(chunk: Chunk) -> str:
    return " ".join(f"*{word}*" if row % 10 == 3 else word for row, word in enumerate(chunk.text.split(" ")))


def _typo(at: Setting, text: str) -> str:
    said = text.split(" ")
    row = int(at.generator.integers(len(said)))
    word = said[row]
    said[row] = word[:-2] + word[-1] + word[-2] if len(word) > 3 else word
    return " ".join(said)


KINDS = (
    Kind("nothing", "same", nothing, shares=(1.0,)),
    Kind("same_again", "same", same_again),
    Kind("written_twice", "same", written_twice),
    Kind("reinserted", "same", reinserted),
    Kind("reordered", "same", reordered),
    Kind("corrected", "same", corrected, encodes=True),
    Kind("late_versions", "same", late_versions),
    Kind("unknown_deletes", "same", unknown_deletes),
    Kind("renumbered", "same", renumbered),
    Kind("ids_renamed", "same", ids_renamed, shares=(0.10,)),
    Kind("trailing_space", "same", trailing_space),
    Kind("line_endings", "same", line_endings),
    Kind("indented", "same", indented),
    Kind("decomposed", "same", decomposed),
    Kind("rounded_to_half", "same", rounded_to_half),
    Kind("rounded_to_places", "same", rounded_to_places),
    Kind("normalised_again", "same", normalised_again),
    Kind("more_attributes", "same", more_attributes),
    Kind("capitals", "same", capitals, encodes=True),
    Kind("emphasis", "same", emphasis, encodes=True),
    Kind("quotes", "same", quotes, encodes=True),
    Kind("typos_mended", "same", typos_mended, encodes=True, shares=(0.02, 0.10)),
    Kind("see_also", "same", see_also, encodes=True, shares=(0.01, 0.03)),
    Kind("ids_renamed_all", "large", ids_renamed, shares=(1.0,)),
    Kind("documents_moved", "large", documents_moved),
    Kind("cut_in_two", "large", cut_in_two, encodes=True),
    Kind("joined", "large", joined, encodes=True),
    Kind("language_added", "large", language_added, encodes=True, shares=(0.10, 0.5)),
    Kind("everything_touched", "large", everything_touched),
)
