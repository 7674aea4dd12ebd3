"""The loop over a migration: what it says, what it keeps, and that dying at any turn leaves no trace."""

import contextlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from monitor.adapters.encoders.latent import LatentSemanticEncoder
from monitor.adapters.stores.sqlite.store import SqliteStore
from monitor.app.loop import Monitor
from monitor.core.migration.model import MigrationView, Phase
from monitor.core.model.events import CorpusEvent, Delete, Embed, Upsert
from monitor.core.model.scoring import Distance, prepare, scores
from monitor.core.records.committed import Commit, TargetCommit
from monitor.ports import ConfigurationError
from tests.app.loops import left, opened, to_end
from tests.app.migrating import D_NEW, MIGRATION, NEW, SECOND, embed, marker, migrated, second, write_migration
from tests.app.scripted import turn_until
from tests.corpora import VERSION, Shape

SHAPE = Shape(chunks=60, deploys=3, anchors=12)


def view_of(monitor: Monitor) -> MigrationView:
    published = monitor.published
    assert published is not None
    assert published.migration is not None
    return published.migration


def ran(folder: Path, stream: list[CorpusEvent], extra: str = "") -> MigrationView:
    config = write_migration(folder, stream, shape=SHAPE, extra=extra)
    with opened(config) as monitor:
        assert to_end(monitor)
        monitor.measuring.refresh()
        return view_of(monitor)


def test_a_migration_without_a_fault_is_covered_and_cut_over(tmp_path: Path) -> None:
    made = migrated(shape=SHAPE)
    view = ran(tmp_path, made.made)
    assert (view.migration_id, view.old.version, view.new.version) == (MIGRATION, VERSION, NEW)
    assert view.phase is Phase.CUT_OVER
    assert [change.step for change in view.changes] == ["begin", "backfilled", "cutover"]
    found = view.coverage
    assert (found.live, found.covered, found.faults) == (len(made.live), len(made.live), 0)
    assert (found.source_points, found.target_points) == (found.live, found.live)
    assert not found.unscanned, "the monitor fills this index itself"
    assert [of.dimension for of in found.by_segment].count("source") == 3
    assert view.pace.eta_seconds == 0.0
    assert view.pace.backfill_rate > 0.0


def test_the_lists_of_both_versions_are_exact_and_served(tmp_path: Path) -> None:
    made = migrated(shape=SHAPE)
    view = ran(tmp_path, made.made)
    new, old = view.lists[NEW], view.lists[VERSION]
    names = sorted(made.live)
    vectors = prepare(np.stack([second(made.live[name].vector) for name in names]), Distance.COSINE)
    for row, anchor in enumerate(view.anchors.anchors):
        asked = prepare(second(anchor.vector)[None], Distance.COSINE)[0]
        value = scores(vectors, asked, Distance.COSINE)
        best = sorted(range(len(names)), key=lambda at: (-value[at], names[at]))[:10]
        listed = [view.names[key] for key in new.exact.keys[row].tolist()]
        np.testing.assert_allclose(
            new.exact.scores[row], value[best], atol=1e-6
        )  # anchors are normalised before the second encoder here
        assert set(listed[:3]) & {names[at] for at in best}, row
    assert new.served.known.all()
    for serving in view.serving:
        assert serving.ann_recall == pytest.approx(1.0)
        assert (serving.failures, serving.empty, serving.ready) == (0, 0, True)
        assert 0.0 < serving.p50 <= serving.p95 <= serving.p99
        assert serving.points == len(made.live)
    shadow = {(of.dimension, of.segment): of for of in view.shadow}
    whole = shadow["all", "all"]
    expected = [
        len(set(a) & set(b)) / 10 for a, b in zip(old.served.keys.tolist(), new.served.keys.tolist(), strict=True)
    ]
    assert whole.overlap == pytest.approx(np.mean(expected))
    assert whole.swaps == pytest.approx(10 - 10 * np.mean(expected))
    assert 0.0 < whole.rbo < 1.0
    assert 0.0 < whole.document_overlap < 1.0
    assert sum(of.anchors for of in view.shadow if of.dimension == "source") == whole.anchors == 12


