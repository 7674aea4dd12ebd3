"""Tags beside the first-parent line, on release branches or merged ones, as deploys of the line."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from monitor.adapters.sources.git.program import GitCommit, Repository


@dataclass(frozen=True, slots=True)
class TagPlaces:
    """Where tags end deploys.

    Args:
        names: tags by the commit of the line they end a deploy at; at one commit by time, then by name.
        merged: how many stand at the commit of the line that brought theirs.
        by_time: how many, of branches that were never merged, stand at the last commit not newer than theirs.
        earlier: how many are part of the line's first commit or older than it.
        lost: how many name no commit, or one from `until` on.
    """

    names: Mapping[str, Sequence[bytes]] = field(default_factory=dict)
    merged: int = 0
    by_time: int = 0
    earlier: int = 0
    lost: int = 0


def placed(repository: Repository, line: Sequence[GitCommit], until: float | None = None) -> TagPlaces:
    """Every tag at a commit of the first-parent line behind its first one.

    A tag beside the line ends its deploy at the first commit of the line that contains it, which is the merge of its
    branch. A branch that was never merged has none: its tags stand at the last commit of the line that is not newer.

    Args:
        repository: where the tags are.
        line: the replayed part of the line, oldest first, times never falling.
        until: tags of unmerged branches from this time on are left out, seconds since the epoch.
    """
    tags = repository.tags()
    own = {commit.oid for commit in line}
    beside = tags.keys() - own
    brought = _brought(repository, line, beside) if beside else {}
    times = [commit.time for commit in line]
    found: list[tuple[str, int, bytes]] = []
    counts = Counter[str]()
    for oid, names in tags.items():
        seconds = repository.commit_time(oid)
        if oid in own or oid in brought:
            place, fate = brought.get(oid, oid), "merged" if oid in brought else "own"
        elif seconds is None or (until is not None and seconds >= until):
            place, fate = "", "lost"
        else:
            before = bisect_right(times, seconds)
            place, fate = (line[before - 1].oid, "by_time") if before else (line[0].oid, "earlier")
        if place == line[0].oid:
            fate = "earlier"
        counts[fate] += len(names)
        found += [(place, seconds or 0, name) for name in names if fate not in {"earlier", "lost"}]
    by_place: dict[str, list[bytes]] = {}
    for place, _, name in sorted(found):
        by_place.setdefault(place, []).append(name)
    return TagPlaces(by_place, counts["merged"], counts["by_time"], counts["earlier"], counts["lost"])


def _brought(repository: Repository, line: Sequence[GitCommit], wanted: set[str]) -> dict[str, str]:
    """The first commit of the line that contains each of the wanted ones, where one does."""
    parents = dict(repository.parents(line[-1].oid))
    seen: set[str] = set()
    brought: dict[str, str] = {}
    for commit in line:
        left = [commit.oid]
        while left:
            oid = left.pop()
            if oid in seen or oid not in parents:
                continue
            seen.add(oid)
            if oid in wanted:
                brought[oid] = commit.oid
            left += parents[oid]
    return brought
