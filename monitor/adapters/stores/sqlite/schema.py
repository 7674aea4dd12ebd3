"""The tables of the state file, and whether a file is one of ours."""

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from secrets import token_hex
from types import MappingProxyType

from monitor.ports import ConfigurationError

SCHEMA_VERSION = 4
"""4: a deploy names the one that the baseline moved on to with it."""
APPLICATION_ID = 0x43447266
"""Of SQLite files that are ours ("CDrf"), in the file's own header."""
RUN = "shards' run"
"""Where the mark of a run over shards stands in `meta`."""
CHUNK_TABLE = """CREATE TABLE chunk (
  key INTEGER PRIMARY KEY, chunk_id TEXT NOT NULL, doc_id TEXT NOT NULL, ordinal INTEGER NOT NULL,
  segment BLOB NOT NULL, embedding_version TEXT NOT NULL, event_time INTEGER NOT NULL, content_hash TEXT NOT NULL,
  version INTEGER, topic TEXT NOT NULL, partition INTEGER NOT NULL, at INTEGER NOT NULL,
  live INTEGER NOT NULL, text TEXT NOT NULL, vector BLOB,
  changed_topic TEXT, changed_partition INTEGER, changed_at INTEGER, how INTEGER NOT NULL);
"""
SCHEMA = f"""
CREATE TABLE position (topic TEXT, partition INTEGER, next INTEGER NOT NULL, PRIMARY KEY (topic, partition));
{CHUNK_TABLE}CREATE TABLE counter (name BLOB PRIMARY KEY, value INTEGER NOT NULL);
CREATE TABLE quarantine (
  topic TEXT, partition INTEGER, at INTEGER, reason TEXT NOT NULL, detail TEXT NOT NULL, key BLOB, value BLOB,
  size INTEGER NOT NULL, PRIMARY KEY (topic, partition, at));
CREATE TABLE deploy (
  number INTEGER PRIMARY KEY AUTOINCREMENT, deploy_id TEXT NOT NULL UNIQUE, event_time INTEGER NOT NULL,
  verdict TEXT NOT NULL, record BLOB, positions BLOB, adopted BLOB);
CREATE TABLE baseline (name TEXT PRIMARY KEY, number INTEGER NOT NULL, snapshot BLOB NOT NULL);
CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
"""
MIGRATE = """
ALTER TABLE chunk ADD COLUMN changed_topic TEXT;
ALTER TABLE chunk ADD COLUMN changed_partition INTEGER;
ALTER TABLE chunk ADD COLUMN changed_at INTEGER;
ALTER TABLE chunk ADD COLUMN how INTEGER NOT NULL DEFAULT 0;
UPDATE chunk SET how=2 WHERE live=0;
ALTER TABLE deploy ADD COLUMN positions BLOB;
"""
"""From schema 1: what changed a chunk before is taken to be its last event, and no deploy's positions are known."""
MIGRATIONS: Mapping[int, str] = MappingProxyType(
    {1: MIGRATE, 2: "", 3: "ALTER TABLE deploy ADD COLUMN adopted BLOB;"}
)
"""By schema version: the statements that lead to the next one."""


def recognize(db: sqlite3.Connection, path: Path, *, read_only: bool) -> None:
    """Make an empty file ours; refuse one that is not, before anything is written to it.

    Raises:
        ConfigurationError: a file of another program or schema version, or nothing to read yet.
    """
    application, version, tables = (
        db.execute(query).fetchone()[0]
        for query in ("PRAGMA application_id", "PRAGMA user_version", "SELECT COUNT(*) FROM sqlite_master")
    )
    if not tables and not read_only:
        marks = f"PRAGMA application_id={APPLICATION_ID}; PRAGMA user_version={SCHEMA_VERSION};"
        db.executescript(f"BEGIN; {SCHEMA} {marks} COMMIT;")
    elif application != APPLICATION_ID:
        found = "an SQLite file of another program" if tables else "nothing was committed yet"
        message = f"state {path}: {found}; expected a state file of corpus-drift"
        raise ConfigurationError(message)
    elif version in MIGRATIONS and not read_only:
        steps = "".join(MIGRATIONS[step] for step in range(version, SCHEMA_VERSION))
        db.executescript(f"BEGIN; {steps} PRAGMA user_version={SCHEMA_VERSION}; COMMIT;")
    elif version != SCHEMA_VERSION:
        newer = "use the corpus-drift that wrote it, or another state.path"
        older = "the next corpus-drift run with its configuration brings it up to date"
        found = f"state {path}: schema version {version}, expected {SCHEMA_VERSION}"
        message = f"{found}; {older if version in MIGRATIONS else newer}"
        raise ConfigurationError(message)


def keep_space(db: sqlite3.Connection, path: Path, space: str) -> None:
    """Note what the vectors are; refuse a state of another space: they cannot be scored, and nothing would say so.

    Raises:
        ConfigurationError: the state holds vectors of another space.
    """
    kept = db.execute("SELECT value FROM meta WHERE name='space'").fetchone()
    if kept is None:
        db.execute("INSERT INTO meta VALUES ('space', ?)", (space,))
    elif space and kept[0] != space:
        found = f"state {path}: holds vectors of {kept[0]!r}, the configuration says {space!r}"
        message = f"{found}; expected the same, or another state.path"
        raise ConfigurationError(message)


def keep_parts(db: sqlite3.Connection, path: Path, parts: int, *, read_only: bool) -> None:
    """Note in how many parts the corpus lies; refuse a state of another number: its chunks are not where they were.

    A state that begins gets a mark that all its shards' files have too (`run_of`).

    Raises:
        ConfigurationError: the state is of another number of shards, or of one process.
    """
    read, kept = "SELECT value FROM meta WHERE name=?", 0
    found = db.execute(read, ("shards",)).fetchone()
    if found is not None:
        kept = found[0]
    elif parts and not read_only and db.execute(read, ("newest_event_time",)).fetchone() is None:
        db.execute("INSERT INTO meta VALUES ('shards', ?), (?, ?)", (parts, RUN, token_hex(16)))
        kept = parts
    if kept != parts:
        of, wanted = _parts(kept), f"{_parts(parts)} (shards.count = {parts or 1})"
        message = (
            f"state {path}: is of {of}, the configuration says {wanted}; expected the same, or another state.path"
        )
        raise ConfigurationError(message)


def run_of(db: sqlite3.Connection) -> str:
    """The mark of the run that began the state; "" where one process has the corpus whole."""
    found = db.execute("SELECT value FROM meta WHERE name=?", (RUN,)).fetchone()
    return found[0] if found else ""


def _parts(parts: int) -> str:
    return f"{parts} shards" if parts else "one process"
