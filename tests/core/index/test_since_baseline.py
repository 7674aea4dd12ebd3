"""What is looked up in columns, all at once, is what each chunk's row says by itself."""

from collections.abc import Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from monitor.core.index.baseline import Member, Snapshot
from monitor.core.index.chunk_status import ChunkStatus
from monitor.core.index.corpus import ChunkRow, Corpus
from monitor.core.index.since_baseline import KINDS, ChangesSinceBaseline
from monitor.core.measures.comparison.content_hashes import ContentHashes, hashes_of
from monitor.core.measures.comparison.facts import source_of
from monitor.core.model.lists import NO_CHUNK
from tests.core.index.test_chunk_table import HASHES, rows
from tests.fingerprints import EXACT

KEYS = [0, 1, 2**10, 2**11, 2**63 - 1, 77, 2**32 + 1]
STATUSES: tuple[ChunkStatus, ...] = ("same", "other", "absent", "unknown")
SEGMENTS = [(), (("language", "de"),), (("language", "de"), ("source", "x")), (("source", "nobody's"),)]
VECTORS = ["", "v", "w"]
members = st.builds(
    Member,
    chunk_id=st.sampled_from("ab"),
    doc_id=st.just("then"),
    source=st.sampled_from(["", "there"]),
    content_hash=st.sampled_from(HASHES),
    segment=st.sampled_from(SEGMENTS),
    vector=st.sampled_from(VECTORS),
)


def status(keys: NDArray[np.int64], slots: NDArray[np.int64]) -> Sequence[ChunkStatus]:
    return [STATUSES[(key + slot) % 4] for key, slot in zip(keys.tolist(), slots.tolist(), strict=True)]


class Plain:
    """Each chunk by itself, by its row."""

    def __init__(self, baseline: Snapshot, row: ChunkRow | None, key: int, vector: str) -> None:
        self.baseline, self.row, self.key, self.vector = baseline, row, key, vector
        self.member = baseline.members.get(key)

    def since(self, row: ChunkRow) -> bool:
        return row.origin.offset >= self.baseline.positions.get(row.origin.source.name, 0)

    def kind(self) -> str | None:
        row, member = self.row, self.member
        if member is not None:
            if row is None or not row.live:
                return "delete"
            if row.content_hash != member.content_hash or (member.segment and row.segment != member.segment):
                return "update"
            reencoded = self.since(row) and member.vector and self.vector not in ("", member.vector)
            return "reencode" if reencoded else None
        if row is None:
            return None
        said = STATUSES[(row.key + row.slot) % 4] if row.live else "unknown"
        if said == "unknown":
            return KINDS[row.how] if self.since(row) else None
        if said == "same":
            return None
        again = row.how in ("reencoded", "restored")
        if said == "other":
            return "reencode" if again else "update"
        return "return" if row.how == "restored" else "upsert"

    def now(self) -> str | int:
        return self.row.content_hash if self.row and self.row.live and self.row.content_hash else self.key

    def then(self) -> str | int:
        return self.member.content_hash if self.member and self.member.content_hash else self.key

    def last(self) -> str:
        said = self.member.content_hash if self.member else ""
        return said or (self.row.content_hash if self.row else "")


@settings(max_examples=300, deadline=None)
@given(
    st.lists(rows, max_size=7, unique_by=lambda row: row.key),
    st.dictionaries(st.sampled_from(KEYS), members, max_size=7),
    st.sampled_from([{}, {"t/0": 9, "u/v/1": 2**62}]),
    st.sampled_from(VECTORS),
    st.permutations([*KEYS, 5, 2**12, NO_CHUNK]),
)
def test_what_became_of_a_chunk_and_what_it_says(
    known: list[ChunkRow], then: dict[int, Member], positions: dict[str, int], vector: str, asked: list[int]
) -> None:
    """Odd content hashes, unknown keys, deleted chunks, repeated offsets; nobody knows copies."""
    corpus, by_key = Corpus(0), {row.key: row for row in known}
    corpus._table.put(*known)
    baseline = Snapshot("b", "", 0, EXACT, {}, {}, then, positions=positions)
    plain = {key: Plain(baseline, by_key.get(key), key, vector) for key in asked}

    def changes() -> ChangesSinceBaseline:
        return ChangesSinceBaseline(baseline, corpus, lambda _: vector, status)

    found, one_by_one = changes(), changes()
    events = found.events(asked)
    assert [None if of is None else of.kind for of in events] == [plain[key].kind() for key in asked]
    assert [one_by_one.event(key) for key in asked] == events == found.events(asked)
    for key, event in zip(asked, events, strict=True):
        row, member = by_key.get(key), then.get(key)
        if event is not None and row is not None:
            source = source_of(row) or (member.source if member else "")
            assert (event.position, event.source, event.segment) == (row.origin, source, row.segment)
    came = {row.key: row for row in changes().came(asked)}
    assert came == {key: by_key[key] for key in asked if plain[key].kind() in ("upsert", "update")}
    assert {row.key: row for row in found.came(asked)} == came, "what was looked up before"
    assert found.contents_then(asked) == [plain[key].then() for key in asked]
    assert found.contents_now(asked) == [plain[key].now() for key in asked]
    assert found.contents_last(asked) == [plain[key].last() for key in asked]
    hashes = ContentHashes(corpus)
    assert hashes_of(asked, hashes) == [hashes.get(key) for key in asked] == hashes_of(asked, dict(hashes))