def test_planted_faults_are_named_and_nothing_else(tmp_path: Path) -> None:
    made = migrated(shape=SHAPE, until="backfilled")
    names = sorted(made.live)
    lost, old_text, gone = names[0], made.live[names[1]], made.live[names[2]]
    stream: list[CorpusEvent] = []
    for event in made.made:
        if isinstance(event, Embed) and event.chunk_id == lost:
            continue
        if isinstance(event, Upsert) and event.chunk.chunk_id == lost:
            stream.append(replace(event, chunk=replace(event.chunk, vectors=None)))
            continue
        stream.append(event)
    now = made.now
    stale = replace(embed(old_text, now + SECOND), content_hash="the text before")
    stream += [stale, Delete(gone.chunk_id, now + SECOND), embed(gone, now + 2 * SECOND)]
    stream += [replace(embed(gone, now + 3 * SECOND), chunk_id="nobody")]
    stream += [replace(embed(gone, now + 3 * SECOND), embedding_version="third")]
    view = ran(tmp_path, stream)
    found = view.coverage
    assert (found.missing_ids, found.stale_ids) == ((lost,), (old_text.chunk_id,))
    assert (found.resurrected_ids, found.foreign_ids) == ((gone.chunk_id,), ("nobody",))
    assert found.target_points == found.live - 1 + 2
    counts = {outcome: view.events.get(("embed", outcome), 0) for outcome in ("stale", "resurrected", "foreign")}
    assert counts == {"stale": 1, "resurrected": 1, "foreign": 1}
    assert view.events["embed", "refused"] == 1
    store = SqliteStore(tmp_path / "state.db", read_only=True)
    store.start()
    (aside,) = store.quarantine(10)
    store.close()
    assert (aside.reason, "'third', expected 'enc2:" in aside.detail) == ("unknown_version", True)


@pytest.mark.parametrize(
    ("wrong", "reason", "said"),
    [
        (lambda time: marker("cutover", time), "out_of_order", "phase 'cutover' of a migration that is backfilling"),
        (lambda time: marker("begin", time, id="m2"), "other_migration", "'m2': expected 'm1'; one migration"),
        (lambda time: marker("backfilled", time, old="v0"), "other_versions", "from 'v0' to 'enc2"),
    ],
)
def test_a_marker_that_cannot_be_followed_is_set_aside(tmp_path: Path, wrong, reason: str, said: str) -> None:  # type: ignore[no-untyped-def]
    made = migrated(shape=SHAPE, until="begin")
    view = ran(tmp_path, [*made.made, wrong(made.now + SECOND)])
    assert view.phase is Phase.BACKFILLING
    store = SqliteStore(tmp_path / "state.db", read_only=True)
    store.start()
    (aside,) = store.quarantine(10)
    store.close()
    assert aside.reason == reason
    assert said in aside.detail


def test_a_rollback_is_followed_and_repeated_markers_are_counted(tmp_path: Path) -> None:
    made = migrated(shape=SHAPE)
    made.tell(marker("cutover", made.now + SECOND), marker("rollback", made.now + 2 * SECOND))
    view = ran(tmp_path, made.made)
    assert view.phase is Phase.ROLLED_BACK


