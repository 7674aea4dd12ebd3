"""`migrate estimate`: what a sample says of a new encoder, from the committed state and nothing else."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from monitor.app.restore import restore
from monitor.core.index.engine import of_one_process
from monitor.core.judging.clusters import joined
from monitor.core.measures.formulas.labelled import RELEVANT
from monitor.core.migration.candidates import EstimatePlan, estimate_plan, estimated_items
from monitor.core.migration.estimate import (
    EstimatedItems,
    MigrationCost,
    QualityOutlook,
    RankSample,
    migration_cost,
    quality_outlook,
    stratified_sample,
)
from monitor.core.migration.model import EncoderContract
from monitor.core.model.anchors import Anchor, AnchorSet
from monitor.core.model.changes import ChunkRow
from monitor.core.model.events import chunk_key, text_hash
from monitor.core.model.lists import RankedLists
from monitor.core.model.scoring import prepare
from monitor.core.model.segments import SOURCE, value_of
from monitor.core.session import Session
from monitor.core.text.tokens import tokenize
from monitor.ports import Encoder, StateStore

AT_ONCE = 64
"""Texts encoded at once: each batch is one measurement of the pace."""
Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class EstimateBench:
    """What an estimate works on; nothing of it is shared with a running monitor.

    Args:
        store: the committed state, read only, not started.
        session: over an empty corpus, with lists as deep as there are to be candidates.
        encoder: the new one.
        contract: of the new version.
        depth: k that is spoken of.
        margin: the loss that is allowed.
        fraction: of the corpus that is encoded as the sample.
        generator: draws the sample.
        monotonic: seconds, to measure the pace.
        announce: told how many texts are about to be encoded.
    """

    store: StateStore
    session: Session
    encoder: Encoder
    contract: EncoderContract
    depth: int
    margin: float
    fraction: float
    generator: Generator
    monotonic: Callable[[], float]
    announce: Callable[[int], None]


def estimate(bench: EstimateBench) -> Document:
    """Restore the committed state, encode what the plan names, and say what that allows to be said.

    Raises:
        UnreachableError: the encoder does not answer.
    """
    session = bench.session
    session.resume(restore(bench.store, session.corpus, of_one_process(session.engine), None))
    live = {row.key: row for row in session.corpus.rows() if row.live}
    anchors = session.engine.anchors
    chosen = stratified_sample(
        [value_of(SOURCE, row.segment) for row in live.values()], bench.fraction, bench.generator
    )
    keys = list(live)
    sample = [keys[at] for at in chosen.tolist()]
    lists = session.engine.lists()
    plan = estimate_plan(
        [_keys(lists[leg]) for leg in ("exact", "lexical") if leg in lists],
        [_known(anchor, live) for anchor in anchors.anchors],
        sample,
    )
    bench.announce(len(plan.keys) + len(anchors))
    vectors, tokens, seconds = _encoded(bench, plan)
    items = _items(bench, plan, vectors, live)
    counted = RankSample(len(live), len(sample))
    cost = migration_cost(tokens[plan.sampled], seconds, len(live), bench.contract.dimension)
    return estimate_document(bench, quality_outlook(items, counted, bench.depth, bench.margin), cost, counted)


def estimate_document(
    bench: EstimateBench, found: QualityOutlook, cost: MigrationCost, counted: RankSample
) -> Document:
    """As JSON has it: null where something is not known."""
    return {
        "outlook": str(found.outlook),
        "reason": found.reason,
        "to": bench.contract.version,
        "k": bench.depth,
        "margin": bench.margin,
        "chunks": counted.corpus,
        "sample": counted.sample,
        "known_items": found.items,
        "old_hit": _number(found.old_hit),
        "best_hit": _number(found.best_hit),
        "best_change": _interval(found.best_change),
        "hidden_share": _number(found.hidden_share),
        "unseen_rank": found.unseen,
        "words": _interval(cost.tokens),
        "hours": _interval(cost.hours),
        "bytes": _interval(cost.bytes),
    }


def _interval(of: Any) -> dict[str, float | None]:
    return {name: _number(value) for name, value in asdict(of).items()}


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _keys(lists: RankedLists) -> list[list[int]]:
    return [lists.keys[row, : int(lists.lengths[row])].tolist() for row in range(len(lists))]


def _known(anchor: Anchor, live: dict[int, ChunkRow]) -> list[int]:
    """The judged chunks that are relevant and live; what says the question itself is no answer."""
    asked = text_hash(anchor.text)
    keys = [chunk_key(chunk) for chunk, grade in anchor.relevant.items() if grade >= RELEVANT]
    return [key for key in keys if key in live and live[key].content_hash != asked]


def _encoded(
    bench: EstimateBench, plan: EstimatePlan
) -> tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.float64]]:
    """Prepared vectors of the plan's chunks, their words, and seconds per chunk of each batch."""
    parts: list[NDArray[np.float32]] = []
    words: list[int] = []
    seconds: list[float] = []
    for batch in _batches(plan.keys):
        texts = bench.store.texts(batch)
        began = bench.monotonic()
        made = bench.encoder.encode([bench.contract.document_prefix + texts[key] for key in batch])
        seconds.append((bench.monotonic() - began) / len(batch))
        parts.append(prepare(made.astype(np.float32), bench.contract.metric))
        words += [len(tokenize(texts[key])) for key in batch]
    none = np.zeros((0, bench.contract.dimension), np.float32)
    return np.concatenate([none, *parts]), np.array(words, np.float64), np.array(seconds)


def _batches(keys: Sequence[int]) -> Iterator[Sequence[int]]:
    yield from (keys[at : at + AT_ONCE] for at in range(0, len(keys), AT_ONCE))


def _items(
    bench: EstimateBench, plan: EstimatePlan, vectors: NDArray[np.float32], live: dict[int, ChunkRow]
) -> EstimatedItems:
    anchors: AnchorSet = bench.session.engine.anchors
    texts = [bench.contract.query_prefix + anchor.text for anchor in anchors.anchors]
    asked = prepare(bench.encoder.encode(texts).astype(np.float32), bench.contract.metric)
    marks = [
        [("question", anchor.text), *(("document", live[plan.keys[place]].doc_id) for place in own)]
        for anchor, own in zip(anchors.anchors, plan.items, strict=True)
    ]
    return estimated_items(plan, asked, vectors, bench.contract.metric, (anchors.weights, joined(marks)))
