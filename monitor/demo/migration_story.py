"""The story of a migration for the demo: a backfill with planted faults, their mending, the cutover and its end."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from monitor.core.model.events import (
    Chunk,
    CorpusEvent,
    Delete,
    Deploy,
    Embed,
    Heartbeat,
    MigrationMarker,
    MigrationStep,
    Upsert,
    text_hash,
)
from monitor.core.text.sentences import first_sentence
from monitor.demo.scenario import BATCH, DAY, SECOND, DocumentedObject, as_chunk
from monitor.ports import Encoder

MIGRATION_ID = "demo"
Act = Literal["load", "backfill", "mend", "cutover", "end"]
MILLISECOND = SECOND // 1_000
LOST = 0.001
"""Share of the chunks that the backfill leaves out."""
EDITED = 0.01
"""Share that is edited while it runs."""
OVERWRITTEN = 5
"""Edited chunks that the backfill had read before and writes afterwards, so that their vectors are stale."""


@dataclass(frozen=True, slots=True)
class MigrationStory:
    """A stream in acts, and what was planted in it.

    Args:
        acts: events by act, in the order of the story.
        missing: chunks that the backfill leaves out.
        stale: chunks whose vectors it makes of their text before.
        resurrected: chunks that it writes after they were deleted.
    """

    acts: Mapping[Act, Sequence[CorpusEvent]]
    missing: tuple[str, ...]
    stale: tuple[str, ...]
    resurrected: tuple[str, ...]


def migration_story(
    objects: Sequence[DocumentedObject], old: Encoder, new: Encoder, generator: np.random.Generator, *, start: int
) -> MigrationStory:
    """The whole of it.

    Args:
        objects: the corpus, with distinct chunk ids and of at least 20 objects.
        old: the encoder in production.
        new: the encoder that is migrated to.
        generator: decides who is hit.
        start: event time of the first event, microseconds since the Unix epoch.
    """
    return _Team(objects, old, new, generator, start).story()


class _Team:
    """Who writes: every live chunk, what is planted, and the time."""

    def __init__(
        self,
        objects: Sequence[DocumentedObject],
        old: Encoder,
        new: Encoder,
        generator: np.random.Generator,
        start: int,
    ) -> None:
        self._old, self._new, self._now = old, new, start
        self._rows = list(_chunks(objects, old, start))
        self._live = {chunk.chunk_id: chunk for chunk in self._rows}
        order = [self._rows[at].chunk_id for at in generator.permutation(len(self._rows)).tolist()]
        lost, edited = max(1, round(LOST * len(order))), max(OVERWRITTEN, round(EDITED * len(order)))
        self._resurrected, self._missing = order[0], order[1 : 1 + lost]
        self._edited = order[1 + lost : 1 + lost + edited]
        self._stale = self._edited[:OVERWRITTEN]

    def story(self) -> MigrationStory:
        acts: dict[Act, Sequence[CorpusEvent]] = {
            "load": [*self._load()],
            "backfill": [*self._backfill()],
            "mend": [*self._mend()],
            "cutover": [self._marker("cutover", SECOND * 3_600), Heartbeat(self._tick(SECOND * 60))],
        }
        acts["end"] = [Heartbeat(self._tick(4 * DAY)), self._marker("end", SECOND), Heartbeat(self._tick(SECOND))]
        return MigrationStory(acts, tuple(sorted(self._missing)), tuple(sorted(self._stale)), (self._resurrected,))

    def _load(self) -> Iterator[CorpusEvent]:
        for chunk in self._rows:
            yield Upsert(replace(chunk, event_time=self._tick()))
        yield Deploy("loaded", self._tick(), {})

    def _backfill(self) -> Iterator[CorpusEvent]:
        """Chunks are read, encoded and written in rows of 1,024; what is edited meanwhile is written twice."""
        yield self._marker("begin", DAY)
        left_out = {*self._missing, *self._edited, self._resurrected}
        read = [chunk for chunk in self._rows if chunk.chunk_id not in left_out]
        before = [self._live[name] for name in (*self._stale, self._resurrected)]
        edits = iter(self._edits())
        for low in range(0, len(read), BATCH):
            yield from self._embeds(read[low : low + BATCH])
            for _ in range(1 + len(self._edited) * BATCH // max(1, len(read))):
                yield from (event for event in (next(edits, None),) if event is not None)
        yield from edits
        del self._live[self._resurrected]
        yield Delete(self._resurrected, self._tick())
        yield from self._embeds(before)  # it had read them before they were edited, and before one was deleted
        yield self._marker("backfilled", SECOND * 60)
        yield Heartbeat(self._tick(SECOND * 60))

    def _edits(self) -> Iterator[CorpusEvent]:
        texts = [
            f"{self._live[name].text}\n\n{first_sentence(self._rows[at].text)}."
            for at, name in enumerate(self._edited)
        ]
        old, new = self._old.encode(texts), self._new.encode(texts)
        for at, name in enumerate(self._edited):
            chunk = replace(
                self._live[name],
                text=texts[at],
                content_hash=text_hash(texts[at]),
                vector=old[at],
                vectors={self._new.embedding_version: new[at]},
                event_time=self._tick(),
            )
            self._live[name] = chunk
            yield Upsert(chunk)

    def _mend(self) -> Iterator[CorpusEvent]:
        """What the list of faults asks for: encode what is missing or stale, delete what came back."""
        self._tick(SECOND * 600)
        yield from self._embeds([self._live[name] for name in (*self._missing, *self._stale)])
        yield Delete(self._resurrected, self._tick())
        yield Heartbeat(self._tick(SECOND * 60))

    def _embeds(self, chunks: Sequence[Chunk]) -> Iterator[Embed]:
        for chunk, vector in zip(chunks, self._new.encode([chunk.text for chunk in chunks]), strict=True):
            version = self._new.embedding_version
            yield Embed(chunk.chunk_id, chunk.content_hash, version, vector, self._tick())

    def _marker(self, step: MigrationStep, later: int) -> MigrationMarker:
        versions = self._old.embedding_version, self._new.embedding_version
        return MigrationMarker(MIGRATION_ID, step, *versions, self._tick(later), {})

    def _tick(self, later: int = MILLISECOND) -> int:
        self._now += later
        return self._now


def _chunks(objects: Sequence[DocumentedObject], old: Encoder, time: int) -> Iterator[Chunk]:
    for low in range(0, len(objects), BATCH):
        batch = objects[low : low + BATCH]
        for one, vector in zip(batch, old.encode([one.text for one in batch]), strict=True):
            yield as_chunk(one, vector, old.embedding_version, time)
