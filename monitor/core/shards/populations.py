"""The chunks of a corpus that lies in parts as one population, and a population in parts again."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.arrays.ragged import ragged
from monitor.core.index.statistics.contents import Contents, implausible
from monitor.core.index.statistics.kept import StatisticsAccumulator
from monitor.core.index.statistics.population import Population
from monitor.core.index.statistics.word_samples import WIDTH

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class PopulationPart:
    """The chunks of one shard.

    Args:
        population: they, with their contents.
        seconds: (n,) int64 their event times: which are implausible depends on those of all shards.
    """

    population: Population
    seconds: Ints

    @classmethod
    def of(cls, kept: StatisticsAccumulator) -> "PopulationPart":
        """The chunks of a shard as they are now."""
        slots = kept.columns.live()
        order = np.argsort(kept.corpus.keys[slots])
        return cls(kept.population(), kept.columns.seconds[slots[order]].copy())


def joined(parts: Sequence[PopulationPart]) -> tuple[Population, NDArray[np.int32]]:
    """All chunks as one population, that of one process to the bit, and the part that each chunk came from, (n,).

    Args:
        parts: of all shards, with contents; no chunk is in two.
    """
    every = [part.population for part in parts]
    contents = [one.contents for one in every if one.contents is not None]
    keys = np.concatenate([np.zeros(0, np.int64), *(one.keys for one in every)])
    order = np.argsort(keys)
    values = tuple(sorted({value for one in every for value in one.values}))
    place = {value: at for at, value in enumerate(values)}
    cells = [np.array([place[value] for value in one.values], np.int32)[one.cells] for one in every if len(one.keys)]
    hashes = np.unique(np.concatenate([np.zeros(0, np.int64), *(one.hashes for one in every)]))
    documents = [np.searchsorted(hashes, one.hashes)[one.documents] for one in every if len(one.keys)]
    names: dict[int, str] = {}
    for one, said in zip(every, contents, strict=True):
        names.update(zip(one.hashes.tolist(), said.names, strict=True))
    origins = np.repeat(np.arange(len(parts), dtype=np.int32), [len(one.keys) for one in every])
    seconds = np.concatenate([np.zeros(0, np.int64), *(part.seconds for part in parts)])[order]
    return (
        Population(
            keys[order],
            np.concatenate([np.zeros(0, np.uint64), *(one.digests for one in every)])[order],
            np.concatenate([np.zeros(0, np.int32), *cells])[order],
            np.concatenate([np.zeros(0, np.int64), *documents])[order].astype(np.int32),
            values,
            hashes,
            _contents(contents, order, implausible(seconds), tuple(names[one] for one in hashes.tolist())),
        ),
        origins[order],
    )


def _contents(
    parts: Sequence[Contents], order: Ints, implausible: NDArray[np.bool_], names: tuple[str, ...]
) -> Contents:
    def flat(name: str, kind: type[np.generic]) -> NDArray[np.generic]:
        made: NDArray[np.generic] = np.concatenate([np.zeros(0, kind), *(getattr(of, name) for of in parts)])
        return made

    sampled = flat("sampled", np.int32).astype(np.int64)
    starts = np.cumsum(sampled) - sampled
    words = np.concatenate([np.zeros((0, WIDTH), np.uint32), *(of.words for of in parts)])
    return Contents(
        flat("said", np.uint64)[order],  # type: ignore[arg-type]  # of the kind that is named
        flat("texts", np.uint64)[order],  # type: ignore[arg-type]
        flat("sketches", np.uint64)[order],  # type: ignore[arg-type]
        flat("tokens", np.int32)[order],  # type: ignore[arg-type]
        implausible,
        flat("distinct", np.int32)[order],  # type: ignore[arg-type]
        sampled[order].astype(np.int32),
        flat("shingles", np.uint32)[ragged(starts[order], sampled[order])],  # type: ignore[arg-type]
        words[order],
        names,
        flat("lengths", np.float32)[order],  # type: ignore[arg-type]
    )


@dataclass(frozen=True, slots=True, eq=False)
class BaselinePart:
    """The chunks of a baseline that one shard compares its own with.

    Args:
        population: without contents, which stay with the whole.
        lent: (n,) bool, chunks that another shard has as well and counts where nobody has them now.
    """

    population: Population
    lent: NDArray[np.bool_]


def split(population: Population, parts: NDArray[np.integer], count: int) -> list[BaselinePart]:
    """A baseline's chunks by shard, for the counts of what changed.

    A chunk that nobody knows any more may come back in any shard: all of them have it, all but the first on loan.

    Args:
        population: of the baseline.
        parts: (n,) the shard of each chunk, in [0, count), by what is known of it now, live or deleted; -1 where
            nothing is known.
        count: how many shards there are.
    """
    made = []
    for part in range(count):
        at = np.flatnonzero((parts == part) | (parts < 0))
        made.append(BaselinePart(_taken(population, at), (parts[at] < 0) & (part > 0)))
    return made


def _taken(of: Population, at: Ints) -> Population:
    # segments and documents that no chunk of the part has are left out: who compares holds what is named
    cells, cell = np.unique(of.cells[at], return_inverse=True)
    documents, document = np.unique(of.documents[at], return_inverse=True)
    return Population(
        of.keys[at],
        of.digests[at],
        cell.astype(np.int32),
        document.astype(np.int32),
        tuple(of.values[one] for one in cells.tolist()),
        of.hashes[documents],
    )
