"""Git history as a source: what a documentation repository's commits did to the corpus of its chunks.

The history is the first-parent one, oldest first, from the first commit with enough pages. The corpus at the start
comes as upserts and the deploy marker `initial`; then each commit gives deletes of chunks that are gone and upserts
of chunks whose text changed, and each tag, day or week a deploy marker. The same repository head and arguments give
the same events, so an event's running number is its offset, and a restart walks the history again without delivering
what it had.
"""

import json
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from monitor.adapters.sources.git.beginning import first_with_enough_pages
from monitor.adapters.sources.git.facts import HistoryFacts
from monitor.adapters.sources.git.history import DeployMarks, HistorySelection, RepositoryChunks, Step, walk
from monitor.adapters.sources.git.program import GitCommit, Repository
from monitor.adapters.sources.git.tags import placed
from monitor.core.model.events import Partition, Position, Record
from monitor.ports import Fault, Polled, UnreachableError

_BATCH_SECONDS = 0.02


class GitHistorySource:
    """A repository's history as records in the native form, without vectors.

    Args:
        repository: its top folder, or a bare repository.
        selection: files, commits, deploys.
        ref: where the history ends.
        topic: the name of the one partition.
    """

    def __init__(
        self,
        repository: str | Path,
        selection: HistorySelection | None = None,
        *,
        ref: str = "HEAD",
        topic: str = "git",
    ) -> None:
        self._path = Path(repository)
        self._selection = selection or HistorySelection()
        self._ref = ref
        self._partition = Partition(topic, 0)
        self._repository: Repository | None = None
        self._walk: Iterator[Step | None] = iter(())
        self._walked = 0  # events the walk made, delivered or not
        self._next = 0
        self._over = False
        self._failure: UnreachableError | None = None
        self._paused = False
        self._closing = threading.Event()
        self._corpus: RepositoryChunks | None = None
        self._facts: HistoryFacts | None = None

    def start(self, positions: Mapping[Partition, int]) -> None:
        """Opens the repository and chooses the commits; the events before the position are walked in `poll`."""
        if self._repository:
            message = f"{self._path}: the source was started already"
            raise RuntimeError(message)
        self._repository = Repository(self._path)
        self._next = max(0, positions.get(self._partition, 0))
        try:
            self._repository.open()
            commits = self._begun(self._repository)
        except UnreachableError:
            self.close()
            raise
        assert self._facts is not None  # noqa: S101 - made with the commits
        marks = DeployMarks(self._selection.deploys, self._facts.tags.names if self._facts.tags else {})
        self._corpus = RepositoryChunks(self._repository, self._selection, self._name)
        self._walk = walk(self._corpus, commits, marks)

    def partitions(self) -> frozenset[Partition]:
        """The one partition."""
        return frozenset({self._partition})

    def poll(self, max_records: int, timeout: float) -> Polled:
        """Events as the walk makes them, for at most 20 ms once there is one."""
        if self._repository is None:
            message = f"{self._path}: the source was not started"
            raise RuntimeError(message)
        if self._paused:
            self._closing.wait(timeout)
            return Polled()
        began = time.monotonic()
        records: list[Record] = []
        while not self._over and len(records) < max_records:
            self._advance(records)
            spent = time.monotonic() - began
            if spent >= timeout or (records and spent >= _BATCH_SECONDS):
                break
        faults = self._ended() if self._over else ()
        return Polled(records, faults, self._over)

    def pause(self, partitions: frozenset[Partition]) -> None:
        """Delivers nothing until resumed."""
        self._paused = self._paused or self._partition in partitions

    def resume(self, partitions: frozenset[Partition]) -> None:
        """Delivers again."""
        self._paused = self._paused and self._partition not in partitions

    def positions(self) -> Mapping[Partition, int]:
        """The number of the event that is delivered next."""
        return {self._partition: self._next}

    def end(self) -> Mapping[Partition, int] | None:
        """The number of events, known only when the history was walked to its end."""
        return {self._partition: self._walked} if self._over else None

    def last_error(self) -> str:
        """Nothing: what can't be read is raised at the start or reported as a fault."""
        return ""

    def commit(self, positions: Mapping[Partition, int]) -> None:
        """A repository keeps no positions: it is only read."""

    def close(self) -> None:
        """Ends the git programs; a second call does nothing."""
        self._closing.set()
        if self._repository:
            self._repository.close()

    def facts(self) -> HistoryFacts:
        """Where the history begins, what the clone lacks, and which pages could not be read so far."""
        if self._facts is None or self._corpus is None:
            message = f"{self._path}: the source was not started"
            raise RuntimeError(message)
        return replace(self._facts, versions=dict(self._corpus.versions), unread=dict(self._corpus.unread))

    @property
    def _name(self) -> str:
        return self._path.absolute().name.removesuffix(".git")

    def _begun(self, repository: Repository) -> list[GitCommit]:
        """The commits from the initial corpus on; and the facts about them."""
        selection = self._selection
        partial = repository.is_partial()
        if partial:
            repository.note_missing(repository.resolve(self._ref))
        try:
            commits, begin, pages = self._commits(repository)
        except UnreachableError as error:
            if not partial:
                raise
            message = f"{error}; it is a partial clone: clone it again without --filter"
            raise UnreachableError(message) from error
        until = selection.until.timestamp() if selection.until else None
        tags = placed(repository, commits[begin:], until) if selection.deploys == "tags" else None
        self._facts = HistoryFacts(
            pages=pages,
            left_out=begin,
            replayed=len(commits) - 1 - begin,
            shallow=repository.is_shallow(),
            partial=partial,
            tags=tags,
        )
        return commits[begin:]

    def _commits(self, repository: Repository) -> tuple[list[GitCommit], int, int]:
        """The commits that were asked for, which of them is the initial one, and its pages where we chose it."""
        history = repository.first_parents(repository.resolve(self._ref))
        commits = self._selection.commits(history)
        if not commits:
            message = f"{self._path}: no commit of {self._ref} is older than {self._selection.until}"
            raise UnreachableError(message)
        begin = pages = 0
        if self._selection.since is None and self._selection.limit is None:
            begin, pages = first_with_enough_pages(repository, commits, self._selection.wants)
        ends = (entry.path for end in (commits[-1], commits[begin]) for entry in repository.tree(end.oid))
        if not any(self._selection.wants(path) for path in ends):
            message = f"{self._path}: no file of {self._ref} matches {', '.join(self._selection.glob)}"
            raise UnreachableError(message)
        return commits, begin, pages

    def _advance(self, records: list[Record]) -> None:
        if self._failure:
            raise self._failure  # the walk cannot go on, and its silence must not look like the end
        try:
            step = next(self._walk)
        except StopIteration:
            self._over = True
            return
        except UnreachableError as error:
            self._failure = error
            raise
        if step is None:
            return
        if self._walked >= self._next:
            value = json.dumps(step.fields, ensure_ascii=False, separators=(",", ":")).encode()
            records.append(Record(Position(*self._partition, self._walked), step.key.encode(), value))
            self._next = self._walked + 1
        self._walked += 1

    def _ended(self) -> tuple[Fault, ...]:
        if self._walked >= self._next:
            return ()
        detail = f"{self._path}: the history gives {self._walked} events, the stored position is {self._next}"
        fault = Fault("recreated", Position(*self._partition, self._next), detail)
        self._next = self._walked
        return (fault,)
