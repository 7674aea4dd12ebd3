"""A stream's ordinary deploys, judged one after the other, each beside what is true of it.

The product is given some deploys at a time and asked after them. What it said, and its state, are kept until the last
deploy, so that a run which was killed goes on where it stopped.
"""

import json
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.lab import truth
from benchmarks.lab.product import INITIAL, Mode, Product, ProductError
from benchmarks.lab.run import Bench, keep, loss_document, version
from benchmarks.lab.true_history import TrueDeploy, true_deploys

Document = dict[str, Any]
PART = 6
"""Deploys that are written, and then judged, together."""
RECORD = "progress.json"
DECIDED: Mapping[Mode, frozenset[str]] = {
    "previous-deploy": frozenset(("fail",)),
    "pinned": frozenset(("fail", "inconclusive")),
}
"""By mode, the verdicts that a person decides about. A pinned baseline waits for a person and nobody else."""


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
        shutil.rmtree(_states(bench, mode))  # once it is kept: it took the product many minutes
    return made


def kept_history(bench: Bench, mode: Mode) -> Path:
    """Where the outcome of a history is kept."""
    return bench.folder / "outcomes" / bench.key / version(__name__) / f"history-{mode}.json"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the product came with a history.

    Args:
        seconds: CPU time of the product so far.
        told: what it said of each deploy.
    """

    seconds: float = 0.0
    told: Sequence[Document] = ()


def judged(bench: Bench, mode: Mode, folder: Path, part: int = PART) -> Progress:
    """What the product says of every deploy, one after the other; goes on from what the folder holds.

    A person accepts a deploy at once that has one of the verdicts in `DECIDED`: it stayed, so somebody decided that,
    and the next one is judged against it.

    Args:
        bench: the stream and its base state.
        mode: of the baseline.
        folder: where the product's files are, and how far it came.
        part: deploys that are written together.

    Raises:
        ProductError: a command ended otherwise than a user expects; what was judged before it stays.
    """
    deploys, done = bench.stream.deploys, Progress()
    while (at := _newest(folder)) is None or len((done := _progress(folder / at)).told) < len(deploys):
        used = time.process_time()
        product = _next(bench, mode, folder, at)
        first = len(done.told)
        told = _told(bench, product, first, first + part)
        decided = next((row for row, one in enumerate(told, 1) if one["verdict"] in DECIDED[mode]), 0)
        if decided:
            if decided < len(told):  # those after it were not yet written when somebody decided
                product = _next(bench, mode, folder, at)
                told = _told(bench, product, first, first + decided)
            product.accept(deploys[first + decided - 1][0])
        done = Progress(round(done.seconds + time.process_time() - used, 2), [*done.told, *told])
        keep(product.folder / RECORD, asdict(done))
        product.folder.rename(folder / str(len(done.told)))
        if at is not None:
            shutil.rmtree(folder / at)
        last = done.told[-1]
        bench.tell(
            f"{mode}: {len(done.told)} of {len(deploys)} deploys judged in {done.seconds:.0f} s, "
            f"{deploys[len(done.told) - 1][0]} {last['verdict']} against {last['baseline']}"
        )
    return done


def _newest(folder: Path) -> str | None:
    """The state to go on from, named by how many deploys it has judged; renamed to that when it had."""
    found = [path.name for path in folder.glob("*") if path.name.isdigit()]
    return max(found, key=int, default=None)


def _progress(state: Path) -> Progress:
    return Progress(**json.loads((state / RECORD).read_text(encoding="utf-8")))


def _next(bench: Bench, mode: Mode, folder: Path, at: str | None) -> Product:
    """A copy of the newest state to work on: a run that is killed leaves that one as it is."""
    if at is not None:
        return Product(folder / at).copied(folder / "next")
    made = bench.base.copied(folder / "next")
    made.configure(bench.stream, mode=mode)
    return made


def _told(bench: Bench, product: Product, first: int, end: int) -> list[Document]:
    some = bench.stream.deploys[first:end]
    product.append(bench.stream, some, number=first + 1)
    product.run()
    return [product.judged(name).told for name, _ in some]


def so_far(bench: Bench, mode: Mode) -> Document | None:
    """The outcome of a history in one mode as far as it came: of the deploys judged until now; None before any."""
    path = kept_history(bench, mode)
    if path.exists():
        made: Document = json.loads(path.read_text(encoding="utf-8"))
        return made
    at = _newest(_states(bench, mode))
    return None if at is None else _outcome(bench, mode, _progress(_states(bench, mode) / at))


def _states(bench: Bench, mode: Mode) -> Path:
    return bench.folder / "histories" / f"{bench.key}-{mode}-{version(__name__)}"


def _measured(bench: Bench, mode: Mode) -> Document:
    try:
        done = judged(bench, mode, _states(bench, mode))
    except ProductError as wrong:
        unknown = [{"verdict": "error", "baseline": INITIAL} for _ in bench.stream.deploys]
        return _outcome(bench, mode, Progress(told=unknown)) | {"error": str(wrong)}
    return _outcome(bench, mode, done)


def _outcome(bench: Bench, mode: Mode, done: Progress) -> Document:
    """What the product said of the first deploys, each beside what is true of it."""
    stream, true = bench.stream, true_deploys(bench)
    names = [INITIAL, *(one.name for one in true)]
    states = [bench.answered, *(one.stood for one in true)]
    made, accepted = [], 0
    for number, told in enumerate(done.told):
        one = true[number]
        against = names.index(told["baseline"]) if told["baseline"] in names else 0
        losses, eroded = (
            truth.losses(stream.anchors, stream.dimensions, states[at], one.found) for at in (against, accepted)
        )
        lost = {leg: round(share, 4) for leg, share in truth.lost(states[against], one.found).items()}
        made.append(_document(one, losses, mode, number, against) | {"lost": lost} | _eroded(eroded, accepted) | told)
        accepted = number + 1 if told["verdict"] in DECIDED[mode] else accepted
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
        "error": "",
        "deploys": made,
    }


def _eroded(losses: Sequence[truth.Loss], accepted: int) -> Document:
    """What all deploys lost together, of all anchors, since the state that a person accepted last."""
    whole = [of for of in losses if of.segment == "all"]
    return {"accepted": accepted, "eroded": loss_document(truth.worst(whole)), "erosion": truth.harm(whole)}


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
