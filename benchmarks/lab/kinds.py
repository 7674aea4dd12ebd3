"""What a kind of planted change is, and what it may look at; the kinds themselves are in the `plants` modules."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from benchmarks.lab.corpus import Anchor, Change, Chunk, Distance, Encode, Remove, Write, with_texts

Group = Literal["loss", "incident", "same", "large"]
"""`loss`: as harmful as the truth says. `incident`: wrong by construction, whatever known items say. `same`: an A/A
change. `large`: much is written, and readers lose nothing."""
SHARES: Mapping[Group, tuple[float, ...]] = {
    "loss": (0.01, 0.05, 0.20),
    "incident": (0.01, 0.05, 0.20),
    "same": (0.10, 1.0),
    "large": (0.25, 1.0),
}
"""How much of the corpus a kind hits at each severity, mild first."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a plant sees: the corpus it hits, the queries, how much to hit, and its own random numbers."""

    corpus: Mapping[str, Chunk]
    anchors: Sequence[Anchor]
    share: float
    generator: np.random.Generator
    encode: Encode | None = None

    @property
    def chunks(self) -> list[Chunk]:
        """The corpus in its order."""
        return list(self.corpus.values())

    @property
    def count(self) -> int:
        """The share as a number of chunks, at least one."""
        return max(1, round(self.share * len(self.corpus)))

    def documents(self) -> dict[str, list[Chunk]]:
        """Chunks by document, in order of position."""
        made: dict[str, list[Chunk]] = defaultdict(list)
        for chunk in self.corpus.values():
            made[chunk.doc_id].append(chunk)
        return {name: sorted(found, key=lambda one: one.position) for name, found in made.items()}

    def some_chunks(self) -> list[Chunk]:
        """A share of the chunks, any of them, in the corpus's order."""
        rows = self.chunks
        drawn = np.sort(self.generator.choice(len(rows), min(len(rows), self.count), replace=False))
        return [rows[at] for at in drawn.tolist()]

    def some_documents(self) -> list[Chunk]:
        """The chunks of whole documents that together are about a share of the corpus."""
        documents = self.documents()
        names = list(documents)
        made: list[Chunk] = []
        for at in self.generator.permutation(len(names)).tolist():
            family = documents[names[at]]
            if not made or abs(len(made) + len(family) - self.count) <= abs(len(made) - self.count):
                made += family
            if len(made) >= self.count:
                break
        return made

    def a_segment(self, dimension: str) -> list[Chunk]:
        """The chunks of the one segment of a dimension whose size is nearest to the share."""
        grouped: dict[str, list[Chunk]] = defaultdict(list)
        for chunk in self.corpus.values():
            grouped[chunk.attribute(dimension)].append(chunk)
        return min(grouped.values(), key=lambda found: (abs(len(found) - self.count), found[0].chunk_id))

    def written(self, chunks: Sequence[Chunk], text: Callable[[Chunk], str]) -> list[Change]:
        """Chunks with other texts, and the vectors of those."""
        return [Write(chunk) for chunk in with_texts(chunks, [text(chunk) for chunk in chunks], self.encode)]


PAGE = "page"
"""The document type of pages made of a template, where a corpus has such."""
Plant = Callable[[Setting], list[Change]]
Cause = Literal["CORPUS", "ENCODER", "PIPELINE", "LEXICAL STATISTICS", ""]


@dataclass(frozen=True, slots=True)
class Kind:
    """A planted kind of change.

    Args:
        name: as `--only` takes it.
        group: what it is by construction.
        plant: the changes of one deploy.
        cause: the class of cause that should be named first, "" where several may be.
        encodes: it writes new texts, so their vectors need an encoder.
        shares: how much it hits by severity; () are the group's.
        deploys: deploys in a row that each hit as much: a slow one has many.
        dimension: the attribute that it goes by, of which a corpus must have several values; "" for none.
        distance: how vectors are compared where it is planted; with cosine their lengths are nobody's matter.
        pages: it is about pages of a template, and planted only where a corpus has such (`plants_template`).
    """

    name: str
    group: Group
    plant: Plant
    cause: Cause = ""
    encodes: bool = False
    shares: tuple[float, ...] = ()
    deploys: int = 1
    dimension: str = ""
    distance: Distance = "cosine"
    pages: bool = False

    def fits(self, chunks: Iterable[Chunk], distance: Distance = "cosine") -> bool:
        """Whether a corpus has what it goes by, and compares vectors as it needs."""
        every = list(chunks)
        several = not self.dimension or len({chunk.attribute(self.dimension) for chunk in every}) > 1
        pages = any(chunk.attribute("doc_type") == PAGE for chunk in every)
        return several and distance == self.distance and pages == self.pages

    @property
    def severities(self) -> tuple[float, ...]:
        """How much it hits, mild first."""
        return self.shares or SHARES[self.group]

    @property
    def says(self) -> str:
        """What is planted, in one line."""
        return (self.plant.__doc__ or "").strip().split("\n", 1)[0]


def removed(chunks: Sequence[Chunk]) -> list[Change]:
    """Deletes of these chunks."""
    return [Remove(chunk.chunk_id) for chunk in chunks]
