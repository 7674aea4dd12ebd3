"""Whether an image file is of the chunks as they are: the state file names it until any chunk is written."""

import sqlite3
from pathlib import Path

from monitor import __version__
from monitor.adapters.stores.sqlite.image_file import BadImageError, read_image, write_image
from monitor.adapters.stores.sqlite.transactions import transaction
from monitor.core.arrays.image import Image

NAME = "image"
"""In the table `meta`."""
_TRIGGERS = ("insert", "update", "delete")
_WITHDRAW = f"DELETE FROM meta WHERE name='{NAME}'"  # noqa: S608 - constant


class Images:
    """One image beside a state file, `state.db` with `state.db.image`.

    Triggers on the chunk table withdraw the image's name in the transaction that changes a chunk, whatever version of
    the program does it. So an image is never older than the chunks, and a kill leaves at most one that nobody names.

    Args:
        db: the open state file.
        path: where that is.
    """

    def __init__(self, db: sqlite3.Connection, path: Path) -> None:
        self._db, self.path = db, path.with_name(path.name + ".image")
        self._named = True
        """Whether the state may name an image."""

    def keep(self, image: Image, setup: str) -> None:
        """Write an image of the chunks as they are committed.

        Raises:
            OSError: the image cannot be written.
            sqlite3.Error: the state cannot.
        """
        name = write_image(self.path, image, written_by=__version__, setup=setup)
        db, self._named = self._db, True
        with transaction(db):
            for event in _TRIGGERS:
                db.execute(
                    f"CREATE TRIGGER IF NOT EXISTS image_{event} AFTER {event} ON chunk BEGIN {_WITHDRAW}; END"
                )
            db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (NAME, name))

    def found(self, setup: str) -> tuple[Image | None, str]:
        """The image of the chunks as they are, or None and why there is none; "" where none is to be expected."""
        row = self._db.execute("SELECT value FROM meta WHERE name=?", (NAME,)).fetchone()
        if row is None:
            return None, ""
        try:
            return read_image(self.path, str(row[0]), written_by=__version__, setup=setup), ""
        except (BadImageError, OSError) as error:
            return None, f"{self.path}: {error}"

    def withdraw(self) -> None:
        """In a transaction that changes chunks: what there is of an image is of no use any more."""
        if self._named:
            self._db.execute(_WITHDRAW)
            for event in _TRIGGERS:
                self._db.execute(f"DROP TRIGGER IF EXISTS image_{event}")

    def withdrawn(self) -> None:
        """That transaction is committed: the file, which holds what chunks said, goes too."""
        if self._named:
            self._named = False
            self.path.unlink(missing_ok=True)
