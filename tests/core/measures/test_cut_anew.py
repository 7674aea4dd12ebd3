"""Parts of a text that was cut anew: by hand, against the words themselves, and through a session."""

import math
from random import Random

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from monitor.core.index.duplicates.foreign_texts import text_shingles
from monitor.core.measures.cut_anew import parts_of
from monitor.core.model.anchors import Anchor
from monitor.core.model.events import Chunk, CorpusEvent, Delete, Upsert
from monitor.core.model.report import Measurement
from monitor.core.session import Session

WORDS = [f"word{at:03d}" for at in range(240)]


def text(first: int, last: int) -> str:
    return " ".join(WORDS[first:last])


def parts(said: str, *results: str, documents: tuple[int, ...] = ()) -> list[int]:
    own, *others = text_shingles([said, *results])
    return parts_of(own, others, documents or [1] * len(results))


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ([text(0, 60)], [0]),
        ([text(100, 140), text(0, 90)], [1]),
        ([text(0, 30), text(30, 60)], [0, 1]),
        ([text(30, 60), text(90, 140), text(0, 30)], [0, 2]),
        ([text(0, 40), text(20, 60)], [0, 1]),
        ([text(0, 25), text(25, 70)], [0, 1]),
        ([text(0, 58), text(58, 90)], [0]),
        ([text(0, 55), text(55, 90)], [0, 1]),
        ([text(0, 30)], []),
        ([text(0, 20), text(40, 60)], []),
        ([text(0, 60).replace("word010", "other").replace("word050", "else")], []),
        ([], []),
    ],
)
def test_by_hand(results: list[str], expected: list[int]) -> None:
    assert parts(text(0, 60), *results) == expected


def test_parts_are_of_one_document() -> None:
    assert parts(text(0, 60), text(0, 30), text(30, 60), documents=(1, 2)) == []
    assert parts(text(0, 60), text(0, 30), text(0, 60), text(30, 60), documents=(1, 2, 1)) == [1]


def test_of_few_words_nothing_is_told() -> None:
    assert parts("rotate the key", "rotate the key") == []
    assert parts("", "") == []


Sizes = st.lists(st.integers(20, 80), min_size=1, max_size=8)


def cut(sizes: list[int], whole: int, overlap: int = 0) -> list[tuple[int, int]]:
    """Borders of one text of `whole` words, whose last part is what is left."""
    made: list[tuple[int, int]] = []
    at = 0
    for size in [*sizes, *[30] * 10]:
        if whole - at <= size + 20:
            return [*made, (max(0, at - overlap), whole)]
        made.append((max(0, at - overlap), at + size))
        at += size
    return made


@settings(max_examples=80, deadline=None)
@given(Sizes, Sizes, st.sampled_from([0, 4, 12]), st.randoms(use_true_random=False))
@example([20], [20, 61, 27], 0, Random(1))  # of 30 words one stands in the part before, two in the one after
def test_agrees_with_the_words(before: list[int], after: list[int], overlap: int, random: Random) -> None:
    """However a text is cut, in whatever order its parts stand: found where they hold its words, and only there."""
    now = cut(after, 240, overlap)
    random.shuffle(now)
    for first, last in cut(before, 240):
        found = parts(text(first, last), *(text(*borders) for borders in now))
        assert found, "all of it stands somewhere"
        held = {word for at in found for word in range(*now[at])}
        missing = set(range(first, last)) - held
        assert len(missing) <= 2 * (len(found) + 1)
        earlier = {word for borders in now[: found[-1]] for word in range(*borders)}
        assert set(range(first, last)) - earlier, "not before the last part stood there"


# ---------------------------------------------------------------- through a session

DOCUMENTS, K = 2, 24


def word(document: int, at: int) -> str:
    return f"d{document}w{at:03d}"


def chunks(borders: dict[int, list[tuple[int, int]]], name: str) -> list[Chunk]:
    return [
        Chunk.of(name.format(document=of, at=at), " ".join(word(of, w) for w in range(*span)), doc_id=f"doc{of}")
        for of, spans in borders.items()
        for at, span in enumerate(spans)
    ]


def session_of(before: list[Chunk], judged: dict[str, float]) -> Session:
    """Anchors that find every chunk of their document, and judged chunks in the first."""
    anchors = [
        Anchor(f"a{of}", " ".join(word(of, at) for at in range(0, 240, 3)), relevant=judged if not of else {})
        for of in range(DOCUMENTS)
    ]
    session = Session(anchors, depths=(K, 3), min_anchors=1)
    session.apply([Upsert(chunk) for chunk in before])
    session.compare_with(session.snapshot("main"))
    return session


def measured(session: Session, metric: str, k: int = K) -> Measurement:
    (found,) = (
        of
        for of in session.report().measurements
        if (of.metric, of.leg, of.k, of.dimension, of.stat) == (metric, "lexical", k, "all", "mean")
    )
    return found


