"""The image: from the lock by hash, non-root, its commands parse, and what it copies is let through to the build."""

import json
import re
from fnmatch import fnmatch
from pathlib import Path

import pytest

from monitor.cli import main

ROOT = Path(__file__).parent.parent.parent
TEXT = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
JOINED = re.sub(r"\\\n", " ", re.sub(r"^\s*#.*\n", "", TEXT, flags=re.MULTILINE))
STEPS = [(line.split()[0], line.partition(" ")[2].strip()) for line in JOINED.splitlines() if line.strip()]
STAGES = [at for at, (word, _) in enumerate(STEPS) if word == "FROM"]
FINAL = STEPS[STAGES[-1] :]
LOCKS = ("run", "ray")
"""What the image may be built of, by `--build-arg LOCK=`."""
IGNORED = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]


def final(word: str) -> list[str]:
    return [rest for name, rest in FINAL if name == word]


def sent(path: str) -> bool:
    """Whether .dockerignore lets a path through: the last pattern that matches it or a folder of it decides."""
    parts = Path(path).parts
    above = ["/".join(parts[: at + 1]) for at in range(len(parts))]
    passes = True
    for pattern in IGNORED:
        wanted = pattern.removeprefix("!")
        if wanted == "*" or any(fnmatch(one, wanted) for one in above):
            passes = pattern.startswith("!")
    return passes


def test_what_is_copied_is_there_and_sent() -> None:
    copied = [rest.split()[:-1] for word, rest in STEPS if word == "COPY" and "--from" not in rest]
    sources = [source.replace("${LOCK}", lock) for sources in copied for source in sources for lock in LOCKS]
    assert {"requirements/run.txt", "requirements/ray.txt", "pyproject.toml", "monitor"} <= set(sources)
    for source in sources:
        assert (ROOT / source).exists(), source
        assert sent(source), source


@pytest.mark.parametrize(
    "path", [".git/config", ".venv/bin/python", "tests/stack.py", "requirements/test.txt", ".demo/x"]
)
def test_nothing_else_is_sent(path: str) -> None:
    assert not sent(path)


def test_packages_come_from_the_lock_by_hash() -> None:
    installs = [part for word, rest in STEPS if word == "RUN" for part in rest.split("&&") if "pip install" in part]
    assert len(installs) == 2
    assert all("--no-deps" in part for part in installs)
    assert "--require-hashes -r requirements/lock.txt" in installs[0]
    assert ("COPY", "requirements/${LOCK}.txt requirements/lock.txt") in STEPS
    assert ("ARG", "LOCK=run") in STEPS
    for lock in LOCKS:
        text = (ROOT / "requirements" / f"{lock}.txt").read_text(encoding="utf-8")
        assert text.count("--hash=sha256:") >= len(re.findall(r"^[a-z0-9-]+==", text, re.MULTILINE)) > 30
    assert "--no-build-isolation ." in installs[1]


def test_no_address_is_written() -> None:
    assert not re.search(r"https?://|index-url|--index", TEXT)


def test_both_stages_have_one_base() -> None:
    assert {STEPS[at][1].split()[0] for at in STAGES} == {"python:${PYTHON}"}
    assert len(STAGES) == 2


def test_it_runs_as_nobody_in_particular() -> None:
    (user,) = final("USER")
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", user)
    last = max(at for at, (word, _) in enumerate(FINAL) if word in ("RUN", "COPY"))
    assert [word for word, _ in FINAL].index("USER") > last
    assert final("STOPSIGNAL") == ["SIGTERM"]


def test_its_commands_parse(capsys: pytest.CaptureFixture[str]) -> None:
    assert json.loads(final("ENTRYPOINT")[0]) == ["corpus-drift"]
    (check,) = final("HEALTHCHECK")
    probe = json.loads(check[check.index("[") :])
    assert probe[0] == "corpus-drift"
    for arguments in (json.loads(final("CMD")[0]), probe[1:]):
        assert main([*arguments, "--help"]) == 0, capsys.readouterr().err


def test_what_is_written_has_a_folder_of_its_own() -> None:
    state = re.search(r"CORPUS_DRIFT_STATE__PATH=(\S+)", JOINED)
    assert state
    (volume,) = json.loads(final("VOLUME")[0])
    assert Path(state[1]).parent == Path(volume)
    assert volume in next(rest for word, rest in FINAL if word == "RUN")
