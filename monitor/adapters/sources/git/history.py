"""From commits to corpus events: which chunks a commit changed, and where its deploys end."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Literal, NamedTuple, get_args

from monitor.adapters.documents.readers import sections_of
from monitor.adapters.page_text import UnreadableText, page_text
from monitor.adapters.sources.git.program import GitCommit, Repository, TreeEntry, UnreadableBlob
from monitor.core.text.paths import glob_matches, segment_of
from monitor.core.text.sections import DocumentSection
from monitor.ports import ConfigurationError

By = Literal["tags", "daily", "weekly"]

DEFAULT_GLOBS = ("**/*.md", "**/*.mdx", "**/*.rst", "**/*.adoc", "**/*.ipynb")
INITIAL = "initial"
STANDS = frozenset({"undecodable", "huge", "lfs_pointer", "missing"})
"""Reasons that say nothing about the page: it is there and we cannot read it, so what was read last stands."""
_LFS = b"version https://git-lfs.github.com/spec/"
_ABSURD = 4_102_444_800  # the year 2100: a commit may claim any time, and one such would age everything before it


class Step(NamedTuple):
    """One event to be: its Kafka key and its fields in the native form."""

    key: str
    fields: dict[str, object]


@dataclass(frozen=True, slots=True)
class HistorySelection:
    """Which files, which commits and which deploys.

    Args:
        glob: patterns of paths; `**` is any number of folders.
        since: the corpus just before this moment is the initial one; None: the first commit's with enough pages.
        until: commits from this moment on are left out.
        limit: only the newest this many commits are replayed.
        deploys: what makes a deploy marker.
        max_file_bytes: larger files are skipped and counted.
    """

    glob: tuple[str, ...] = DEFAULT_GLOBS
    since: datetime | None = None
    until: datetime | None = None
    limit: int | None = None
    deploys: By = "tags"
    max_file_bytes: int = 1 << 20

    def __post_init__(self) -> None:
        if not self.glob or not all(self.glob):
            message = "git: no glob given, expected at least one such as docs/**/*.md"
            raise ConfigurationError(message)
        if self.deploys not in get_args(By):
            message = f"git: deploys is {self.deploys!r}, expected one of {', '.join(get_args(By))}"
            raise ConfigurationError(message)
        if self.limit is not None and self.limit < 0:
            message = f"git: limit is {self.limit}, expected 0 or more commits"
            raise ConfigurationError(message)

    def wants(self, path: bytes) -> bool:
        """Whether one of the globs matches."""
        name = path.decode("utf-8", "surrogateescape")
        return any(glob_matches(name, pattern) for pattern in self.glob)

    def commits(self, history: Sequence[GitCommit]) -> list[GitCommit]:
        """The commit whose corpus is the initial one, then those to replay; times never fall."""
        rising: list[GitCommit] = []
        latest = 0
        for commit in history:
            latest = max(latest, commit.time if commit.time < _ABSURD else 0)
            rising.append(GitCommit(commit.oid, latest))
        if self.until:
            rising = [commit for commit in rising if commit.time < self.until.timestamp()]
        first = sum(commit.time < self.since.timestamp() for commit in rising) - 1 if self.since else 0
        if self.limit is not None:
            first = max(first, len(rising) - 1 - self.limit)
        return rising[max(first, 0) :]


class RepositoryChunks:
    """The chunks of all pages at one commit, as ids and text hashes; and what a change of a page does to them."""

    def __init__(self, repository: Repository, selection: HistorySelection, name: str) -> None:
        self._repository = repository
        self._selection = selection
        self._name = name
        self._pages: dict[str, tuple[tuple[str, bytes], ...]] = {}
        self.versions: Counter[str] = Counter()
        """Versions of pages that could not be read, by reason."""
        self.unread: dict[str, str] = {}
        """Pages whose newest version could not be read, and why."""

    def begin(self, commit: GitCommit) -> Iterator[Step | None]:
        """The corpus at this commit, as upserts."""
        return self._turn(self._repository.tree(commit.oid), commit.time)

    def follow(self, parent: GitCommit, commit: GitCommit) -> Iterator[Step | None]:
        """What the commit did, page by page in the order of paths: first deletes, then upserts."""
        return self._turn(self._repository.changes(parent.oid, commit.oid), commit.time)

    def _turn(self, entries: Iterable[TreeEntry], seconds: int) -> Iterator[Step | None]:
        wanted = sorted(entry for entry in entries if self._selection.wants(entry.path))
        when = _stamp(seconds)
        for entry in wanted:
            yield None
            yield from self._page(entry, when)

    def _page(self, entry: TreeEntry, when: str) -> Iterator[Step]:
        doc_id = doc_id_of(entry.path)
        self.unread.pop(doc_id, None)
        try:
            sections = [] if entry.mode == "000000" else self._sections(entry, doc_id)
        except UnreadableBlob as unreadable:
            self.versions[unreadable.reason] += 1
            self.unread[doc_id] = unreadable.reason
            if unreadable.reason in STANDS:
                return
            sections = []
        yield from self._steps(doc_id, sections, when)

    def _steps(self, doc_id: str, sections: Sequence[DocumentSection], when: str) -> Iterator[Step]:
        before = dict(self._pages.pop(doc_id, ()))
        after = {section.chunk_id: blake2b(section.text.encode(), digest_size=12).digest() for section in sections}
        if after:
            self._pages[doc_id] = tuple(after.items())
        for chunk_id in before:
            if chunk_id not in after:
                yield Step(chunk_id, {"op": "delete", "chunk_id": chunk_id, "event_time": when})
        segment = segment_of(doc_id, self._name)
        for section in sections:
            if before.get(section.chunk_id) != after[section.chunk_id]:
                yield _upsert(section, doc_id, segment, when)

    def _sections(self, entry: TreeEntry, doc_id: str) -> list[DocumentSection]:
        kind = {"120000": "symlink", "160000": "submodule"}.get(entry.mode)
        if kind:
            raise UnreadableBlob(kind)
        content = self._repository.blob(entry.oid, self._selection.max_file_bytes)
        if content.startswith(_LFS):
            raise UnreadableBlob("lfs_pointer")  # noqa: EM101 - a word of a bounded set, not a message
        try:
            text = page_text(content)
        except UnreadableText as unreadable:
            raise UnreadableBlob(unreadable.reason) from unreadable
        return sections_of(text, doc_id=doc_id)


def doc_id_of(path: bytes) -> str:
    r"""The path as a document id, one to one: what is not UTF-8, a control character, `%` or `#` becomes `%XX`.

    >>> doc_id_of(b"a b/c#\n\xff.md")
    'a b/c%23%0A%FF.md'
    """
    text = path.decode("utf-8", "surrogateescape")
    if text.isprintable() and "#" not in text and "%" not in text:
        return text
    return "".join(character if _plain(character) else _escaped(character) for character in text)


def _plain(character: str) -> bool:
    return character.isprintable() and character not in "#%"


def _escaped(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogateescape"))


class DeployMarks:
    """Where deploys end: at tagged commits, or with the last commit of a day or week that changed something.

    `tags.py` says where tags beside the first-parent line stand.
    """

    def __init__(self, by: By, tags: Mapping[str, Sequence[bytes]]) -> None:
        self._by = by
        self._tags = tags

    def after(self, commit: GitCommit, following: GitCommit | None, *, changed: bool) -> list[str]:
        """The deploys that end with this commit. Tags end one even when no page changed since the last."""
        if self._by == "tags":
            return [_deploy_id(name) for name in self._tags.get(commit.oid, ())]
        period = self._period(commit)
        return [period] if changed and (following is None or self._period(following) != period) else []

    def _period(self, commit: GitCommit) -> str:
        day = datetime.fromtimestamp(commit.time, UTC).date()
        week = day.isocalendar()
        return day.isoformat() if self._by == "daily" else f"{week.year}-W{week.week:02d}"


def _deploy_id(tag: bytes) -> str:
    name = tag.decode("utf-8", "backslashreplace")
    return name if name != INITIAL else f"refs/tags/{name}"


def walk(corpus: RepositoryChunks, commits: Sequence[GitCommit], marks: DeployMarks) -> Iterator[Step | None]:
    """All events of the history; None stands between two pages, so that a caller can look at the clock."""
    yield from corpus.begin(commits[0])
    yield _deploy(INITIAL, commits[0])
    changed = False
    for parent, commit, following in zip(commits, commits[1:], [*commits[2:], None], strict=False):
        yield None
        for step in corpus.follow(parent, commit):
            changed = changed or step is not None
            yield step
        ended = marks.after(commit, following, changed=changed)
        yield from (_deploy(name, commit) for name in ended)
        changed = changed and not ended


def _deploy(name: str, commit: GitCommit) -> Step:
    fields: dict[str, object] = {"op": "deploy", "deploy_id": name, "event_time": _stamp(commit.time)}
    return Step(f"__deploy__/{name}", fields)


def _upsert(section: DocumentSection, doc_id: str, segment: Mapping[str, str], when: str) -> Step:
    fields: dict[str, object] = {"op": "upsert", "chunk_id": section.chunk_id, "doc_id": doc_id}
    fields |= {"position": section.ordinal, "text": section.text, "segment": segment, "event_time": when}
    return Step(section.chunk_id, fields)


def _stamp(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
