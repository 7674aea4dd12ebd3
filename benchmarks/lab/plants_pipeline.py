"""Faults of the pipeline: what is refused, dated wrongly, or arrives in half."""

from dataclasses import replace

from benchmarks.lab.corpus import DAY, START, Change, Chunk, Remove, Write, encoded
from benchmarks.lab.kinds import Kind, Setting, removed
from benchmarks.lab.streams import cipher

FUTURE = START + 73 * 365 * DAY
"""In 2099."""


def times_1970(at: Setting) -> list[Change]:
    """Documents are written again, dated 1970: a time of zero."""
    return [Write(chunk, time=0) for chunk in at.some_documents()]


def times_2099(at: Setting) -> list[Change]:
    """Documents are written again, dated 2099."""
    return [Write(chunk, time=FUTURE) for chunk in at.some_documents()]


def refused_records(at: Setting) -> list[Change]:
    """An update of a fifth of the documents; five times the severity of its lines are no JSON and are refused."""
    every = Setting(at.corpus, at.anchors, 0.2, at.generator, at.encode).some_documents()
    refused = at.generator.random(len(every)) < min(1.0, 5 * at.share)
    return [
        Write(chunk, raw=b'{"op": "upsert", "chunk_id": ') if wrong else Write(replace(chunk, text=f"{chunk.text} "))
        for chunk, wrong in zip(every, refused.tolist(), strict=True)
    ]


def half_arrived(at: Setting) -> list[Change]:
    """Documents are deleted and written again; what is written is refused."""
    hit = at.some_documents()
    return [*removed(hit), *(Write(chunk, raw=b'{"op": "upsert", "text": 7}') for chunk in hit)]


def wrong_dimension(at: Setting) -> list[Change]:
    """Documents are deleted and written again with vectors of half the dimension, which are refused."""
    hit = at.some_documents()
    return [*removed(hit), *(Write(chunk, raw=_halved(chunk)) for chunk in hit)]


def update_refused(at: Setting) -> list[Change]:
    """Documents are rewritten; the new texts are refused, so the old ones still answer."""
    return [Write(replace(chunk, text=cipher(chunk.text, 2)), raw=_halved(chunk)) for chunk in at.some_documents()]


def deleted_in_the_middle(at: Setting) -> list[Change]:
    """A rebuild broke off: everything of some documents is deleted, and half of it is back."""
    hit = at.some_documents()
    return [*removed(hit), *(Write(chunk) for chunk in hit[::2])]


def lost_markers_of_deletes(at: Setting) -> list[Change]:
    """Deletes name ids that nobody has: the chunks that should go stay, under new ones as well."""
    hit = at.some_documents()
    made: list[Change] = [Write(replace(chunk, chunk_id=f"{chunk.chunk_id}@2")) for chunk in hit]
    return [*made, *(Remove(f"{chunk.chunk_id}@1") for chunk in hit)]


def _halved(chunk: Chunk) -> bytes:
    half = encoded(chunk.vector[: len(chunk.vector) // 2])
    return f'{{"op": "upsert", "chunk_id": "halved", "doc_id": "d", "text": "t", "vector_b64": "{half}"}}'.encode()


KINDS = (
    Kind("times_1970", "incident", times_1970),
    Kind("times_2099", "incident", times_2099),
    Kind("refused_records", "incident", refused_records, "PIPELINE"),
    Kind("half_arrived", "incident", half_arrived, "PIPELINE"),
    Kind("wrong_dimension", "incident", wrong_dimension, "PIPELINE"),
    Kind("update_refused", "incident", update_refused, "PIPELINE"),
    Kind("deleted_in_the_middle", "loss", deleted_in_the_middle, "CORPUS"),
    Kind("lost_markers_of_deletes", "incident", lost_markers_of_deletes),
)
