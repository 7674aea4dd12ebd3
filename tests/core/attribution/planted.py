"""Planted culprits among harmless changes, and whether blame names them; run as a module it prints how often."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from monitor.core.attribution import folded
from monitor.core.attribution.fold import by_deploys, by_document, by_source, whose
from monitor.core.index.baseline import ListLeg
from monitor.core.model.report import Share, ShareKind
from tests.core.attribution.world import (
    COMMON,
    SOURCES,
    TOPICS,
    Changed,
    Said,
    World,
    contents,
    initial,
    leg_of,
    plant,
    sentence,
)
from tests.core.attribution.world import questions as asked

LEAST = 0.01
"""A share below this names nobody."""
LEGS: tuple[ListLeg, ...] = ("dense", "lexical")
Rng = np.random.Generator


@dataclass
class Planted:
    """A corpus with culprits: who was planted, and what everybody changed, by name."""

    world: World
    before: World
    level: str
    changed: dict[str, dict[str, Said | None]] = field(default_factory=dict)
    culprits: set[str] = field(default_factory=set)

    def happens(self, name: str, changed: dict[str, Said | None], *, culprit: bool = False) -> None:
        """Somebody changes something."""
        self.changed.setdefault(name, {}).update(changed)
        self.world.apply(changed)
        self.culprits |= {name} if culprit else set()


def harmless(rng: Rng, world: World, source: str) -> dict[str, Said | None]:
    """Texts without a word of any anchor, far from all of them; and a chunk said again as it is."""
    made: dict[str, Said | None] = {}
    for at in range(4):
        text = " ".join(rng.choice(COMMON, 11).tolist())
        made[f"calm-{source}-{world.offset}-{at}"] = Said(text, source, f"{source}/calm", jitter=1 + at)
    own = sorted(name for name, said in world.state.items() if said.source == source)
    for name in rng.choice(own, 3, replace=False).tolist():
        made[name] = world.state[name]
    return made


def start(seed: int, level: str) -> tuple[Rng, Planted]:
    rng = np.random.default_rng(seed)
    state, anchors = initial(rng), asked(rng)
    return rng, Planted(World(state, anchors), World(state, anchors), level)


def sources(seed: int, count: int) -> Planted:
    """Some sources change what anchors find; the others change what nobody asks for."""
    rng, made = start(seed, "source")
    culprits = rng.choice(SOURCES, count, replace=False).tolist()
    for source in SOURCES:
        if source in culprits:
            made.happens(source, plant(rng, made.world, [source]), culprit=True)
        else:
            made.happens(source, harmless(rng, made.world, source))
    return made


def document(seed: int) -> Planted:
    """One document is rewritten about other things, and grows."""
    rng, made = start(seed, "document")
    name = str(rng.choice(sorted({said.document for said in made.world.state.values()})))
    source, changed = name.split("/")[0], dict[str, Said | None]()
    for chunk in sorted(chunk for chunk, said in made.world.state.items() if said.document == name):
        changed[chunk] = Said(sentence(rng, int(rng.integers(TOPICS)), 5), source, name)
    for at in range(4):
        changed[f"grown-{at}"] = Said(sentence(rng, int(rng.integers(TOPICS)), 5), source, name)
    for other in SOURCES:
        made.happens(f"{other}/calm", harmless(rng, made.world, other))
    made.happens(name, changed, culprit=True)
    return made


def deploy(seed: int) -> Planted:
    """One of four deploys did it."""
    rng, made = start(seed, "deploy")
    made.world.deploy("base")
    guilty = int(rng.integers(4))
    for number in range(4):
        source = str(rng.choice(SOURCES))
        changed = plant(rng, made.world, [source]) if number == guilty else harmless(rng, made.world, source)
        made.happens(f"d{number}", changed, culprit=number == guilty)
        made.world.deploy(f"d{number}")
    return made


CASES: dict[str, Callable[[int], Planted]] = {
    "one source": lambda seed: sources(seed, 1),
    "two sources": lambda seed: sources(seed, 2),
    "three sources": lambda seed: sources(seed, 3),
    "one document": document,
    "one deploy": deploy,
}


def moved(made: Planted, changed: Changed) -> set[str]:
    """Legs whose lists are others without these changes: the truth about whoever made them."""
    without = World(made.before.state, made.before.anchors)
    kept = {name: said for name, said in made.world.state.items() if name not in changed}
    restored = {name: made.before.state[name] for name in changed if name in made.before.state}
    target = {**kept, **restored}
    gone = {name: None for name in without.state if name not in target}
    without.apply({**gone, **{name: said for name, said in target.items() if without.state.get(name) != said}})
    now, then = made.world.lists(), without.lists()
    return {leg for leg in LEGS if contents(made.world, now[leg]) != contents(without, then[leg])}


def shares(made: Planted, leg: str) -> list[Share]:
    culprits = made.world.blame(made.before.snapshot())
    one = leg_of(culprits, leg)
    if made.level == "source":
        return folded(one, "source", by_source, statistics=whose)
    if made.level == "document":
        return folded(one, "document", by_document)
    return by_deploys(one, culprits.deploys, culprits.since)


@dataclass
class Score:
    """Named and true culprits counted over cases."""

    hits: int = 0
    named: int = 0
    true: int = 0
    cases: int = 0
    planted: int = 0
    found: int = 0
    first: int = 0

    def add(self, named: list[str], true: set[str], planted: set[str]) -> None:
        """One case: names by falling share, those that moved lists, and those of them that were planted."""
        self.hits += len(set(named) & true)
        self.named += len(named)
        self.true += len(true)
        self.planted += len(planted)
        self.found += len(planted & set(named))
        self.cases += bool(planted)
        self.first += bool(planted) and set(named[: len(planted)]) == planted

    @property
    def precision(self) -> float:
        return self.hits / self.named if self.named else 1.0

    @property
    def recall(self) -> float:
        return self.hits / self.true if self.true else 1.0


def scored(case: str, seeds: range) -> dict[str, Score]:
    """Precision and recall of the names with a share of at least LEAST, by leg."""
    made: dict[str, Score] = {leg: Score() for leg in LEGS}
    for seed in seeds:
        planted = CASES[case](seed)
        truth = {name: moved(planted, changed) for name, changed in planted.changed.items()}
        for leg in LEGS:
            true = {name for name, legs in truth.items() if leg in legs}
            named = [
                one.name
                for one in shares(planted, leg)
                if one.share >= LEAST and one.kind is not ShareKind.STATISTICS
            ]
            made[leg].add(named, true, true & planted.culprits)
    return made


def main(count: int) -> None:
    names = ("cases", "movers", "precision", "recall", "planted", "on top")
    sys.stdout.write(f"{'planted':15} {'leg':8} {' '.join(f'{name:>9}' for name in names)}\n")
    for case in CASES:
        for leg, score in scored(case, range(count)).items():
            found, top = score.found / max(1, score.planted), score.first / max(1, score.cases)
            rates = " ".join(f"{value:9.3f}" for value in (score.precision, score.recall, found, top))
            sys.stdout.write(f"{case:15} {leg:8} {score.cases:9} {score.true:9} {rates}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
