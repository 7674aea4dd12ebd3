"""The other detectors on the same streams, each an object with a name that says what it thinks of every deploy.

Another one is added to `detectors`. It sees an outcome as the lab keeps it (lists and churn of each deploy by brute
force, the product's own figures) and, where it needs them, the embeddings beside it.
"""

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from benchmarks.lab.run import current_embeddings

JACCARD = 0.8
"""Mean Jaccard of the first ten ids, on either leg, below which the fixed threshold fires: about one swap."""
PACKAGES = ("alibi-detect", "evidently", "numpy")
EMBEDDINGS = ("Evidently", "alibi-detect KS", "mean cosine")
"""What the worker answers."""
Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Said:
    """Whether a detector fires on a deploy, and the CPU seconds that took."""

    fired: bool
    seconds: float = 0.0


class Detector(Protocol):
    """A detector beside the product."""

    @property
    def name(self) -> str:
        """As the tables have it."""
        ...

    def says(self, outcome: Document) -> Sequence[Said | None]:
        """What it says of each deploy of an outcome, in order; None where it was not run."""
        ...


@dataclass(frozen=True, slots=True)
class Constant:
    """Says one thing, whatever it is shown: what a score is worth that such a one has as well."""

    name: str
    fires: bool

    def says(self, outcome: Document) -> Sequence[Said | None]:
        """Always the same."""
        return [Said(self.fires)] * len(outcome["deploys"])


@dataclass(frozen=True, slots=True)
class FixedJaccard:
    """Fires where the mean Jaccard of the lists by id is below JACCARD on either leg."""

    name: str = "Jaccard@10"

    def says(self, outcome: Document) -> Sequence[Said | None]:
        """Each deploy alone, against its reference."""
        return [Said(min(one["lists"].values()) < JACCARD) for one in outcome["deploys"]]


@dataclass(frozen=True, slots=True)
class OfEmbeddings:
    """One of the worker's detectors, by the answers that it left beside the embeddings."""

    name: str
    folder: Path

    def says(self, outcome: Document) -> Sequence[Said | None]:
        """Each deploy alone, against its reference."""
        return [self._said(*embedding_files(outcome, at)) for at in range(len(outcome["deploys"]))]

    def _said(self, reference: str, current: str) -> Said | None:
        path = self.folder / f"{reference}--{current}.json"
        one = json.loads(path.read_text(encoding="utf-8")).get(self.name) if path.exists() else None
        return None if one is None else Said(one["fired"], round(one["seconds"], 3))


def detectors(folder: Path) -> list[Detector]:
    """All of them.

    Args:
        folder: with one stream's embeddings, and the worker's answers.
    """
    of_embeddings = [OfEmbeddings(name, folder) for name in EMBEDDINGS]
    return [FixedJaccard(), *of_embeddings, Constant("always", fires=True), Constant("never", fires=False)]


def answers(of: Sequence[Detector], outcome: Document) -> Document:
    """What every detector says of an outcome's deploys, as an outcome keeps it: [fires, seconds] or null, by name."""
    said = {one.name: one.says(outcome) for one in of}
    return {
        name: [None if one is None else [one.fired, one.seconds] for one in found]
        for name, found in said.items()
        if any(one is not None for one in found)
    }


def embedding_files(outcome: Document, deploy: int) -> tuple[str, str]:
    """The reference's file and the deploy's: of a history each has its own."""
    one = outcome["deploys"][deploy]
    case = f"{outcome['kind']}-{outcome['severity']}-{outcome['mode']}"
    current = current_embeddings(case, deploy, len(outcome["deploys"]))
    return one.get("reference", "reference.npy"), one.get("embeddings", current)


def ask(python: str, folder: Path, outcomes: Sequence[Document]) -> None:
    """Have the worker answer all pairs of one stream whose files are there; what it answered before stays."""
    pairs = {embedding_files(outcome, at) for outcome in outcomes for at in range(len(outcome["deploys"]))}
    there = sorted(pair for pair in pairs if all((folder / name).exists() for name in pair))
    listed = folder / f"pairs-{os.getpid()}.txt"
    listed.write_text("".join(f"{a} {b}\n" for a, b in there), encoding="utf-8")
    worker = Path(__file__).with_name("peers_worker.py")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    # -P: the worker's folder must not stand before packages that its modules are named like
    subprocess.run([python, "-P", str(worker), str(folder), str(listed)], check=True, env=environment)
    listed.unlink()


def versions(python: str) -> str:
    """The packages behind the peers as that Python has them, one line."""
    said = "import importlib.metadata as m; print(*(f'{d.name} {d.version}' for d in m.distributions()), sep='\\n')"
    found = subprocess.run([python, "-P", "-c", said], check=True, capture_output=True, text=True).stdout.lower()
    return ", ".join(line for line in sorted(set(found.splitlines())) if line.partition(" ")[0] in PACKAGES)
