"""A living corpus: the demo's deploys in rounds without end; each round leaves the corpus as it found it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from monitor.core.model.events import CorpusEvent, Delete, Deploy, Upsert
from monitor.demo.scenario import (
    BATCH,
    INITIAL,
    DocumentedObject,
    Encode,
    ScenarioPlan,
    Update,
    as_chunk,
    incident,
    ordinary,
    rechunked,
    updates,
)

RESTORED = "5-restored"


@dataclass(frozen=True, slots=True)
class Playing:
    """What one producer plays.

    Args:
        name: of this run, the beginning of every deploy id: a deploy id is never judged twice.
        rounds: after the initial corpus; 0 is without end.
        again: an earlier run may have ended in the middle of a round; its leftovers are deleted first.
    """

    name: str
    rounds: int = 0
    again: bool = False


def rounds(
    objects: Sequence[DocumentedObject], plan: ScenarioPlan, generator: np.random.Generator, *, playing: Playing
) -> Iterator[Update]:
    """The initial corpus, then rounds of an ordinary, a re-chunking and an incident update and the way back.

    Nothing grows: after a round the live chunks are the initial ones to the byte, so a pinned baseline stays true.

    Args:
        objects: the corpus; a share of it is held back for the ordinary updates.
        plan: who is hit, and how much changes.
        generator: decides everything that is drawn.
        playing: how often, and under which name.

    Raises:
        ValueError: if a package of the plan has no objects.
    """
    first = next(updates(objects, plan, generator))
    home = {one.chunk_id: one for one in first.upserts}
    late = [one for one in objects if one.chunk_id not in home]
    gone = leftovers(objects, late, plan) if playing.again else []
    yield Update(f"{playing.name}.{INITIAL}", first.upserts, gone)
    number = 0
    while playing.rounds == 0 or number < playing.rounds:
        number += 1
        for update in _round(home, late, plan, generator):
            yield replace(update, deploy_id=f"{playing.name}.{number}.{update.deploy_id}")


def _round(
    home: Mapping[str, DocumentedObject],
    late: Sequence[DocumentedObject],
    plan: ScenarioPlan,
    generator: np.random.Generator,
) -> Iterator[Update]:
    live = dict(home)
    steps: tuple[Callable[[], Update], ...] = (
        lambda: ordinary(live, late, plan, generator),
        lambda: rechunked(live, plan.rechunked),
        lambda: incident(live, plan, generator),
        lambda: restored(home, live),
    )
    for step in steps:
        update = step()
        for chunk_id in update.deletes:
            del live[chunk_id]
        live.update((one.chunk_id, one) for one in update.upserts)
        yield update


def restored(home: Mapping[str, DocumentedObject], live: Mapping[str, DocumentedObject]) -> Update:
    """The revert: what is missing or differs is written as it was, what was added is deleted; equal: nothing."""
    upserts = [one for chunk_id, one in home.items() if live.get(chunk_id) != one]
    return Update(RESTORED, upserts, [chunk_id for chunk_id in live if chunk_id not in home])


def leftovers(objects: Sequence[DocumentedObject], late: Sequence[DocumentedObject], plan: ScenarioPlan) -> list[str]:
    """Ids that are not in the initial corpus and that a round broken off anywhere can have left live.

    The copies and new names of a round are among those drawn from the whole corpus: ids depend on what is hit, and
    the ordinary update does not touch that.
    """
    whole = {one.chunk_id: one for one in objects}
    copies = incident(whole, plan, np.random.default_rng(0)).upserts
    renamed = rechunked(whole, plan.rechunked).upserts
    return [one.chunk_id for one in (*late, *copies, *renamed)]


def as_events(
    update: Update, encode: Encode, *, embedding_version: str, now: Callable[[], int]
) -> Iterator[CorpusEvent]:
    """One update as corpus events: upserts, deletes, then the deploy's marker.

    Events have no version: their place in the partition orders them, also over restarts of the producer.

    Args:
        update: what changes.
        encode: texts to (n, d) float32 vectors.
        embedding_version: what the encoder calls itself.
        now: event time of the next event, microseconds since the Unix epoch.
    """
    for low in range(0, len(update.upserts), BATCH):
        batch = update.upserts[low : low + BATCH]
        for one, vector in zip(batch, encode([one.text for one in batch]), strict=True):
            yield Upsert(as_chunk(one, vector, embedding_version, now()))
    for chunk_id in update.deletes:
        yield Delete(chunk_id, now())
    yield Deploy(update.deploy_id, now(), {})


def smaller(objects: Sequence[DocumentedObject], most: int, spared: Sequence[str]) -> list[DocumentedObject]:
    """About `most` objects in their order: all of the spared packages, evenly drawn others; 0 is all."""
    others = [at for at, one in enumerate(objects) if one.package not in spared]
    room = max(0, most - (len(objects) - len(others)))
    if not most or room >= len(others):
        return list(objects)
    kept = {others[at * len(others) // room] for at in range(room)}
    return [one for at, one in enumerate(objects) if at in kept or one.package in spared]