@pytest.mark.parametrize("batch", [1, 7, 1_000])
def test_neither_batches_nor_restarts_leave_a_trace(tmp_path: Path, batch: int) -> None:
    """The state of a run that is cut and begun anew at every few turns is that of one that is not."""
    made = migrated(shape=SHAPE)
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    whole.mkdir()
    cut.mkdir()
    expected = ran(whole, made.made)
    config = write_migration(cut, made.made, shape=SHAPE)
    config.write_text(config.read_text().replace("[source.file]", f"[source]\nbatch = {batch}\n[source.file]"))
    over = False
    while not over:
        with opened(config) as monitor:
            over = to_end(monitor, turns=40)
            monitor.measuring.refresh()
            view = view_of(monitor)
    assert (view.coverage, view.pace, view.faults) == (expected.coverage, expected.pace, expected.faults)
    assert (view.phase, view.changes, view.events) == (expected.phase, expected.changes, expected.events)
    for version in (VERSION, NEW):
        for found, known in (
            (view.lists[version].exact, expected.lists[version].exact),
            (view.lists[version].served, expected.lists[version].served),
        ):
            assert np.array_equal(found.keys, known.keys)
            assert np.array_equal(found.scores, known.scores)
    assert left(cut / "state.db") == left(whole / "state.db")
    assert targets(cut) == targets(whole)


class Died(Exception):  # noqa: N818 - it is not an error of the program
    """The process ends here."""


def _dying(monitor: Monitor, at: int, how: str) -> None:
    """Die at a commit, before it or behind it."""
    commit, done = monitor.parts.store.commit, 0

    def die(turn: Commit) -> None:
        nonlocal done
        done += 1
        if done > at and how == "before":
            raise Died
        commit(turn)
        if done > at:
            raise Died

    vars(monitor.parts.store)["commit"] = die


@pytest.mark.parametrize("at", range(0, 12, 2))
@pytest.mark.parametrize("how", ["before", "after"])
def test_dying_at_a_commit_leaves_no_trace(tmp_path: Path, at: int, how: str) -> None:
    made = migrated(shape=SHAPE)
    config = write_migration(tmp_path, made.made, shape=SHAPE)
    config.write_text(config.read_text().replace("[source.file]", "[source]\nbatch = 16\n[source.file]"))

    with contextlib.suppress(Died), opened(config) as monitor:
        _dying(monitor, at, how)
        to_end(monitor)
        pytest.fail("it did not die")
    with opened(config) as monitor:
        assert to_end(monitor)
        monitor.measuring.refresh()
        view = view_of(monitor)
    whole = tmp_path / "whole"
    whole.mkdir()
    expected = ran(whole, made.made)
    assert (view.coverage, view.changes, view.events) == (expected.coverage, expected.changes, expected.events)
    assert targets(tmp_path) == targets(whole)


def targets(folder: Path) -> list[tuple[object, ...]]:
    """What the state keeps of the target."""
    store = SqliteStore(folder / "state.db", read_only=True)
    store.start()
    found = [
        (row.key, row.chunk_id, row.known, row.point._replace(vector=None), bytes(row.point.vector or b""))
        if row.point.vector is None
        else (row.key, row.chunk_id, row.known, row.point._replace(vector=None), row.point.vector.tobytes())
        for row in store.target(NEW)
    ]
    steps = list(store.steps(MIGRATION))
    store.close()
    return [*found, (tuple(steps),)]


def test_without_a_migration_the_same_stream_is_ignored_and_counted(tmp_path: Path) -> None:
    made = migrated(shape=SHAPE)
    config = write_migration(tmp_path, made.made, shape=SHAPE)
    config.write_text(config.read_text().partition("[migration]")[0])
    with opened(config) as monitor:
        assert to_end(monitor)
        assert monitor.published is not None
        assert monitor.published.migration is None
        assert len(monitor.parts.corpus) == len(made.live)
        ignored = sum(not isinstance(event, Embed) and "Migration" in type(event).__name__ for event in made.made)
        ignored += sum(isinstance(event, Embed) for event in made.made)
        assert monitor.session.counters["events", "event", "ignored"] == ignored
        assert not monitor.parts.store.quarantine(10)


