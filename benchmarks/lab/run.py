"""One case: plant, ask the truth, run the product, keep the outcome in a cache so that a killed run goes on."""

import gc
import hashlib
import json
import os
import shutil
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import monitor
from benchmarks.lab import truth
from benchmarks.lab.blame import blamed
from benchmarks.lab.corpus import Anchor, Change, Chunk, Corpus, Remove, Stream, applied
from benchmarks.lab.kinds import Kind, Setting
from benchmarks.lab.product import Judged, Mode, Product, ProductError, prepared
from benchmarks.lab.streams import usual

BACKGROUND = 0.002
"""Share of the chunks that usual edits touch beside a plant, in documents that the plant leaves alone."""
INPUTS = ("corpus", "truth", "encoders", "streams", "kinds", "run", "blame", "product")
"""The lab's own modules that decide an outcome, besides the one that plants."""
Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """A kind at one severity (its row in the kind's shares), in one mode of the baseline."""

    kind: Kind
    severity: int
    mode: Mode

    @property
    def name(self) -> str:
        """As file names have it."""
        return f"{self.kind.name}-{self.severity + 1}-{self.mode}"

    @property
    def share(self) -> float:
        """How much it hits."""
        return self.kind.severities[self.severity]


@dataclass(slots=True)
class Bench:
    """A stream, and what every case of it shares: lists and answers before, and where things are kept."""

    stream: Stream
    folder: Path
    tell: Callable[[str], None]
    for_peers: bool = True
    """Whether embeddings are kept for other detectors."""
    key: str = field(init=False)
    before: truth.Lists = field(init=False)
    passages: list[frozenset[int]] = field(init=False)
    answered: truth.Answers = field(init=False)
    base: Product = field(init=False)

    def __post_init__(self) -> None:
        stream = self.stream
        self.key = stream.key
        self.before = truth.brute_force(stream.corpus, stream.anchors, distance=stream.distance)
        self.passages = truth.passages(stream.anchors, stream.corpus)
        self.answered = truth.answers(self.passages, stream.corpus, self.before)
        gc.collect()
        gc.freeze()  # the stream stays: the product, which runs in this process, need not look through it
        base = self.folder / "base" / f"{self.key}-{_PRODUCT}"
        self.base = prepared(stream, base, mode="pinned", tell=self.tell)

    @property
    def embeddings(self) -> Path:
        """Where other detectors find the vectors before and after."""
        return self.folder / "embeddings" / self.key


def sources(folder: str | Path, names: Sequence[str] = ()) -> str:
    """A short hash of Python sources: all below a folder, or the named modules in it."""
    paths = [Path(folder) / f"{name}.py" for name in names] if names else sorted(Path(folder).rglob("*.py"))
    made = hashlib.blake2b(digest_size=6)
    for path in paths:
        made.update(path.name.encode() + path.read_bytes())
    return made.hexdigest()


def version(module: str) -> str:
    """A short hash of what decides an outcome: the product, the lab, and the module that plants (or replays)."""
    return f"{own_version(module)}-{_PRODUCT}"


def own_version(module: str) -> str:
    """The same without the product, which has no part in what is true."""
    return _OWN[module.rpartition(".")[2]]


_PRODUCT = sources(monitor.__path__[0])
"""Of what was imported: a file that changes while the lab runs changes nothing in it."""
_OWN = {path.stem: sources(path.parent, [*INPUTS, path.stem]) for path in Path(__file__).parent.glob("*.py")}


def outcome(bench: Bench, case: Case) -> Document:
    """What a case came to; from the cache where neither the lab nor the product changed since."""
    path = kept(bench, case)
    if path.exists():
        made: Document = json.loads(path.read_text(encoding="utf-8"))
        return made
    made = _measured(bench, case)
    if not made["error"]:  # what went wrong is tried again
        keep(path, made)
    return made


def kept(bench: Bench, case: Case) -> Path:
    """Where the outcome of a case is kept."""
    key = version(case.kind.plant.__module__)
    return bench.folder / "outcomes" / bench.key / key / f"{case.name}.json"


