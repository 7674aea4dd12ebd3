"""A look through a Qdrant collection, killed by SIGKILL again and again, leaves what an undisturbed look leaves."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.adapters.stores.sqlite.store import SqliteStore
from tests import corpora
from tests.adapters.sources.qdrant.cases import Collection, configured, filled, serving
from tests.kill.child import Life
from tests.kill.trial import KILLED, Nursery, nursery

SHAPE = corpora.Shape(chunks=240, deploys=1, anchors=24)
PAGE = 16
POINTS = ("corpus applied", "chunks written", "before COMMIT", "committed")
KILLS = tuple(Life("", point=point, call=call) for call in (2, 1, 3) for point in POINTS)


@pytest.fixture(scope="module")
def bred() -> Iterator[Nursery]:
    with nursery() as made:
        yield made


def looked(bred: Nursery, config: Path, life: Life) -> int:
    """One life of `run --until-end` over a configuration."""
    return bred.life(Life(str(config), point=life.point, call=life.call, after=life.after))


def known(config: Path) -> tuple[dict[str, tuple[object, ...]], list[str]]:
    """All that a look says of each chunk, whenever it was read, and the verdicts of the deploys."""
    store = SqliteStore(config.parent / "state.db", read_only=True)
    try:
        resumed = store.start()
        chunks: dict[str, tuple[object, ...]] = {
            row.chunk_id: (
                row.doc_id, row.ordinal, row.segment, row.embedding_version, row.content_hash, row.live, row.how,
                text, None if vector is None else vector.tobytes(),
            )
            for batch in store.chunks(1_000)
            for row, text, vector in batch
        }  # fmt: skip
        return chunks, [judged.verdict for judged in resumed.ledger]
    finally:
        store.close()


def places(config: Path) -> int:
    store = SqliteStore(config.parent / "state.db", read_only=True)
    try:
        return sum(store.start().positions.values())
    finally:
        store.close()


def small_turns(folder: Path, url: str) -> Path:
    """A configuration of which each turn takes a page, so that a look takes many commits."""
    folder.mkdir()
    config = configured(folder, url, page=PAGE)
    config.write_text(config.read_text().replace("[source.qdrant]", f"[source]\nbatch = {PAGE}\n[source.qdrant]"))
    return config


def payloads_read(collection: Collection) -> int:
    """Points that were read whole, and not for their ids alone."""
    # a process that is killed while it asks leaves a request without a body, which nobody answers
    asked = [of.body for of in collection.stub.sent if of.path.endswith("/scroll") and of.body]
    asked = [body for body in asked if body["with_vector"]]
    return sum(min(PAGE, of["limit"]) for of in asked)


def test_a_killed_scan_resumes_and_equals_an_undisturbed_one(bred: Nursery, tmp_path: Path) -> None:
    collection = filled(SHAPE)
    with serving(collection) as url:
        alone = small_turns(tmp_path / "alone", url)
        assert looked(bred, alone, Life("")) == 0
        whole = payloads_read(collection)
        killed = small_turns(tmp_path / "killed", url)
        collection.stub.sent.clear()
        kills, reached = 0, [0]
        for life in KILLS:
            kills += looked(bred, killed, life) == KILLED
            reached.append(places(killed) if (killed.parent / "state.db").exists() else 0)
        assert kills >= 6, "the look was over before it was killed"
        assert reached == sorted(reached)
        assert len(set(reached)) >= 4, "it never went on"
        assert looked(bred, killed, Life("")) == 0
        assert known(killed) == known(alone)
        # each life reads again at most what was not committed: a page in hand and one ahead of it
        assert payloads_read(collection) <= whole + (kills + 1) * 3 * PAGE


def test_a_scan_that_deletes_is_killed_too(bred: Nursery, tmp_path: Path) -> None:
    collection = filled(SHAPE)
    with serving(collection) as url:
        folders = [small_turns(tmp_path / name, url) for name in ("alone", "killed")]
        for config in folders:
            assert looked(bred, config, Life("")) == 0
        for at in range(0, 60, 2):
            collection.drop(f"doc{at // 4}#{at % 4}")
        collection.put("doc20#1", "word01 word02 word03")
        alone, killed = folders
        assert looked(bred, alone, Life("")) == 0
        kills = sum(looked(bred, killed, life) == KILLED for life in KILLS)
        assert kills >= 3
        assert looked(bred, killed, Life("")) == 0
        assert known(killed)[0] == known(alone)[0]
        assert sum(of[5] is False for of in known(killed)[0].values()) == 30
