"""Moved BM25 statistics by source: exact sums, contributions that add up, culprits that are found."""

from collections import Counter

import numpy as np
import pytest

from monitor.core.attribution import OTHERS, STATISTICS, Attribution, Event, Statistics, attribute, folded
from monitor.core.attribution.attribution import ChangedPart
from monitor.core.attribution.fold import by_document, by_source, documents_of, whose
from monitor.core.attribution.known import CorpusView
from monitor.core.attribution.statistics import NOBODY_WEIGHED, AumannShapleyAttributor
from monitor.core.index.lexical.sources import SourceStatistics
from monitor.core.model.events import Position
from monitor.core.text.tokens import tokenize
from tests.core.attribution.world import COMMON, SOURCES, WORDS, Said, World, initial, leg_of, plant, questions


def world(seed: int) -> tuple[np.random.Generator, World]:
    rng = np.random.default_rng(seed)
    state, anchors = initial(rng), questions(rng)
    return rng, World(state, anchors)


def slow(of: World) -> dict[str, tuple[int, int, Counter[str]]]:
    """Documents, tokens and document frequencies by source, counted from the texts."""
    made: dict[str, tuple[int, int, Counter[str]]] = {}
    terms = {term for anchor in of.anchors.anchors for term in tokenize(anchor.text)}
    for said in of.state.values():
        documents, length, frequency = made.get(said.source, (0, 0, Counter()))
        tokens = tokenize(said.text)
        made[said.source] = (documents + 1, length + len(tokens), frequency + Counter(set(tokens) & terms))
    return made


def quick(found: SourceStatistics) -> dict[str, tuple[int, int, Counter[str]]]:
    made = {}
    for at, source in enumerate(found.sources):
        frequency = Counter(dict(zip(found.terms, found.frequency[at].tolist(), strict=True)))
        made[source] = (int(found.documents[at]), int(found.lengths[at]), +frequency)
    return made


@pytest.mark.parametrize("seed", range(10))
def test_sums_by_source_are_those_of_the_texts(seed: int) -> None:
    rng, of = world(seed)
    for _ in range(3):
        of.apply(plant(rng, of, [SOURCES[int(rng.integers(5))]]))
        found = of.engine.by_source()
        assert found is not None
        assert quick(found) == slow(of)
        assert found.average_idf == of.engine.lexical.statistics().average_idf  # type: ignore[union-attr]  # it is on
    of.apply(dict.fromkeys(of.state))
    empty = of.engine.by_source()
    assert empty is not None
    assert empty.sources == ()


def quiet(rng: np.random.Generator, of: World, source: str, words: list[str], count: int) -> dict[str, Said | None]:
    """Long chunks that say some words once among many others: they enter no list, but move what the words weigh."""
    made: dict[str, Said | None] = {}
    for at in range(count):
        filler = rng.choice(COMMON, 400).tolist()
        made[f"quiet-{source}-{of.offset}-{at}"] = Said(" ".join([*words, *filler]), source, f"{source}/quiet")
    return made


@pytest.mark.parametrize("seed", range(30))
def test_contributions_add_up_to_the_score_difference(seed: int) -> None:
    rng, of = world(seed)
    then, scores_then = of.engine.by_source(), of.lists()["lexical"]
    assert then is not None
    for source in rng.choice(SOURCES, 1 + seed % 4, replace=False).tolist():
        of.apply(quiet(rng, of, source, WORDS[int(rng.integers(8))][:5], int(rng.integers(1, 25))))
    now, scores_now = of.engine.by_source(), of.lists()["lexical"]
    assert now is not None
    known = CorpusView(of.corpus, of.engine)
    weigher = AumannShapleyAttributor(of.engine.lexical.bm25, then, now, known._occurrences)  # type: ignore[union-attr]  # it is on
    for row in range(0, len(scores_now), 5):
        both = [key for key in scores_now.keys[row].tolist() if key in scores_then.keys[row].tolist() and key >= 0]
        found = known._occurrences(row, np.array(both))
        assert found is not None
        moved = weigher.moved(found.terms)
        assert moved is not None
        summed = weigher.contributions(moved, found).sum(axis=0)
        before = dict(zip(scores_then.keys[row], scores_then.scores[row], strict=True))
        after = dict(zip(scores_now.keys[row], scores_now.scores[row], strict=True))
        assert summed == pytest.approx([after[key] - before[key] for key in both], abs=1e-9)


