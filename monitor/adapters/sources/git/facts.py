"""What a user should know of a history that is replayed: where it begins, what is missing, what was not read."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from monitor.adapters.sources.git.history import STANDS
from monitor.adapters.sources.git.tags import TagPlaces

_NAMED = 3
REMEDIES: Mapping[str, str] = {
    "huge": "larger than a page is read",
    "lfs_pointer": "the content is in Git LFS, not in the history",
    "missing": "a partial clone; clone it again without --filter",
    "undecodable": "neither UTF-8 nor a declared encoding nor Windows-1252",
    "binary": "no text",
    "symlink": "a link",
    "submodule": "another repository",
    "not_a_file": "no file",
}


@dataclass(frozen=True, slots=True)
class HistoryFacts:
    """Facts of one replay.

    Args:
        pages: how many pages the initial corpus has; 0 where the beginning was chosen by the user.
        left_out: commits before it.
        replayed: commits after it.
        shallow: the clone's history was cut.
        partial: the clone lacks objects.
        tags: where tags end deploys; None where they do not.
        versions: versions of pages that could not be read, by reason.
        unread: pages whose newest version could not be read, and why.
    """

    pages: int
    left_out: int
    replayed: int
    shallow: bool
    partial: bool
    tags: TagPlaces | None
    versions: Mapping[str, int] = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict)

    @property
    def deploys(self) -> int | None:
        """Tags that end deploys; None where deploys are periods."""
        return sum(map(len, self.tags.names.values())) if self.tags else None

    def lines(self) -> list[str]:
        """For people, one line each, with the remedy."""
        return [*self._clone(), *self._tags(), *self._unread()]

    def _clone(self) -> list[str]:
        made = []
        if self.left_out and self.pages:
            said = f"the history begins with the first commit that has enough pages ({self.pages})"
            made.append(f"{said}; {self.left_out} older commits are left out; --since chooses another beginning")
        if self.shallow:
            made.append("a shallow clone: older history is not in it; git fetch --unshallow brings it")
        if self.partial:
            made.append("a partial clone: objects that it lacks are not fetched; clone it again without --filter")
        return made

    def _tags(self) -> list[str]:
        if self.tags is None:
            return []
        if not self.tags.names:
            return ["no tag ends a deploy; git fetch --tags brings them, or let days or weeks be deploys"]
        beside = self.tags.merged + self.tags.by_time
        where = f"{self.tags.merged} at the merge that brought them, {self.tags.by_time} by their time"
        made = [f"{beside} of {self.deploys} tags are beside the first-parent line: {where}"] if beside else []
        return made + ([f"{self.tags.lost} tags name no commit of the history"] if self.tags.lost else [])

    def _unread(self) -> list[str]:
        made = []
        for reason, count in Counter(self.unread.values()).most_common():
            names = [name for name, why in self.unread.items() if why == reason]
            shown = ", ".join(names[:_NAMED]) + (", ..." if count > _NAMED else "")
            stands = "; what was read of them before stands" if reason in STANDS else ""
            pages = f"{count} page{'s' * (count > 1)} not read"
            made.append(f"{pages}: {reason} ({REMEDIES.get(reason, reason)}): {shown}{stands}")
        return made
