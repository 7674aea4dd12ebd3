"""The embedded index on disk: applied, killed, reconciled, locked, damaged, bounded."""

import math
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import qdrant_edge as edge
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.adapters.retrieval.answers import Hit
from monitor.adapters.retrieval.qdrant import embedded as qdrant_embedded
from monitor.adapters.retrieval.qdrant import shard as qdrant_shard
from monitor.adapters.retrieval.qdrant.embedded import EmbeddedIndex
from monitor.adapters.retrieval.qdrant.shard import EmbeddedSettings
from monitor.core.model.scoring import Distance
from monitor.ports import ConfigurationError, CorpusDriftError, UnreachableError
from tests.contracts.retrievers import BruteForce, Library, anchor_set, same_lists

D = 6


@contextmanager
def opened(chosen: EmbeddedSettings) -> Iterator[EmbeddedIndex]:
    index = EmbeddedIndex(chosen)
    index.start()
    try:
        yield index
    finally:
        index.close()


def in_folder(path: Path, distance: Distance = Distance.COSINE) -> EmbeddedSettings:
    return EmbeddedSettings(D, distance, path / "index")


def some(count: int, seed: int, first: int = 0) -> list[tuple[str, list[float], Any]]:
    rng = np.random.default_rng(seed)
    return [(f"c{first + at}", rng.standard_normal(D).tolist(), (("language", f"l{at % 3}"),)) for at in range(count)]


def equals_brute_force(index: EmbeddedIndex, library: Library) -> None:
    anchors = anchor_set(np.random.default_rng(5).standard_normal((6, D), np.float32), library.distance)
    rows = np.arange(len(anchors))
    same_lists(
        index.replay(anchors, rows, k=500, deadline=30.0),
        BruteForce(library).replay(anchors, rows, k=500, deadline=30.0),
    )
    assert index.count() == len(library.corpus)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.lists(st.tuples(st.integers(0, 7), st.sampled_from("udn")), max_size=12), max_size=6))
def test_any_sequence_of_batches_equals_a_corpus_built_anew(batches: list[list[tuple[int, str]]]) -> None:
    library = Library(D, Distance.EUCLID)
    with opened(EmbeddedSettings(D, Distance.EUCLID)) as index:
        for number, batch in enumerate(batches):
            upserts = [chunk for at, what in batch if what != "d" for chunk in some(1, 10 * number + at, at)]
            if upserts:
                index.apply(library.upsert(upserts))
            deletes = [f"c{at}" for at, what in batch if what == "d"]
            if deletes:
                index.apply(library.delete(deletes))
            equals_brute_force(index, library)
        assert index.reconcile(library.live, library.corpus.vectors) == 0, "nothing to mend"


@pytest.mark.parametrize("distance", list(Distance))
def test_reconcile_mends_what_is_ahead_behind_and_different(tmp_path: Path, distance: Distance) -> None:
    library = Library(D, distance)
    with opened(in_folder(tmp_path, distance)) as index:
        index.apply(library.upsert(some(50, 1)))
    behind = library.upsert(some(5, 2, first=50))  # in the state, never told to the index
    assert len(behind.rows) == 5
    with opened(in_folder(tmp_path, distance)) as index:
        ahead = Library(D, distance)
        index.apply(ahead.upsert(some(3, 3, first=90)))  # told to the index, never committed
        index.apply(ahead.upsert([("c7", [1.0] * D, ())]))  # committed with another vector and payload
        library.delete(["c9"])
        assert index.reconcile(library.live, library.corpus.vectors) == 5 + 3 + 1 + 1
        equals_brute_force(index, library)
        assert index.reconcile(library.live, library.corpus.vectors) == 0


def test_a_changed_bit_of_a_vector_is_seen(tmp_path: Path) -> None:
    library = Library(D, Distance.DOT)
    with opened(in_folder(tmp_path, Distance.DOT)) as index:
        index.apply(library.upsert(some(4, 1)))
        slot = library.live[0].slot
        library.corpus.vectors[slot, 0] = np.nextafter(library.corpus.vectors[slot, 0], np.float32(9))
        assert index.reconcile(library.live, library.corpus.vectors) == 1
        equals_brute_force(index, library)


def test_after_a_kill_the_stored_vectors_themselves_are_compared() -> None:
    library = Library(D, Distance.DOT)
    with opened(EmbeddedSettings(D, Distance.DOT)) as index:
        index.apply(library.upsert(some(4, 1)))
        forged = edge.PointVectors(library.live[2].key, [9.0] * D)  # behind the payload's back
        index._open.update(edge.UpdateOperation.update_vectors([forged]))
        assert index.reconcile(library.live, library.corpus.vectors) == 1
        equals_brute_force(index, library)


