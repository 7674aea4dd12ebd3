"""The demo's story: what each deploy does to the corpus and to the anchors' results, and that a seed decides it."""

from collections import Counter

import numpy as np
import pytest

from monitor.adapters.encoders.latent_model import LatentModel, fit
from monitor.core.model.events import Delete, Deploy, Upsert, text_hash
from monitor.core.text.sentences import first_sentence
from monitor.demo.scenario import (
    DAY,
    INCIDENT,
    INITIAL,
    ORDINARY,
    RECHUNKED,
    DocumentedObject,
    Kind,
    ScenarioPlan,
    Update,
    draw_anchors,
    story,
    updates,
)

PLAN = ScenarioPlan("flooded", "lost", ("renamed",), flood=0.2)
PACKAGES = ("flooded", "lost", "other", "plain", "renamed", "rest")
START = 1_700_000_000_000_000


def corpus() -> list[DocumentedObject]:
    """Six packages with a vocabulary of their own and one in common, Zipfian, 200 documented objects each."""
    draw = np.random.default_rng(1)
    common = [f"common{number}" for number in range(60)]
    odds = 1 / np.arange(1, 121)
    made = []
    for package in PACKAGES:
        words = [*(f"{package}{number}" for number in range(60)), *common]
        turned = [words[at] for at in draw.permutation(120)]
        for number in range(200):
            size = int(draw.integers(8, 40))
            drawn = draw.choice(turned, size=size, p=odds / odds.sum())
            text = f"{' '.join(drawn[:6])}. {' '.join(drawn[6:])}"
            kind: Kind = "method" if number % 3 else "class"
            module = f"{package}.m{number // 20}"
            made.append(DocumentedObject(f"{module}:o{number}", module, number % 20, text, package, kind))
    return made


@pytest.fixture(scope="module")
def objects() -> list[DocumentedObject]:
    return corpus()


@pytest.fixture(scope="module")
def model(objects: list[DocumentedObject]) -> LatentModel:
    return fit([one.text for one in objects], np.random.default_rng(0), dimension=48)


def deploys(objects: list[DocumentedObject], plan: ScenarioPlan = PLAN, seed: int = 3) -> list[Update]:
    return list(updates(objects, plan, np.random.default_rng(seed)))


def states(objects: list[DocumentedObject], made: list[Update]) -> list[dict[str, DocumentedObject]]:
    """The live corpus after each deploy, replayed naively."""
    live: dict[str, DocumentedObject] = {}
    kept = []
    for update in made:
        live.update({one.chunk_id: one for one in update.upserts})
        for chunk_id in update.deletes:
            del live[chunk_id]
        kept.append(dict(live))
    return kept


def swaps_by_source(
    objects: list[DocumentedObject], model: LatentModel, plan: ScenarioPlan
) -> list[dict[str, float]]:
    """Mean swaps@10 per anchor source and deploy, counted on texts (another id for the same text is no swap)."""
    anchors = draw_anchors(objects, np.random.default_rng(2), count=150, watched=20)
    queries = model.encode([anchor.text for anchor in anchors])
    before: list[Counter[str]] = []
    means = []
    for live in states(objects, deploys(objects, plan)):
        rows = [live[chunk_id] for chunk_id in sorted(live)]
        ranked = np.argsort(-(queries @ model.encode([one.text for one in rows]).T), axis=1, kind="stable")[:, :10]
        now = [Counter(rows[at].text for at in ranks) for ranks in ranked.tolist()]
        if before:
            moved: dict[str, list[int]] = {"all": []}
            for anchor, one, other in zip(anchors, before, now, strict=True):
                swaps = 10 - (one & other).total()
                moved["all"].append(swaps)
                moved.setdefault(anchor.expected_sources[0], []).append(swaps)
            means.append({source: float(np.mean(values)) for source, values in moved.items()})
        before = now
    return means


def test_each_deploy_does_what_it_says(objects: list[DocumentedObject]) -> None:
    made = deploys(objects)
    assert [update.deploy_id for update in made] == [INITIAL, ORDINARY, RECHUNKED, INCIDENT]
    initial, ordinary, _, _ = made
    live = states(objects, made)
    known = {one.chunk_id: one for one in objects}
    assert len(initial.upserts) == 1200 - 6
    assert not initial.deletes

    edited = [one for one in ordinary.upserts if one.chunk_id in live[0]]
    late = [one for one in ordinary.upserts if one.chunk_id not in live[0]]
    assert len(edited) == 12
    assert len(late) == 6
    assert len(ordinary.deletes) == 4
    assert all(known[one.chunk_id] == one for one in late), "what comes is real"
    assert all(one.text.startswith(known[one.chunk_id].text) and one != known[one.chunk_id] for one in edited)
    assert not {one.package for one in ordinary.upserts} & set(PLAN.packages)

    def content(at: int) -> Counter[tuple[str, str, str]]:
        return Counter((one.doc_id, one.package, one.text) for one in live[at].values())

    assert content(1) == content(2)
    moved = set(live[1]) - set(live[2])
    assert {live[1][chunk_id].package for chunk_id in moved} == {"renamed"}
    assert len(moved) == 200

    flood = [live[3][chunk_id] for chunk_id in set(live[3]) - set(live[2])]
    assert {one.package for one in flood} == {"flooded"}
    assert len(flood) == round(0.2 * len(live[2]))
    assert {one.package for one in live[3].values()} == set(PACKAGES) - {"lost"}
    originals = [one.text for one in live[2].values() if one.package == "flooded"]
    for one in flood[:50]:
        assert any(one.text.startswith(text) and 1 <= len(one.text[len(text) :].split()) <= 3 for text in originals)


