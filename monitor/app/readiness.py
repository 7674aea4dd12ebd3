"""Readiness: whether an index that production fills is at rest and holds a deploy, so that it can be judged."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.app.health import Clocks
from monitor.core.index.corpus import Corpus
from monitor.core.index.index_sample import sampled
from monitor.core.model.changes import ChunkRow
from monitor.core.model.problems import Problem, ProblemKind
from monitor.ports import Retriever, Unanswered

SAMPLE = 512
"""Changed chunks looked for: of an update that lacks one chunk in a hundred, 99 such samples in 100 find one."""
DEADLINE = 2.0
"""Seconds for the sample: two small requests."""
PAUSE, PAUSES = 1.0, 4.0
"""Between two looks: seconds, and times what the last one took, so that looking takes a fifth of the time at most."""
NOBODY = np.zeros(0, np.int64)


class Readiness:
    """Looks whether the index is at rest and holds what the open deploy changed, of which it keeps a sample by key.

    A chunk is held where the index states its content hash, or none at all; a deleted one where it is not there.

    Args:
        retriever: the index.
        corpus: what the events say.
        clocks: the monotonic one paces.
        timeout: seconds that a deploy waits.
    """

    def __init__(self, retriever: Retriever, corpus: Corpus, clocks: Clocks, *, timeout: float) -> None:
        self._retriever, self._corpus, self._clocks, self._timeout = retriever, corpus, clocks, timeout
        self._keys: NDArray[np.int64] = NOBODY
        self._deploy, self._until, self._next = "", 0.0, 0.0
        self.missing: tuple[Problem, ...] = ()
        """What kept the deploy from being judged at the last look."""

    def changed(self, keys: NDArray[np.int64]) -> None:
        """These chunks came, changed or went since the last deploy that was judged by the index."""
        self._keep(keys)

    def resume(self, since: Mapping[str, int]) -> None:
        """After a restart: what changed behind these next offsets, by `topic/partition`."""
        self._keep(self._corpus.behind(since))

    def _keep(self, keys: NDArray[np.int64]) -> None:
        # the smallest by a fixed order: the same sample, however the changes were cut into batches
        self._keys = sampled(np.union1d(self._keys, keys), NOBODY, salt=0, count=SAMPLE)

    @property
    def waiting(self) -> Mapping[str, str]:
        """The deploy that waits for the index, and for what; empty where none does."""
        return {self._deploy: "; ".join(of.text for of in self.missing)} if self._deploy and self.missing else {}

    @property
    def behind(self) -> tuple[Problem, ...]:
        """Why the index does not hold the deploy, as of the last look; whether it is at rest it says itself."""
        return tuple(of for of in self.missing if of.kind is ProblemKind.INDEX_BEHIND)

    def holds_back(self, deploy_id: str) -> bool:
        """Whether this deploy, all of whose events are applied, has still to wait before it is judged.

        An index in a state that does not pass by itself is not waited for.
        """
        now = self._clocks.monotonic()
        if deploy_id != self._deploy:
            self._deploy, self._until, self._next = deploy_id, now + self._timeout, now
        self._look(now)
        return all(of.kind.passes for of in self.missing) and bool(self.missing) and now < self._until

    def ready_now(self, deploy_id: str) -> bool:
        """Whether a deploy that was judged without the index can be judged by it; looked for at intervals."""
        self._deploy = deploy_id
        return self._look(self._clocks.monotonic()) and not self.missing

    def settled(self) -> None:
        """The deploy was judged by the index: what changes from here on belongs to the next one."""
        self._keys, self._deploy, self.missing = NOBODY, "", ()

    def _look(self, now: float) -> bool:
        """Look when it is time; whether it was."""
        if now < self._next:
            return False
        self.missing = tuple(self._found())
        after = self._clocks.monotonic()
        self._next = after + max(PAUSE, PAUSES * (after - now))
        return True

    def _found(self) -> Iterator[Problem]:
        rows = self._corpus.known(self._keys.tolist())
        hashes = self._retriever.content_hashes([row.chunk_id for row in rows], deadline=DEADLINE) if rows else {}
        if isinstance(hashes, Unanswered):  # whoever does not answer this answers nothing: one deadline is enough
            said = f"the index does not say whether it holds the deploy ({hashes.reason})"
            yield Problem(ProblemKind.INDEX_BEHIND, said)
            return
        yield from (Problem(ProblemKind.INDEX, text) for text in self._retriever.problems())
        yield from (Problem(ProblemKind.INDEX_BUSY, text) for text in self._retriever.busy())
        if said := lacking(rows, hashes):
            yield Problem(ProblemKind.INDEX_BEHIND, said)


def lacking(rows: Sequence[ChunkRow], hashes: Mapping[str, str]) -> str:
    """What an index does not hold of some changed chunks, "" where it holds all.

    Args:
        rows: the chunks by the events, delete marks among them.
        hashes: content hash by chunk id of those that the index has, "" where it states none.
    """
    absent = sum(row.live and row.chunk_id not in hashes for row in rows)
    other = sum(row.live and hashes.get(row.chunk_id, "") not in ("", row.content_hash) for row in rows)
    left = sum(not row.live and row.chunk_id in hashes for row in rows)
    found = ((absent, "not there"), (other, "there with another content"), (left, "deleted and still there"))
    named = ", ".join(f"{count} {what}" for count, what in found if count)
    looked = f"of {len(rows)} changed chunks looked for"
    return f"the index does not hold the deploy: {looked}, {named}; expected all of it" if named else ""