def test_after_a_clean_close_the_checksum_in_the_payload_tells(tmp_path: Path) -> None:
    library = Library(D, Distance.DOT)
    with opened(in_folder(tmp_path, Distance.DOT)) as index:
        index.apply(library.upsert(some(4, 1)))
    library.corpus.vectors[library.live[1].slot, 0] += 1
    with opened(in_folder(tmp_path, Distance.DOT)) as index:
        assert index._folder.closed_cleanly
        assert index.reconcile(library.live, library.corpus.vectors) == 1
        equals_brute_force(index, library)


def test_rows_that_are_not_live_are_absent_chunks() -> None:
    library = Library(D, Distance.DOT)
    library.upsert(some(4, 1))
    library.delete(["c2"])
    with opened(EmbeddedSettings(D, Distance.DOT)) as index:
        assert index.reconcile(list(library.corpus.rows()), library.corpus.vectors) == 3
        equals_brute_force(index, library)


WRITER = """
import sys
from pathlib import Path
from tests.adapters.retrieval.qdrant.test_embedded import D, Distance, Library, in_folder, some
from monitor.adapters.retrieval.qdrant.embedded import EmbeddedIndex
index, library = EmbeddedIndex(in_folder(Path(sys.argv[1]))), Library(D, Distance.COSINE)
index.start()
for batch in range(10_000):
    print(batch, flush=True)
    index.apply(library.upsert(some(200, batch, first=batch * 100)))
    index.apply(library.delete([f"c{batch * 100 + at}" for at in range(50)]))
"""


