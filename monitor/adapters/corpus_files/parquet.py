"""Parquet files in a folder or an object store, or one of them."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePosixPath
from typing import Any

from monitor.adapters.corpus_files.library import arrow, said
from monitor.adapters.corpus_files.plan import PIECE, PlannedFile
from monitor.core.records.filled import FilePiece
from monitor.ports import ConfigurationError, UnreachableError

SUFFIXES = (".parquet", ".pq")
FOOTERS_AT_ONCE = 16


class ParquetFiles:
    """Implements `CorpusFiles`; a copy may go to another process, where it opens files anew.

    Args:
        place: an absolute path, or the address of an object store (`s3://bucket/folder`), of a folder with whatever
            folders in it, or of one file.
    """

    def __init__(self, place: str) -> None:
        self.place = place
        self._system: Any = None
        self._begun: tuple[FilePiece, tuple[str, ...], Any, Iterator[Any]] | None = None
        """The next piece of what is being read in order, and its columns."""

    def __getstate__(self) -> dict[str, object]:
        """What is open stays here."""
        return {"place": self.place, "_system": None, "_begun": None}

    def planned(self) -> list[PlannedFile]:
        """See `CorpusFiles`: footers are read, no rows."""
        package = arrow()
        system, root = self._opened()
        try:
            found = self._found(system, root)
        except (OSError, package.ArrowException) as error:
            message = f"bootstrap.path = {self.place!r}: {said(error)}; expected a folder that can be read"
            raise UnreachableError(message) from error
        if not found:
            message = f"bootstrap.path = {self.place!r}: no {' or '.join(SUFFIXES)} file in it; expected at least one"
            raise ConfigurationError(message)
        with ThreadPoolExecutor(FOOTERS_AT_ONCE, "footers") as pool:
            made = list(pool.map(lambda of: self._footer(system, root, of), found))
        if not any(of.rows for of in made):
            message = f"bootstrap.path = {self.place!r}: no rows in its files; expected at least one"
            raise ConfigurationError(message)
        return made

    def rows(self, piece: FilePiece, columns: Sequence[str]) -> Any:
        """See `CorpusFiles`: of pieces in order each part of a file is opened once."""
        package, wanted = arrow(), tuple(columns)
        try:
            begun, self._begun = self._begun, None
            if begun is not None and (begun[0], begun[1]) == (piece, wanted):
                file, batches = begun[2], begun[3]
            else:
                file, batches = self._batches(piece, wanted)
            batch = next(batches, None)
        except (OSError, package.ArrowException) as error:
            message = f"bootstrap: {piece.file}: {said(error)}; expected it as it was when the bootstrap began"
            raise UnreachableError(message) from error
        if batch is None or batch.num_rows != piece.rows:
            message = f"bootstrap: {piece.file}: other rows than when the bootstrap began; expected the same file"
            raise UnreachableError(message)
        skip, left = piece.skip + piece.rows, file.metadata.row_group(piece.group).num_rows - piece.skip - piece.rows
        if left > 0:
            following = piece._replace(
                skip=skip, rows=min(PIECE, left), first=piece.first + piece.rows, offset=piece.offset + piece.rows
            )
            self._begun = (following, wanted, file, batches)
        else:
            file.close()
        return batch

    def _batches(self, piece: FilePiece, columns: tuple[str, ...]) -> tuple[Any, Iterator[Any]]:
        from pyarrow.parquet import ParquetFile

        system, _ = self._opened()
        file = ParquetFile(system.open_input_file(piece.path), pre_buffer=False)
        if piece.group >= file.num_row_groups:
            return file, iter(())
        batches = file.iter_batches(PIECE, row_groups=[piece.group], columns=list(columns))
        for _ in range(piece.skip // PIECE):  # a part of a file has no index of its rows: they are read over
            next(batches, None)
        return file, batches

    def _opened(self) -> tuple[Any, str]:
        arrow()
        from pyarrow import fs

        if self._system is None:
            if "://" not in self.place:
                self._system = (fs.LocalFileSystem(), self.place)
            else:
                try:
                    self._system = fs.FileSystem.from_uri(self.place)
                except (ValueError, OSError) as error:
                    message = (
                        f"bootstrap.path = {self.place!r}: {said(error)}; expected an address such as s3://bucket"
                    )
                    raise ConfigurationError(message) from error
        made: tuple[Any, str] = self._system
        return made

    def _found(self, system: Any, root: str) -> list[Any]:
        """The files, in the order of their names; what begins with a dot or an underscore is no data."""
        from pyarrow import fs

        itself = system.get_file_info(root)
        if itself.type == fs.FileType.NotFound:
            message = f"bootstrap.path = {self.place!r}: not there; expected a folder of Parquet files, or one"
            raise ConfigurationError(message)
        if itself.type == fs.FileType.File:
            return [itself]
        every = system.get_file_info(fs.FileSelector(root, recursive=True))
        data = [of for of in every if of.type == fs.FileType.File and of.path.endswith(SUFFIXES)]
        hidden = [of for of in data if any(part[0] in "._" for part in _parts(of.path, root))]
        return sorted((of for of in data if of not in hidden), key=lambda of: str(of.path))

    @staticmethod
    def _footer(system: Any, root: str, found: Any) -> PlannedFile:
        from pyarrow.parquet import ParquetFile

        package, name = arrow(), "/".join(_parts(found.path, root)) or PurePosixPath(found.path).name
        try:
            with ParquetFile(system.open_input_file(found.path)) as file:
                meta, schema = file.metadata, file.schema_arrow
                groups = tuple(meta.row_group(at).num_rows for at in range(meta.num_row_groups))
        except package.ArrowInvalid as error:
            message = f"bootstrap: {name}: {said(error)}; expected a Parquet file"
            raise ConfigurationError(message) from error
        except (OSError, package.ArrowException) as error:
            message = f"bootstrap: {name}: {said(error)}; expected a file that can be read"
            raise UnreachableError(message) from error
        return PlannedFile(name, found.path, groups, f"{found.size} {found.mtime_ns}", schema)


def _parts(path: str, root: str) -> tuple[str, ...]:
    """The names of folders and file below the root; () for the root itself."""
    return PurePosixPath(path).relative_to(PurePosixPath(root)).parts