@settings(max_examples=8, deadline=None)
@given(Sizes, Sizes, st.sampled_from([0, 10]), st.sets(st.integers(0, 3), min_size=1), st.booleans())
def test_recall_is_the_same_before_and_after_a_corpus_is_cut_anew(
    before: list[int], after: list[int], overlap: int, judged: set[int], positional: bool
) -> None:
    """Under new ids and under the old ones, which then name something else."""
    old = chunks({of: cut(before, 240) for of in range(DOCUMENTS)}, "doc{document}#{at}")
    name = "doc{document}#{at}" if positional else "new{document}-{at}"
    new = chunks({of: cut(after, 240, overlap) for of in range(DOCUMENTS)}, name)
    own = [of.chunk_id for of in old if of.doc_id == "doc0"]
    grades = {own[at % len(own)]: 1.0 + at for at in sorted(judged)}
    session = session_of(old, grades)
    then = {metric: measured(session, metric).value for metric in ("recall_ratio", "mrr_ratio")}
    assert then["recall_ratio"] == 1.0
    gone = {of.chunk_id for of in old} - {of.chunk_id for of in new}
    events: list[CorpusEvent] = [*(Delete(of) for of in sorted(gone)), *(Upsert(of) for of in new)]
    for part in (events[::2], events[1::2]):
        session.apply(part)
        session.report()  # what is kept from report to report must not be stale
    recall = measured(session, "recall_ratio")
    assert (recall.value, recall.baseline) == (1.0, 1.0)
    carried = measured(session, "carried_recall_ratio")
    assert 0.0 <= carried.value <= 1.0
    assert carried.baseline == 0.0
    if not positional:
        assert carried.value == 1.0, "the report says that all of it is carried"
    assert 0.0 < measured(session, "ndcg_ratio").value <= 1.0
    fresh = session_of(old, grades)
    fresh.apply([*events[::2], *events[1::2]])
    for metric in ("recall_ratio", "ndcg_ratio", "mrr_ratio", "judged_ratio", "carried_recall_ratio"):
        assert repr(measured(session, metric)) == repr(measured(fresh, metric)), metric


def test_what_is_lost_or_rewritten_is_not_found_again() -> None:
    old = chunks({of: [(0, 60), (60, 120)] for of in range(DOCUMENTS)}, "doc{document}#{at}")
    new = chunks({0: [(0, 30), (30, 60), (60, 120)]}, "new{document}-{at}")
    session = session_of(old, {"doc0#0": 1.0, "doc0#1": 1.0})
    session.apply([Delete("doc0#0"), Delete("doc0#1"), *(Upsert(of) for of in (new[0], new[2]))])
    assert measured(session, "recall_ratio").value == 0.5, "half of the first chunk is nobody's"
    assert measured(session, "carried_recall_ratio").value == 0.5
    session.apply([Upsert(new[1])])
    assert measured(session, "recall_ratio").value == 1.0
    other = Chunk.of("new0-1", "nothing of it is left " + " ".join(word(0, at) for at in (30, 33)), doc_id="doc0")
    session.apply([Upsert(other)])
    assert measured(session, "recall_ratio").value == 0.5


def test_another_text_under_the_old_id_is_not_what_was_judged() -> None:
    old = chunks({of: [(0, 60), (60, 120)] for of in range(DOCUMENTS)}, "doc{document}#{at}")
    session = session_of(old, {"doc0#1": 1.0})
    session.apply([Upsert(of) for of in chunks({0: [(0, 60), (120, 180)]}, "doc{document}#{at}")])
    assert measured(session, "recall_ratio").value == 0.0
    edited = " ".join([*(word(0, at) for at in range(60, 110)), "and", "more"])
    session.apply([Upsert(Chunk.of("doc0#1", edited, doc_id="doc0"))])
    assert measured(session, "recall_ratio").value == 1.0, "edited under its id it is"
    assert measured(session, "carried_recall_ratio").value == 0.0


def test_of_judged_chunks_that_became_one_the_best_list_has_one() -> None:
    old = chunks({of: [(0, 60), (60, 120), (120, 180)] for of in range(DOCUMENTS)}, "doc{document}#{at}")
    session = session_of(old, {"doc0#0": 1.0, "doc0#1": 3.0})
    session.apply([Delete(f"doc0#{at}") for at in range(3)])
    session.apply([Upsert(of) for of in chunks({0: [(0, 120)]}, "new{document}-{at}")])
    assert measured(session, "recall_ratio").value == 1.0
    assert measured(session, "ndcg_ratio").value == pytest.approx(1.0)
    assert measured(session, "judged_ratio").value == 1.0
    session.apply([Upsert(of) for of in chunks({0: [(0, 120), (120, 180)]}, "new{document}-{at}")])
    ndcg = measured(session, "ndcg_ratio").value
    assert ndcg in (pytest.approx(1.0), pytest.approx(1 / math.log2(3)))
    assert not np.isnan(ndcg)
