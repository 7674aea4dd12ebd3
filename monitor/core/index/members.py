"""The chunks in a baseline's lists in columns, made once: what chunks are compared with by the thousand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from monitor.core.index.baseline import Snapshot
from monitor.core.index.chunk_columns import ChunkColumns
from monitor.core.index.row_columns import content_numbers
from monitor.core.model.events import Segment

NOWHERE = -1
"""The place of a chunk that stood in no list."""
_ANY = -1
"""In place of a segment that was not kept: whatever it is now counts as the same."""
_STRANGE = -2
"""In place of a segment that no member had."""


@dataclass(frozen=True, slots=True, eq=False)
class MemberColumns:
    """The m chunks in a baseline's lists.

    Args:
        keys: (m,) int64, ascending; a place in the columns is one in it.
        contents: (m, 2) uint64, content hashes of 128 bits.
        odd: by place, the content hashes of another form.
        segment: (m,) int64, a number of each one's segment.
        numbers: of the segments.
        saying: by content hash, the keys of those that said it.
    """

    keys: NDArray[np.int64]
    contents: NDArray[np.uint64]
    odd: Mapping[int, str]
    segment: NDArray[np.int64]
    numbers: Mapping[Segment, int]
    saying: Mapping[str, Sequence[int]]

    def places(self, keys: NDArray[np.int64]) -> NDArray[np.int64]:
        """(n,) the place of each of n chunks, NOWHERE for one that stood in no list."""
        if not len(self.keys):
            return np.full(len(keys), NOWHERE)
        places = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        return np.where(self.keys[places] == keys, places, NOWHERE)

    def differ(self, places: NDArray[np.int64], now: ChunkColumns) -> NDArray[np.bool_]:
        """(n,) bool, whether chunks say something else than the members in these places did, or in another segment.

        Args:
            places: (n,) in [0, m).
            now: the n chunks as they are.
        """
        then = self.contents[places]
        differs: NDArray[np.bool_] = (then[:, 0] != now.cells["content"]) | (then[:, 1] != now.cells["content_rest"])
        odd = [at for at in np.flatnonzero(~then.any(axis=1)).tolist() if places.item(at) in self.odd]
        for at in {*odd, *now.aside}:
            # of a hash in digits the other says nothing: no hash of another form equals it
            differs[at] = self.odd.get(places.item(at)) != now.aside.get(at)
        segment, (segments, segment_now) = self.segment[places], now.segments()
        numbers = np.array([self.numbers.get(of, _STRANGE) for of in segments], np.int64)
        differs |= (segment != _ANY) & (segment != numbers[segment_now])
        return differs


@lru_cache(maxsize=2)
def members_of(baseline: Snapshot) -> MemberColumns:
    """Of a baseline, which is compared with many times."""
    members = sorted(baseline.members.items())
    hashes = [member.content_hash for _, member in members]
    contents, odd = content_numbers(hashes)
    numbers: dict[Segment, int] = {(): _ANY}
    segment = [numbers.setdefault(member.segment, len(numbers)) for _, member in members]
    saying: dict[str, list[int]] = {}
    for key, member in baseline.members.items():
        saying.setdefault(member.content_hash, []).append(key)
    return MemberColumns(
        np.array([key for key, _ in members], np.int64),
        contents,
        {at: hashes[at] for at in np.flatnonzero(odd).tolist()},
        np.array(segment, np.int64),
        numbers,
        saying,
    )