def keep(path: Path, made: Document) -> None:
    """Write an outcome, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(made, ensure_ascii=False, indent=1), encoding="utf-8")
    part.replace(path)


def _measured(bench: Bench, case: Case) -> Document:
    begun = time.process_time()
    deploys = list(planted(bench.stream, case))
    product = bench.base.copied(bench.folder / f"case-{os.getpid()}")
    product.configure(bench.stream, mode=case.mode)
    product.append(bench.stream, [(one.name, one.changes) for one in deploys], number=1)
    used = time.process_time()
    try:
        product.run()
        judged = [product.judged(one.name) for one in deploys]
        error = ""
    except ProductError as wrong:
        judged, error = [], str(wrong)
    used = time.process_time() - used
    made = _deploys(bench, deploys, judged)
    if judged and len(made) == 1:  # of several, what earlier ones planted is blamed as well, rightly: not scored
        made[0]["blame"] = _blame(bench, deploys[0], judged[0], made[0]["churn"])
    _keep_for_peers(bench, case, deploys)
    shutil.rmtree(product.folder)
    return {
        "stream": bench.stream.name,
        "kind": case.kind.name,
        "group": case.kind.group,
        "cause": case.kind.cause,
        "severity": case.severity + 1,
        "share": case.share,
        "mode": case.mode,
        "seconds": round(used, 2),
        "lab_seconds": round(time.process_time() - begun - used, 2),
        "error": error,
        "deploys": made,
    }


@dataclass(frozen=True, slots=True)
class Deployed:
    """One deploy of a case: its changes, the corpus after it, and who was planted."""

    name: str
    changes: Sequence[Change]
    after: Corpus
    edited: bool
    """Whether there are usual edits beside the plant."""
    background: Corpus
    """The corpus before with those edits alone."""
    documents: frozenset[str]
    sources: frozenset[str]
    """Sources of which nearly everything was hit, where that is nearly all that was hit."""


def planted(stream: Stream, case: Case) -> Iterator[Deployed]:
    """The deploys of a case, each on what the one before left."""
    corpus: dict[str, Chunk] = stream.corpus
    for number in range(case.kind.deploys):
        seed = [zlib.crc32(case.kind.name.encode()), case.severity, number]
        generator = np.random.default_rng(seed)
        setting = Setting(corpus, stream.anchors, case.share, generator, stream.encode)
        changes = case.kind.plant(setting)
        hit = touched(corpus, changes)
        aside = _background(stream, case, corpus, hit, generator)
        after = applied(corpus, [*aside, *changes])
        name = f"planted-{number + 1}"
        yield Deployed(
            name, [*aside, *changes], after, bool(aside), applied(corpus, aside), hit, whole_sources(corpus, hit)
        )
        corpus = after


def _background(
    stream: Stream, case: Case, corpus: Corpus, hit: frozenset[str], generator: np.random.Generator
) -> Sequence[Change]:
    if case.kind.group not in {"loss", "incident"}:
        return []
    spared = {name: chunk for name, chunk in corpus.items() if chunk.doc_id not in hit}
    if len(spared) * BACKGROUND < 1 or stream.encode is None:
        return []
    return usual(spared, generator, stream.encode, share=BACKGROUND)


def touched(corpus: Corpus, changes: Sequence[Change]) -> frozenset[str]:
    """The documents that changes are about."""
    made = set()
    for change in changes:
        if isinstance(change, Remove):
            if change.chunk_id in corpus:
                made.add(corpus[change.chunk_id].doc_id)
        else:
            made.add(change.chunk.doc_id)
            if change.chunk.chunk_id in corpus:
                made.add(corpus[change.chunk.chunk_id].doc_id)
    return frozenset(made)


def whole_sources(corpus: Corpus, hit: frozenset[str], *, least: float = 0.9) -> frozenset[str]:
    """Sources of whose documents at least this share was hit; none where much was hit outside of them."""
    documents: dict[str, set[str]] = {}
    for chunk in corpus.values():
        documents.setdefault(chunk.attribute("source"), set()).add(chunk.doc_id)
    whole = {name: of for name, of in documents.items() if len(of & hit) >= least * len(of)}
    inside = hit & {document for of in whole.values() for document in of}
    return frozenset(whole) if len(inside) >= least * len(hit) else frozenset()


def _deploys(bench: Bench, deploys: Sequence[Deployed], judged: Sequence[Judged]) -> list[Document]:
    """What is true of each, and what the product said, where it did."""
    made: list[Document] = []
    before, corpus = bench.before, bench.stream.corpus
    for at, one in enumerate(deploys):
        lists = truth.brute_force(one.after, bench.stream.anchors, distance=bench.stream.distance)
        true = _true(bench, one, lists) | {"moved": moved(before, lists, corpus, one.after)}
        made.append(true | judged[at].told if judged else true)
        before, corpus = lists, dict(one.after)
    return made


def _true(bench: Bench, deployed: Deployed, lists: truth.Lists) -> Document:
    stream = bench.stream
    answered = truth.answers(bench.passages, deployed.after, lists)
    losses = truth.losses(stream.anchors, stream.dimensions, bench.answered, answered)
    return {
        "deploy": deployed.name,
        "changes": len(deployed.changes),
        "documents": len(deployed.documents),
        "harm": truth.harm(losses),
        "worst": loss_document(truth.worst(losses)),
        "all": [loss_document(one) for one in losses if one.segment == "all"],
        "lost": {leg: round(share, 4) for leg, share in truth.lost(bench.answered, answered).items()},
        "churn": truth.churn(bench.before, lists, stream.corpus, deployed.after),
        "lists": list_statistics(bench.before, lists),
        "verdict": "error",
    }


def _blame(bench: Bench, deployed: Deployed, judged: Judged, churn: Mapping[truth.Leg, int]) -> Document:
    """Blame of each leg, scored against what the plant changed beyond the edits beside it."""
    stream, aside = bench.stream, dict.fromkeys(truth.LEGS, 0)
    if deployed.edited:
        lists = truth.brute_force(deployed.background, stream.anchors, distance=stream.distance)
        aside = truth.churn(bench.before, lists, stream.corpus, deployed.background)
    return {
        leg: blamed(judged.gate["blame"], leg, deployed.documents, deployed.sources, _due(churn, aside, leg))
        for leg in truth.LEGS
    }


def _due(whole: Mapping[truth.Leg, int], aside: Mapping[truth.Leg, int], leg: truth.Leg) -> float:
    """The share of the exchanged results that the plant caused, by brute force."""
    return max(0.0, 1.0 - aside[leg] / whole[leg]) if whole[leg] else 0.0


def loss_document(one: truth.Loss) -> Document:
    """A loss as JSON."""
    return {
        "leg": one.leg,
        "segment": one.segment,
        "anchors": one.anchors,
        "before": round(one.before, 4),
        "after": round(one.after, 4),
    }


def list_statistics(before: truth.Lists, after: truth.Lists) -> dict[str, float]:
    """Mean Jaccard of the lists by chunk id, by leg: what a fixed threshold looks at."""
    made: dict[str, float] = {}
    for leg in truth.LEGS:
        pairs = [(set(old), set(new)) for old, new in zip(before.of(leg), after.of(leg), strict=True)]
        made[leg] = round(float(np.mean([len(a & b) / len(a | b) if a | b else 1.0 for a, b in pairs])), 4)
    return made


def moved(before: truth.Lists, after: truth.Lists, contents: Corpus, now: Corpus) -> dict[truth.Leg, float]:
    """By leg, the share of the first K results that were exchanged for others, by content: in [0, 1]."""
    places = truth.K * max(1, len(before.dense))
    return {leg: round(count / places, 6) for leg, count in truth.churn(before, after, contents, now).items()}


def _keep_for_peers(bench: Bench, case: Case, deploys: Sequence[Deployed]) -> None:
    if not bench.for_peers:
        return
    folder, dimension = bench.embeddings, bench.stream.dimension
    folder.mkdir(parents=True, exist_ok=True)
    for at, one in enumerate(deploys):
        keep_embeddings(folder / current_embeddings(case.name, at, len(deploys)), one.after, dimension)
    keep_embeddings(folder / "reference.npy", bench.stream.corpus, dimension)


def current_embeddings(case: str, deploy: int, deploys: int) -> str:
    """The file of a deploy's embeddings: named after the case, and numbered where it has several.

    >>> current_embeddings("lost_source-2-pinned", 0, 1), current_embeddings("slow_loss-1-pinned", 2, 12)
    ('lost_source-2-pinned.npy', 'slow_loss-1-pinned-3.npy')
    """
    return f"{case}.npy" if deploys == 1 else f"{case}-{deploy + 1}.npy"


def keep_embeddings(path: Path, corpus: Corpus, dimension: int) -> None:
    """The vectors of a corpus as float16: what a detector of embedding drift is given."""
    vectors = [chunk.vector for chunk in corpus.values()]
    made = np.stack(vectors) if vectors else np.zeros((0, dimension), np.float32)
    with np.errstate(over="ignore"):
        np.save(path, made.astype(np.float16))


def watched(anchors: Sequence[Anchor], dimensions: Sequence[str]) -> int:
    """How many segments have anchors enough for a recall of their own."""
    return len(truth.segments(anchors, dimensions)) - 1
