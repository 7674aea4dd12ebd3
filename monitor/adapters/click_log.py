"""A log of what users saw and clicked, JSON Lines: what is understood, and one line about what is not."""

import json
import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

from monitor.adapters.file_stamp import stamp
from monitor.core.migration.clicks import Impression, Team

MOST_BYTES = 256 << 20
"""Of a log: the newest part is read where there is more."""
MOST_LISTED = 1_000
"""Results of one impression."""
MICROSECONDS = 1_000_000


class ClickLog:
    """The impressions of a file, read again when it has changed.

    Args:
        path: JSON Lines: `query_id` (an anchor's id) or `query` (its text), `version`, `shown`, `clicked`, `teams`,
            `time`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: object = None
        self._read: tuple[Sequence[Impression], str] = ((), "")

    def read(self, asked: Sequence[tuple[str, str]]) -> tuple[Sequence[Impression], str]:
        """What the log holds of the anchors, and what is wrong with it ("" for nothing).

        Args:
            asked: id and text of each anchor; other queries are left out.
        """
        try:
            now = (stamp(self._path), tuple(asked))
            if now != self._stamp:
                self._read, self._stamp = self._parsed(asked), now
        except OSError as error:
            return (), f"{self._path}: {error.strerror or error}; expected a readable click log"
        return self._read

    def _parsed(self, asked: Sequence[tuple[str, str]]) -> tuple[Sequence[Impression], str]:
        made: list[Impression] = []
        wrong: list[str] = []
        known, ids = {anchor for anchor, _ in asked}, {text: anchor for anchor, text in asked}
        for number, line in enumerate(_lines(self._path), 1):
            try:
                found = impression(json.loads(line), ids)
            except (ValueError, TypeError, RecursionError) as error:
                wrong.append(f"line {number}: {str(error)[:160]}")
                continue
            if found.query in known:
                made.append(found)
        said = f"{self._path}: {len(wrong):,} lines are not understood, the first: {wrong[0]}" if wrong else ""
        return made, said


def impression(of: Any, ids: Mapping[str, str]) -> Impression:
    """One line's object.

    Raises:
        ValueError: a field is missing or of another form; the message says which.
    """
    if not isinstance(of, dict):
        message = f"{type(of).__name__}; expected an object"
        raise ValueError(message)  # noqa: TRY004 - all that is wrong with a line is one kind of error
    query = of.get("query_id") or ids.get(str(of.get("query", "")), "")
    if not isinstance(query, str) or (not query and "query" not in of):
        message = "query_id, query: expected one of them"
        raise ValueError(message)
    shown, clicked, teams = (_texts(of, name) for name in ("shown", "clicked", "teams"))
    if teams and (len(teams) != len(shown) or not set(teams) <= set(get_args(Team))):
        message = f"teams: {len(teams)} for {len(shown)} shown; expected 'old', 'new' or '' for each"
        raise ValueError(message)
    version = of.get("version", "")
    if not isinstance(version, str):
        message = f"version: {version!r}; expected an embedding version"
        raise ValueError(message)  # noqa: TRY004 - see above
    return Impression(query, version, shown, clicked, teams, _time(of.get("time")))  # type: ignore[arg-type]  # checked


def _texts(of: Mapping[str, Any], name: str) -> tuple[str, ...]:
    given = of.get(name) or []
    if not isinstance(given, list) or len(given) > MOST_LISTED or not all(isinstance(one, str) for one in given):
        message = f"{name}: expected at most {MOST_LISTED:,} texts"
        raise ValueError(message)
    return tuple(given)


def _time(given: object) -> int:
    """Microseconds since the epoch, 0 where nothing is given."""
    if given is None:
        return 0
    read = datetime.fromisoformat(str(given))
    if read.tzinfo is None:
        message = f"time: {given!r}; expected RFC 3339 with its offset"
        raise ValueError(message)
    return int(read.timestamp() * MICROSECONDS)


def _lines(path: Path) -> list[str]:
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        file.seek(max(0, size - MOST_BYTES))
        lines = file.read(MOST_BYTES).decode("utf-8", "replace").splitlines()
    kept = lines[1:] if size > MOST_BYTES else lines  # the first of a part is cut
    return [line for line in kept if line.strip()]
