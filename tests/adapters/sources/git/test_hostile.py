"""Git history where the repository is hostile, damaged or not there."""

import json
import os
import tracemalloc
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from monitor.adapters.sources.git.history import HistorySelection, doc_id_of
from monitor.adapters.sources.git.source import GitHistorySource
from monitor.ports import ConfigurationError, UnreachableError
from tests.adapters.histories import empty_repository, short, walked
from tests.contracts.sources import commit, git


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return empty_repository(tmp_path / "handbook")


# ---------------------------------------------------------------- hostile content


def test_hostile_files_and_refs(repository: Path) -> None:
    names = [
        b"new\nline.md",
        b"-rf --output=x.md",
        b"\xff\xfe.md",
        b":(top)x.md",
        b'tab\tquote".md',
        b"50%#1.md",
        b".\n.md",
    ]
    for name in names:
        Path(os.fsdecode(bytes(repository) + b"/" + name)).write_text("text")
    pages: Mapping[str, bytes] = {
        "binary.md": b"a\0b",
        "koi8.md": "ещё текст, ни слова иначе".encode("koi8-r"),
        "huge.md": b"x" * 5000,
        "lfs.md": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
        "empty.md": b"",
    }
    (repository / "link.md").symlink_to("/etc/passwd")
    commit(repository, pages, day=1)
    git(repository, "update-index", "--add", "--cacheinfo", "160000", "1" * 40, "module.md")
    git(repository, "commit", "--quiet", "-m", "submodule", day=2)
    head = git(repository, "rev-parse", "HEAD").decode().strip()
    (repository / ".git/refs/tags/--upload-pack=x").write_text(head + "\n")
    commit(repository, {"binary.md": "now text", "koi8.md": "café"}, day=3)
    commit(repository, {"binary.md": b"\0", "huge.md": None}, day=4)
    source = GitHistorySource(repository, HistorySelection(max_file_bytes=4000))
    source.start({})
    events: list[dict[str, Any]] = []
    while not (polled := source.poll(1000, 5.0)).exhausted:
        events += [json.loads(record.value or b"") for record in polled.records]
    events += [json.loads(record.value or b"") for record in polled.records]
    source.close()
    expected = sorted(names)
    assert [event["doc_id"] for event in events[: len(names)]] == [doc_id_of(name) for name in expected]
    assert short(events[len(names) :]) == [
        *("=initial", "=--upload-pack=x", "+binary.md#_top", "+koi8.md#_top", "-binary.md#_top"),
    ]
    found = source.facts().versions
    assert found == {"binary": 2, "undecodable": 1, "huge": 1, "lfs_pointer": 1, "symlink": 1, "submodule": 1}


def test_document_ids_are_one_to_one() -> None:
    names = [b"a%0Ab", b"a\nb", b"a#b", b"a%23b", b"\xc3\xa9", b"\xe9", b"%E9", b"a\xe2\x80\xaeb", b"a b"]
    assert len({doc_id_of(name) for name in names}) == len(names)
    assert all(doc_id_of(name).isprintable() and "#" not in doc_id_of(name) for name in names)


