"""A stream's ordinary deploys, judged one after the other, with the truth of each against what it is compared with.

A known item moves with its document: the text of the same chunk as it is now, or, where that id is gone, the live
chunk that holds most of the passage (half at least). An ordinary update answers with the old text or the new one.
"""

import json
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.lab import truth
from benchmarks.lab.corpus import Anchor, Change, Corpus, applied
from benchmarks.lab.product import Mode, ProductError
from benchmarks.lab.run import Bench, keep, keep_embeddings, list_statistics, loss_document, own_version, version

Document = dict[str, Any]


@dataclass(slots=True)
class Known:
    """The known items of anchors as they move through a history: chunk ids and passages."""

    ids: list[str]
    passages: list[frozenset[int]]

    @classmethod
    def of(cls, anchors: Sequence[Anchor], corpus: Corpus) -> "Known":
        """As they stand in a corpus."""
        return cls([anchor.known for anchor in anchors], truth.passages(anchors, corpus))

    def updated(self, corpus: Corpus) -> list[frozenset[int]]:
        """The passages of the same chunks in this corpus; empty where the chunk is gone."""
        return [truth.triples(corpus[name].text) if name in corpus else frozenset[int]() for name in self.ids]

    def follow(self, corpus: Corpus) -> None:
        """Take up what this corpus says in their places; what is nowhere stays as it was."""
        away = []
        for at, passage in enumerate(self.updated(corpus)):
            if self.ids[at] in corpus:
                self.passages[at] = passage
            elif self.passages[at]:
                away.append(at)
        for at, name in self._holders(away, corpus).items():
            self.ids[at], self.passages[at] = name, truth.triples(corpus[name].text)

    def _holders(self, away: Sequence[int], corpus: Corpus) -> Mapping[int, str]:
        """The chunk that holds most of each of these passages, half at least; the greatest id among equals."""
        wanted = frozenset[int]().union(*(self.passages[at] for at in away))
        best = dict.fromkeys(away, (0, ""))
        for name, chunk in corpus.items():
            if there := wanted & truth.triples(chunk.text):
                for at in away:
                    best[at] = max(best[at], (len(there & self.passages[at]), name))
        return {at: name for at, (most, name) in best.items() if most >= truth.HELD * len(self.passages[at])}


def answered_either(
    old: Sequence[frozenset[int]], new: Sequence[frozenset[int]], corpus: Corpus, lists: truth.Lists
) -> truth.Answers:
    """Answers by the old passages or by those in their places now."""
    first, second = truth.answers(old, corpus, lists), truth.answers(new, corpus, lists)
    return truth.Answers(first.dense | second.dense, first.lexical | second.lexical)


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


def _measured(bench: Bench, mode: Mode) -> Document:
    stream = bench.stream
    made = true_losses(bench)[mode]
    product = bench.base.copied(bench.folder / f"case-{os.getpid()}")
    product.configure(stream, mode=mode)
    product.append(stream, stream.deploys, number=1)
    used, error = time.process_time(), ""
    try:
        product.run()
        verdicts = [product.judged(name) for name, _ in stream.deploys]
    except ProductError as wrong:
        verdicts, error = [], str(wrong)
    used = time.process_time() - used
    shutil.rmtree(product.folder)
    for one, judged in zip(made, verdicts, strict=False):
        one |= judged.told
    return {
        "stream": stream.name,
        "kind": "history",
        "group": "ordinary",
        "cause": "",
        "severity": 0,
        "share": 0.0,
        "mode": mode,
        "seconds": round(used, 2),
        "error": error,
        "deploys": made,
    }


def true_losses(bench: Bench) -> dict[Mode, list[Document]]:
    """What each deploy lost: against the one before it, and (pinned) against the first. Cached beside the product."""
    path = bench.folder / "truths" / f"{bench.key}-{own_version(__name__)}.json"
    if not path.exists() or (bench.for_peers and not bench.embeddings.exists()):
        keep(path, {**_true_losses(bench)})
    made: dict[Mode, list[Document]] = json.loads(path.read_text(encoding="utf-8"))
    return made


def _true_losses(bench: Bench) -> dict[Mode, list[Document]]:
    stream, corpus = bench.stream, bench.stream.corpus
    known, first = Known.of(stream.anchors, corpus), (bench.before, bench.answered)
    previous = first
    if bench.for_peers:
        bench.embeddings.mkdir(parents=True, exist_ok=True)
        keep_embeddings(bench.embeddings / "reference.npy", corpus, stream.dimension)
    made: dict[Mode, list[Document]] = {"pinned": [], "previous-deploy": []}
    for number, (name, changes) in enumerate(stream.deploys):
        corpus = applied(corpus, changes)
        now = truth.brute_force(corpus, stream.anchors)
        found = answered_either(known.passages, known.updated(corpus), corpus, now)
        if bench.for_peers:
            keep_embeddings(bench.embeddings / f"history-{number}.npy", corpus, stream.dimension)
        for mode, (lists, answered) in {"pinned": first, "previous-deploy": previous}.items():
            losses = truth.losses(stream.anchors, stream.dimensions, answered, found)
            reference = f"history-{number - 1}.npy" if number and mode != "pinned" else "reference.npy"
            one = _document(name, changes, losses, list_statistics(lists, now), reference, f"history-{number}.npy")
            made[mode].append(one)
        known.follow(corpus)
        previous = (now, truth.answers(known.passages, corpus, now))
        if number % 20 == 19:
            bench.tell(f"truth of {stream.name}: {number + 1} deploys")
    return made


def _document(
    name: str,
    changes: Sequence[Change],
    losses: Sequence[truth.Loss],
    lists: dict[str, float],
    reference: str,
    embeddings: str,
) -> Document:
    return {
        "deploy": name,
        "changes": len(changes),
        "harm": truth.harm(losses),
        "worst": loss_document(truth.worst(losses)),
        "all": [loss_document(one) for one in losses if one.segment == "all"],
        "churn": {},
        "lists": lists,
        "verdict": "error",
        "reference": reference,
        "embeddings": embeddings,
    }
