"""Streams from real histories: the FastAPI documentation as events with vectors, and any git repository of pages."""

import gzip
import hashlib
import json
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.lab.corpus import Anchor, Change, Chunk, Encode, Remove, Stream, Vector, Write, applied, unit
from benchmarks.lab.encoders import fitted, real
from benchmarks.lab.streams import draw_anchors

VERSION = "all-minilm-l6-v2:wordpiece-128:mean:l2:384:cosine"
MOST_WORDS = 180
"""A section of more words is cut."""
GIT_ANCHORS = 400
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)
_LANGUAGE = re.compile(r"(?:^|/)([a-z]{2})(?:-[A-Za-z]{2,4})?/")


def fastapi(data: Path, *, first: int, deploys: int) -> Stream:
    """A window of the FastAPI history: the corpus after deploy number `first`, and `deploys` ordinary ones after it.

    Its vectors are MiniLM's, which nobody here can make: kinds that write new texts are left out.

    Args:
        data: the folder with events.jsonl.gz, vectors.npy, hashes.txt, anchors.jsonl and anchor_vectors.npy.
        first: how many deploys after the initial one come before the window.
        deploys: how many follow.
    """
    vectors = np.load(data / "vectors.npy", mmap_mode="r")
    rows = {name: at for at, name in enumerate((data / "hashes.txt").read_text(encoding="utf-8").split())}

    def vector(text: str) -> Vector:
        row = rows[hashlib.blake2b(text.encode(), digest_size=8).hexdigest()]
        made: Vector = unit(np.asarray(vectors[row], np.float32))
        return made

    corpus: dict[str, Chunk] = {}
    window: list[tuple[str, tuple[Change, ...]]] = []
    with gzip.open(data / "events.jsonl.gz", "rt", encoding="utf-8") as lines:
        for number, (name, changes) in enumerate(_deploys(lines)):
            if number > first + deploys:
                break
            made = tuple(_change(event, vector) for event in changes)
            if number <= first:
                corpus = applied(corpus, made)
            else:
                window.append((name, made))
    anchors = tuple(_fastapi_anchors(data, corpus))
    return Stream("fastapi", ("language", "doc_type"), VERSION, tuple(corpus.values()), anchors, tuple(window))


