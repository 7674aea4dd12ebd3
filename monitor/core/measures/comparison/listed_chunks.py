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

_NONE = ListedChunk(NO_CHUNK, NO_CHUNK, NO_CHUNK, NO_VECTOR, 0, 0)
"""Behind the end of a list."""


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
        facts, stated = self.seen.facts, self.seen.served
        said = hashes_of(keys, self.seen.hashes)
        origins = zip(keys, facts.origins(keys), strict=True)
        owners = [origin if origin[0] or origin[1] else self._owned(key) for key, origin in origins]
        changed: Sequence[object] = [None] * len(keys)
        if facts.events:
            changed = self._changes.events(keys)
        made = np.empty((len(ListedChunk._fields), len(keys)), np.int64)
        made[0] = [name_code(source) for source, _ in owners]
        made[1] = [document_code(key, document) for key, (_, document) in zip(keys, owners, strict=True)]
        made[2] = [said_key(of) if of else key for key, of in zip(keys, said, strict=True)]
        made[3] = facts.slots(keys)
        made[4] = [event is not None for event in changed]
        made[5] = [of is None for of in said]
        for at, (key, of) in enumerate(zip(keys, said, strict=True) if stated else ()):
            made[5, at] |= bool(of and stated.get(key, of) not in ("", of))
        made[:, np.array(keys, np.int64) == NO_CHUNK] = np.array(_NONE, np.int64)[:, None]
        return made.T.copy()

    def _owned(self, key: int) -> tuple[str, str]:
        """Where a chunk belonged that is gone."""
        then = self._members.get(key)
        return ("", "") if then is None else (then.source, then.doc_id)
