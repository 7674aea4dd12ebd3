"""What is true of each deploy of a stream's own history: which known items are found after it.

A known item moves with its document: the text of the same chunk as it is now, or, where that id is gone, the live
chunk that holds most of the passage (half at least). An ordinary update answers with the old text or the new one.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.lab import truth
from benchmarks.lab.corpus import Anchor, Corpus, applied
from benchmarks.lab.product import Mode
from benchmarks.lab.run import Bench, keep, keep_embeddings, list_statistics, sources

Document = dict[str, Any]
_TRUTH = sources(Path(__file__).parent, ("corpus", "truth", "true_history"))
"""A short hash of what decides what is true, besides the stream: neither the product nor how it is asked."""


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


@dataclass(frozen=True, slots=True)
class TrueDeploy:
    """What is true of one deploy.

    Args:
        name: its id.
        changes: how many it has.
        stood: which anchors are answered after it, by what their known items say then.
        found: which are answered by what their known items said before it or say after it: an update does no harm.
        jaccard: mean Jaccard of the lists by leg, by the baseline's mode.
    """

    name: str
    changes: int
    stood: truth.Answers
    found: truth.Answers
    jaccard: Mapping[Mode, Mapping[str, float]]


def true_deploys(bench: Bench) -> list[TrueDeploy]:
    """What is true of each deploy; kept apart from what the product says, which may change."""
    path = bench.folder / "truths" / f"{bench.key}-{_TRUTH}.json"
    if not path.exists() or (bench.for_peers and not bench.embeddings.exists()):
        keep(path, {"deploys": [_kept_truth(one) for one in _true_deploys(bench)]})
    return [_known_truth(one) for one in json.loads(path.read_text(encoding="utf-8"))["deploys"]]


def _true_deploys(bench: Bench) -> Iterator[TrueDeploy]:
    stream, corpus = bench.stream, bench.stream.corpus
    known, previous = Known.of(stream.anchors, corpus), bench.before
    if bench.for_peers:
        bench.embeddings.mkdir(parents=True, exist_ok=True)
        keep_embeddings(bench.embeddings / "reference.npy", corpus, stream.dimension)
    for number, (name, changes) in enumerate(stream.deploys):
        corpus = applied(corpus, changes)
        now = truth.brute_force(corpus, stream.anchors, distance=stream.distance)
        found = answered_either(known.passages, known.updated(corpus), corpus, now)
        if bench.for_peers:
            keep_embeddings(bench.embeddings / f"history-{number}.npy", corpus, stream.dimension)
        known.follow(corpus)
        stood = truth.answers(known.passages, corpus, now)
        jaccard = {mode: list_statistics(lists, now) for mode, lists in _references(bench.before, previous)}
        yield TrueDeploy(name, len(changes), stood, found, jaccard)
        previous = now
        if number % 20 == 19:
            bench.tell(f"truth of {stream.name}: {number + 1} deploys")


def _references(first: truth.Lists, previous: truth.Lists) -> list[tuple[Mode, truth.Lists]]:
    return [("pinned", first), ("previous-deploy", previous)]


def _kept_truth(one: TrueDeploy) -> Document:
    answers = {name: {leg: _packed(of.of(leg)) for leg in truth.LEGS} for name, of in _answers(one)}
    return {"name": one.name, "changes": one.changes, "jaccard": one.jaccard, **answers}


def _answers(one: TrueDeploy) -> list[tuple[str, truth.Answers]]:
    return [("stood", one.stood), ("found", one.found)]


def _known_truth(kept: Document) -> TrueDeploy:
    stood, found = (truth.Answers(*(_unpacked(kept[name][leg]) for leg in truth.LEGS)) for name in ("stood", "found"))
    return TrueDeploy(kept["name"], kept["changes"], stood, found, kept["jaccard"])


def _packed(answered: NDArray[np.bool_]) -> str:
    return "".join("1" if one else "0" for one in answered.tolist())


def _unpacked(text: str) -> NDArray[np.bool_]:
    return np.array([one == "1" for one in text], np.bool_)