def _deploys(lines: Iterator[str]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    changes: list[dict[str, Any]] = []
    for line in lines:
        event = json.loads(line)
        if event["op"] == "deploy":
            yield event["deploy_id"], changes
            changes = []
        else:
            changes.append(event)


def _change(event: Mapping[str, Any], vector: Any) -> Change:
    if event["op"] == "delete":
        return Remove(event["chunk_id"])
    text, segment = event["text"], _sourced(event.get("segment") or {})
    return Write(Chunk(event["chunk_id"], event["doc_id"], event["position"], text, vector(text), segment))


def _sourced(segment: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Attributes with a source, which kinds that hit one need: the documents of one type in one language."""
    source = f"{segment.get('language', '')}/{segment.get('doc_type', '')}"
    return tuple(sorted({"source": source, **segment}.items()))


def _fastapi_anchors(data: Path, corpus: Mapping[str, Chunk]) -> Iterator[Anchor]:
    """Anchors whose known chunk is live: the others have no truth in this window."""
    vectors = np.load(data / "anchor_vectors.npy").astype(np.float32)
    with (data / "anchors.jsonl").open(encoding="utf-8") as lines:
        for line, vector in zip(lines, vectors, strict=True):
            one = json.loads(line)
            known = next(iter(one["relevant"]))
            if known in corpus:
                yield Anchor(one["id"], one["text"], unit(vector), _sourced(one["segment"]), known)


def git(repository: Path, *, glob: str, deploys: int, vectors: Path | None) -> Stream:
    """The last weeks of a documentation repository, a deploy for each week in which a page changed.

    Args:
        repository: a clone; bare or not.
        glob: which files are documentation, as git's pathspec (`*` crosses folders).
        deploys: how many weeks.
        vectors: multilingual-e5-small instead of the fitted encoder, and the file where its vectors are kept.

    Raises:
        ValueError: no week with documentation in it.
    """
    weeks = _weeks(repository, glob)[-(deploys + 1) :]
    if not weeks:
        message = f"{repository}: no commit touches {glob}"
        raise ValueError(message)
    states = [_sourced_pages(_texts(repository, commit, glob)) for commit in weeks]
    encoder = fitted([text for *_, text in states[0].values()]) if vectors is None else real(vectors)
    worlds = [_chunks(state, encoder) for state in states]
    initial = tuple(worlds[0].values())
    anchors = draw_anchors(initial, encoder, _heading, count=GIT_ANCHORS)
    steps = zip(weeks[1:], worlds[:-1], worlds[1:], strict=True)
    made = tuple((f"week-{commit[:10]}", _difference(old, new)) for commit, old, new in steps)
    return Stream("git", ("source",), encoder.embedding_version, initial, tuple(anchors), made, encoder)


def _weeks(repository: Path, glob: str) -> list[str]:
    """The last commit of each week that touches documentation, oldest first."""
    said = _git(repository, "log", "--first-parent", "--reverse", "--format=%H %ct", "--", glob).decode()
    last: dict[int, str] = {}
    for line in said.splitlines():
        commit, time = line.split()
        last[int(time) // (7 * 86_400)] = commit
    return list(last.values())


Piece = tuple[str, int, tuple[tuple[str, str], ...], str]


def _texts(repository: Path, commit: str, glob: str) -> dict[str, Piece]:
    """Document, position, segment and text of every chunk of a commit, by chunk id."""
    made: dict[str, Piece] = {}
    # ls-tree takes no pathspec magic: names are listed whole, and matched as git's log matched them
    listed = _git(repository, "ls-tree", "-r", "-z", commit).split(b"\0")
    for entry in listed:
        head, _, name = entry.partition(b"\t")
        path = name.decode("utf-8", "replace")
        if head.startswith(b"100") and fnmatchcase(path, glob):
            text = _git(repository, "cat-file", "blob", head.split()[2].decode()).decode("utf-8", "replace")
            made |= _pieces(path, text)
    return made


def _sourced_pages(pieces: Mapping[str, Piece]) -> dict[str, Piece]:
    """Each piece with its source: the first folder below the one that all pages are in, or the page there."""
    folders = [document.split("/") for document, *_ in pieces.values()]
    common = 0  # folders that every page is in
    while folders and len({tuple(parts[: common + 1]) for parts in folders}) == 1 < min(map(len, folders)) - common:
        common += 1
    return {
        name: (document, position, (*segment, ("source", parts[common])), text)
        for (name, (document, position, segment, text)), parts in zip(pieces.items(), folders, strict=True)
    }


def _pieces(path: str, text: str) -> dict[str, Piece]:
    """Sections by heading, cut at MOST_WORDS words; the id is the heading's, numbered where it repeats."""
    found = _LANGUAGE.search(path)
    segment = (("language", found.group(1) if found else "en"),)
    made: dict[str, Piece] = {}
    starts = [0, *(at.start() for at in _HEADING.finditer(text) if at.start())]
    for low, high in zip(starts, [*starts[1:], len(text)], strict=True):
        section = text[low:high].strip()
        name = re.sub(r"[^\w]+", "-", _heading(section).lower()).strip("-") or "top"
        said = section.split(" ")
        for part in range(0, len(said), MOST_WORDS):
            chunk_id, repeat = f"{path}#{name}", 1
            while chunk_id in made:
                repeat += 1
                chunk_id = f"{path}#{name}-{repeat}"
            cut = " ".join(said[part : part + MOST_WORDS]).strip()
            if cut:
                made[chunk_id] = (path, len(made), segment, cut)
    return made


def _heading(text: str) -> str:
    """The heading a section begins with, "" where it has none."""
    found = _HEADING.match(text)
    return found.group(1) if found else ""


def _chunks(state: Mapping[str, Piece], encode: Encode) -> dict[str, Chunk]:
    vectors = encode([text for *_, text in state.values()])
    return {
        name: Chunk(name, document, position, text, vector, segment)
        for (name, (document, position, segment, text)), vector in zip(state.items(), vectors, strict=True)
    }


def _difference(old: Mapping[str, Chunk], new: Mapping[str, Chunk]) -> tuple[Change, ...]:
    writes = [Write(chunk) for name, chunk in new.items() if old.get(name) != chunk]
    return (*writes, *(Remove(name) for name in old if name not in new))


def _git(repository: Path, *arguments: str) -> bytes:
    command: Sequence[str] = ["git", "-C", str(repository), *arguments]
    return subprocess.run(command, check=True, capture_output=True).stdout
