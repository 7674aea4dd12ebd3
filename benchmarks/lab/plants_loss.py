"""Changes that take answers away: what is lost, cut, garbled or translated."""

from collections.abc import Sequence
from dataclasses import replace

from benchmarks.lab.corpus import Change, Chunk, Remove, Write
from benchmarks.lab.kinds import Kind, Setting, removed
from benchmarks.lab.streams import cipher, first_sentence

KEPT_WORDS = 0.2
"""What truncation leaves of a text."""
PIECE = 12
"""Words of a shred."""


def lost_source(at: Setting) -> list[Change]:
    """A whole source is deleted, the one whose size is nearest to the severity."""
    return removed(at.a_segment("source"))


def lost_language(at: Setting) -> list[Change]:
    """Of the smaller language, five times the severity is deleted, all at most."""
    languages = sorted({chunk.attribute("language") for chunk in at.chunks})
    family = min(([one for one in at.chunks if one.attribute("language") == name] for name in languages), key=len)
    order = at.generator.permutation(len(family))[: max(1, round(min(1.0, 5 * at.share) * len(family)))]
    return removed([family[row] for row in sorted(order.tolist())])


def lost_kind(at: Setting) -> list[Change]:
    """All chunks of one document type are deleted."""
    return removed(at.a_segment("doc_type"))


def lost_documents(at: Setting) -> list[Change]:
    """Documents are deleted at random."""
    return removed(at.some_documents())


def lost_chunks(at: Setting) -> list[Change]:
    """Chunks are deleted at random."""
    return removed(at.some_chunks())


def lost_answers(at: Setting) -> list[Change]:
    """The known items of a share of the anchors are deleted: few chunks, and the ones that are asked for."""
    known = [anchor.known for anchor in at.anchors if anchor.known in at.corpus]
    drawn = at.generator.choice(len(known), max(1, round(at.share * len(known))), replace=False)
    return [Remove(name) for name in sorted({known[row] for row in drawn.tolist()})]


