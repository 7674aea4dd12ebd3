"""What is measured of a listed chunk, as a few whole numbers looked up once."""

from monitor.core.index.baseline import Snapshot, content_key
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

    def content_last(self, key: int) -> int:
        """The content key of what a chunk said in the baseline, else says or said last; NO_CHUNK where unknown."""
        said = "" if key == NO_CHUNK else self._changes.content_last(key)
        return content_key(key, {key: said}) if said else NO_CHUNK

    def ahead(self, keys: list[int]) -> None:
        """What changed of all that will be looked up, at once."""
        if self.seen.facts.events:
            self._changes.events([key for key in keys if key != NO_CHUNK])

    def __call__(self, key: int) -> tuple[int, ...]:
        """The numbers of one chunk."""
        if key == NO_CHUNK:
            return ListedChunk(NO_CHUNK, NO_CHUNK, NO_CHUNK, NO_VECTOR, 0, 0)
        seen, facts = self.seen, self.seen.facts
        source, document = facts.origin(key)
        then = self._members.get(key) if not (source or document) else None
        if then is not None:  # it is gone: it belongs where it belonged
            source, document = then.source, then.doc_id
        changed = facts.events and self._changes.event(key) is not None
        said, stated = seen.hashes.get(key), seen.served.get(key, "")
        ghost = said is None or bool(stated and said and stated != said)
        codes = name_code(source), document_code(key, document), content_key(key, seen.hashes)
        return ListedChunk(*codes, facts.slot(key), int(changed), int(ghost))