def test_a_sample_for_the_audit_has_texts_and_their_vectors(tmp_path: Path) -> None:
    made = migrated(shape=SHAPE)
    config = write_migration(tmp_path, made.made, shape=SHAPE)
    with opened(config) as monitor:
        assert to_end(monitor)
        watch = monitor.parts.migration
        assert watch is not None
        sample = watch.sample(20)
        assert len(sample.chunk_ids) == len(set(sample.chunk_ids)) == 20
        for name, text, vector in zip(sample.chunk_ids, sample.texts, sample.vectors, strict=True):
            assert text == made.live[name].text
            assert len(vector) == D_NEW
            unit = prepare(second(made.live[name].vector)[None], Distance.COSINE)[0]
            np.testing.assert_allclose(vector, unit, atol=1e-6)


def test_the_encoder_fills_both_indexes_where_nobody_backfills(tmp_path: Path) -> None:
    """No event brings a new vector: the monitor encodes after the begin, dies in the middle, and goes on."""
    shape = Shape(chunks=600, deploys=2, anchors=12)
    made = migrated(shape=shape, until="begin")
    stream: list[CorpusEvent] = []
    for event in made.made:
        if isinstance(event, Upsert):
            stream.append(replace(event, chunk=replace(event.chunk, vectors=None)))
        elif not isinstance(event, Embed):
            stream.append(event)
    encoder = LatentSemanticEncoder.fit([chunk.text for chunk in made.live.values()], dimension=6, seed=1)
    encoder.save(tmp_path / "encoder.npz")
    config = write_migration(tmp_path, stream, shape=shape)
    text = config.read_text().replace(NEW, encoder.embedding_version).replace(f"dimension = {D_NEW}\n", "")
    section = '[migration.encoder]\nkind = "latent-semantic"\npath = "encoder.npz"\n'
    config.write_text(text.replace('id = "m1"', 'id = "m1"\nfill = true') + section)
    version = encoder.embedding_version
    events = config.parent / "events.jsonl"
    events.write_text(events.read_text().replace(NEW, version))
    with opened(config) as monitor:
        while monitor.intake.positions.get(next(iter(monitor.parts.source.partitions())), 0) < len(stream):
            monitor.turn(0.0)
        monitor.turn(0.0)
        monitor.measuring.refresh()
        begun = view_of(monitor).coverage
    assert 0 < begun.covered < begun.live, "it was stopped in the middle"
    with opened(config) as monitor:
        monitor.measuring.refresh()
        assert view_of(monitor).coverage == begun, "what was committed is there"
        for _ in range(20):
            monitor.turn(0.0)
        monitor.measuring.replay(full=True)
        monitor.measuring.refresh()
        view = view_of(monitor)
    assert (view.coverage.covered, view.coverage.faults) == (len(made.live), 0)
    assert view.coverage.target_points == len(made.live)
    names = sorted(made.live)
    vectors = prepare(encoder.encode([made.live[name].text for name in names]), Distance.COSINE)
    for row, anchor in enumerate(view.anchors.anchors):
        asked = prepare(encoder.encode([anchor.text]), Distance.COSINE)[0]
        value = scores(vectors, asked, Distance.COSINE)
        best = sorted(range(len(names)), key=lambda at: (-value[at], names[at]))[:10]
        assert [view.names[key] for key in view.lists[version].exact.keys[row].tolist()] == [names[at] for at in best]


def test_a_state_of_another_contract_of_the_same_name_is_refused(tmp_path: Path) -> None:
    made = migrated(shape=SHAPE)
    ran(tmp_path, made.made)
    config = tmp_path / "corpus-drift.toml"
    config.write_text(config.read_text().replace(f"dimension = {D_NEW}", "dimension = 4"))
    lines = (tmp_path / "anchors.jsonl").read_text().splitlines()
    shorter = [{**json.loads(line), "vectors": {NEW: {"vector": [1, 0, 0, 0]}}} for line in lines]
    (tmp_path / "anchors.jsonl").write_text("".join(json.dumps(line) + "\n" for line in shorter))
    with pytest.raises(ConfigurationError, match="holds vectors of 5 numbers of"), opened(config):
        pass


