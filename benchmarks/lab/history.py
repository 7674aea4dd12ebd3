"""A stream's ordinary deploys, judged one after the other, each beside what is true of it.

The product is given a few deploys at a time and asked after each few. What it said, and its folder, are kept until
the last deploy, so that a run which was killed goes on where it stopped.
"""

import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.lab import truth
from benchmarks.lab.product import INITIAL, Mode, Product, ProductError
from benchmarks.lab.run import Bench, keep, loss_document, version
from benchmarks.lab.true_history import TrueDeploy, true_deploys

Document = dict[str, Any]
PART = 20
"""Deploys that are written, and then judged, together."""


def history(bench: Bench, mode: Mode) -> Document | None:
    """The outcome of all ordinary deploys in one mode; None where the stream has none. Cached like the cases."""
    if not bench.stream.deploys:
        return None
    path = kept_history(bench, mode)
    if path.exists():
        made: Document = json.loads(path.read_text(encoding="utf-8"))
        return made
    made = _measured(bench, mode)
    if not made["error"]:
        keep(path, made)
    return made


def kept_history(bench: Bench, mode: Mode) -> Path:
    """Where the outcome of a history is kept."""
    return bench.folder / "outcomes" / bench.key / version(__name__) / f"history-{mode}.json"


@dataclass(slots=True)
class Progress:
    """How far the product came with a history.

    Args:
        size: bytes of the events file up to the last deploy that was judged.
        seconds: CPU time of the product so far.
        told: what it said of each deploy.
    """

    size: int
    seconds: float = 0.0
    told: list[Document] = field(default_factory=list)


def judged(bench: Bench, mode: Mode, folder: Path, part: int = PART) -> Progress:
    """What the product says of every deploy, one after the other; goes on from what the folder holds.

    Args:
        bench: the stream and its base state.
        mode: of the baseline.
        folder: where the product's files are, and how far it came.
        part: deploys that are written together.

    Raises:
        ProductError: a command ended otherwise than a user expects; what was judged before it stays.
    """
    deploys, record = bench.stream.deploys, folder / "progress.json"
    if record.exists():
        product, done = Product(folder), Progress(**json.loads(record.read_text(encoding="utf-8")))
    else:
        product = bench.base.copied(folder)
        product.configure(bench.stream, mode=mode)
        done = Progress(product.size)
    for first in range(len(done.told), len(deploys), part):
        product.cut(done.size)  # a run that was killed may have written more, and even read it: it is written again
        some = deploys[first : first + part]
        used = time.process_time()
        product.append(bench.stream, some, number=first + 1)
        product.run()
        done.told += [product.judged(name).told for name, _ in some]
        done.size, done.seconds = product.size, done.seconds + time.process_time() - used
        keep(record, asdict(done))
        last = done.told[-1]
        bench.tell(
            f"{mode}: {len(done.told)} of {len(deploys)} deploys judged in {done.seconds:.0f} s, "
            f"{some[-1][0]} {last['verdict']} against {last['baseline']}"
        )
    return done


def _measured(bench: Bench, mode: Mode) -> Document:
    stream = bench.stream
    true = true_deploys(bench)
    folder = bench.folder / "histories" / f"{bench.key}-{mode}-{version(__name__)}"
    error = ""
    try:
        done = judged(bench, mode, folder)
        shutil.rmtree(folder)
    except ProductError as wrong:
        done, error = Progress(0), str(wrong)
    names = [INITIAL, *(one.name for one in true)]
    made = []
    for number, one in enumerate(true):
        told = {"verdict": "error", "baseline": INITIAL} if error else done.told[number]
        against = names.index(told["baseline"]) if told["baseline"] in names else 0
        stood = bench.answered if against == 0 else true[against - 1].stood
        losses = truth.losses(stream.anchors, stream.dimensions, stood, one.found)
        made.append(_document(one, losses, mode, number, against) | told)
    return {
        "stream": stream.name,
        "kind": "history",
        "group": "ordinary",
        "cause": "",
        "severity": 0,
        "share": 0.0,
        "mode": mode,
        "seconds": round(done.seconds, 2),
        "lab_seconds": 0.0,
        "error": error,
        "deploys": made,
    }


def _document(one: TrueDeploy, losses: Sequence[truth.Loss], mode: Mode, number: int, against: int) -> Document:
    """What is true of a deploy, as an outcome has it; compared with the deploy that the product compared with.

    Other detectors have no baseline of their own: they compare with the first deploy, or with the one before.
    """
    before = "reference.npy" if mode == "pinned" or not number else f"history-{number - 1}.npy"
    return {
        "deploy": one.name,
        "changes": one.changes,
        "harm": truth.harm(losses),
        "worst": loss_document(truth.worst(losses)),
        "all": [loss_document(of) for of in losses if of.segment == "all"],
        "churn": {},
        "lists": one.jaccard[mode],
        "against": against,
        "reference": before,
        "embeddings": f"history-{number}.npy",
    }