def lost_tails(at: Setting) -> list[Change]:
    """A crawler stops early: documents lose the second half of their chunks."""
    documents = at.documents()
    hit = dict.fromkeys(chunk.doc_id for chunk in at.some_documents())
    return removed([one for name in hit for one in documents[name][(len(documents[name]) + 1) // 2 :]])


def truncated(at: Setting) -> list[Change]:
    """Texts are cut to their first fifth."""
    return at.written(at.some_documents(), _head)


def titles_only(at: Setting) -> list[Change]:
    """A parser keeps the first three words of a text."""
    return at.written(at.some_documents(), lambda chunk: " ".join(chunk.text.split()[:3]))


def retranslated(at: Setting) -> list[Change]:
    """Documents come back in another language."""
    return at.written(at.some_documents(), lambda chunk: cipher(chunk.text, 2))


def segment_translated(at: Setting) -> list[Change]:
    """A source comes back in another language."""
    return at.written(at.a_segment("source"), lambda chunk: cipher(chunk.text, 2))


def segment_emptied(at: Setting) -> list[Change]:
    """The texts of a source become a dash: the extraction found nothing."""
    return at.written(at.a_segment("source"), lambda _: "-")


def segment_garbled(at: Setting) -> list[Change]:
    """The letters of every word of a source are in any order: a broken font table."""
    return at.written(at.a_segment("source"), lambda chunk: _garbled(at, chunk.text))


def segment_truncated(at: Setting) -> list[Change]:
    """The texts of a source are cut to their first fifth."""
    return at.written(at.a_segment("source"), _head)


def garbled(at: Setting) -> list[Change]:
    """The letters of every word of some documents are in any order."""
    return at.written(at.some_documents(), lambda chunk: _garbled(at, chunk.text))


def merged(at: Setting) -> list[Change]:
    """A chunker gives up: each document is one chunk, however long."""
    made: list[Change] = []
    for family in _families(at):
        whole = replace(family[0], text="\n\n".join(chunk.text for chunk in family), position=0)
        made += [*at.written([whole], lambda chunk: chunk.text), *removed(family[1:])]
    return made


def shredded(at: Setting) -> list[Change]:
    """A chunker cuts every dozen words."""
    made: list[Change] = []
    for family in _families(at):
        pieces: list[Chunk] = []
        for chunk in family:
            said = chunk.text.split()
            cuts = [" ".join(said[low : low + PIECE]) for low in range(0, len(said), PIECE)]
            pieces += [
                replace(chunk, chunk_id=f"{chunk.chunk_id}/{number}", text=cut, position=len(pieces) + number)
                for number, cut in enumerate(cuts)
            ]
        made += [*removed(family), *at.written(pieces, lambda chunk: chunk.text)]
    return made


def error_pages(at: Setting) -> list[Change]:
    """A crawler takes error pages for documents: one text, with the path, in place of each chunk."""
    return at.written(
        at.some_documents(),
        lambda chunk: f"404 Not Found. The page {chunk.doc_id} could not be found on this server. Please try again.",
    )


def login_pages(at: Setting) -> list[Change]:
    """A crawler was logged out: the first sentence of each chunk, then the log-in page."""
    page = "Sign in to continue. Enter your email address and password. Forgot password? Create an account. " * 3
    return at.written(at.some_documents(), lambda chunk: f"{first_sentence(chunk.text)}\n\n{page}")


def emptied(at: Setting) -> list[Change]:
    """The texts of some documents become a dash."""
    return at.written(at.some_documents(), lambda _: "-")


def empty_corpus(at: Setting) -> list[Change]:
    """Everything is deleted."""
    return removed(at.chunks)


def swapped_texts(at: Setting) -> list[Change]:
    """Texts are written under the vectors of other chunks' texts, both moved: ids and texts no longer belong."""
    hit = at.some_chunks()
    order = at.generator.permutation(len(hit)).tolist()
    return [Write(replace(one, text=hit[other].text)) for one, other in zip(hit, order, strict=True)]


def _head(chunk: Chunk) -> str:
    said = chunk.text.split()
    return " ".join(said[: max(1, round(KEPT_WORDS * len(said)))])


def _garbled(at: Setting, text: str) -> str:
    return " ".join("".join(at.generator.permutation(list(word)).tolist()) for word in text.split())


def _families(at: Setting) -> Sequence[list[Chunk]]:
    documents = at.documents()
    return [documents[name] for name in dict.fromkeys(chunk.doc_id for chunk in at.some_documents())]


KINDS = (
    Kind("lost_source", "loss", lost_source, "CORPUS", dimension="source"),
    Kind("lost_language", "loss", lost_language, "CORPUS", dimension="language"),
    Kind("lost_kind", "loss", lost_kind, "CORPUS", shares=(0.05, 0.20), dimension="doc_type"),
    Kind("lost_documents", "loss", lost_documents, "CORPUS"),
    Kind("lost_chunks", "loss", lost_chunks, "CORPUS"),
    Kind("lost_answers", "loss", lost_answers, "CORPUS"),
    Kind("lost_tails", "loss", lost_tails, "CORPUS", shares=(0.05, 0.20, 0.5)),
    Kind("truncated", "loss", truncated, "CORPUS", encodes=True),
    Kind("titles_only", "loss", titles_only, "CORPUS", encodes=True),
    Kind("retranslated", "loss", retranslated, "CORPUS", encodes=True),
    Kind("segment_translated", "loss", segment_translated, "CORPUS", encodes=True, dimension="source"),
    Kind("segment_emptied", "loss", segment_emptied, "CORPUS", encodes=True, dimension="source"),
    Kind("segment_garbled", "loss", segment_garbled, "CORPUS", encodes=True, dimension="source"),
    Kind("segment_truncated", "loss", segment_truncated, "CORPUS", encodes=True, dimension="source"),
    Kind("garbled", "loss", garbled, "CORPUS", encodes=True),
    Kind("merged", "loss", merged, "CORPUS", encodes=True),
    Kind("shredded", "loss", shredded, "CORPUS", encodes=True),
    Kind("swapped_texts", "incident", swapped_texts, encodes=False),
    Kind("error_pages", "incident", error_pages, "CORPUS", encodes=True),
    Kind("login_pages", "incident", login_pages, "CORPUS", encodes=True),
    Kind("emptied", "incident", emptied, "CORPUS", encodes=True),
    Kind("empty_corpus", "loss", empty_corpus, "CORPUS", shares=(1.0,)),
    Kind("slow_loss", "loss", lost_documents, "CORPUS", shares=(0.005, 0.01), deploys=12),
    Kind("slow_truncation", "loss", truncated, "CORPUS", encodes=True, shares=(0.01,), deploys=12),
)