def moved_lists(seed: int, sources: list[str]) -> dict[str, float]:
    """Shares by source of the slots that only statistics moved."""
    rng, of = world(seed)
    baseline = of.snapshot()
    for at, source in enumerate(sources):
        topic = (seed + at) % 8
        of.apply(quiet(rng, of, source, WORDS[topic][: 5 if at % 2 else 4], 40))
    lexical = leg_of(of.blame(baseline), "lexical")
    assert all(isinstance(lexical.causes[at], Statistics) for at in lexical.cause.tolist())
    return {one.name: one.share for one in folded(lexical, "source", by_source, statistics=whose)}


def test_one_source_that_moved_all_statistics_has_all_the_blame() -> None:
    seen = 0
    for seed in range(40):
        source = SOURCES[seed % 5]
        shares = moved_lists(seed, [source])
        if shares:
            seen += 1
            assert shares == {source: pytest.approx(1.0)}
    assert seen > 20, seen


def test_two_sources_that_did_the_same_have_the_same_share() -> None:
    """Symmetry, up to the steps of the path: the order of the sources must not matter."""
    found = []
    for seed in range(30):
        rng, of = world(seed)
        baseline = of.snapshot()
        text = " ".join([*WORDS[seed % 8][:5], *rng.choice(COMMON, 400).tolist()])
        for at in range(30):
            of.apply({f"q{at}{source}": Said(text, source, "d") for source in ("red", "gold")})
        lexical = leg_of(of.blame(baseline), "lexical")
        shares = {one.name: one.share for one in folded(lexical, "source", by_source, statistics=whose)}
        if shares:
            found.append(shares)
            assert shares["red"] == pytest.approx(shares["gold"], abs=0.02)
    assert len(found) > 10


def test_without_statistics_of_then_nobody_is_named() -> None:
    rng, of = world(3)
    baseline = of.snapshot()
    then = baseline.lists["lexical"]
    of.apply(quiet(rng, of, "red", WORDS[3][:5], 40))
    known = CorpusView(of.corpus, of.engine)
    made = attribute("lexical", (then, of.lists()["lexical"]), np.arange(len(then)), known.changes(baseline), None)
    assert {cause for cause in made.causes if isinstance(cause, Statistics)} <= {Statistics("")}


def test_a_query_term_that_was_not_counted_then_is_not_weighed() -> None:
    _, of = world(4)
    then = of.engine.by_source()
    assert then is not None
    weigher = AumannShapleyAttributor(of.engine.lexical.bm25, then, then, lambda *_: None)  # type: ignore[union-attr]  # it is on
    assert weigher.moved(("never",)) is None
    assert list(weigher(0, np.array([1, 2]), np.array([3]), True)) == [NOBODY_WEIGHED] * 2


def test_moved_statistics_name_the_documents_that_moved_them_and_never_stand_above_a_name() -> None:
    seen = 0
    for seed in range(12):
        rng, of = world(seed)
        baseline, source = of.snapshot(), SOURCES[seed % 5]
        of.apply(quiet(rng, of, source, WORDS[seed % 8][:4], 40))
        lexical = leg_of(of.blame(baseline), "lexical")
        shares = folded(lexical, "document", by_document, statistics=documents_of)
        if not shares:
            continue
        seen += 1
        assert sum(one.share for one in shares) == pytest.approx(1.0)
        changed = {row.doc_id for row in of.corpus.rows() if row.origin.offset >= baseline.positions["t/0"]}
        assert {one.name for one in shares} <= changed
        # the same told without names: nobody but the statistics
        assert [one.name for one in folded(lexical, "document", by_document)] == [STATISTICS.name]
    assert seen > 6, seen


def test_statistics_that_nobody_can_be_named_for_stand_behind_every_name() -> None:
    row, key, entered = np.array([0, 0, 1]), np.array([5, 6, 7]), np.array([True, True, False])
    event = Event(Position("t", 0, 3), "update", "c", "d", "s", (), "v")
    half = Statistics("s", (ChangedPart("other", (), 0.5),))
    one = Attribution("lexical", (event, Statistics("s"), half), row, key, entered, np.array([0, 1, 2]), np.ones(3))
    found = folded(one, "document", by_document, statistics=documents_of)
    assert [(of.name, of.slots, of.anchors) for of in found] == [
        ("d", 1.0, 1),
        ("other", 0.5, 1),
        (STATISTICS.name, 1.0, 1),
        (OTHERS.name, 0.5, 1),
    ]
