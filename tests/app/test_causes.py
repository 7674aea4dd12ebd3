"""Which class of cause a report names, over planted faults of each class, through the real parts."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from monitor.adapters.anchors_file import write as write_anchors
from monitor.adapters.native_form import native
from monitor.app.loop import Monitor
from monitor.core.model.events import Chunk, CorpusEvent, Delete, Deploy, Heartbeat, Position, Upsert, text_hash
from monitor.core.model.report import CauseName, DriftReport
from monitor.ports import Fault
from tests.app.loops import opened, to_end
from tests.app.scripted import TOPIC, ScriptedSource, records, scripted
from tests.corpora import DIMENSION, VERSION, Shape, World, anchors, events, write_case

SEEDS = 4
SHAPE = Shape(chunks=90, deploys=1, anchors=24)
LEXICAL = replace(SHAPE, dense=False)
Named = tuple[CauseName, ...]


def base(seed: int, shape: Shape = SHAPE) -> list[CorpusEvent]:
    """The initial load and its deploy."""
    return [event for event in events(seed, shape) if not isinstance(event, Heartbeat)]


def chunks(made: list[CorpusEvent]) -> list[Chunk]:
    return [event.chunk for event in made if isinstance(event, Upsert)]


def again(chunk: Chunk, **fields: object) -> Upsert:
    """The chunk in another form; versions go up with the number of the event."""
    return Upsert(replace(chunk, **fields), 10_000)  # type: ignore[arg-type]  # fields of a chunk


def last(monitor: Monitor) -> DriftReport:
    record = monitor.parts.store.deploy(monitor.ledger[-1].deploy_id)
    assert record is not None
    return record.report


def judged(folder: Path, seed: int, more: list[CorpusEvent], shape: Shape = SHAPE) -> DriftReport:
    """The report of a deploy of some events after the base."""
    config = write_case(folder, seed=seed, shape=shape)
    stream = [*base(seed, shape), *more, Deploy("d1", 1_790_000_000_000_000, {})]
    with scripted(config, ScriptedSource(records(stream))) as monitor:
        assert to_end(monitor)
        return last(monitor)


def rewritten(seed: int) -> list[CorpusEvent]:
    """Some chunks say something else, and one is gone."""
    rng, known = np.random.default_rng(seed), chunks(base(seed))
    world = World(np.random.default_rng(seed), SHAPE)  # its words have the vectors of the corpus
    made: list[CorpusEvent] = []
    for at in rng.choice(len(known), 12, replace=False).tolist():
        text = world.text(int(rng.integers(6)))
        made.append(again(known[at], text=text, vector=world.vector(text), content_hash=text_hash(text)))
    return [*made, Delete(known[0].chunk_id, 1_789_000_000_000_000, 10_001)]


def revectored(seed: int) -> list[CorpusEvent]:
    """Some texts with the vectors of another model."""
    rng, known = np.random.default_rng(seed), chunks(base(seed))
    return [again(chunk, vector=rng.standard_normal(DIMENSION).astype(np.float32)) for chunk in known[::3]]


def corpus(folder: Path, seed: int) -> DriftReport:
    """Contents are rewritten and deleted."""
    return judged(folder, seed, rewritten(seed))


def encoder(folder: Path, seed: int) -> DriftReport:
    """The same texts with the vectors of another model."""
    return judged(folder, seed, revectored(seed))


def both(folder: Path, seed: int) -> DriftReport:
    """Other vectors, and after them other contents of other chunks."""
    touched = {event.chunk.chunk_id for event in rewritten(seed) if isinstance(event, Upsert)}
    vectors = [event for event in revectored(seed) if isinstance(event, Upsert)]
    first = [event for event in vectors if event.chunk.chunk_id not in touched]
    return judged(folder, seed, [*first, *rewritten(seed)])


def written_again(chunk: Chunk, **fields: object) -> list[CorpusEvent]:
    """Deleted, and inserted as a chunk that nobody has seen before."""
    return [Delete(chunk.chunk_id, chunk.event_time, 9_999), again(chunk, **fields)]


def reinserted(folder: Path, seed: int) -> DriftReport:
    """The pipeline deletes everything and inserts it again as it was."""
    made = [event for chunk in chunks(base(seed)) for event in written_again(chunk)]
    return judged(folder, seed, made)


def reembedded(folder: Path, seed: int) -> DriftReport:
    """The pipeline deletes and inserts to bring the vectors of another model: no content changes."""
    rng = np.random.default_rng(seed)
    made: list[CorpusEvent] = []
    for chunk in chunks(base(seed)):
        made += written_again(chunk, vector=rng.standard_normal(DIMENSION).astype(np.float32))
    return judged(folder, seed, made)


def renamed(folder: Path, seed: int) -> DriftReport:
    """Every document moves: other ids, the same contents and vectors."""
    made: list[CorpusEvent] = []
    for chunk in chunks(base(seed)):
        moved = {"chunk_id": f"moved/{chunk.chunk_id}", "doc_id": f"moved/{chunk.doc_id}"}
        made += [Delete(chunk.chunk_id, chunk.event_time, 9_999), again(chunk, **moved)]
    return judged(folder, seed, made)


def contract(folder: Path, seed: int) -> DriftReport:
    """Chunks of another embedding contract appear beside the old ones."""
    rng, known = np.random.default_rng(seed), chunks(base(seed))
    version = "other:words:mean:l2:8:cosine"
    made = [
        again(chunk, vector=rng.standard_normal(DIMENSION).astype(np.float32), embedding_version=version)
        for chunk in known[::3]
    ]
    return judged(folder, seed, list(made))


def statistics(folder: Path, seed: int) -> DriftReport:
    """Many chunks without a word of any anchor: they enter no list, but N moves what words weigh."""
    rng = np.random.default_rng(seed)
    made: list[CorpusEvent] = []
    segment = (("language", "en"), ("source", "blog"))
    for at in range(400):
        text = " ".join(f"far{word}" for word in rng.integers(0, 3_000, 14).tolist())
        chunk = Chunk(f"far{at}", "far", at, text, None, VERSION, segment, 1_785_000_000_000_000, text_hash(text))
        made.append(Upsert(chunk, 10_000))
    return judged(folder, seed, made, LEXICAL)


def index(folder: Path, seed: int, more: Sequence[CorpusEvent] = ()) -> DriftReport:
    """The index loses points behind the monitor's back."""
    config = write_case(folder, seed=seed, shape=SHAPE)
    stream = [*base(seed), *more, Deploy("d1", 1_790_000_000_000_000, {})]
    items = records(stream)
    with scripted(config, ScriptedSource(items)) as monitor:
        until_judged(monitor, "d0")
        owned = monitor.parts.index
        assert owned is not None
        listed = monitor.session.lists()["dense"].keys
        lost = set(np.random.default_rng(seed).choice(np.unique(listed[listed >= 0]), 10, replace=False).tolist())
        rows = [row for row in monitor.parts.corpus.rows() if row.live and row.key not in lost]
        owned.reconcile(rows, monitor.parts.corpus.vectors)
        assert to_end(monitor)
        return last(monitor)


