"""Where a look was interrupted: what the state keeps of it beside the positions."""

from collections import deque
from collections.abc import Mapping

import msgspec

from monitor.adapters.retrieval.qdrant.raw import PointId
from monitor.core.model.events import Partition


class Bookmark(msgspec.Struct, frozen=True):
    """How far a look is once all records before `offset` are committed.

    Args:
        offset: the next one.
        cursor: the point that it goes on with; None where no look is under way.
        changed: whether something changed that no deploy marker stands behind.
        deploy: the id that its marker was asked to have; "" for one by time.
    """

    offset: int = 0
    cursor: PointId | None = None
    changed: bool = False
    deploy: str = ""


class Bookmarks:
    """The bookmarks of what was delivered and is not known to be committed, in order of their offsets.

    Args:
        partition: the one whose offsets they stand at.
        first: where the source began.
    """

    def __init__(self, partition: Partition, first: Bookmark) -> None:
        self._partition = partition
        self._kept = deque([first])

    def put(self, mark: Bookmark) -> None:
        """The newest; it replaces one at the same offset."""
        if self._kept[-1].offset == mark.offset:
            self._kept.pop()
        self._kept.append(mark)

    def at(self, positions: Mapping[Partition, int]) -> str:
        """The last that holds at these positions; earlier ones are forgotten."""
        at = positions.get(self._partition, 0)
        while len(self._kept) > 1 and self._kept[1].offset <= at:
            self._kept.popleft()
        return msgspec.json.encode(self._kept[0]).decode()


def opened(text: str) -> Bookmark:
    """The bookmark that was kept; an empty one where none was, or one of another kind of source."""
    try:
        return msgspec.json.decode(text, type=Bookmark)
    except msgspec.MsgspecError:
        return Bookmark()
