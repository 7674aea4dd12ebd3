"""Input of `replay-git`: an encoder fitted on the initial corpus, and anchors drawn from its headings."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from monitor.adapters.anchors_file import write
from monitor.adapters.encoders.anchors import encoded
from monitor.adapters.encoders.latent import LatentSemanticEncoder
from monitor.adapters.sources.git.facts import HistoryFacts
from monitor.adapters.sources.git.history import DEFAULT_GLOBS
from monitor.adapters.sources.git.kind import GitSection, build_git
from monitor.adapters.sources.git.source import GitHistorySource
from monitor.app.configuration import build
from monitor.app.loop import Monitor
from monitor.app.wiring.sources import source_context
from monitor.core.model.anchors import Anchor
from monitor.core.model.events import Segment
from monitor.core.text.sentences import first_sentence
from monitor.ports import ConfigurationError, UnreachableError

ANCHORS = 500
SEED = 20_26
"""Of the encoder that is fitted and of the anchors that are drawn: the same history gives the same verdicts."""
MODEL_DIMENSION = 128
LEAST_WORDS = 2


@dataclass(frozen=True, slots=True)
class _Initial:
    chunk_id: str
    text: str
    segment: Segment


def prepare_history(folder: Path, repository: Path, *, globs: Sequence[str], since: str, deploys: str) -> Path:
    """Write encoder, anchors and configuration for a repository; returns the configuration's path.

    Raises:
        ConfigurationError: no file matches, or nothing in it could be an anchor.
    """
    (folder / "anchors.jsonl").unlink(missing_ok=True)
    configuration = folder / "corpus-drift.toml"
    content = _content(repository, globs, since, deploys)
    chosen = build(json.loads(json.dumps(content)), {}, where=configuration)
    git: GitSection = chosen.source.settings
    initial, facts = _initial(build_git(git, source_context(chosen)))
    _require_a_history(repository, facts)
    if not initial:
        message = f"{repository}: no documentation matches {', '.join(git.globs)} at the start of the history"
        raise ConfigurationError(message)
    dimension = min(MODEL_DIMENSION, max(2, len(initial) // 2))
    encoder = LatentSemanticEncoder.fit([one.text for one in initial], dimension=dimension, seed=SEED)
    encoder.save(folder / "encoder.npz")
    anchors = _anchors(initial)
    if not anchors:
        message = f"{repository}: no section of the initial corpus starts with {LEAST_WORDS} words or more"
        raise ConfigurationError(message)
    write(folder / "anchors.jsonl", encoded(anchors, encoder))
    configuration.write_text(_toml(content), encoding="utf-8")
    return configuration


def replayed(monitor: Monitor) -> dict[str, Any]:
    """What became of the pages of a history: those not read, by reason, and what a user should know of the clone."""
    source = monitor.parts.source
    assert isinstance(source, GitHistorySource)  # noqa: S101 - the configuration names a repository
    facts = source.facts()
    return {
        "skipped": {"pages": dict(Counter(facts.unread.values())), "versions": dict(facts.versions)},
        "notes": facts.lines(),
    }


def source_notes(monitor: Monitor) -> list[str]:
    """What a user should know of the source, for people; nothing where it is no history."""
    source = monitor.parts.source
    return source.facts().lines() if isinstance(source, GitHistorySource) else []


def _require_a_history(repository: Path, facts: HistoryFacts) -> None:
    """ConfigurationError, with the remedy, where nothing could be judged or the beginning is not all there."""
    missing = facts.versions.get("missing", 0)
    if missing:
        why = f"{missing} pages at its beginning are missing in this partial clone; clone it again without --filter"
    elif facts.replayed == 0:
        deeper = "; it is a shallow clone: git fetch --unshallow" if facts.shallow else ""
        why = f"no commit after the one that the history begins with, so nothing to judge{deeper}"
    elif facts.deploys == 0:
        why = "no tag ends a deploy after its beginning: git fetch --tags, or --deploys weekly"
    else:
        return
    message = f"{repository}: {why}"
    raise ConfigurationError(message)


def _initial(source: GitHistorySource) -> tuple[list[_Initial], HistoryFacts]:
    """The upserts before the first deploy marker, and what is known of the history then."""
    try:
        source.start({})
        return list(_until_marker(source)), source.facts()
    except UnreachableError as error:  # the repository is this command's argument: a wrong one is wrong usage
        raise ConfigurationError(str(error)) from error
    finally:
        source.close()


def _until_marker(source: GitHistorySource) -> Iterator[_Initial]:
    while True:
        polled = source.poll(1_024, 1.0)
        for record in polled.records:
            event = json.loads(record.value or b"{}")
            if event["op"] == "deploy":
                return
            if event["op"] == "upsert":
                yield _Initial(event["chunk_id"], event["text"], tuple(sorted(event.get("segment", {}).items())))
        if polled.exhausted:
            return


def _content(repository: Path, globs: Sequence[str], since: str, deploys: str) -> dict[str, dict[str, object]]:
    """The configuration of a replay: no endpoints, every deploy compared with the one before it."""
    return {
        "corpus": {"name": "git-history"},
        "segments": {"dimensions": ["language", "doc_type"], "min_anchors": 10},
        "source": {
            "git": {
                "path": str(repository),
                "globs": list(globs) or list(DEFAULT_GLOBS),
                "since": since,
                "deploys": deploys,
            }
        },
        "encoder": {"kind": "latent-semantic", "path": "encoder.npz"},
        "anchors": {"path": "anchors.jsonl"},
        "baseline": {"bootstrap": "first-deploy", "mode": "previous-deploy"},
        "http": {"enabled": False},
        "state": {"path": "state.db", "keep_deploys": 10_000},
    }


def _anchors(initial: Sequence[_Initial]) -> list[Anchor]:
    """Headings (or first sentences) as queries, each once, drawn evenly over the corpus."""
    queries: dict[str, _Initial] = {}
    for one in initial:
        said = first_sentence(one.text.lstrip("# \n"))
        if len(said.split()) >= LEAST_WORDS:
            queries.setdefault(said, one)
    drawn = np.random.default_rng(SEED).permutation(len(queries))[:ANCHORS]
    pairs = list(queries.items())
    return [
        Anchor(f"a{at:05d}", pairs[at][0], None, pairs[at][1].segment, relevant={pairs[at][1].chunk_id: 1.0})
        for at in sorted(drawn.tolist())
    ]


def _toml(content: dict[str, dict[str, object]]) -> str:
    """The configuration as TOML: JSON strings, numbers, booleans and lists of strings are TOML too."""
    made = []
    for section, values in content.items():
        plain = {key: value for key, value in values.items() if not isinstance(value, dict)}
        made += [f"[{section}]", *(f"{key} = {json.dumps(value)}" for key, value in plain.items())]
        for key, table in values.items():
            if isinstance(table, dict):
                made += [f"[{section}.{key}]", *(f"{name} = {json.dumps(value)}" for name, value in table.items())]
    return "\n".join(made) + "\n"