def test_drift_is_small_then_none_then_large_where_the_culprits_are(
    objects: list[DocumentedObject], model: LatentModel
) -> None:
    ordinary, rechunked, incident = swaps_by_source(objects, model, PLAN)
    assert 0 < ordinary["all"] < 0.5
    assert rechunked["all"] == 0.0
    assert incident["flooded"] > 2
    assert incident["lost"] > 2
    assert max(incident[source] for source in ("other", "plain", "renamed", "rest")) < 2


def test_another_culprit_moves_other_segments(objects: list[DocumentedObject], model: LatentModel) -> None:
    *_, incident = swaps_by_source(objects, model, ScenarioPlan("plain", "rest", ("renamed",), flood=0.2))
    assert min(incident["plain"], incident["rest"]) > 2
    assert max(incident["flooded"], incident["lost"]) < 2


def test_the_story_is_upserts_deletes_and_a_marker_a_day(objects: list[DocumentedObject], model: LatentModel) -> None:
    made = deploys(objects)
    events = list(story(iter(made), model.encode, embedding_version="v:1", start=START))
    markers = [at for at, event in enumerate(events) if isinstance(event, Deploy)]
    assert len(markers) == 4
    assert markers[-1] == len(events) - 1
    times = [event.chunk.event_time if isinstance(event, Upsert) else event.event_time or 0 for event in events]
    assert times == sorted(times)
    assert times[0] == START
    assert times[markers[0] + 1] == START + DAY
    assert {event.version for event in events[markers[2] + 1 : -1] if isinstance(event, Upsert | Delete)} == {4}
    upserts = [event.chunk for event in events if isinstance(event, Upsert)]
    texts = [chunk.text for chunk in upserts]
    np.testing.assert_array_equal(
        np.stack([chunk.vector for chunk in upserts if chunk.vector is not None]), model.encode(texts)
    )
    assert all(chunk.content_hash == text_hash(chunk.text) for chunk in upserts)
    assert {chunk.embedding_version for chunk in upserts} == {"v:1"}


def test_the_seed_decides_everything(objects: list[DocumentedObject]) -> None:
    assert deploys(objects) == deploys(objects)
    assert deploys(objects) != deploys(objects, seed=4)
    ids = [[anchor.id for anchor in draw_anchors(objects, np.random.default_rng(seed))] for seed in (1, 1, 2)]
    assert ids[0] == ids[1]
    assert ids[0] != ids[2]


def test_anchors_are_stratified_and_have_one_source() -> None:
    def made(package: str, size: int, word: str = "") -> list[DocumentedObject]:
        return [
            DocumentedObject(
                f"{package}:{at}", package, at, f"The {word or package} thing {at}.\nMore.", package, "class"
            )
            for at in range(size)
        ]

    objects = [*made("big", 600), *made("middle", 110), *made("small", 30), *made("tiny", 5)]
    objects += [*made("twin", 110, "same"), *made("copy", 110, "same")]
    objects += [DocumentedObject("short:0", "short", 0, "Two words.", "short", "class")]
    objects += [DocumentedObject("piece:0", "piece", 0, "A later piece of it.", "piece", "class", part=2)]
    anchors = draw_anchors(objects, np.random.default_rng(0), count=100)
    drawn = Counter(anchor.expected_sources[0] for anchor in anchors)
    assert drawn.total() == 100
    assert drawn["middle"] == 20, "the floor of a watched segment"
    assert drawn["small"] + drawn["tiny"] == 20, "small packages are one stratum"
    assert drawn["big"] == 60
    assert len({anchor.id for anchor in anchors}) == 100
    first = anchors[0]
    assert first.text.startswith("The big thing ")
    assert not first.text.endswith(".")
    assert dict(first.segment)["source"] == "big"
    assert first.vector is None
    assert draw_anchors([], np.random.default_rng(0)) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Return it. Then more.", "Return it"),
        ("Return\n   the sum\n\nArgs:\n  x: one", "Return the sum"),
        ("Usage::\n\n  code", "Usage"),
        ("No stop at all", "No stop at all"),
        ("Version 1.2 is here. Next", "Version 1.2 is here"),
        (" ".join("abcdefghijklmnopqrstuvwxyz"), " ".join("abcdefghijklmnopqrstuvwx")),
        ("", ""),
    ],
)
def test_first_sentences(text: str, expected: str) -> None:
    assert first_sentence(text) == expected


def test_a_package_that_is_not_there_is_named(objects: list[DocumentedObject]) -> None:
    with pytest.raises(
        ValueError, match="package 'absent' of the scenario has no documentation here, expected one of"
    ):
        deploys(objects, ScenarioPlan("flooded", "absent", ()))


def test_a_corpus_of_two_objects_still_has_a_story() -> None:
    two = [DocumentedObject(f"{name}:x", name, 0, "Some words here.", name, "class") for name in ("a", "b")]
    made = deploys(two, ScenarioPlan("a", "b", ()))
    assert list(states(two, made)[-1]) == ["a:x", "a:x+copy1"]
