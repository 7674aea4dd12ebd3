"""What is kept of a shard elsewhere than on its own disk: each commit as a small file, now and then the whole."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfile

import msgspec

from monitor.adapters.stores.sqlite.shard_store import ShardStore, StoredCommit
from monitor.ports import ConfigurationError, UnreachableError

WHOLE_AFTER = 64 << 20
"""Bytes of commits at least, before the whole is kept anew: else it is done once they are as large as it."""
_NAME = re.compile(r"(\d{12})-(\d{6})-(\d{12})\.(commit|whole)\Z")
_COMMIT, _WHOLE = "commit", "whole"


@dataclass(frozen=True, slots=True, order=True)
class _Kept:
    """One file: an epoch, by which incarnation of the shard it was committed, and the epoch of the commit before."""

    epoch: int
    incarnation: int
    before: int

    def name(self, kind: str) -> str:
        return f"{self.epoch:012d}-{self.incarnation:06d}-{self.before:012d}.{kind}"


class ShardArchive:
    """A folder on shared storage, from which a shard's file is made again where its disk is gone.

    What was published is in it: a shard's commit is kept here before the coordinator publishes its epoch. So nothing
    of the stream has to be read again, whatever its retention. An incarnation is one birth of the shard; a later one
    has a greater number. One that was cut off and goes on writing is told from its successor by that: of two commits
    of one epoch the later incarnation's is the one that was published.

    Args:
        folder: of this shard alone; made where it is not there.
        whole_after: bytes of commits before the whole is kept anew.
    """

    def __init__(self, folder: Path, *, whole_after: int = WHOLE_AFTER) -> None:
        self._folder, self._whole_after = folder, whole_after
        self._grown = self._whole = 0

    def incarnation(self) -> int:
        """The greatest that wrote here; 0 for none."""
        return max((of.incarnation for of in (*self._files(_COMMIT), *self._files(_WHOLE))), default=0)

    def begin(self, incarnation: int, store: ShardStore, epoch: int) -> None:
        """An incarnation begins with this file as it was published; the whole is kept where nothing leads there.

        Raises:
            ConfigurationError: what is here was published later: it is another run's.
        """
        found = [(of, kind) for kind in (_COMMIT, _WHOLE) for of in self._files(kind)]
        later = max((of.before for of, _ in found), default=0)
        if later > epoch:
            message = (
                f"shard archive {self._folder}: holds epoch {later}, the state stands at {epoch}; "
                "expected the archive of one run"
            )
            raise ConfigurationError(message)
        for of, kind in found:
            if of.epoch > epoch:  # committed, and never published
                (self._folder / of.name(kind)).unlink(missing_ok=True)
        way = self._way(epoch)
        if way is None:
            self._keep_whole(_Kept(epoch, incarnation, epoch), store)
        else:
            self._grown = sum(self._size(of, _COMMIT) for of in way[1])
            self._whole = 0 if way[0] is None else self._size(way[0], _WHOLE)

    def keep(self, incarnation: int, store: ShardStore, commit: StoredCommit) -> None:
        """Keep a commit that the file has taken in.

        Raises:
            UnreachableError: the folder cannot be written now: the epoch must not be published.
        """
        kept, packed = _Kept(commit.epoch, incarnation, commit.before), msgspec.msgpack.encode(commit)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            part = self._folder / f"{kept.name(_COMMIT)}.part"
            with part.open("wb") as file:
                file.write(packed)
                file.flush()
                os.fsync(file.fileno())
            part.replace(self._folder / kept.name(_COMMIT))
        except OSError as error:
            message = f"shard archive {self._folder}: {error.strerror}; expected a writable folder"
            raise UnreachableError(message) from error
        self._grown += len(packed)
        if self._grown > max(self._whole_after, self._whole):
            self._keep_whole(kept, store)

    def rebuild(self, epoch: int, store: ShardStore, run: str = "") -> None:
        """Make a shard's file as it was published.

        Args:
            epoch: of the publication.
            store: of the file, not started; what stands there is replaced.
            run: mark of the coordinator's state.

        Raises:
            ConfigurationError: nothing here leads to that epoch.
        """
        way = self._way(epoch)
        if way is None:
            message = f"shard archive {self._folder}: nothing leads to epoch {epoch}; expected what was published"
            raise ConfigurationError(message)
        for name in (store.path.name + ending for ending in ("", "-wal", "-shm")):
            store.path.with_name(name).unlink(missing_ok=True)
        whole, commits = way
        try:
            if whole is not None:
                copyfile(self._folder / whole.name(_WHOLE), store.path)
            store.start(0 if whole is None else whole.epoch, run)
            for of in reversed(commits):
                store.put(self._read(of))
        except OSError as error:
            message = f"shard archive {self._folder}: {error.strerror}; expected to read it"
            raise UnreachableError(message) from error
        finally:
            store.close()

    def _way(self, epoch: int) -> tuple[_Kept | None, list[_Kept]] | None:
        """The whole that leads to an epoch, and the commits behind it, last first; None where there is none."""
        commits: list[_Kept] = []
        kept, wholes = {of.epoch: of for of in self._files(_COMMIT)}, set(self._files(_WHOLE))
        while epoch:
            alone = max((of for of in wholes if of.epoch == epoch), default=None)
            last = kept.get(epoch)
            if alone is not None and (last is None or last.incarnation <= alone.incarnation):
                return alone, commits
            if last is None:
                return None
            commits.append(last)
            epoch = last.before
        return None, commits

    def _keep_whole(self, kept: _Kept, store: ShardStore) -> None:
        before = self._way(kept.before)
        part = self._folder / f"{kept.name(_WHOLE)}.part"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            store.copy(part)
            part.replace(self._folder / kept.name(_WHOLE))
            self._grown, self._whole = 0, self._size(kept, _WHOLE)
            if before is not None and before[0] is not None:
                # this commit may never be published: what leads to the one before it stays
                for kind in (_COMMIT, _WHOLE):
                    for of in self._files(kind):
                        if of.epoch < before[0].epoch:
                            (self._folder / of.name(kind)).unlink(missing_ok=True)
        except OSError as error:
            message = f"shard archive {self._folder}: {error.strerror}; expected a writable folder"
            raise UnreachableError(message) from error

    def _read(self, kept: _Kept) -> StoredCommit:
        return msgspec.msgpack.decode((self._folder / kept.name(_COMMIT)).read_bytes(), type=StoredCommit)

    def _size(self, kept: _Kept, kind: str) -> int:
        return (self._folder / kept.name(kind)).stat().st_size

    def _files(self, kind: str) -> list[_Kept]:
        """Ascending by epoch, then incarnation."""
        names = [found.name for found in self._folder.glob(f"*.{kind}")] if self._folder.is_dir() else []
        matches = [found for name in names if (found := _NAME.match(name))]
        return sorted(_Kept(int(found[1]), int(found[2]), int(found[3])) for found in matches)