def test_other_anchors_are_taken_up_in_both_versions(tmp_path: Path) -> None:
    made = migrated(shape=SHAPE)
    config = write_migration(tmp_path, made.made, shape=SHAPE)
    with opened(config) as monitor:
        assert to_end(monitor)
        monitor.measuring.refresh()
        before = view_of(monitor)
        lines = (tmp_path / "anchors.jsonl").read_text().splitlines()
        (tmp_path / "anchors.jsonl").write_text("\n".join(reversed(lines[2:])) + "\n")
        watch = monitor.parts.anchors_watch
        assert watch is not None
        watch._next = 0.0
        turn_until(monitor, lambda: len(monitor.parts.engine.anchors) == len(lines) - 2)
        monitor.measuring.replay(full=True)
        monitor.measuring.refresh()
        after = view_of(monitor)
    assert after.anchor_digest != before.anchor_digest
    for version in (VERSION, NEW):
        for found, known in (
            (after.lists[version].exact, before.lists[version].exact),
            (after.lists[version].served, before.lists[version].served),
        ):
            assert np.array_equal(found.keys, known.keys[:1:-1])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda line: {**line, "vectors": {}}, "12 anchors have no vector of 'enc2"),
        (lambda line: {**line, "vectors": {NEW: {"vector": [1, 2]}}}, "anchor 'q0': 2 numbers, expected 5"),
        (lambda line: {**line, "vectors": {NEW: {"vector_b64": "AA"}}}, "expected vector or vector_b64 of finite"),
    ],
)
def test_anchors_without_a_usable_new_vector_are_refused(tmp_path: Path, change, said: str) -> None:  # type: ignore[no-untyped-def]
    config = write_migration(tmp_path, migrated(shape=SHAPE).made, shape=SHAPE)
    lines = [json.loads(line) for line in (tmp_path / "anchors.jsonl").read_text().splitlines()]
    (tmp_path / "anchors.jsonl").write_text("".join(json.dumps(change(line)) + "\n" for line in lines))
    with pytest.raises(ConfigurationError, match=said), opened(config):
        pass


def test_another_target_takes_the_place_of_what_a_state_keeps(tmp_path: Path) -> None:
    ran(tmp_path, migrated(shape=SHAPE).made)
    store = SqliteStore(tmp_path / "state.db")
    positions = dict(store.start().positions)
    rows, steps = list(store.target(NEW)), tuple(store.steps(MIGRATION))
    assert len(rows) > 50
    assert [change.step for change in steps] == ["begin", "backfilled", "cutover"]
    assert not list(store.target("third"))
    assert not store.steps("m2")
    store.commit(Commit(positions, target=TargetCommit("m2", "third", rows[:2], steps=steps[:1])))
    assert [row.key for row in store.target("third")] == [row.key for row in rows[:2]]
    assert not list(store.target(NEW))
    assert store.steps("m2") == steps[:1]
    store.commit(Commit(positions, target=TargetCommit("m2", "third", gone=[rows[0].key])))
    assert [row.key for row in store.target("third")] == [rows[1].key]
    assert store.steps("m2") == steps[:1]
    store.close()


def test_old_writes_that_stopped_are_seen(tmp_path: Path) -> None:
    """Chunks that come with a new vector alone are taken, and the old index is told to lack them."""
    made = migrated(shape=SHAPE)
    changed = [made.live[name] for name in sorted(made.live)[:3]]
    for at, chunk in enumerate(changed):
        now = replace(
            chunk, text=f"{chunk.text} more", content_hash=f"h{at}", vector=None, event_time=made.now + SECOND,
            vectors={NEW: second(chunk.vector)},
        )  # fmt: skip
        made.tell(Upsert(now, 10_000 + at))
    view = ran(tmp_path, made.made)
    assert (view.coverage.live, view.coverage.faults) == (len(made.live), 0)
    assert view.coverage.source_points == len(made.live) - 3
    with opened(tmp_path / "corpus-drift.toml") as monitor:
        monitor.measuring.refresh()
        assert view_of(monitor).coverage == view.coverage, "a restart knows it too"
        assert not monitor.parts.store.quarantine(10)
