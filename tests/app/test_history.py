"""replay-git as a user runs it: one judgement per deploy, what was not read, and remedies."""

import re
from pathlib import Path

import pytest

from tests.adapters.histories import empty_repository
from tests.commands import Commands
from tests.contracts.sources import commit, git

WORDS = [
    "rotate",
    "key",
    "vault",
    "node",
    "cache",
    "shard",
    "query",
    "token",
    "audit",
    "batch",
    "queue",
    "index",
    "leader",
]


def page(name: str, shift: int = 0) -> str:
    """A page of four sections whose words depend on its name."""
    numbers = [(ord(letter) * (at + 3) + shift) % len(WORDS) for at, letter in enumerate(name * 9)]
    said = [" ".join(WORDS[(n + k) % len(WORDS)] for k in range(9)) for n in numbers]
    return f"# Page {name}\n\n" + "\n\n".join(f"## Part {line[:20]}\n\n{line}" for line in said[:4]) + "\n"


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = empty_repository(tmp_path_factory.mktemp("git") / "handbook")
    commit(made, {f"docs/p{n:02}.md": page(f"p{n:02}") for n in range(40)}, day=1)
    commit(made, {"docs/p00.md": page("p00").encode("utf-16"), "docs/x.md": "Ключ подписи".encode("koi8-r")}, day=2)
    git(made, "tag", "same")
    commit(made, {f"docs/p{n:02}.md": None for n in range(20)}, day=3)
    git(made, "tag", "lost")
    git(made, "checkout", "--quiet", "-b", "release")
    commit(made, {"docs/p30.md": page("p30", 5)}, day=4)
    git(made, "tag", "beside")
    git(made, "checkout", "--quiet", "main")
    commit(made, {"docs/p31.md": page("p31", 5)}, day=5)
    git(made, "tag", "last")
    return made


def test_a_deploy_has_one_verdict_while_running_and_at_the_end(
    run: Commands, repository: Path, tmp_path: Path
) -> None:
    said = run("replay-git", repository, "--folder", tmp_path / "kept", "--json")
    document = said.json()
    rows = document["deploys"]
    assert [row["deploy"] for row in rows] == ["initial", "same", "lost", "beside", "last"]
    told = re.findall(r"^([A-Z]+) +deploy (\w+), (?:against (\w+)|the first)", said.err, re.MULTILINE)
    before = ["", *(row["deploy"] for row in rows[:-1])]
    assert told == [(row["verdict"].upper(), row["deploy"], old) for row, old in zip(rows, before, strict=True)]
    assert rows[1]["dense"] == rows[1]["lexical"] == 0, "another encoding of the same text is no change"
    assert rows[2]["lexical"] > 1
    assert document["most_shaken"][0]["deploy"] == "lost"
    assert document["skipped"] == {"pages": {"undecodable": 1}, "versions": {"undecodable": 1}}
    assert any("docs/x.md" in note for note in document["notes"])
    again = run("replay-git", repository, "--folder", tmp_path / "kept", "--json").json()
    assert again["deploys"] == rows, "a kept folder says the same of what was replayed before"


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        (["--glob", "docs/p3?.md", "--since", "2024-01-05T13:00"], "no commit after the one"),
        (["--glob", "*.rst"], "no file of HEAD matches *.rst"),
    ],
)
def test_nothing_to_judge_is_wrong_usage(run: Commands, repository: Path, arguments: list[str], remedy: str) -> None:
    said = run("replay-git", repository, *arguments)
    assert (said.code, said.out) == (2, "")
    assert remedy in said.err


def test_clones_that_lack_something_are_named_with_the_remedy(
    run: Commands, repository: Path, tmp_path: Path
) -> None:
    git(repository, "config", "uploadpack.allowFilter", "true")
    for name, options, remedy in (
        ("shallow", ["--depth", "1"], "it is a shallow clone: git fetch --unshallow"),
        ("tagless", ["--no-tags"], "no tag ends a deploy after its beginning: git fetch --tags, or --deploys weekly"),
        ("partial", ["--filter=blob:none", "--no-checkout"], "missing in this partial clone; clone it again without"),
    ):
        git(tmp_path, "clone", "--quiet", "--no-local", *options, repository.as_uri(), name)
        said = run("replay-git", tmp_path / name)
        assert said.code == 2
        assert remedy in said.err
        assert len(said.err.splitlines()) == 1
