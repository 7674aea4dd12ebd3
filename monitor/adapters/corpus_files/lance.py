"""A Lance dataset in a folder or an object store."""

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

from monitor.adapters.corpus_files.library import arrow, need, said
from monitor.adapters.corpus_files.plan import PlannedFile
from monitor.core.records.filled import FilePiece
from monitor.ports import ConfigurationError, UnreachableError


class LanceFiles:
    """Implements `CorpusFiles`: the dataset is one file, its fragments are the parts, in the version of now.

    Args:
        place: an absolute path, or the address of an object store.
    """

    def __init__(self, place: str) -> None:
        self.place = place
        self._version = 0
        self._dataset: Any = None

    def __getstate__(self) -> dict[str, object]:
        """What is open stays here."""
        return {"place": self.place, "_version": self._version, "_dataset": None}

    def planned(self) -> list[PlannedFile]:
        """See `CorpusFiles`."""
        dataset = self._opened()
        self._version = dataset.version
        groups = tuple(fragment.count_rows() for fragment in dataset.get_fragments())
        if not sum(groups):
            message = f"bootstrap.path = {self.place!r}: no rows in it; expected at least one"
            raise ConfigurationError(message)
        name = PurePosixPath(self.place).name
        return [PlannedFile(name, self.place, groups, f"version {self._version}", dataset.schema)]

    def rows(self, piece: FilePiece, columns: Sequence[str]) -> Any:
        """See `CorpusFiles`."""
        package = arrow()
        try:
            fragment = self._opened().get_fragments()[piece.group]
            made = fragment.to_table(columns=list(columns), offset=piece.skip, limit=piece.rows).combine_chunks()
            batches = made.to_batches()
        except (OSError, ValueError, IndexError, package.ArrowException) as error:
            message = f"bootstrap: {piece.file}: {said(error)}; expected it as it was when the bootstrap began"
            raise UnreachableError(message) from error
        if sum(batch.num_rows for batch in batches) != piece.rows or len(batches) != 1:
            message = f"bootstrap: {piece.file}: other rows than when the bootstrap began; expected the same dataset"
            raise UnreachableError(message)
        return batches[0]

    def _opened(self) -> Any:
        if self._dataset is None:
            arrow()
            need("lance", "lance")
            import lance

            try:
                self._dataset = lance.dataset(self.place, version=self._version or None)
            except (OSError, ValueError) as error:
                message = f"bootstrap.path = {self.place!r}: {said(error)}; expected a Lance dataset"
                raise ConfigurationError(message) from error
        return self._dataset
