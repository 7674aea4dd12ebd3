"""Integrity by hand: small corpora given as what their chunks say, and what is wrong with them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.index.statistics.contents import Contents, implausible
from monitor.core.index.statistics.faults import compare
from monitor.core.index.statistics.features import Features, norms
from monitor.core.index.statistics.integrity import FAULTS, GROWN, Integrity, IntegrityFault
from monitor.core.index.statistics.population import Population
from monitor.core.index.statistics.sketches import NO_SKETCH, ContentSketches, differing
from monitor.core.index.statistics.word_samples import WIDTH, sampled_words
from monitor.core.model.events import chunk_key
from monitor.core.model.report import ALL
from tests.core.index.statistics.streams import Stream, put

EVERYTHING = (ALL, ALL)
ENCODER = [int(bits) for bits in np.random.default_rng(1).integers(1, 2**63, 200)]
OTHER_ENCODER = [int(bits) for bits in np.random.default_rng(2).integers(1, 2**63, 200)]


class Said(NamedTuple):
    """A chunk: id, document, hash of its text (0: no words), sampled shingles."""

    id: str
    doc: str
    text: int
    shingles: tuple[int, ...]
    sketch: int = 0
    source: str = "docs"
    tokens: int = 60
    far: bool = False
    version: str = "v"
    marks: int = 0
    """Another number, another punctuation."""
    words: tuple[int, ...] = (0, 0, 0, 0)
    distinct: int | None = None
    """Shingles at all; not given: no place repeats another."""
    length: float = 1.0
    """Of the vector."""


def population(chunks: Sequence[Said]) -> Population:
    chunks = sorted(chunks, key=lambda one: chunk_key(one.id))
    values = sorted({(ALL, one.source, one.version) for one in chunks})
    docs = {chunk_key(one.doc): one.doc for one in chunks}
    hashes = sorted(docs)
    return Population(
        np.array([chunk_key(one.id) for one in chunks], np.int64),
        np.zeros(len(chunks), np.uint64),
        np.array([values.index((ALL, one.source, one.version)) for one in chunks], np.int32),
        np.array([hashes.index(chunk_key(one.doc)) for one in chunks], np.int32),
        tuple(values),
        np.array(hashes, np.int64),
        Contents(
            np.array([one.text + 1_000_000 * one.marks for one in chunks], np.uint64),
            np.array([one.text for one in chunks], np.uint64),
            np.array([one.sketch for one in chunks], np.uint64),
            np.array([one.tokens for one in chunks], np.int32),
            np.array([one.far for one in chunks], np.bool_),
            np.array([one.tokens - 2 if one.distinct is None else one.distinct for one in chunks], np.int32),
            np.array([len(one.shingles) for one in chunks], np.int32),
            np.array([of for one in chunks for of in one.shingles], np.uint32),
            np.array([one.words for one in chunks], np.uint32).reshape(-1, WIDTH),
            tuple(docs[of] for of in hashes),
            np.array([one.length for one in chunks], np.float32),
        ),
    )


def found(then: Sequence[Said], now: Sequence[Said]) -> Integrity:
    made = compare(population(then), population(now), (ALL, "source", "embedding_version"))
    assert made is not None
    return made


def wrong(then: Sequence[Said], now: Sequence[Said]) -> dict[IntegrityFault, float]:
    """The shares that are not 0, but for growth, which is no fault."""
    made = found(then, now)
    shares = {fault: made.share(fault, EVERYTHING)[0] for fault in made.found if fault != GROWN}
    return {fault: round(share, 4) for fault, share in shares.items() if share and not np.isnan(share)}


def chunk(at: int, **fields: object) -> Said:
    """Chunk `at` of ten: two a document, six shingles of its own."""
    own = tuple(range(at * 10, at * 10 + 6))
    made = Said(f"c{at}", f"d{at // 2}", at + 1, own, ENCODER[at], "api" if at >= 6 else "docs")
    return made._replace(**fields)  # type: ignore[arg-type]  # fields by name


TEN = [chunk(at) for at in range(10)]


def but(at: int, **fields: object) -> list[Said]:
    return [one._replace(**fields) if place == at else one for place, one in enumerate(TEN)]  # type: ignore[arg-type]


def test_the_same_has_no_fault() -> None:
    assert wrong(TEN, TEN) == {}
    assert list(found(TEN, TEN).found) == list(FAULTS)


def test_nothing_then_or_now() -> None:
    assert wrong([], TEN) == {"foreign_source_ratio": 1.0}
    assert wrong(TEN, []) == {"lost_content_ratio": 1.0}
    assert wrong([], []) == {}


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (but(3, sketch=OTHER_ENCODER[3]), {"reembedded_ratio": 0.1}),
        (but(3, sketch=ENCODER[3] ^ 0b11), {}),  # two bits are rounding
        (but(3, sketch=ENCODER[3] ^ 0b111), {"reembedded_ratio": 0.1}),
        (but(3, sketch=NO_SKETCH), {"reembedded_ratio": 0.1}),  # zeros: no direction any more
        # the same under an ordinary edit
        (but(3, text=99, shingles=(30, 31, 32, 33, 34, 900), sketch=NO_SKETCH), {"reembedded_ratio": 0.1}),
        (but(3, marks=1, sketch=ENCODER[3] ^ 0xFF), {}),  # other marks around the same words
        (but(3, marks=1, sketch=OTHER_ENCODER[3]), {"reembedded_ratio": 0.1}),
        # the text edited a little: five of six shingles
        (but(3, text=99, shingles=(30, 31, 32, 33, 34, 900), sketch=OTHER_ENCODER[3]), {"reembedded_ratio": 0.1}),
        (but(3, text=99, shingles=(30, 31, 32, 33, 34, 900), sketch=ENCODER[3] ^ 0xFF), {}),
        # rewritten: half of them, and any vector is right
        (but(3, text=99, shingles=(30, 31, 32, 900, 901, 902), sketch=OTHER_ENCODER[3]), {}),
        (but(3, version="w"), {"foreign_version_ratio": 0.1}),
        ([one._replace(version="w") for one in TEN], {}),  # all of them: no mixture
        (TEN[:-1], {"lost_content_ratio": 0.1}),
        (but(3, text=99, shingles=(30, 31), tokens=20), {"lost_content_ratio": 0.0667}),  # 4 of 6 are gone
        (but(3, text=99, shingles=(30, 31, 32, 33, 900)), {}),  # 2 of 6: an edit, or another border
        (but(3, text=99, shingles=tuple(range(900, 906))), {}),  # replaced in its document
        # as long as it was: that the sample has less of what came than of what went is chance
        (but(3, text=99, shingles=(30, 31, 900)), {}),
        (but(3, text=99, shingles=(30, 31, 900), tokens=54), {"lost_content_ratio": 0.01}),  # and six words shorter
        (but(3, id="x", doc="y"), {}),  # moved
        (but(3, text=0, shingles=(), tokens=0), {"lost_content_ratio": 0.1, "wordless_ratio": 0.1}),
        (but(3, far=True), {"implausible_time_ratio": 0.1}),
        (but(3, tokens=42, distinct=27), {"repetitive_ratio": 0.1}),  # of 40 places
        (but(3, tokens=42, distinct=28), {}),
        (but(3, tokens=11, distinct=1), {}),  # too short to tell
        ([*TEN, chunk(3, id="again", doc="copy")], {"copied_ratio": 0.0909}),
        (
            [*TEN, chunk(3, id="again", doc="copy", sketch=OTHER_ENCODER[3])],
            {"copied_ratio": 0.0909, "reembedded_ratio": 0.0909},
        ),
        # chunks 0 and 1 joined in a new chunk of their document, while they stay
        ([*TEN, Said("new", "d0", 99, (*range(6), *range(10, 16)), ENCODER[50])], {"leftover_ratio": 0.1818}),
        ([*TEN[2:], Said("new", "d0", 99, (*range(6), *range(10, 16)), ENCODER[50])], {}),
        # four of six shingles of another document: so much of the new chunk is an echo, and of a document's own not
        ([*TEN, chunk(3, id="n", doc="n", text=99, shingles=(30, 31, 32, 33, 900, 901))], {"echoed_ratio": 0.0606}),
        ([*TEN, chunk(3, id="n", text=99, shingles=(30, 31, 32, 33, 900, 901))], {}),
        ([*TEN, chunk(3, id="n", doc="n", text=99, shingles=tuple(range(900, 906)))], {}),
        (but(3, id="n", text=99, shingles=(30, 31, 32, 33, 900)), {}),  # its original is gone: an edit, renumbered
        # under an id that was there nothing came beside it: what it said is lost
        (but(3, text=99, shingles=(40, 41, 42, 43, 44, 45)), {"lost_content_ratio": 0.1}),
        (but(3, source="api"), {"relabelled_ratio": 0.1}),
        (but(3, source=""), {"relabelled_ratio": 0.1}),
        (but(3, source="api", id="x"), {"relabelled_ratio": 0.1}),  # renumbered, in its document
        (but(3, source="api", doc="y"), {}),  # moved, as a whole
        (but(3, source="api", text=99, shingles=(30, 31, 32, 33, 34, 900)), {}),  # edited: another chunk
    ],
)
def test_one_chunk_of_ten(now: Sequence[Said], expected: dict[IntegrityFault, float]) -> None:
    assert wrong(TEN, now) == expected


def test_chunks_that_say_nearly_the_same_are_not_left_over_where_one_of_them_is_cut_anew() -> None:
    """A document of near-equal paragraphs (one per platform, say): a new one holds most of what each other says."""
    common = tuple(range(500, 510))
    alike = [Said(f"p{at}", "p", 60 + at, (*common, 600 + at, 700 + at), ENCODER[60]) for at in range(4)]
    anew = Said("new", "p", 99, (*common, 600, 700), ENCODER[60])
    assert wrong([*TEN, *alike], [*TEN, *alike[1:], anew]) == {}
    found = wrong([*TEN, *alike], [*TEN, *alike, anew])
    assert "leftover_ratio" not in found, (
        "two shingles of its own are too few to tell, and its document's others stayed"
    )
    own = [one._replace(shingles=(*common, *range(600 + 10 * at, 606 + 10 * at))) for at, one in enumerate(alike)]
    joined = anew._replace(shingles=(*common, *range(600, 606)))
    assert wrong([*TEN, *own], [*TEN, *own, joined])["leftover_ratio"] == pytest.approx(1 / 15, abs=1e-4)


@pytest.mark.parametrize(
    ("now", "share"),
    [
        (TEN, 0.0),
        ([*TEN, chunk(20), chunk(21)], 2 / 12),
        ([*TEN, chunk(20, shingles=(0, 1, 2, 900, 901, 902))], 0.5 / 11),  # half of it is said elsewhere
        ([*TEN, chunk(3, id="n", doc="n")], 0.0),  # a copy
        (but(3, text=99, shingles=tuple(range(900, 906))), 0.0),  # edited in its place
        ([*TEN[1:], chunk(20, source="docs")], 0.0),  # as much was lost in that segment
        ([*TEN[1:], chunk(20, source="api")], 1 / 10),  # lost in another one
        ([*TEN, chunk(20), chunk(21, shingles=())], 2 / 12),  # too short for the sample: as the other
        ([*TEN, chunk(20, text=0, shingles=(), tokens=0)], 0.0),
    ],
)
def test_growth_is_what_came_and_replaced_nothing(now: Sequence[Said], share: float) -> None:
    assert found(TEN, now).share(GROWN, EVERYTHING)[0] == pytest.approx(share)
    assert [of.metric for of in found(TEN, now).concerns([EVERYTHING], 5) if of.metric == GROWN] == []


def spoken(count: int, first: int, language: str, start: int = 0) -> list[Said]:
    """Chunks of one language: each four of its 40 words from `first` on, each word in several chunks."""
    return [
        chunk(0, id=f"{language}{at}", doc=f"{language}{at}", text=10_000 + first + at, source=language,
              shingles=(10_000 + first * 100 + at,), words=tuple(first + (at + of * 7) % 40 for of in range(4)))
        for at in range(start, start + count)
    ]  # fmt: skip


def test_words_that_nobody_used_there() -> None:
    """By the corpus's words, and by those of the chunk's language, in documents that were there."""

    def strange(now: Sequence[Said], then: Sequence[Said] | None = None) -> float:
        before = [*spoken(120, 100, "en"), *spoken(110, 5000, "de")] if then is None else then
        made = compare(population(before), population([*before, *now]), (ALL, "language", "embedding_version"))
        assert made is not None
        return made.share("strange_words_ratio", EVERYTHING)[0] * (len(before) + len(now))

    more = [one._replace(doc="en0") for one in spoken(10, 100, "en", start=200)]
    assert strange(more) == 0.0
    assert strange([one._replace(text=one.text + 9, words=(1, 2, 3, 4)) for one in more]) == pytest.approx(10)
    assert strange([one._replace(words=(1, 2, 3, one.words[0])) for one in more]) == pytest.approx(
        10
    )  # three of four
    assert strange([one._replace(words=(1, 2, *one.words[:2])) for one in more]) == 0.0  # half: another matter
    assert strange([one._replace(words=(1, 2, 0, 0)) for one in more]) == 0.0  # too few to tell
    german = [one._replace(source="en", id=f"x{one.id}", doc="en0") for one in spoken(10, 5000, "de", start=200)]
    assert strange(german) == pytest.approx(10)
    assert strange([one._replace(doc="more") for one in german]) == 0.0  # in a document of their own: a translation
    # of a language that was not there, or hardly, nobody knows the words
    assert strange([one._replace(source="fr", words=(1, 2, 3, 4)) for one in more]) == 0.0
    small = [*spoken(120, 100, "en"), *spoken(50, 5000, "de")]
    assert strange([one._replace(source="de", words=(1, 2, 3, 4)) for one in more], small) == 0.0
    # where half of the chunks have words that no other one has, half of the new ones may
    own = [one._replace(words=tuple(5000 + at * 4 + of for of in range(4))) if at % 2 else one
           for at, one in enumerate(spoken(200, 100, "en"))]  # fmt: skip
    assert strange([one._replace(words=(1, 2, 3, 4)) for one in more], own) == pytest.approx(5)


@given(st.lists(st.lists(st.integers(0, 60), max_size=30), max_size=8))
@settings(max_examples=60, deadline=None)
def test_sampled_words_are_the_least_of_a_quarter_of_the_distinct_ones(texts: list[list[int]]) -> None:
    hashes = np.random.default_rng(1).integers(0, 2**64, 61, np.uint64)
    made = sampled_words([np.array(text, np.int32) for text in texts], hashes)
    for text, row in zip(texts, made.tolist(), strict=True):
        told = sorted({int(hashes[of]) >> 32 for of in text if int(hashes[of]) % 4 == 0})[:WIDTH]
        assert row == told + [0] * (WIDTH - len(told))


def test_other_dimensions_then_compare_with_nothing() -> None:
    then, now = population(TEN), population(TEN)
    other = replace(then, values=tuple((*of[:-1], "team", of[-1]) for of in then.values))
    assert compare(other, now, (ALL, "source", "embedding_version")) is None
    assert compare(then, now, (ALL, "source", "embedding_version")) is not None


def test_a_source_that_was_not_there() -> None:
    more = [chunk(20, source="wiki"), chunk(21, source="api")]
    assert wrong(TEN, [*TEN, *more]) == {"foreign_source_ratio": round(1 / 12, 4)}
    assert wrong([*TEN, *more], [*TEN, *more]) == {}
    moved = but(3, source="wiki", doc="w", id="w")
    assert wrong(TEN, moved) == {}, "what was there moved there"
    plain = compare(population(TEN), population([*TEN, *more]), (ALL, "team", "embedding_version"))
    assert plain is not None
    assert "foreign_source_ratio" not in plain.found, "nobody watches sources"


def test_equal_texts_with_unequal_vectors() -> None:
    pages = [*TEN, *(chunk(at, id=f"x{at}", doc=f"x{at}", sketch=OTHER_ENCODER[at]) for at in range(5))]
    # the copies' text was there with another vector: they are re-embedded, and not counted twice
    assert wrong(TEN, pages)["reembedded_ratio"] == round(5 / 15, 4)
    fresh = [chunk(at, id=f"{at}{of}", doc=f"x{at}{of}", text=500 + at, shingles=(9000 + at,), sketch=of)
             for at in range(3) for of in (ENCODER[at], OTHER_ENCODER[at])]  # fmt: skip
    assert wrong(TEN, [*TEN, *fresh]) == {"unequal_twins_ratio": round(3 / 16, 4), "copied_ratio": 0.375}
    assert wrong([*TEN, *fresh], [*TEN, *fresh]) == {}


def echoed(then: Sequence[Said], now: Sequence[Said]) -> float:
    """By definition: what new chunks say that other documents say too, less what their documents, or those of their
    source where it has more of that than all, said so then.
    """

    def shares(pages: Sequence[Said]) -> list[float]:
        made = []
        for one in pages:
            others = {of for other in pages if other.doc != one.doc for of in other.shingles}
            made.append(len([of for of in one.shingles if of in others]) / len(one.shingles))
        return made

    ids, texts, said = {of.id for of in then}, {of.text for of in then}, [of.text for of in now]
    usual, every = dict(zip(then, shares(then), strict=True)), shares(then)
    whole = allowed = 0.0
    for one, share in zip(now, shares(now), strict=True):
        if one.id in ids or one.text in texts or said.count(one.text) > 1:
            continue
        own = [usual[of] for of in then if of.doc == one.doc]
        whole += share
        source = [usual[of] for of in then if of.source == one.source]
        allowed += float(np.mean(own)) if own else max(float(np.mean(every)), float(np.mean(source or [0.0])))
    return max(0.0, whole - allowed) / len(now)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_echoes_are_counted_as_defined(data: st.DataObject) -> None:
    said = st.sets(st.integers(0, 25), min_size=1, max_size=8).map(lambda of: tuple(sorted(of)))
    page = st.tuples(st.integers(0, 20), st.integers(0, 8), st.integers(1, 30), said)
    then, now = (
        [
            Said(f"c{at}", f"d{doc}", text, shingles, source="docs" if doc % 2 else "api")
            for at, (_, doc, text, shingles) in {one[0]: one for one in data.draw(st.lists(page, min_size=1))}.items()
        ]
        for _ in "ab"
    )
    expected = echoed(then, now)
    assert found(then, now).share("echoed_ratio", EVERYTHING)[0] == pytest.approx(expected)


TEMPLATE = tuple(range(8000, 8006))
PAGES = [chunk(at, id=f"p{at}", doc=f"p{at}", text=80 + at, source="shop",
               shingles=(*TEMPLATE, *range(at * 10, at * 10 + 4)))
         for at in range(20, 32)]  # fmt: skip
"""Twelve pages of one template; four of ten shingles are their own."""


def test_another_page_of_a_template_is_no_echo_and_a_near_copy_of_one_is() -> None:
    then = [*TEN, *PAGES]
    more = [one._replace(id=f"n{one.id}", doc=f"n{one.doc}", text=one.text + 50,
                         shingles=(*TEMPLATE, *(of + 900 for of in one.shingles[6:]))) for one in PAGES]  # fmt: skip
    assert not any(wrong(then, [*then, *more]).values())
    other = [one._replace(shingles=(*(of + 90 for of in TEMPLATE), *one.shingles[6:])) for one in more]
    assert not any(wrong(then, [*then, *other]).values()), "of another template: a translation"
    copies = [one._replace(shingles=(*before.shingles[:9], one.shingles[9]))
              for one, before in zip(more, PAGES, strict=True)]  # fmt: skip
    assert wrong(then, [*then, *copies]) == {"echoed_ratio": round(12 * 0.3 / 34, 4)}


def test_a_page_of_a_template_is_gone_where_what_it_has_of_its_own_is() -> None:
    """Its siblings still say six of its ten shingles."""
    corpus = [*TEN, *PAGES]
    assert wrong(corpus, corpus[:-3]) == {"lost_content_ratio": round(3 / 22, 4)}
    few = [one._replace(shingles=(*TEMPLATE, one.shingles[-1])) for one in PAGES]  # hardly any in the sample
    assert wrong([*TEN, *few], [*TEN, *few[:-3]]) == {"lost_content_ratio": round(3 / 22, 4)}
    cut = [one._replace(text=one.text + 50, shingles=TEMPLATE, tokens=40) for one in PAGES]
    assert wrong(corpus, [*TEN, *cut])["lost_content_ratio"] == round(12 * 20 / (22 * 60), 4)
    less = [one._replace(text=one.text + 50, shingles=one.shingles[3:], tokens=40) for one in PAGES]
    assert wrong(corpus, [*TEN, *less]) == {}, "a paragraph of the template left all pages"


def test_a_short_new_chunk_echoes_as_the_others_do_on_average() -> None:
    copies = [chunk(at, id=f"x{at}", doc=f"x{at}", text=90 + at, shingles=(at * 10, at * 10 + 1, 900 + at))
              for at in range(4)]  # fmt: skip
    short = [chunk(at, id=f"y{at}", doc=f"y{at}", text=190 + at, shingles=(), tokens=3) for at in range(4)]
    assert wrong(TEN, [*TEN, *copies, *short]) == {"echoed_ratio": round(8 * 2 / 3 / 18, 4)}
    empty = [one._replace(text=0, tokens=0) for one in short]
    assert wrong(TEN, [*TEN, *copies, *empty])["echoed_ratio"] == round(4 * 2 / 3 / 18, 4)


def test_boilerplate_counts_beyond_what_its_segment_always_said_alike() -> None:
    """A translation of templates says alike what the templates did."""
    same = (5000, 5001, 5002)
    then = [one._replace(text=777, shingles=same) if at < 6 and at % 2 == 0 else one for at, one in enumerate(TEN)]
    then += [chunk(at, id=f"t{at}", doc=f"t{at}", text=777, shingles=same) for at in (20, 21, 22)]
    more = [one._replace(id=f"n{one.id}", doc=f"n{one.doc}", text=one.text + 5000,
                         shingles=tuple(of + 9000 for of in one.shingles)) for one in then]  # fmt: skip
    assert "boilerplate_ratio" not in wrong(then, [*then, *more])
    fresh = [one._replace(text=5777, shingles=(7000, 7001)) for one in more]
    # half of docs were alike, and six of all thirteen, which is more than api's three of seven
    assert wrong(then, [*then, *fresh])["boilerplate_ratio"] == round((6 / 2 + 7 * 7 / 13) / 26, 4)


def test_boilerplate_is_what_five_documents_say_alike() -> None:
    same = (5000, 5001, 5002)
    whole = [one._replace(text=777, shingles=same) if at in (0, 2, 4, 6, 8) else one for at, one in enumerate(TEN)]
    assert wrong(TEN, whole)["boilerplate_ratio"] == 0.5
    four = [one._replace(text=777, shingles=same) if at in (0, 2, 4, 6) else one for at, one in enumerate(TEN)]
    assert "boilerplate_ratio" not in wrong(TEN, four)
    prefixed = [one._replace(text=800 + at, shingles=(*same, *one.shingles)) for at, one in enumerate(TEN)]
    assert wrong(TEN, prefixed) == {"boilerplate_ratio": 1.0}
    assert wrong(prefixed, prefixed) == {}
    # it was there before: another chunk of it is nothing new
    assert wrong(whole, [*whole, chunk(0, id="n", doc="n", text=777, shingles=same)]) == {"copied_ratio": 0.0909}


def test_shares_and_documents_by_segment_and_without_what_was_expected() -> None:
    made = found(TEN, [one for at, one in enumerate(TEN) if at not in (0, 1, 2, 8, 9)])
    fault: IntegrityFault = "lost_content_ratio"
    assert made.share(fault, EVERYTHING) == (0.5, 10)
    assert made.share(fault, ("source", "docs")) == (0.5, 6)
    assert made.share(fault, ("source", "api")) == (0.5, 4)
    assert made.documents(fault, EVERYTHING) == ("d0", "d4", "d1")
    assert made.share(fault, EVERYTHING, without=(("source", "docs"),)) == (0.5, 4)
    assert made.documents(fault, EVERYTHING, without=(("source", "docs"),)) == ("d4",)
    value, count = made.share(fault, ("source", "docs"), without=(("source", "docs"),))
    assert (np.isnan(value), count) == (True, 0)
    assert made.share(fault, EVERYTHING, without=(("team", "docs"),)) == (0.5, 10)
    (concern,) = (of for of in made.concerns([EVERYTHING], 2) if of.metric == fault)
    assert (concern.documents, concern.count) == (("d0", "d4"), 3)


def templates(pages: Sequence[Said]) -> set[int]:
    """Shingles of five documents and more."""
    said = {(of, one.doc) for one in pages for of in one.shingles}
    return {of for of, _ in said if len({doc for shingle, doc in said if shingle == of}) >= 5}


def lost(then: Sequence[Said], now: Sequence[Said]) -> float:
    """By definition: what each document has fewer tokens of its own and of nobody else's, at most what is gone."""
    ordinary = templates(then)
    said_then, said_now = ({of for one in pages for of in one.shingles} for pages in (then, now))
    texts_then, texts_now = ({one.text for one in pages} for pages in (then, now))
    share, total = {}, 0.0
    for one in then:
        own = [of for of in one.shingles if of not in ordinary]
        told = own or one.shingles
        gone = [of for of in told if of not in said_now]
        share[one.id] = len(gone) / len(told) if one.text not in texts_now else 0.0
    for doc in {one.doc for one in then}:
        before, after = ([one for one in pages if one.doc == doc] for pages in (then, now))
        held = sum(of not in said_now for one in before if one.text not in texts_now for of in one.shingles)
        every = sum(len(one.shingles) for one in before)
        away = 0.0
        for one in before:
            alone = len(one.shingles) == 1
            if share[one.id] >= 0.5 if not alone else share[one.id] > 0 and held / every >= 0.5:
                away += share[one.id] * one.tokens

        def left(mine: Sequence[Said], others: Sequence[Said], texts: set[int], said: set[int]) -> float:
            """Tokens but for those that the other corpus says in other documents alone."""
            words, home = 0.0, {of for one in others for of in one.shingles}
            for one in mine:
                foreign = [of for of in one.shingles if of in said and of not in home]
                whole = one.text in texts and one.text not in {other.text for other in others}
                words += one.tokens * (0.0 if whole else 1.0 - len(foreign) / len(one.shingles))
            return words

        fewer = left(before, after, texts_now, said_now - ordinary) - left(after, before, texts_then, said_then)
        total += min(away, max(0.0, fewer))
    return total / sum(one.tokens for one in then)


