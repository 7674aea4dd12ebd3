"""The page about pgvector, walked to the letter on a real PostgreSQL: from nothing to a verdict."""

import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.docs.pages import Block, blocks
from tests.postgres import PostgresServer, postgres
from tests.stack import need

PAGE = "docs/ways-in/pgvector.md"
DEADLINE = 300.0


def adapted(text: str, server: PostgresServer, database: str) -> str:
    """With the port of our server, and the database of this walk, for those that the page names."""
    return text.replace("127.0.0.1:5432/postgres", f"127.0.0.1:{server.port}/{database}")


def files(folder: Path, server: PostgresServer, database: str) -> None:
    for block in blocks("python", "toml", "sql", pages=(PAGE,)):
        (folder / block.title).write_text(adapted(block.text, server, database), encoding="utf-8")


def steps() -> list[Block]:
    return [block for block in blocks("sh", pages=(PAGE,)) if "test_way_in_pgvector" in block.mark]


@pytest.mark.timeout(1_200)
def test_from_nothing_to_a_verdict(tmp_path: Path) -> None:
    with ExitStack() as stack:
        server = need(postgres(), stack)
        database = server.new_database()
        files(tmp_path, server, database)
        here = f"{Path(sys.executable).parent}{os.pathsep}{server.programs}"
        environment = {**os.environ, "PATH": f"{here}{os.pathsep}{os.environ['PATH']}"}
        said: dict[str, str] = {}
        for line in "".join(adapted(block.text, server, database) for block in steps()).splitlines():
            command, _, expected = line.partition("  # exit ")
            if command.startswith("export "):
                name, _, value = command.removeprefix("export ").partition("=")
                environment[name] = value
                continue
            ended = subprocess.run(
                ["bash", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True,
                timeout=DEADLINE, check=False,
            )  # fmt: skip
            said[command] = ended.stdout
            assert ended.returncode == int(expected or 0), f"{line}\n{ended.stdout}\n{ended.stderr}"
            assert "Traceback" not in ended.stderr, ended.stderr
    (checked,) = [out for command, out in said.items() if command.startswith("corpus-drift check-config")]
    (shown,) = blocks("text", pages=(PAGE,))
    for line in shown.text.splitlines():
        assert line.removesuffix("...") in checked
    gates = {command.split()[-1]: out for command, out in said.items() if command.startswith("corpus-drift gate")}
    assert gates["update"].startswith("PASS")
    assert gates["break"].startswith("FAIL")
    explained = said["corpus-drift explain -c corpus-drift.toml --deploy break"]
    assert "invoice/create" in explained
