"""What is measured of a listed chunk, as a few whole numbers looked up once."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.baseline import Snapshot, said_key
from monitor.core.measures.comparison.content_hashes import hashes_of
from monitor.core.measures.comparison.seen import Observation
from monitor.core.measures.comparison.watched import document_code, name_code
from monitor.core.measures.formulas.diversity import NO_VECTOR
from monitor.core.measures.views import ListedChunk
from monitor.core.model.lists import NO_CHUNK


class ChunkFeatureLookup:
    """Looks a chunk up once for all that is measured of it.

    Args:
        baseline: what it is compared with.
        seen: facts and hashes.
    """

    def __init__(self, baseline: Snapshot, seen: Observation) -> None:
        self.seen, self._members = seen, baseline.members
        self._changes = seen.facts.changes(baseline)

    def contents_last(self, keys: Sequence[int]) -> NDArray[np.int64]:
        """(n, 1) content keys of what chunks said in the baseline, else say or said last; NO_CHUNK where unknown."""
        last = zip(keys, self._changes.contents_last(keys), strict=True)
        made = [said_key(of) if of and key != NO_CHUNK else NO_CHUNK for key, of in last]
        return np.array(made, np.int64)[:, None]

    def __call__(self, keys: Sequence[int]) -> NDArray[np.int64]:
        """(n, numbers of a `ListedChunk`) of each chunk: all are looked up at once."""
        facts = self.seen.facts
        slots, origins, said = facts.slots(keys).tolist(), facts.origins(keys), hashes_of(keys, self.seen.hashes)
        changed = [False] * len(keys)
        if facts.events:
            there = [at for at, key in enumerate(keys) if key != NO_CHUNK]
            for at, event in zip(there, self._changes.events([keys[at] for at in there]), strict=True):
                changed[at] = event is not None
        made = [self._one(*of) for of in zip(keys, slots, origins, said, changed, strict=True)]
        return np.array(made, np.int64)

    def _one(self, key: int, slot: int, origin: tuple[str, str], said: str | None, changed: bool) -> ListedChunk:
        if key == NO_CHUNK:
            return ListedChunk(NO_CHUNK, NO_CHUNK, NO_CHUNK, NO_VECTOR, 0, 0)
        source, document = origin
        then = self._members.get(key) if not (source or document) else None
        if then is not None:  # it is gone: it belongs where it belonged
            source, document = then.source, then.doc_id
        stated = self.seen.served.get(key, "")
        ghost = said is None or bool(stated and said and stated != said)
        codes = name_code(source), document_code(key, document), said_key(said) if said else key
        return ListedChunk(*codes, slot, int(changed), int(ghost))