@given(st.data())
@settings(max_examples=80, deadline=None)
def test_lost_content_is_counted_as_defined(data: st.DataObject) -> None:
    said = st.sets(st.integers(0, 25), min_size=1, max_size=8).map(lambda of: tuple(sorted(of)))
    page = st.tuples(st.integers(0, 20), st.integers(0, 8), st.integers(1, 30), said, st.integers(3, 90))
    then, now = (
        [
            Said(f"c{at}", f"d{doc}", text, shingles, tokens=tokens)
            for at, (_, doc, text, shingles, tokens) in {
                one[0]: one for one in data.draw(st.lists(page, min_size=1))
            }.items()
        ]
        for _ in "ab"
    )
    assert found(then, now).share("lost_content_ratio", EVERYTHING)[0] == pytest.approx(lost(then, now))


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_names_places_and_order_say_nothing(data: st.DataObject) -> None:
    """Other ids, other documents, other sources, another order, and any part of it: no fault but a new version."""
    order = data.draw(st.permutations(range(10)))
    moved = [
        TEN[at]._replace(id=f"x{at}", doc=f"y{at // 2}") if data.draw(st.booleans()) else TEN[at] for at in order
    ]
    assert wrong(TEN, moved) == {}


@given(st.sets(st.integers(0, 9)))
@settings(max_examples=40, deadline=None)
def test_what_is_deleted_is_lost_exactly(gone: set[int]) -> None:
    made = found(TEN, [one for at, one in enumerate(TEN) if at not in gone])
    share, chunks = made.share("lost_content_ratio", EVERYTHING)
    assert share == pytest.approx(len(gone) / 10)
    assert chunks == 10
    assert set(made.documents("lost_content_ratio", EVERYTHING)) == {f"d{at // 2}" for at in gone}


