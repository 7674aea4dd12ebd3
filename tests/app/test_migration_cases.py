"""What goes wrong in migrations, planted one at a time in a whole run: what the monitor says, and by which rule."""

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from monitor.adapters.encoders.latent import LatentSemanticEncoder
from monitor.app.configuration import load
from monitor.app.wiring import open_monitor
from monitor.core.migration.verdict import MigrationAssessment, MigrationVerdict
from monitor.core.model.events import CorpusEvent, Delete, Embed, Heartbeat, MigrationMarker, Upsert
from monitor.demo import migration_preparing
from monitor.demo.migration_preparing import EVENTS, PreparedMigration, prepare_migration
from tests.app.loops import to_end

SECOND = 1_000_000
Events = list[CorpusEvent]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> PreparedMigration:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(migration_preparing, "MOST_CHUNKS", 500)
        patched.setattr(migration_preparing, "ANCHORS", 400)
        return prepare_migration(tmp_path_factory.mktemp("cases"))


@dataclass
class Migrating:
    """A migration without a fault, up to the mended backfill; its encoder, and where it is configured."""

    events: Events
    encoder: LatentSemanticEncoder
    config: Path

    def embeds(self) -> Iterator[tuple[int, Embed]]:
        yield from ((at, event) for at, event in enumerate(self.events) if isinstance(event, Embed))

    def revectored(self, change: Callable[[int, Embed], np.ndarray]) -> None:
        """Other vectors than the encoder made."""
        for number, (at, event) in enumerate([*self.embeds()]):
            self.events[at] = replace(event, vector=change(number, event).astype(np.float32))

    def texts(self) -> dict[str, str]:
        return {event.chunk.chunk_id: event.chunk.text for event in self.events if isinstance(event, Upsert)}

    def judged(self, *more: CorpusEvent) -> MigrationAssessment:
        folder = self.config.parent
        (folder / EVENTS).write_bytes(b"")
        PreparedMigration(self.config, 0, 0, None).told([*self.events, *more])  # type: ignore[arg-type]  # not read
        with open_monitor(load(self.config, {})) as monitor:
            assert to_end(monitor)
            monitor.measuring.replay(full=True)
            monitor.measuring.refresh()
            published = monitor.published
            assert published is not None
            assert published.assessment is not None
            return published.assessment


@pytest.fixture
def case(made: PreparedMigration, tmp_path: Path) -> Migrating:
    shutil.copytree(made.configuration.parent, tmp_path, dirs_exist_ok=True)
    acts = made.story.acts
    encoder = LatentSemanticEncoder.load(tmp_path / "new-encoder.npz")
    return Migrating([*acts["load"], *acts["backfill"], *acts["mend"]], encoder, tmp_path / "corpus-drift.toml")


def now(events: Sequence[CorpusEvent]) -> int:
    return max(event.event_time or 0 for event in events if not isinstance(event, Upsert)) + SECOND


def failing(of: MigrationAssessment) -> list[str]:
    return [found.rule for found in of.findings if found.decides and found.verdict == "fail"]


def test_nothing_wrong_is_ready(case: Migrating) -> None:
    of = case.judged()
    assert (of.verdict, failing(of)) == (MigrationVerdict.READY, []), of.reasons


def test_an_ended_one_is_audited_for_whoever_asks_after_a_restart(made: PreparedMigration, case: Migrating) -> None:
    of = case.judged(*made.story.acts["cutover"], *made.story.acts["end"])
    rules = {found.rule: found.verdict for found in of.findings}
    assert (of.verdict, rules["R3"]) == (MigrationVerdict.COMPLETE, "pass")


def test_a_stream_of_another_migration_is_not_this_one(case: Migrating) -> None:
    text = case.config.read_text(encoding="utf-8")
    case.config.write_text(text.replace('id = "demo"', 'id = "damo"'), encoding="utf-8")
    of = case.judged()
    assert of.verdict is MigrationVerdict.NOT_STARTED
    assert of.reasons == ("no begin marker of migration 'damo' was seen; the quarantine has markers of any other",)
    with open_monitor(load(case.config, {})) as monitor:
        counters = monitor.session.counters
    assert {name[1] for name in counters if name[0] == "quarantined"} == {"other_migration"}


def test_a_thousandth_is_missing(case: Migrating) -> None:
    lost = [event.chunk_id for _, event in case.embeds()][7]
    case.events = [e for e in case.events if not (isinstance(e, Embed) and e.chunk_id == lost)]
    of = case.judged()
    assert (of.verdict, of.view.coverage.missing_ids) == (MigrationVerdict.NOT_READY, (lost,))
    assert failing(of) == ["R1", "R2"]


def test_a_stale_backfill(case: Migrating) -> None:
    at, event = [*case.embeds()][-1]
    case.events[at] = replace(event, content_hash="of the text before")
    of = case.judged()
    assert (of.verdict, of.view.coverage.stale_ids, failing(of)) == (
        MigrationVerdict.NOT_READY, (event.chunk_id,), ["R1"],
    )  # fmt: skip


