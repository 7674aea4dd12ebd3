"""Rounds of the living demo: each leaves the corpus as it found it, and a broken-off one leaves nothing behind."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from monitor.core.model.events import Delete, Deploy, Upsert
from monitor.demo.rounds import Playing, as_events, leftovers, restored, rounds, smaller
from monitor.demo.scenario import DocumentedObject, Update
from tests.demo.test_scenario import PACKAGES, PLAN, corpus

NAME = "now"


@pytest.fixture(scope="module")
def objects() -> list[DocumentedObject]:
    return corpus()


def told(objects: list[DocumentedObject], *, seed: int = 3, times: int = 0, again: bool = False) -> Iterator[Update]:
    return rounds(objects, PLAN, np.random.default_rng(seed), playing=Playing(NAME, times, again))


def applied(live: dict[str, DocumentedObject], update: Update) -> None:
    live.update((one.chunk_id, one) for one in update.upserts)
    for chunk_id in update.deletes:
        live.pop(chunk_id, None)


def test_ids_are_of_the_run_and_the_round(objects: list[DocumentedObject]) -> None:
    assert [update.deploy_id for update in told(objects, times=2)] == [
        "now.initial",
        *(f"now.1.{what}" for what in ("2-ordinary", "3-rechunked", "4-incident", "5-restored")),
        *(f"now.2.{what}" for what in ("2-ordinary", "3-rechunked", "4-incident", "5-restored")),
    ]


def test_every_round_leaves_the_corpus_as_it_found_it(objects: list[DocumentedObject]) -> None:
    live: dict[str, DocumentedObject] = {}
    homes = []
    for update in told(objects, times=3):
        before = dict(live)
        applied(live, update)
        assert update.upserts
        assert live != before
        if update.deploy_id.endswith(("initial", "restored")):
            homes.append(dict(live))
    assert len(homes) == 4
    assert all(home == homes[0] for home in homes)


def test_rounds_without_end_differ_from_each_other(objects: list[DocumentedObject]) -> None:
    many = list(islice(told(objects), 13))
    ordinary = [[one.text for one in update.upserts] for update in many if update.deploy_id.endswith("ordinary")]
    assert len(ordinary) == 3
    assert ordinary[0] != ordinary[1] != ordinary[2]


@pytest.mark.parametrize("stopped", range(1, 9))
@pytest.mark.parametrize("share", [0.3, 1.0])
def test_a_run_after_one_that_broke_off_anywhere_begins_at_home(
    objects: list[DocumentedObject], stopped: int, share: float
) -> None:
    live: dict[str, DocumentedObject] = {}
    for number, update in enumerate(islice(told(objects, seed=5, times=2), stopped)):
        part = share if number == stopped - 1 and number else 1.0
        upserts = update.upserts[: round(part * len(update.upserts))]
        deletes = update.deletes[: round(part * len(update.deletes))]
        applied(live, replace(update, upserts=upserts, deletes=deletes))
    second = told(objects, seed=6, times=1, again=True)
    initial = next(second)
    applied(live, initial)
    assert live == {one.chunk_id: one for one in initial.upserts}


def test_the_first_run_deletes_nothing(objects: list[DocumentedObject]) -> None:
    assert next(told(objects)).deletes == []


def test_restoring_what_did_not_change_is_nothing(objects: list[DocumentedObject]) -> None:
    home = {one.chunk_id: one for one in objects}
    made = restored(home, home)
    assert (made.upserts, made.deletes) == ([], [])


def test_leftovers_are_none_of_the_corpus_but_what_comes_late(objects: list[DocumentedObject]) -> None:
    late = objects[:3]
    made = leftovers(objects, late, PLAN)
    assert len(set(made)) == len(made)
    assert set(made) & {one.chunk_id for one in objects} == {one.chunk_id for one in late}


def test_events_carry_no_version_and_their_own_times(objects: list[DocumentedObject]) -> None:
    times = iter(range(1_000, 2_000))
    update = Update("d", objects[:3], ["gone"])
    made = list(
        as_events(
            update, lambda texts: np.ones((len(texts), 2), np.float32), embedding_version="e", now=times.__next__
        )
    )
    assert [type(one) for one in made] == [Upsert, Upsert, Upsert, Delete, Deploy]
    assert [one.version for one in made if isinstance(one, Upsert | Delete)] == [None] * 4
    assert [one.chunk.event_time for one in made if isinstance(one, Upsert)] == [1_000, 1_001, 1_002]
    assert made[-1] == Deploy("d", 1_004, {})


@pytest.mark.parametrize(("most", "expected"), [(0, 1_200), (500, 500), (1, 400), (5_000, 1_200)])
def test_a_smaller_corpus_keeps_the_packages_that_are_hit(
    objects: list[DocumentedObject], most: int, expected: int
) -> None:
    spared = PACKAGES[:2]
    made = smaller(objects, most, spared)
    assert len(made) == expected
    assert [one for one in objects if one in made] == made
    assert sum(one.package in spared for one in made) == 400
