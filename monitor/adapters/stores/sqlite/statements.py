"""KeptStatements that are kept instead of run, to be run as one transaction elsewhere."""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from monitor.adapters.stores.sqlite.rows import Columns


class Executes(Protocol):
    """What a connection and `KeptStatements` have in common, for whoever reads nothing."""

    def execute(self, sql: str, parameters: Any = (), /) -> object:
        """One statement."""

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> object:
        """The same one for each row of values."""


class KeptStatements:
    """Takes statements that only write in the place of a connection, and keeps them with their values in columns."""

    def __init__(self) -> None:
        self.kept: list[tuple[str, Columns]] = []

    def execute(self, sql: str, parameters: Sequence[object] = (), /) -> None:
        """One, with its values, of which it has one at least."""
        self.executemany(sql, [parameters])

    def executemany(self, sql: str, parameters: Iterable[Sequence[object]], /) -> None:
        """The same one for each row of values."""
        columns = list(zip(*parameters, strict=True))
        if columns:
            self.kept.append((sql, columns))


def execute_columns(db: Executes, statement: str, columns: Columns) -> None:
    """Run a statement for each row of some columns."""
    if isinstance(db, KeptStatements):
        db.kept.append((statement, columns))
    else:
        db.executemany(statement, zip(*columns, strict=True))
