"""The page on bootstraps from files, walked to the letter with a broker: from an export to a verdict."""

import os
import subprocess
import sys
from pathlib import Path

from monitor.adapters.native_form import native
from monitor.core.model.events import CorpusEvent, Delete, Deploy
from tests.docs.pages import blocks
from tests.kafka_mock import MockCluster, mock_cluster

PAGE = "docs/bootstrap.md"
TOPIC = "corpus-changes"
USAGE = 2


def adapted(text: str, cluster: MockCluster) -> str:
    """With the address of our broker, which does not say its version."""
    return text.replace('["127.0.0.1:9092"]', f'["{cluster.bootstrap}"]\napi_version = [2, 3]')


def ran(folder: Path, command: str) -> subprocess.CompletedProcess[str]:
    here = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "CORPUS_DRIFT_HTTP__PORT": "0"}
    line, _, expected = command.partition("  # exit ")
    ended = subprocess.run(
        ["bash", "-c", line], cwd=folder, env={**os.environ, **here}, capture_output=True, text=True, timeout=300,
        check=False,
    )  # fmt: skip
    assert ended.returncode == int(expected or 0), f"{line}\n{ended.stdout}\n{ended.stderr}"
    assert "Traceback" not in ended.stderr
    return ended


def test_from_an_export_to_a_verdict(tmp_path: Path) -> None:
    with mock_cluster(partitions=1) as cluster:
        cluster.create(TOPIC, 1)
        for block in blocks("python", "toml", pages=(PAGE,)):
            (tmp_path / block.title).write_text(adapted(block.text, cluster), encoding="utf-8")
        (walk,) = [block for block in blocks("sh", pages=(PAGE,)) if "test_bootstrap_page" in block.mark]
        said = {line: ran(tmp_path, line) for line in walk.text.splitlines()}
        (shown,) = blocks("text", pages=(PAGE,))
        assert said["corpus-drift bootstrap -c corpus-drift.toml"].stderr == shown.text
        again = ran(tmp_path, "corpus-drift bootstrap -c corpus-drift.toml")
        assert again.stderr == "all 288 rows were read before; nothing to do\n"
        gone = [
            Delete(f"invoice/{thing}#{part}", 1_790_000_000_000_000)
            for thing in ("create", "rotate")
            for part in (1, 2, 3, 4)
        ]
        update: list[CorpusEvent] = [*gone, Deploy("d1", 1_790_000_000_000_000, {})]
        cluster.produce(TOPIC, 0, [native(event) for event in update])
        ran(tmp_path, "corpus-drift run -c corpus-drift.toml --until-end")
        explained = ran(tmp_path, "corpus-drift explain -c corpus-drift.toml --deploy d1").stdout
        assert "invoice/create" in explained
        assert "baseline" in explained


def test_what_is_wrong_is_said_in_a_line_with_the_commands_exit_codes(tmp_path: Path) -> None:
    with mock_cluster(partitions=1) as cluster:
        cluster.create(TOPIC, 1)
        for block in blocks("python", "toml", pages=(PAGE,)):
            (tmp_path / block.title).write_text(adapted(block.text, cluster), encoding="utf-8")
        ran(tmp_path, "python export.py")
        config = tmp_path / "corpus-drift.toml"
        right = config.read_text(encoding="utf-8")
        for before, after, said, code in (
            (
                'text = "body"',
                'text = "words"',
                "part-0.parquet: no column 'words' for text; expected one of id, page",
                2,
            ),
            (
                'path = "chunks"',
                'path = "chanks"',
                "chanks': not there; expected a folder of Parquet files, or one",
                2,
            ),
            ("dimension = 32", "dimension = 33", "288 of 288 changes were set aside, expected at most 10%", 1),
        ):
            config.write_text(right.replace(before, after) + f'\n[state]\npath = "{code}.db"\n', encoding="utf-8")
            ended = ran(tmp_path, f"corpus-drift bootstrap -c corpus-drift.toml  # exit {code}")
            assert said in ended.stderr.splitlines()[-1]
            if code == USAGE:
                assert said in ran(tmp_path, "corpus-drift check-config -c corpus-drift.toml  # exit 2").stderr
        listed = ran(tmp_path, "corpus-drift quarantine list -c corpus-drift.toml").stdout
        assert "__bootstrap__/part-2.parquet/0/95" in listed
        config.write_text(right, encoding="utf-8")
        said = "[bootstrap] names files and the state has none of them; expected corpus-drift bootstrap first"
        assert said in ran(tmp_path, "corpus-drift run -c corpus-drift.toml --until-end  # exit 2").stderr