def test_nothing_the_repository_configures_is_run(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit(repository, {"a.md": "one", ".gitattributes": "*.md diff=evil filter=evil\n"}, day=1)
    commit(repository, {"a.md": "two"}, day=2)
    witness = repository.parent / "executed"
    program = repository.parent / "evil.sh"
    script = f'#!/bin/sh\necho "$0 $@" >> {witness}\ncat\n'
    program.write_text(script)
    program.chmod(0o755)
    keys = ["core.fsmonitor", "core.pager", "core.sshCommand", "core.editor", "diff.external", "diff.evil.textconv"]
    keys += [
        "diff.evil.command",
        "filter.evil.smudge",
        "filter.evil.clean",
        "gpg.program",
        "pager.log",
        "alias.rev-list",
    ]
    for key in keys:
        git(repository, "config", key, str(program))
    git(repository, "config", "log.showSignature", "true")
    git(repository, "config", "alias.cat-file", f"!{program}")
    for hook in ("post-checkout", "reference-transaction", "post-index-change"):
        (repository / ".git/hooks" / hook).symlink_to(program)
    for name in ("GIT_EXTERNAL_DIFF", "GIT_PAGER", "GIT_SSH", "GIT_ASKPASS", "GIT_TRACE2_EVENT"):
        monkeypatch.setenv(name, str(program))
    monkeypatch.setenv("GIT_DIR", "/nonexistent")
    assert short(walked(repository)[0]) == ["+a.md#_top", "=initial", "+a.md#_top"]
    assert not witness.exists()
    assert program.read_text() == script, "GIT_TRACE2_EVENT would have appended to it"


def test_a_missing_object_is_not_fetched(repository: Path) -> None:
    """As in a partial clone: the object is skipped and counted, and no transport is started for it."""
    commit(repository, {"a.md": "one", "b.md": "two"}, day=1)
    oid = git(repository, "rev-parse", "HEAD:a.md").decode().strip()
    (repository / ".git/objects" / oid[:2] / oid[2:]).unlink()
    witness = repository.parent / "fetched"
    for key, value in (
        ("extensions.partialClone", "origin"),
        ("core.repositoryFormatVersion", "1"),
        ("remote.origin.promisor", "true"),
        ("remote.origin.url", f"ext::sh -c touch% {witness}"),
        ("protocol.ext.allow", "always"),
    ):
        git(repository, "config", key, value)
    source = GitHistorySource(repository)
    source.start({})
    keys: list[bytes | None] = []
    while not (polled := source.poll(100, 5.0)).exhausted:
        keys += [record.key for record in polled.records]
    assert [*keys, *(record.key for record in polled.records)] == [b"b.md#_top", b"__deploy__/initial"]
    source.close()
    assert source.facts().versions == {"missing": 1}
    assert source.facts().partial
    assert not witness.exists()


# ---------------------------------------------------------------- refusals


def test_unreachable_in_one_line(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refusal(path: Path, selection: HistorySelection | None = None) -> str:
        with pytest.raises(UnreachableError) as caught:
            GitHistorySource(path, selection).start({})
        assert "\n" not in str(caught.value)
        return str(caught.value)

    assert refusal(tmp_path / "no") == f"{tmp_path / 'no'}: no such folder, expected a git repository"
    assert refusal(tmp_path).startswith(f"{tmp_path}: git rev-parse: not a git repository")
    assert "no commit is named 'HEAD'" in refusal(repository)
    commit(repository, {"docs/a.md": "x"}, day=3)
    assert refusal(repository / "docs").startswith(f"{repository / 'docs'}: git rev-parse: not a git repository")
    assert "no file of HEAD matches **/*.rst" in refusal(repository, HistorySelection(glob=("**/*.rst",)))
    early = datetime(2020, 1, 1, tzinfo=UTC)
    assert refusal(repository, HistorySelection(until=early)).endswith(
        "no commit of HEAD is older than 2020-01-01 00:00:00+00:00"
    )
    with pytest.raises(UnreachableError, match="no commit is named '--exec=x'"):
        GitHistorySource(repository, ref="--exec=x").start({})
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "git cannot be run: No such file" in refusal(repository)


@pytest.mark.parametrize("wrong", [{"glob": ()}, {"glob": ("",)}, {"deploys": "hourly"}, {"limit": -1}])
def test_wrong_selections_are_configuration_errors(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"^git: [^\n]*expected"):
        HistorySelection(**wrong)


def test_a_program_that_dies_is_unreachable_and_not_a_hang(repository: Path) -> None:
    commit(repository, {f"p{n}.md": f"page {n}" for n in range(50)}, day=1)
    source = GitHistorySource(repository)
    source.start({})
    assert source.poll(3, 1.0).records
    assert source._repository is not None
    source._repository._sizes._program.kill()
    for _ in range(2):  # a second poll must not take the silence for the end
        with pytest.raises(UnreachableError, match="git cat-file ended before its time"):
            source.poll(100, 1.0)
        assert source.end() is None
    source.close()


def test_memory_holds_hashes_and_not_texts(repository: Path) -> None:
    body = "words of a page " * 4000
    commit(repository, {f"p{n}.md": f"# P{n}\n\n{body}" for n in range(60)}, day=1)
    source = GitHistorySource(repository)
    source.start({})
    tracemalloc.start()
    while not source.poll(5, 5.0).exhausted:
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    source.close()
    assert peak < 1_500_000, "the corpus has 3.8 MB"
