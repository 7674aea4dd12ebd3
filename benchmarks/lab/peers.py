"""The other detectors on the same streams: embeddings before and after, the lists, and two that look at nothing."""

import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.lab.score import Judgement, judgements

JACCARD = 0.8
"""Mean Jaccard of the first ten ids, on either leg, below which the fixed threshold fires: about one swap."""
PACKAGES = ("alibi-detect", "evidently", "numpy")
Document = dict[str, Any]


def embedding_files(outcome: Document, deploy: int) -> tuple[str, str]:
    """The reference's file and the deploy's: of a history each has its own, of a case the last one is kept."""
    one = outcome["deploys"][deploy]
    current = f"{outcome['kind']}-{outcome['severity']}-{outcome['mode']}.npy"
    return one.get("reference", "reference.npy"), one.get("embeddings", current)


def ask(python: str, folder: Path, outcomes: Sequence[Document]) -> None:
    """Have the worker answer all pairs of one stream whose files are there; what it answered before stays."""
    pairs = {
        embedding_files(outcome, at)
        for outcome in outcomes
        for at in _looked_at(outcome)
        if all((folder / name).exists() for name in embedding_files(outcome, at))
    }
    listed = folder / "pairs.txt"
    listed.write_text("".join(f"{a} {b}\n" for a, b in sorted(pairs)), encoding="utf-8")
    worker = Path(__file__).with_name("peers_worker.py")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    # -P: the worker's folder must not stand before packages that its modules are named like
    subprocess.run([python, "-P", str(worker), str(folder), str(listed)], check=True, env=environment)


def versions(python: str) -> str:
    """The packages behind the peers as that Python has them, one line."""
    said = "import importlib.metadata as m; print(*(f'{d.name} {d.version}' for d in m.distributions()), sep='\\n')"
    found = subprocess.run([python, "-P", "-c", said], check=True, capture_output=True, text=True).stdout.lower()
    return ", ".join(line for line in sorted(set(found.splitlines())) if line.partition(" ")[0] in PACKAGES)


def peers(folder: Path, outcomes: Sequence[Document]) -> Iterator[Judgement]:
    """What every other detector says of every deploy that the product is scored on."""
    for outcome in outcomes:
        for at, ours in zip(_looked_at(outcome), judgements(outcome), strict=True):
            reference, current = embedding_files(outcome, at)
            said = {"always": True, "never": False}
            said["Jaccard@10"] = min(outcome["deploys"][at]["lists"].values()) < JACCARD
            answered = folder / f"{reference}--{current}.json"
            seconds = dict.fromkeys(said, 0.0)
            if answered.exists():
                for name, one in json.loads(answered.read_text(encoding="utf-8")).items():
                    said[name], seconds[name] = one["fired"], one["seconds"]
            for name, fired in said.items():
                yield _as(ours, name, fired=fired, seconds=seconds[name])


def _looked_at(outcome: Document) -> Sequence[int]:
    deploys = outcome["deploys"]
    return range(len(deploys)) if outcome["group"] == "ordinary" else [len(deploys) - 1]


def _as(ours: Judgement, detector: str, *, fired: bool, seconds: float) -> Judgement:
    verdict, delay = ("fail", 0) if fired else ("pass", None)
    return Judgement(
        detector, ours.stream, ours.kind, ours.mode, ours.severity, ours.of, verdict, delay, None, (), (), (), seconds
    )
