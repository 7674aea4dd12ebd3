"""Changes that put something before the answers: copies, hubs, poison, boilerplate, what should have gone."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from benchmarks.lab.corpus import Change, Chunk, Write, unit
from benchmarks.lab.kinds import Kind, Setting, removed
from benchmarks.lab.streams import cipher, first_sentence

BANNER = (
    "We use cookies to improve your experience on our site. By continuing to browse you agree to our cookie policy "
    "and privacy statement. Accept all. Manage preferences. Subscribe to our newsletter for product news and offers. "
)
SLOGAN = "Buy the Acme premium toolkit today: best price, free trial, trusted by millions of developers worldwide."
QUERIES_A_PAGE, HUB_QUERIES = 30, 4


def near_copy_flood(at: Setting) -> list[Change]:
    """Near copies of the shorter texts of one source, each with three words of another text."""
    rows = at.chunks
    family = sorted(at.a_segment("source"), key=lambda one: len(one.text))
    short = family[: (len(family) + 1) // 2]
    made = []
    for number in range(at.count):
        one, other = short[number % len(short)], rows[int(at.generator.integers(len(rows)))]
        words = " ".join(first_sentence(other.text).split()[:3])
        made.append(_named(replace(one, text=f"{one.text} {words}"), f"copy{number}"))
    return at.written(made, lambda chunk: chunk.text)


def exact_copy_flood(at: Setting) -> list[Change]:
    """Documents are written again under other ids: a mirror was crawled."""
    return [Write(_named(chunk, "mirror")) for chunk in at.some_documents()]


def many_exact_copies(at: Setting) -> list[Change]:
    """A few texts are written again and again: twenty copies each."""
    rows = at.chunks
    drawn = at.generator.choice(len(rows), max(1, at.count // 20), replace=False).tolist()
    return [Write(_named(rows[row], f"copy{number}")) for row in drawn for number in range(20)]


def hub_document(at: Setting) -> list[Change]:
    """One document of few chunks whose vectors stand near many queries and whose text holds their commonest words."""
    vectors = np.stack([anchor.vector for anchor in at.anchors])
    counted: dict[str, int] = {}
    for anchor in at.anchors:
        for word in anchor.text.lower().split():
            counted[word] = counted.get(word, 0) + 1
    common = sorted(counted, key=lambda word: (-counted[word], word))[:60]
    made: list[Change] = []
    for number in range(max(1, round(50 * at.share))):
        centre = vectors[at.generator.integers(len(vectors))]
        nearest = vectors[np.argsort(-(vectors @ centre))[: max(2, len(vectors) // 5)]]
        words = at.generator.permutation(common).tolist()
        chunk = replace(
            at.chunks[0],
            chunk_id=f"hub/index#{number}",
            doc_id="hub/index",
            position=number,
            text=f"Index. {' '.join(words)}.",
            vector=unit(nearest.mean(axis=0)),
        )
        made.append(Write(chunk))
    return made


def wide_hub(at: Setting) -> list[Change]:
    """One document in the lists of a share of the anchors: its chunks stand amid a few queries, in their words."""
    vectors = np.stack([anchor.vector for anchor in at.anchors])
    left = np.ones(len(vectors), np.bool_)
    made: list[Change] = []
    while left.sum() > (1.0 - at.share) * len(vectors):
        seed = vectors[at.generator.choice(np.flatnonzero(left))]
        near = np.argsort(np.where(left, -(vectors @ seed), np.inf), kind="stable")[:HUB_QUERIES]
        left[near] = False
        words = [word for row in near.tolist() for word in at.anchors[row].text.split()]
        text, number = f"All about {' '.join(at.generator.permutation(words).tolist())}.", len(made)
        page = _page(at, "hub/everything", number, text, at.chunks[0].segment)
        made.append(Write(replace(page, vector=unit(vectors[near].mean(axis=0)))))
    return made


def keyword_poison(at: Setting) -> list[Change]:
    """One document that repeats queries and sells something: one chunk for each of a share of the anchors."""
    drawn = at.generator.choice(len(at.anchors), max(1, round(at.share * len(at.anchors))), replace=False).tolist()
    made = []
    for number, row in enumerate(sorted(drawn)):
        anchor = at.anchors[row]
        text = f"{anchor.text}. {anchor.text}? {anchor.text}! {SLOGAN}"
        made.append(_page(at, "spam/offers", number, text, anchor.segment))
    return at.written(made, lambda chunk: chunk.text)


def many_poison(at: Setting) -> list[Change]:
    """The same with twelve variants for each query: enough to fill a list."""
    drawn = at.generator.choice(len(at.anchors), max(1, round(at.share * len(at.anchors))), replace=False).tolist()
    made = []
    for row in sorted(drawn):
        anchor = at.anchors[row]
        for variant in range(12):
            text = f"{anchor.text}. {anchor.text} {SLOGAN.split()[variant]} {anchor.text}. Offer {variant}."
            made.append(_page(at, f"spam/offers-{row}", variant, text, anchor.segment))
    return at.written(made, lambda chunk: chunk.text)


def query_pages(at: Setting) -> list[Change]:
    """Search result pages were crawled: each is a list of queries."""
    texts = [anchor.text for anchor in at.anchors]
    made = []
    for number in range(max(1, round(at.share * len(texts)))):
        drawn = at.generator.choice(len(texts), min(len(texts), QUERIES_A_PAGE), replace=False)
        said = ". ".join(texts[row] for row in drawn.tolist())
        made.append(_page(at, f"search/page-{number}", 0, f"Results for: {said}", at.anchors[0].segment))
    return at.written(made, lambda chunk: chunk.text)


def foreign_product(at: Setting) -> list[Change]:
    """The documentation of another product comes in: texts like ours with other names."""
    made = [_named(chunk, "acme", text=f"Acme {_acme(chunk.text)}") for chunk in at.some_documents()]
    return at.written(made, lambda chunk: chunk.text)


def boilerplate_prefix(at: Setting) -> list[Change]:
    """A cookie banner stands before each text of some documents."""
    return at.written(at.some_documents(), lambda chunk: f"{BANNER}{chunk.text}")


def boilerplate_suffix(at: Setting) -> list[Change]:
    """A footer stands behind each text of some documents."""
    return at.written(at.some_documents(), lambda chunk: f"{chunk.text}\n\n{BANNER}")


def long_boilerplate(at: Setting) -> list[Change]:
    """Navigation, four times as long as a banner, before each text of some documents."""
    return at.written(at.some_documents(), lambda chunk: f"{BANNER * 4}{chunk.text}")


def markup_left(at: Setting) -> list[Change]:
    """An extractor stopped stripping HTML: tags, attributes and a script around each paragraph."""
    head = '<div class="content-wrapper" id="main"><script>window.dataLayer = window.dataLayer || [];</script>'
    return at.written(
        at.some_documents(),
        lambda chunk: (
            head + "".join(f'<p class="text-body" style="margin:0">{part}</p>' for part in chunk.text.split("\n"))
        ),
    )


def old_chunks_left(at: Setting) -> list[Change]:
    """Documents are cut anew into chunks of half the size; the deletes of the old chunks never arrive."""
    made: list[Chunk] = []
    for chunk in at.some_documents():
        said = chunk.text.split()
        half = (len(said) + 1) // 2
        for number, part in enumerate((said[:half], said[half:])):
            if part:
                made.append(replace(chunk, chunk_id=f"{chunk.chunk_id}/v2-{number}", text=" ".join(part)))
    return at.written(made, lambda chunk: chunk.text)


def deletes_lost(at: Setting) -> list[Change]:
    """Documents are rewritten under new paths; the deletes of the old ones never arrive, so both answer."""
    made = [_named(chunk, "v2", text=f"{chunk.text}\n\nChanged in the new version.") for chunk in at.some_documents()]
    return at.written(made, lambda chunk: chunk.text)


def leaked_drafts(at: Setting) -> list[Change]:
    """An internal wiki is indexed by mistake: notes in the words of the documents, in a source of its own."""
    words = [word for chunk in at.some_documents() for word in chunk.text.split()]
    made = []
    for number in range(at.count):
        said = " ".join(words[row] for row in at.generator.integers(len(words), size=60).tolist())
        page = _page(at, f"internal/notes-{number // 8}", number % 8, f"TODO draft, do not publish. {said}", ())
        made.append(replace(page, segment=(("doc_type", "note"), ("language", "en"), ("source", "internal"))))
    return at.written(made, lambda chunk: chunk.text)


def labels_lost(at: Setting) -> list[Change]:
    """Documents are written again without their attributes: filters no longer find them."""
    return [Write(replace(chunk, segment=())) for chunk in at.some_documents()]


def labels_wrong(at: Setting) -> list[Change]:
    """Documents are written again with the language of others."""
    names = sorted({chunk.attribute("language") for chunk in at.chunks})

    def other(chunk: Chunk) -> tuple[tuple[str, str], ...]:
        language = names[(names.index(chunk.attribute("language")) + 1) % len(names)]
        return tuple((name, language if name == "language" else value) for name, value in chunk.segment)

    return [Write(replace(chunk, segment=other(chunk))) for chunk in at.some_documents()]


def rewritten_and_renamed(at: Setting) -> list[Change]:
    """Documents are replaced by a translation under other ids: what vanished and what came are strangers."""
    hit = at.some_documents()
    made = [_named(chunk, "new", text=cipher(chunk.text, 3)) for chunk in hit]
    return [*removed(hit), *at.written(made, lambda chunk: chunk.text)]


def _acme(text: str) -> str:
    return " ".join(f"acme{word}" if row % 9 == 4 else word for row, word in enumerate(text.split()))


def _named(chunk: Chunk, mark: str, text: str | None = None) -> Chunk:
    """The chunk as another one, of another document."""
    said = chunk.text if text is None else text
    return replace(chunk, chunk_id=f"{mark}/{chunk.chunk_id}", doc_id=f"{mark}/{chunk.doc_id}", text=said)


def _page(at: Setting, document: str, number: int, text: str, segment: Sequence[tuple[str, str]]) -> Chunk:
    vector = at.anchors[0].vector
    return Chunk(f"{document}#{number}", document, number, text, vector, tuple(segment))


KINDS = (
    Kind("near_copy_flood", "incident", near_copy_flood, "CORPUS", encodes=True),
    Kind("exact_copy_flood", "incident", exact_copy_flood, "CORPUS"),
    Kind("many_exact_copies", "incident", many_exact_copies, "CORPUS"),
    Kind("hub_document", "incident", hub_document, "CORPUS"),
    Kind("wide_hub", "incident", wide_hub, "CORPUS", shares=(0.05, 0.10, 0.20)),
    Kind("keyword_poison", "incident", keyword_poison, "CORPUS", encodes=True),
    Kind("many_poison", "incident", many_poison, "CORPUS", encodes=True),
    Kind("query_pages", "incident", query_pages, "CORPUS", encodes=True),
    Kind("foreign_product", "incident", foreign_product, "CORPUS", encodes=True),
    Kind("boilerplate_prefix", "incident", boilerplate_prefix, "CORPUS", encodes=True),
    Kind("boilerplate_suffix", "incident", boilerplate_suffix, "CORPUS", encodes=True),
    Kind("long_boilerplate", "incident", long_boilerplate, "CORPUS", encodes=True),
    Kind("markup_left", "incident", markup_left, "CORPUS", encodes=True),
    Kind("old_chunks_left", "incident", old_chunks_left, "CORPUS", encodes=True),
    Kind("deletes_lost", "incident", deletes_lost, "CORPUS", encodes=True),
    Kind("leaked_drafts", "incident", leaked_drafts, "CORPUS", encodes=True),
    Kind("labels_lost", "incident", labels_lost),
    Kind("labels_wrong", "incident", labels_wrong, dimension="language"),
    Kind("rewritten_and_renamed", "loss", rewritten_and_renamed, "CORPUS", encodes=True),
    Kind("slow_flood", "incident", near_copy_flood, "CORPUS", encodes=True, shares=(0.01,), deploys=12),
)
