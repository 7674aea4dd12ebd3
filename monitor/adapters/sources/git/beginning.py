"""Where a history begins: the first commit with enough pages, because anchors are drawn from what is there then."""

from collections.abc import Callable, Sequence

from monitor.adapters.sources.git.program import GitCommit, Repository, TreeEntry

ENOUGH_PAGES = 30


def first_with_enough_pages(
    repository: Repository, commits: Sequence[GitCommit], wants: Callable[[bytes], bool]
) -> tuple[int, int]:
    """(its place, its pages): 30 pages, or half as many as the last commit has where that is less.

    Where no commit has as many, the first that has any; (0, 0) where none has.
    """

    def of_tree(commit: GitCommit) -> set[bytes]:
        return {entry.path for entry in repository.tree(commit.oid) if _is_page(entry) and wants(entry.path)}

    last = len(of_tree(commits[-1]))
    enough = min(ENOUGH_PAGES, -(-last // 2)) if last else ENOUGH_PAGES
    pages = of_tree(commits[0])
    first: tuple[int, int] | None = None
    for at, commit in enumerate(commits):
        if at:
            for entry in repository.changes(commits[at - 1].oid, commit.oid):
                if wants(entry.path):
                    (pages.add if _is_page(entry) else pages.discard)(entry.path)
        if len(pages) >= enough:
            return at, len(pages)
        if pages and first is None:
            first = at, len(pages)
    return first or (0, 0)


def _is_page(entry: TreeEntry) -> bool:
    return entry.mode.startswith("100")