def test_sampled_shingles_are_the_same_sixteenth_everywhere() -> None:
    stream = Stream()
    random = np.random.default_rng(3)
    texts = [" ".join(f"w{word}" for word in random.integers(0, 400, 90)) for _ in range(40)]
    stream.feed([put(f"c{at}", text) for at, text in enumerate([*texts, "", "one"])])
    rows = stream.rows()
    slots = np.array([row.slot for row in rows], np.int64)
    shingles, counts, whole = stream.duplicates.sampled(slots)
    every = [stream.duplicates.shingles(row.slot) for row in rows]
    assert whole.tolist() == [len(of) for of in every]
    kept = {int(of) for of in shingles}
    for at, (mine, count) in enumerate(zip(every, counts.tolist(), strict=True)):
        start = int(counts[:at].sum())
        assert shingles[start : start + count].tolist() == [of for of in mine.tolist() if of in kept]
    total = sum(map(len, every))
    assert 0.8 * total / 16 < len(shingles) < 1.2 * total / 16
    assert (stream.duplicates.texts(slots) == 0).sum() == 1


def test_sketches_follow_the_angle_and_not_the_batch() -> None:
    random = np.random.default_rng(5)
    vectors = random.standard_normal((500, 96)).astype(np.float32)
    near = vectors + 0.3 * random.standard_normal((500, 96)).astype(np.float32)
    sketches = ContentSketches(Features(96))
    one, other = sketches.of(vectors, norms(vectors)), sketches.of(near, norms(near))
    cosines = np.sum(vectors * near, axis=1) / norms(vectors) / norms(near)
    assert np.mean(differing(one, other)) == pytest.approx(np.mean(np.arccos(cosines)) * 64 / np.pi, rel=0.05)
    assert np.median(differing(one, one[::-1])) == pytest.approx(32, abs=2)
    assert [int(sketches.of(vectors[at : at + 1], norms(vectors[at : at + 1]))[0]) for at in range(20)] == one[
        :20
    ].tolist()
    np.testing.assert_array_equal(sketches.of(vectors * 8, norms(vectors * 8)), one)
    rounded = vectors.astype(np.float16).astype(np.float32)
    assert differing(sketches.of(rounded, norms(rounded)), one).max() <= 2
    zero = np.zeros((2, 96), np.float32)
    assert sketches.of(zero, norms(zero)).tolist() == [NO_SKETCH] * 2