def index_and_corpus(folder: Path, seed: int) -> DriftReport:
    """It loses points, and contents change."""
    return index(folder, seed, rewritten(seed))


def until_judged(monitor: Monitor, deploy: str) -> None:
    """Turn until a deploy is judged, and not further: its marker ends a batch."""
    for _ in range(1_000):
        if any(one.deploy_id == deploy for one in monitor.ledger):
            return
        monitor.turn(0.0)
    raise AssertionError(deploy)


def queries(folder: Path, seed: int) -> DriftReport:
    """A third of the anchors ask something else after a restart."""
    config = write_case(folder, seed=seed, shape=SHAPE)
    stream = folder / "events.jsonl"
    stream.write_bytes(b"".join(native(event)[1] + b"\n" for event in base(seed)))
    with opened(config) as monitor:
        assert to_end(monitor)
    made = anchors(seed, SHAPE)
    changed = [replace(one, text=f"{one.text} please") if at % 3 == 0 else one for at, one in enumerate(made)]
    write_anchors(folder / "anchors.jsonl", changed)
    with stream.open("ab") as file:
        file.write(native(Deploy("d1", 1_790_000_000_000_000, {}))[1] + b"\n")
    with opened(config) as monitor:
        assert to_end(monitor)
        return last(monitor)