def test_a_delete_during_the_backfill(case: Migrating) -> None:
    _, event = [*case.embeds()][3]
    time = now(case.events)
    of = case.judged(
        Delete(event.chunk_id, time), replace(event, event_time=time + SECOND), Heartbeat(time + 99 * SECOND)
    )
    assert (of.verdict, of.view.coverage.resurrected_ids) == (MigrationVerdict.NOT_READY, (event.chunk_id,))
    assert "R1" in failing(of)


def test_a_mix_of_one_dimension(case: Migrating) -> None:
    """Three in a hundred vectors are of another encoder: right length, right dimension, wrong space."""
    other = np.random.default_rng(1).standard_normal((10_000, case.encoder.dimension))
    other /= np.linalg.norm(other, axis=1, keepdims=True)
    case.revectored(lambda number, event: other[number] if number % 33 == 0 else event.vector)
    of = case.judged()
    assert (of.verdict, failing(of)) == (MigrationVerdict.NOT_READY, ["R3"])
    assert of.evidence.audit is not None
    assert of.evidence.audit.failed


def test_a_lost_prefix(case: Migrating) -> None:
    """The contract puts words before each text; the backfill did not."""
    text = case.config.read_text(encoding="utf-8")
    case.config.write_text(
        text.replace("[migration.contract]", '[migration.contract]\ndocument_prefix = "return a list "')
    )
    of = case.judged()
    assert failing(of) == ["R3"]
    assert of.evidence.audit is not None
    assert len(of.evidence.audit.failed) > 100


def test_vectors_that_nobody_normalised(case: Migrating) -> None:
    case.revectored(lambda _, event: 3.0 * event.vector)
    of = case.judged()
    assert (of.verdict, failing(of)) == (MigrationVerdict.NOT_READY, ["R3"])
    assert "not of unit length" in of.reasons[0]


def test_a_worse_encoder(case: Migrating) -> None:
    """Vectors that keep three numbers of what they told; the anchors' likewise, so that it is one space."""

    def poorer(vectors: np.ndarray) -> np.ndarray:
        cut = np.where(np.arange(vectors.shape[-1]) < 3, vectors, 0.0)
        made: np.ndarray = cut / np.maximum(np.linalg.norm(cut, axis=-1, keepdims=True), 1e-9)
        return made

    case.revectored(lambda _, event: poorer(event.vector))
    for event in case.events:
        if isinstance(event, Upsert) and event.chunk.vectors:
            for version, vector in event.chunk.vectors.items():
                event.chunk.vectors[version] = poorer(vector).astype(np.float32)  # type: ignore[index]  # its own copy
    lines = [json.loads(line) for line in (case.config.parent / "anchors.jsonl").read_text().splitlines()]
    texts = poorer(case.encoder.encode([line["text"] for line in lines]))
    for line, vector in zip(lines, texts, strict=True):
        line["vectors"] = {case.encoder.embedding_version: {"vector": vector.tolist()}}
    (case.config.parent / "anchors.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    of = case.judged()
    assert "R6" in failing(of)
    assert of.evidence.quality[0].difference < -0.02


def test_the_alias_switched_without_the_query_encoder(case: Migrating) -> None:
    """After the cutover queries still bear the old version: seen in the click log, within one report."""
    first = next(event for event in case.events if isinstance(event, MigrationMarker))
    time = now(case.events)
    log = case.config.parent / "clicks.jsonl"
    line = {
        "query_id": "q",
        "version": first.old,
        "shown": ["nothing"],
        "clicked": [],
        "time": "2027-01-01T00:00:00Z",
    }
    anchors = [json.loads(one)["id"] for one in (case.config.parent / "anchors.jsonl").read_text().splitlines()]
    log.write_text("".join(f"{json.dumps({**line, 'query_id': anchor})}\n" for anchor in anchors[:50]))
    text = case.config.read_text(encoding="utf-8")
    case.config.write_text(text.replace("[migration]\n", '[migration]\nclicks = "clicks.jsonl"\n'))
    of = case.judged(replace(first, step="cutover", event_time=time), Heartbeat(time + SECOND))
    assert (of.verdict, failing(of)) == (MigrationVerdict.ROLL_BACK, ["R7"]), of.reasons
    assert "50 of 50 queries bore another version" in of.reasons[0]


def test_side_effects_are_measured_in_each_versions_own_space(case: Migrating) -> None:
    of = case.judged()
    assert of.evidence.shapes is not None
    for shape, version in zip(of.evidence.shapes, (of.view.old.version, of.view.new.version), strict=True):
        lists = of.view.lists[version].served
        assert 1.0 <= shape.documents <= 10.0
        assert 0.0 < shape.diversity < 1.5
        assert shape.tokens > 50.0
        assert shape.n == len(lists)
    texts = case.texts()
    listed = [[of.view.names[key] for key in row] for row in of.view.lists[of.view.new.version].served.keys.tolist()]
    names = sorted({name for row in listed for name in row})
    unit = dict(zip(names, case.encoder.encode([texts[name] for name in names]).astype(np.float64), strict=True))
    unlike = [
        np.mean([1.0 - unit[row[a]] @ unit[row[b]] for a in range(len(row)) for b in range(a)]) for row in listed
    ]
    assert of.evidence.shapes[1].diversity == pytest.approx(np.mean(unlike), abs=1e-5)