def test_implausible_times_are_far_from_the_median() -> None:
    year = 365 * 86_400
    seconds = np.array([50, 51, 52, 73, 29], np.int64) * year
    assert implausible(seconds).tolist() == [False, False, False, True, True]
    assert implausible(seconds[:0]).tolist() == []


@pytest.mark.parametrize(
    ("case", "now", "share"),
    [
        ("a length that rounding makes", but(3, length=1.04), 0.0),
        ("normalisation was switched off", but(3, length=3.0), 0.1),
        ("shorter", but(3, length=0.9), 0.1),
        ("under another id", but(3, id="new", length=3.0), 0.1),
        ("an edited text: as long as the others", but(3, text=99, sketch=ENCODER[3], length=1.0), 0.0),
        ("an edited text: longer than any", but(3, text=99, sketch=ENCODER[3], length=1.2), 0.1),
        ("a vector without direction has another fault", but(3, sketch=NO_SKETCH, length=0.0), 0.0),
        ("another vector has another fault", but(3, sketch=OTHER_ENCODER[3], length=3.0), 0.0),
    ],
)
def test_vectors_of_another_length(case: str, now: list[Said], share: float) -> None:
    assert wrong(TEN, now).get("rescaled_ratio", 0.0) == share, case


def test_a_text_has_the_lengths_that_it_had() -> None:
    """Where nothing is normalised, each text has its own length, and a copy of it may have another one."""
    then = [one._replace(length=1.0 + at) for at, one in enumerate(TEN)]
    twin = chunk(3, id="twin", doc="d9", length=30.0)
    assert wrong(then, then) == {}
    assert wrong([*then, twin], [*then[:3], then[3]._replace(length=30.0), *then[4:], twin]) == {}
    swapped = [one._replace(length=11.0 - one.length) for one in then]
    assert wrong(then, swapped) == {"rescaled_ratio": 1.0}
    new = chunk(10, length=5.5)
    assert wrong(then, [*then, new]) == {}
    assert wrong(then, [*then, new._replace(length=0.5)]) == {"rescaled_ratio": round(1 / 11, 4)}


def test_a_baseline_without_lengths_says_nothing_of_them() -> None:
    then = population(TEN)
    assert then.contents is not None
    older = replace(then, contents=replace(then.contents, lengths=np.zeros(0, np.float32)))
    made = compare(older, population(but(3, length=9.0)), (ALL, "source", "embedding_version"))
    assert made is not None
    assert set(FAULTS) - set(made.found) == {"rescaled_ratio"}
