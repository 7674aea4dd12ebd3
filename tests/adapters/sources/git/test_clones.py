"""Where a history begins, tags beside the line, clones that lack something, and pages that cannot be read."""

import os
from pathlib import Path

import pytest

from monitor.adapters.sources.git.facts import HistoryFacts
from monitor.adapters.sources.git.history import HistorySelection
from monitor.adapters.sources.git.source import GitHistorySource
from monitor.ports import UnreachableError
from tests.adapters.histories import empty_repository, short, walked
from tests.contracts.sources import commit, git


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return empty_repository(tmp_path / "handbook")


def facts(path: Path, selection: HistorySelection | None = None) -> HistoryFacts:
    source = GitHistorySource(path, selection)
    source.start({})
    try:
        while not source.poll(10_000, 5.0).exhausted:
            pass
        return source.facts()
    finally:
        source.close()


# ---------------------------------------------------------------- encodings


def test_a_page_that_only_changes_its_encoding_is_not_changed(repository: Path) -> None:
    text = "# Schlüssel\n\nGröße und Maß: “déjà vu” – 5 €\n"
    forms = [
        text.encode("cp1252"),
        text.encode(),
        text.encode("utf-8-sig"),
        text.encode("utf-16"),
        text.encode("cp1252"),
    ]
    for day, content in enumerate(forms, 1):
        commit(repository, {"a.md": content, "b.md": str(day)}, day=day)
    assert [one for one in short(walked(repository)[0]) if "a.md" in one] == ["+a.md#schlüssel"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("Ключ подписи обновляется летом".encode("koi8-r"), "undecodable"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "lfs_pointer"),
        (b"x" * 5_000, "huge"),
    ],
)
def test_what_we_cannot_read_is_not_gone(repository: Path, content: bytes, reason: str) -> None:
    commit(repository, {"a.md": "was read", "b.md": "b"}, day=1)
    commit(repository, {"a.md": content}, day=2)
    commit(repository, {"a.md": b"\0"}, day=3)
    selection = HistorySelection(max_file_bytes=4_000, deploys="daily")
    assert short(walked(repository, selection)[0])[2:] == ["=initial", "-a.md#_top", "=2024-01-03"]
    git(repository, "reset", "--quiet", "--hard", "HEAD~1")
    found = facts(repository, selection)
    assert (found.versions, found.unread) == ({reason: 1}, {"a.md": reason})
    assert f"1 page not read: {reason} (" in "\n".join(found.lines())
    assert "a.md; what was read of them before stands" in "\n".join(found.lines())
    commit(repository, {"a.md": "read again"}, day=4)
    assert facts(repository, selection).unread == {}
    commit(repository, {"a.md": None}, day=5)
    assert short(walked(repository, selection)[0])[-2:] == ["-a.md#_top", "=2024-01-05"]


# ---------------------------------------------------------------- the beginning


def test_the_history_begins_with_enough_pages(repository: Path) -> None:
    commit(repository, {"README.md": "readme"}, day=1)
    commit(repository, {f"p{n}.md": str(n) for n in range(9)}, day=2)
    commit(repository, {f"p{n}.md": str(n) for n in range(9, 40)}, day=3)
    commit(repository, {f"p{n}.md": str(n) for n in range(40, 99)} | {"p1.md": None}, day=4)
    commit(repository, {"p0.md": "new"}, day=5)
    found = facts(repository)
    assert (found.left_out, found.pages, found.replayed) == (2, 41, 2)
    assert (
        "begins with the first commit that has enough pages (41); 2 older commits are left out; --since"
        in "".join(found.lines())
    )
    assert facts(repository, HistorySelection(limit=9)).left_out == 0, "a beginning that was asked for stays"
    assert facts(repository, HistorySelection(glob=("p[0-4].md",))).left_out == 1, "half of the last commit's pages"


def test_pages_that_were_there_once_and_never_enough(repository: Path) -> None:
    commit(repository, {"x.py": "code"}, day=1)
    commit(repository, {"a.md": "a"}, day=2)
    commit(repository, {"a.md": None}, day=3)
    commit(repository, {"b.md": "b"}, day=4)
    commit(repository, {"b.md": None}, day=5)
    found = facts(repository, HistorySelection(deploys="daily"))
    assert (found.left_out, found.pages) == (1, 1)


# ---------------------------------------------------------------- tags beside the line


