"""The input of the migration's demo: two fitted encoders, anchors in both versions, and the story act by act."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from monitor.adapters.anchors_file import write
from monitor.adapters.encoders.anchors import encoded
from monitor.adapters.encoders.latent import LatentSemanticEncoder
from monitor.adapters.native_form import native
from monitor.core.model.anchors import Anchor
from monitor.core.model.events import CorpusEvent
from monitor.demo.docstrings import installed_roots, read_documentation
from monitor.demo.migration_story import MIGRATION_ID, MigrationStory, migration_story
from monitor.demo.preparing import SEED, START, demo_configuration
from monitor.demo.scenario import DocumentedObject

OLD_DIMENSION, NEW_DIMENSION = 48, 128
"""Of the encoder in production and of the new one, which tells more apart."""
MOST_CHUNKS = 3_000
"""Of the corpus, so that the whole story takes less than a minute."""
ANCHORS = 800
LEAST_WORDS = 4
"""Of a question, and of its answer."""
EVENTS = "events.jsonl"


@dataclass(frozen=True, slots=True)
class PreparedMigration:
    """What was written: the configuration, and the story whose acts `told` appends to the events."""

    configuration: Path
    chunks: int
    anchors: int
    story: MigrationStory

    def told(self, events: Sequence[CorpusEvent]) -> None:
        """Append events to the stream that the monitor reads."""
        with (self.configuration.parent / EVENTS).open("ab") as file:
            file.writelines(native(event)[1] + b"\n" for event in events)


def prepare_migration(folder: Path) -> PreparedMigration:
    """Read the documentation of the running Python, fit both encoders, write configuration and anchors.

    Args:
        folder: an existing folder; its events are begun anew, and are empty.
    """
    told = _some(read_documentation(installed_roots()).objects)
    objects = [one for one, _ in told]
    texts = [one.text for one in objects]
    old, new = (
        LatentSemanticEncoder.fit(texts, dimension=dimension, seed=SEED)
        for dimension in (OLD_DIMENSION, NEW_DIMENSION)
    )
    new.save(folder / "new-encoder.npz")
    anchors = _in_both(encoded(_asked(told), old), new)
    write(folder / "anchors.jsonl", anchors)
    (folder / EVENTS).write_bytes(b"")
    story = migration_story(objects, old, new, np.random.default_rng(SEED), start=START)
    configuration = folder / "corpus-drift.toml"
    configuration.write_text(_configuration(old, new), encoding="utf-8")
    return PreparedMigration(configuration, len(objects), len(anchors), story)


def _some(objects: Sequence[DocumentedObject]) -> list[tuple[DocumentedObject, str]]:
    """Docstrings without their first sentence, and that sentence; evenly from all of them where there are too many.

    The sentence asks for what follows it: so each question has one known answer, which neither encoder chose, and no
    chunk is its own question.
    """
    split = ((one, *one.text.partition(". ")[::2]) for one in objects)
    told = [
        (replace(one, text=rest), first)
        for one, first, rest in split
        if min(len(first.split()), len(rest.split())) >= LEAST_WORDS
    ]
    chosen = np.linspace(0, len(told) - 1, min(MOST_CHUNKS, len(told))).astype(np.int64)
    return [told[at] for at in chosen.tolist()]


def _asked(told: Sequence[tuple[DocumentedObject, str]]) -> list[Anchor]:
    """Some of the first sentences, each judged: what follows it in its docstring is relevant."""
    drawn = np.random.default_rng(SEED).permutation(len(told))[:ANCHORS]
    return [
        Anchor.of(one.chunk_id, first, segment={"source": one.package}, relevant={one.chunk_id: 1.0})
        for one, first in (told[at] for at in np.sort(drawn).tolist())
    ]


def _in_both(anchors: Sequence[Anchor], new: LatentSemanticEncoder) -> list[Anchor]:
    vectors = new.encode([anchor.text for anchor in anchors])
    version = new.embedding_version
    return [replace(anchor, vectors={version: row}) for anchor, row in zip(anchors, vectors, strict=True)]


def _configuration(old: LatentSemanticEncoder, new: LatentSemanticEncoder) -> str:
    corpus = demo_configuration(old, "corpus-drift demo --migration")
    return f"""{corpus}
[migration]
id = "{MIGRATION_ID}"
from = "{old.embedding_version}"
to = "{new.embedding_version}"

[migration.contract]
encoder = "latent-semantic-demo"
tokenizer = "words"
pooling = "tfidf-svd"
normalisation = "l2"
dimension = {new.dimension}

[migration.encoder]
kind = "latent-semantic"
path = "new-encoder.npz"

[migration.gate]
# A package with fewer questions cannot show that it loses less than five points: it is judged with all the others.
min_anchors = 250
# These queries take a fraction of a millisecond: what a busy machine adds is more than a fifth of that.
slowdown = 20.0
"""