def pipeline(folder: Path, seed: int) -> DriftReport:
    """Retention overtook the reader: records are lost between two deploys."""
    config = write_case(folder, seed=seed, shape=SHAPE)
    before = records(base(seed))
    at = len(before) + 20
    gap = Fault("gap", Position(TOPIC, 0, at), "20 records are gone")
    after = records([Deploy("d1", 1_790_000_000_000_000, {})], start=at)
    with scripted(config, ScriptedSource([*before, gap, *after])) as monitor:
        assert to_end(monitor)
        return last(monitor)


def nothing(folder: Path, seed: int) -> DriftReport:
    """The same again, and a deploy."""
    known = chunks(base(seed))
    return judged(folder, seed, [again(chunk) for chunk in known[::4]])


@dataclass(frozen=True)
class Planted:
    fault: Callable[[Path, int], DriftReport]
    named: Named
    """What must be named first."""
    beside: Named = ()
    """What may be named besides: what the fault brings with it."""


PLANTED = {
    "nothing": Planted(nothing, ()),
    "nothing (written again)": Planted(reinserted, ()),
    "nothing (renamed)": Planted(renamed, ()),
    "ENCODER (written again)": Planted(reembedded, ("ENCODER",)),
    "ENCODER and CORPUS": Planted(both, (), ("ENCODER", "CORPUS", "LEXICAL STATISTICS")),
    "INDEX and CORPUS": Planted(index_and_corpus, (), ("INDEX", "CORPUS", "LEXICAL STATISTICS")),
    "CORPUS": Planted(corpus, ("CORPUS",), ("LEXICAL STATISTICS",)),
    "ENCODER (new vectors)": Planted(encoder, ("ENCODER",)),
    "ENCODER (mixed contract)": Planted(contract, ("ENCODER",)),
    "INDEX": Planted(index, ("INDEX",)),
    "LEXICAL STATISTICS": Planted(statistics, ("LEXICAL STATISTICS",)),
    "QUERY SIDE": Planted(queries, ("QUERY SIDE",)),
    "PIPELINE": Planted(pipeline, ("PIPELINE",)),
}


@pytest.fixture(scope="module")
def matrix() -> Iterator[dict[str, Counter[str]]]:
    """How often each class was named where each fault was planted; printed at the end (pytest -s)."""
    made: dict[str, Counter[str]] = {}
    yield made
    names = get_args(CauseName)
    print("\nplanted".ljust(26), *(name.rjust(len(name)) for name in names), "(first)")  # noqa: T201 - the table
    for planted, found in made.items():
        cells = [str(found[name]).rjust(len(name)) for name in names]
        print(planted.ljust(25), *cells, dict(sorted((k[6:], v) for k, v in found.items() if k[:6] == "first ")))  # noqa: T201


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_named(name: str, seed: int, tmp_path: Path, matrix: dict[str, Counter[str]]) -> None:
    planted = PLANTED[name]
    report = planted.fault(tmp_path, seed)
    found = [one.cause for one in report.causes]
    matrix.setdefault(name, Counter()).update([*found, f"first {found[0] if found else 'none'}"])
    assert report.deploy_id == "d1"
    assert tuple(found[: len(planted.named)]) == planted.named, report.causes
    assert set(found) <= {*planted.named, *planted.beside}, report.causes
    assert all(one.evidence for one in report.causes)
    assert {"ENCODER", "INDEX", "CORPUS"} & set(planted.named + planted.beside) <= set(found), report.causes
    unexplained = [of for of in report.measurements if of.metric == "unexplained_churn_ratio" and of.segment == "all"]
    assert [of.value > 0 for of in unexplained] == ([] if name == "LEXICAL STATISTICS" else ["INDEX" in name])