@pytest.mark.parametrize("seed", range(4))
def test_killed_while_applying_then_reconciled(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    last = int(rng.integers(2, 12))
    for _ in range(last):
        writer.stdout.readline()
    with suppress(subprocess.TimeoutExpired):
        writer.wait(rng.uniform(0.0, 0.02))  # somewhere within the batch, not at its beginning
    writer.kill()
    assert writer.wait() == -signal.SIGKILL
    writer.stdout.close()
    library = Library(D, Distance.COSINE)
    for batch in range(last // 2):
        library.upsert(some(200, batch, first=batch * 100))
    with opened(in_folder(tmp_path)) as index:
        assert not index.started_afresh, "a kill damages nothing"
        assert not index._folder.closed_cleanly
        assert index.reconcile(library.live, library.corpus.vectors) > 0
        equals_brute_force(index, library)
    with opened(in_folder(tmp_path)) as index:
        assert index.reconcile(library.live, library.corpus.vectors) == 0


def test_a_second_owner_is_told_who_the_first_is(tmp_path: Path) -> None:
    hold = (
        "import sys, os; from pathlib import Path; "
        "from tests.adapters.retrieval.qdrant.test_embedded import EmbeddedIndex, in_folder; "
        "index = EmbeddedIndex(in_folder(Path(sys.argv[1]))); index.start(); print(flush=True); sys.stdin.read()"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", hold, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    owner.stdout.readline()
    second = EmbeddedIndex(in_folder(tmp_path))
    with pytest.raises(ConfigurationError, match=rf"index is in use by process {owner.pid}; stop it or choose"):
        second.start()
    second.close()
    owner.communicate()
    with opened(in_folder(tmp_path)):
        pass
    with (
        opened(in_folder(tmp_path)),
        pytest.raises(ConfigurationError, match="is in use by process"),
        opened(in_folder(tmp_path)),
    ):
        pass


@pytest.mark.parametrize("wreck", ["config", "segment", "vectors", "empty"])
def test_damaged_files_are_set_aside_and_filled_again(
    tmp_path: Path, wreck: str, caplog: pytest.LogCaptureFixture
) -> None:
    library = Library(D, Distance.COSINE)
    with opened(in_folder(tmp_path)) as index:
        index.apply(library.upsert(some(30, 1)))
    shard = tmp_path / "index" / "shard"
    target = {
        "config": shard / "edge_config.json",
        "segment": next((shard / "segments").glob("*/segment.json")),
        "vectors": next((shard / "segments").glob("*/vector_storage/vectors/chunk_0.mmap")),
        "empty": shard / "edge_config.json",
    }[wreck]
    target.write_bytes(b"" if wreck == "empty" else b"{ not what it was")
    for _ in range(2):  # a second time: the folder set aside before makes room
        with opened(in_folder(tmp_path)) as index:
            assert index.reconcile(library.live, library.corpus.vectors) == 30
            assert "it cannot be read (embedded index: " in index.started_afresh
            assert (tmp_path / "index" / "shard.damaged").exists()
            equals_brute_force(index, library)
        next((shard / "segments").glob("*/segment.json")).write_bytes(b"?")
    assert "filled again from the events" in caplog.text


def test_other_settings_build_another_index(tmp_path: Path) -> None:
    library = Library(D, Distance.COSINE)
    with opened(in_folder(tmp_path)) as index:
        index.apply(library.upsert(some(30, 1)))
    with opened(replace(in_folder(tmp_path), hnsw_ef=64, rescore=True)) as index:
        assert index.count() == 30, "how it is searched changes no file"
    with opened(replace(in_folder(tmp_path), exact=False)) as index:
        assert "other settings" in index.started_afresh
        assert index.count() == 0


def test_a_folder_called_shard_that_is_not_ours_is_set_aside_whole(tmp_path: Path) -> None:
    theirs = tmp_path / "index" / "shard" / "precious"
    theirs.mkdir(parents=True)
    with opened(in_folder(tmp_path)) as index:
        assert "set aside" in index.started_afresh
    assert (tmp_path / "index" / "shard.damaged" / "precious").exists()


def test_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "index").write_text("a file")
    with pytest.raises(ConfigurationError, match="expected a folder that can be written"):
        EmbeddedIndex(in_folder(tmp_path)).start()
    with pytest.raises(ConfigurationError, match="dimension = 0, expected at least 1"):
        EmbeddedIndex(EmbeddedSettings(0, Distance.DOT))


def test_a_disk_that_is_about_to_be_full_is_said_in_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine maps its files: where the disk is full under them, the process is killed without a word."""
    library = Library(D, Distance.COSINE)
    said = r"^embedded index .*index: \d+ MiB free on its disk, expected \d+ at least$"
    with opened(in_folder(tmp_path)) as index:
        index.apply(library.upsert(some(3, 1)))
        monkeypatch.setattr(qdrant_shard, "SPARE_BYTES", 1 << 62)
        with pytest.raises(UnreachableError, match=said):
            index.apply(library.upsert(some(3, 2, first=3)))
        assert index.count() == 3, "nothing was written"
    with pytest.raises(UnreachableError, match=said):
        EmbeddedIndex(in_folder(tmp_path)).start()
    monkeypatch.undo()
    with opened(in_folder(tmp_path)) as index:
        assert index.count() == 3, "and nobody holds it"


def test_temporary_folder_is_gone_after_close_and_close_twice_is_fine() -> None:
    index = EmbeddedIndex(EmbeddedSettings(D, Distance.DOT))
    index.start()
    root = index._folder.root
    assert root is not None
    assert root.exists()
    index.close()
    index.close()
    assert not root.exists()
    with pytest.raises(CorpusDriftError, match="not started"):
        index.optimize()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_vector_that_is_not_finite_is_refused(bad: float) -> None:
    library = Library(D, Distance.DOT)
    with opened(EmbeddedSettings(D, Distance.DOT)) as index:
        with pytest.raises(CorpusDriftError, match="chunk 'c0' has a vector with NaN or infinity"):
            index.apply(library.upsert([("c0", [bad] * D, ())]))
        assert index.count() == 0


def test_an_engine_score_that_overflows_is_not_finite() -> None:
    library = Library(D, Distance.DOT)
    with opened(EmbeddedSettings(D, Distance.DOT)) as index:
        index.apply(library.upsert([("c0", [3e38] * D, ())]))
        anchors = anchor_set(np.full((1, D), 3e38, np.float32), Distance.DOT)
        made = index.replay(anchors, np.array([0]), k=1, deadline=5.0)
    assert dict(made.failures) == {0: "not_finite"}


def test_disk_stays_bounded_while_chunks_come_and_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qdrant_embedded, "FLUSH_AFTER", 500)
    monkeypatch.setattr(qdrant_embedded, "VACUUM_AFTER", 1_000)
    library = Library(D, Distance.COSINE)
    segments = tmp_path / "index" / "shard" / "segments"

    def points_on_disk() -> int:
        return sum(path.stat().st_size for path in segments.glob("*/*id_tracker.mappings"))

    sizes = []
    with opened(in_folder(tmp_path)) as index:
        for turn in range(24):
            index.apply(library.upsert(some(200, turn, first=turn * 200)))
            if turn:
                index.apply(library.delete([f"c{at}" for at in range((turn - 1) * 200, turn * 200)]))
            sizes.append(points_on_disk())
        equals_brute_force(index, library)
    assert max(sizes[12:]) <= max(sizes[:12])


def test_a_failure_of_the_engine_is_logged_once_until_it_works_again(caplog: pytest.LogCaptureFixture) -> None:
    """Each look would say the same again, once a second."""
    beyond = Hit(2**64, 0.5, "c", "")  # no id of a point: the engine's own refusal
    with opened(EmbeddedSettings(D, Distance.DOT)) as index, caplog.at_level("INFO"):
        for _ in range(3):
            assert index.fetch([beyond], math.inf) == {2**64: "engine_failed"}
        assert not index.fetch([Hit(1, 0.5, "c", "")], math.inf)
        index.fetch([beyond], math.inf)
    said = [(record.levelname, record.getMessage().split(": ")[1]) for record in caplog.records]
    assert said == [("WARNING", "reading 1 vectors"), ("INFO", "vectors"), ("WARNING", "reading 1 vectors")]
