"""The maintained state of a corpus: an engine, or shards and what adds them up."""

from collections.abc import Callable
from dataclasses import dataclass

from monitor.app.configuration import Configuration
from monitor.app.wiring.retrieval import Space
from monitor.core.index.corpus import Corpus
from monitor.core.index.duplicates.minhash import MinHashBands
from monitor.core.index.engine import Bm25Config, Depths, Engine
from monitor.core.index.maintained import MaintainedState
from monitor.core.model.anchors import AnchorSet
from monitor.core.shards.port import DurableShards
from monitor.core.shards.shard import ShardConfig
from monitor.core.shards.sharded_corpus import ShardedCorpus
from monitor.core.shards.sharded_state import ShardedState
from monitor.kinds import ShardsContext


@dataclass(frozen=True, slots=True)
class Maintained:
    """An empty corpus with what is maintained over it.

    Args:
        corpus: the chunk table.
        state: the lists, copies and statistics.
        shards: the parts in which the corpus lies, None where it is whole.
    """

    corpus: Corpus
    state: MaintainedState
    shards: DurableShards | None = None


def build_maintained(
    configuration: Configuration, space: Space, anchors: AnchorSet, clock: Callable[[], float]
) -> Maintained:
    """One process, or the configured shards; opens nothing."""
    chosen, state = configuration.shards, configuration.state
    if not chosen.there:
        corpus = Corpus(space.dimension, tombstone_days=state.tombstone_days)
        return Maintained(corpus, build_engine(configuration, anchors, corpus))
    config = ShardConfig(
        chosen.count,
        space.dimension,
        _depths(configuration),
        configuration.corpus.distance,
        _bm25(configuration),
        MinHashBands(),
        configuration.segments.dimensions,
        state.tombstone_days,
    )
    context = ShardsContext(
        config=config,
        anchors=anchors,
        state=configuration.located(state.path),
        stream=f"source.{configuration.source.adapter.name}",
        space=vector_space(configuration, space),
        clock=clock,
        located=configuration.located,
    )
    shards = chosen.adapter.build(chosen.settings, context)
    over = ShardedCorpus(space.dimension, shards)
    return Maintained(over, ShardedState(config, anchors, shards, over), shards)


def build_engine(configuration: Configuration, anchors: AnchorSet, corpus: Corpus) -> Engine:
    """The engine of one process over an empty corpus."""
    return Engine(
        anchors,
        corpus,
        _depths(configuration),
        configuration.corpus.distance,
        _bm25(configuration),
        bands=MinHashBands(),
        dimensions=configuration.segments.dimensions,
    )


def vector_space(configuration: Configuration, space: Space) -> str:
    """What the vectors of a state are, for a store to refuse others."""
    return f"{space.dimension} numbers, {configuration.corpus.distance}"


def _depths(configuration: Configuration) -> Depths:
    dense, lexical = configuration.dense.adapter is not None, configuration.lexical.enabled
    return Depths(max(configuration.measure.depths), dense=dense, lexical=lexical)


def _bm25(configuration: Configuration) -> Bm25Config:
    lexical = configuration.lexical
    return Bm25Config(lexical.variant, lexical.k1, lexical.b, lexical.epsilon)