def test_every_tag_ends_a_deploy(repository: Path) -> None:
    """v1 on the line, v1.1 on a branch that is merged, v1.0.1 on one that never is, old before the beginning."""
    commit(repository, {"a.md": "1"}, day=1)
    git(repository, "tag", "old")
    commit(repository, {"a.md": "2"}, day=2)
    git(repository, "tag", "-a", "-m", "annotated", "v1", day=2)
    git(repository, "checkout", "--quiet", "-b", "release")
    commit(repository, {"b.md": "1.1"}, day=3)
    git(repository, "tag", "v1.1")
    git(repository, "checkout", "--quiet", "-b", "never", "v1")
    commit(repository, {"c.md": "1.0.1"}, day=5)
    git(repository, "tag", "-a", "-m", "annotated", "v1.0.1", day=5)
    git(repository, "checkout", "--quiet", "main")
    commit(repository, {"a.md": "4"}, day=4)
    git(repository, "merge", "--quiet", "--no-ff", "-m", "merge", "release", day=6)
    commit(repository, {"a.md": "7"}, day=7)
    git(repository, "tag", "v2")
    git(repository, "tag", "blob", git(repository, "rev-parse", "HEAD:a.md").decode().strip())
    events = short(walked(repository)[0])
    assert events == [
        *("+a.md#_top", "=initial", "+a.md#_top", "=v1", "+a.md#_top", "=v1.0.1"),
        *("+b.md#_top", "=v1.1", "+a.md#_top", "=v2"),
    ]
    found = facts(repository)
    assert found.tags is not None
    assert (found.deploys, found.tags.merged, found.tags.by_time) == (4, 1, 1)
    assert (found.tags.earlier, found.tags.lost) == (1, 1)
    said = "\n".join(found.lines())
    assert "2 of 4 tags are beside the first-parent line: 1 at the merge that brought them, 1 by their time" in said


def test_a_repository_without_tags_says_so(repository: Path) -> None:
    commit(repository, {"a.md": "1"}, day=1)
    commit(repository, {"a.md": "2"}, day=2)
    assert "no tag ends a deploy; git fetch --tags" in "".join(facts(repository).lines())
    assert facts(repository, HistorySelection(deploys="weekly")).lines() == []


# ---------------------------------------------------------------- clones


def _cloned(repository: Path, *options: str) -> Path:
    git(repository, "config", "uploadpack.allowFilter", "true")
    git(repository.parent, "clone", "--quiet", "--no-local", *options, repository.as_uri(), "copy")
    return repository.parent / "copy"


def test_a_shallow_clone_says_how_to_deepen_it(repository: Path) -> None:
    for day in range(1, 5):
        commit(repository, {"a.md": str(day)}, day=day)
    found = facts(_cloned(repository, "--depth", "2"), HistorySelection(deploys="daily"))
    assert (found.shallow, found.replayed) == (True, 1)
    assert any("git fetch --unshallow" in line for line in found.lines())


def test_a_partial_clone_says_what_it_lacks(repository: Path) -> None:
    for day in range(1, 4):
        commit(repository, {"a.md": str(day)}, day=day)
    found = facts(_cloned(repository, "--filter=blob:none", "--no-checkout"), HistorySelection(deploys="daily"))
    assert found.partial
    assert found.versions == {"missing": 3}
    said = "\n".join(found.lines())
    assert "1 page not read: missing (a partial clone; clone it again without --filter): a.md" in said


def test_a_clone_without_trees_is_refused_with_the_remedy(repository: Path) -> None:
    commit(repository, {"a.md": "1"}, day=1)
    clone = _cloned(repository, "--filter=tree:0", "--no-checkout")
    with pytest.raises(UnreachableError, match=r"it is a partial clone: clone it again without --filter") as caught:
        GitHistorySource(clone).start({})
    assert "\n" not in str(caught.value)
    assert "hint:" not in str(caught.value)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another user")
def test_a_repository_of_another_user_is_named_with_the_remedy(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(repository, {"a.md": "1"}, day=1)
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("SUDO_UID", raising=False)
    os.chown(repository, 12_345, 12_345)
    with pytest.raises(UnreachableError, match=r"git config --global --add safe.directory .*handbook$") as caught:
        GitHistorySource(repository).start({})
    assert "\n" not in str(caught.value)
    (tmp_path / "home" / ".gitconfig").write_text(f"[safe]\n\tdirectory = {repository}\n", encoding="utf-8")
    assert facts(repository).replayed == 0
