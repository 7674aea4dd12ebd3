"""A state filled from files is that of the same chunks having come as events, to the bit, whatever the shards."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pytest

from monitor.adapters.native_form import native
from monitor.adapters.sources.kafka.library import murmur2
from monitor.adapters.stores.sqlite.snapshots import pack_deploy
from monitor.adapters.stores.sqlite.store import SqliteStore
from monitor.app.bootstrapping import Bootstrapping, closing
from monitor.app.configuration import load
from monitor.app.wiring import open_monitor, read_state
from monitor.app.wiring.bootstrapping import open_bootstrap
from monitor.core.model.events import (
    BOOTSTRAP_DEPLOY,
    CorpusEvent,
    Delete,
    Deploy,
    Partition,
    Position,
    Record,
    Upsert,
    bootstrapped,
)
from monitor.core.records.committed import Commit
from monitor.core.records.files_mark import FilesMark
from monitor.core.shards.messages import ChunkInTwoShardsError
from monitor.ports import ConfigurationError, UnreachableError
from tests.app.scripted import TOPIC, Item, ScriptedSource
from tests.app.sharding import MODEL, PARTITIONS, SEED, SHAPE, Hands, _hurt, left, shown, write_case
from tests.corpora import DIMENSION, events
from tests.corpus_files import FIELDS, row, write_lance, write_parquet

Partitioner = Callable[[str], int]


def java(chunk_id: str) -> int:
    return int((murmur2(chunk_id.encode()) & 0x7FFFFFFF) % PARTITIONS)


def parts(*, dense: bool = True, versions: bool = True) -> tuple[list[CorpusEvent], list[CorpusEvent]]:
    """What the files have, repeated and deleted chunks among it, and what the stream has behind them."""
    made = events(SEED, replace(SHAPE, dense=dense))
    first = next(at for at, event in enumerate(made) if isinstance(event, Deploy))
    second = next(at for at, event in enumerate(made) if at > first and isinstance(event, Deploy))
    hurt = _hurt(np.random.default_rng(SEED), made[:second])
    held = [event for event in hurt if isinstance(event, Upsert | Delete)]
    if not versions:
        made = [replace(one, version=None) if isinstance(one, Upsert | Delete) else one for one in made]
        held = [replace(one, version=None) for one in held]
    return [*held], made[second + 1 :]


def records(made: Sequence[CorpusEvent], partition_of: Partitioner = java) -> list[Item]:
    """The stream: each chunk in its partition, a copy of each marker in every one."""
    ends, found = [0] * PARTITIONS, list[Item]()
    for event in made:
        where = [*range(PARTITIONS)]
        if isinstance(event, Upsert | Delete):
            where = [partition_of(event.chunk.chunk_id if isinstance(event, Upsert) else event.chunk_id)]
        for part in where:
            key, value = native(event)
            found.append(Record(Position(TOPIC, part, ends[part]), key, value))
            ends[part] += 1
    return found


def as_files_have_them(made: Sequence[CorpusEvent]) -> list[Item]:
    """The rows as records, where files have them: what the loop makes of these is what is expected."""
    found: list[Item] = []
    for at, event in enumerate(made):
        assert isinstance(event, Upsert | Delete)
        part = Partition(TOPIC, java(event.chunk.chunk_id if isinstance(event, Upsert) else event.chunk_id))
        found.append(Record(Position(*bootstrapped(part), at), None, native(event)[1]))
    return found


def case(folder: Path, shards: int, *, index: str = "frozen", extra: str = "", form: str = "parquet") -> Path:
    path = "rows" if form == "parquet" else "rows.lance"
    said = f'[bootstrap]\npath = "../{path}"\nformat = "{form}"\n{FIELDS}{extra}'
    folder.mkdir(exist_ok=True)
    return write_case(folder / f"{shards}{form}", shards, index=index, extra=said)


def bootstrap(config: Path, items: Sequence[Item] = (), *, steps: int = 1 << 30) -> Bootstrapping:
    """The whole of it, or so many steps."""
    source, stopping, left_to_do = ScriptedSource(items, partitions=PARTITIONS), threading.Event(), count(steps, -1)

    def turned() -> None:
        if next(left_to_do) <= 1:
            stopping.set()

    with open_bootstrap(load(config, {}, MODEL), source=source) as made:
        assert isinstance(made, Bootstrapping)
        made.run(stopping, turned)
        return made


@contextmanager
def opened(config: Path, items: Sequence[Item]) -> Iterator[Any]:
    source = ScriptedSource(items, partitions=PARTITIONS)
    with open_monitor(load(config, {}, MODEL), source=source, clocks=Hands().clocks) as monitor:
        yield monitor


def to_the_end(config: Path, items: Sequence[Item]) -> dict[str, Any]:
    """The stream to its end, after what is shown when it begins."""
    with opened(config, items) as monitor:
        for _ in range(1_000):
            if not monitor.turn(0.0) and monitor.ended():
                break
        monitor.measuring.replay(full=True)
        monitor.measuring.refresh()
        return shown(monitor)


def told_by_events(folder: Path, held: Sequence[CorpusEvent], rest: Sequence[CorpusEvent], index: str) -> Path:
    """One process that read the rows as events, up to the deploy that ends a bootstrap."""
    config = write_case(folder / "events", 1, index=index)
    with opened(config, as_files_have_them(held)) as monitor:
        while monitor.turn(0.0) or not monitor.ended():
            pass
        monitor.operations.deploy_at_end(BOOTSTRAP_DEPLOY)
        while BOOTSTRAP_DEPLOY not in [of.deploy_id for of in monitor.ledger]:
            monitor.turn(0.0)
    to_the_end(config, records(rest))
    return config


def judged(config: Path) -> Mapping[str, bytes]:
    """Every deploy; where files stood for the past, positions of that past end elsewhere."""
    with read_state(load(config, {}, MODEL)) as store:
        made = [of for judged in store.ledger() if (of := store.deploy(judged.deploy_id)) is not None]
    return {
        of.deploy_id: pack_deploy(
            replace(
                of,
                report=replace(of.report, positions={}),
                snapshot=replace(of.snapshot, positions={}),
            )
        )
        for of in made
    }


@pytest.mark.parametrize(("index", "versions"), [("frozen", True), ("none", False), ("frozen", False)])
def test_a_bootstrap_is_what_the_same_events_would_have_been(tmp_path: Path, index: str, *, versions: bool) -> None:
    held, rest = parts(dense=index != "none", versions=versions)
    write_parquet(tmp_path / "rows", [row(event) for event in held])
    expected = told_by_events(tmp_path, held, rest, index)
    one, deploys = left(expected), judged(expected)
    assert len(deploys) >= 4
    assert BOOTSTRAP_DEPLOY in deploys
    assert any(not of.live for of, _, _ in one.chunks)
    for shards in (1, 2, 4):
        config = case(tmp_path, shards, index=index)
        made = bootstrap(config)
        assert made.rows == made.total == len(held)
        assert made.again
        to_the_end(config, records(rest))
        found = left(config)
        assert judged(config) == deploys
        for name in ("chunks", "sketches", "past", "names", "quarantine"):
            assert getattr(found, name) == getattr(one, name), (shards, name)
        for card, other in zip(found.cards, one.cards, strict=True):
            assert {**card, "positions": ()} == {**other, "positions": ()}


def test_counters_report_and_metrics_are_those_of_the_events(tmp_path: Path) -> None:
    held, rest = parts()
    write_parquet(tmp_path / "rows", [row(event) for event in held], dimension=DIMENSION)
    events_alone = write_case(tmp_path / "events", 1, index="frozen")
    with opened(events_alone, as_files_have_them(held)) as monitor:
        while monitor.turn(0.0) or not monitor.ended():
            pass
        monitor.operations.deploy_at_end(BOOTSTRAP_DEPLOY)
        while BOOTSTRAP_DEPLOY not in [of.deploy_id for of in monitor.ledger]:
            monitor.turn(0.0)
    expected = to_the_end(events_alone, records(rest))
    for shards in (1, 3):
        config = case(tmp_path, shards)
        bootstrap(config)
        found = to_the_end(config, records(rest))
        assert found["counters"] == expected["counters"]
        for name in ("report", "metrics", "points", "tombstones"):
            assert without_places(found[name]) == without_places(expected[name]), name


def without_places(shown: Any) -> Any:
    """Where the past ends is where its last row stands, or the last one of that partition."""
    if isinstance(shown, str):
        return [line for line in shown.splitlines() if "__bootstrap__" not in line]
    if isinstance(shown, dict):
        return {key: without_places(of) for key, of in shown.items() if "__bootstrap__" not in key}
    return shown


def test_a_lance_dataset_is_read_as_files_are(tmp_path: Path) -> None:
    held, _ = parts()
    rows = [row(event) for event in held]
    write_parquet(tmp_path / "rows", rows, dimension=DIMENSION)
    write_lance(tmp_path / "rows.lance", rows, dimension=DIMENSION)
    found = []
    for form in ("parquet", "lance"):
        config = case(tmp_path, 2, form=form)
        assert bootstrap(config).rows == len(rows)
        found.append(left(config))
    assert found[0] == found[1]
    assert len(found[0].chunks) > 50


# ---------------------------------------------------------------- over the stream


def test_a_stream_from_its_beginning_goes_over_the_files(tmp_path: Path) -> None:
    """Whatever the files saw of it already: nothing comes back that was deleted, nothing is lost."""
    for versions in (True, False):
        held, rest = parts(dense=False, versions=versions)
        last = {of["chunk_id"]: of for of in map(row, held)}
        folder = tmp_path / str(versions)
        write_parquet(folder / "rows", [of for of in last.values() if not of["gone"]])  # as an export has it
        whole = write_case(folder / "whole", 1, index="none")
        to_the_end(whole, records([*held, *rest]))
        for shards in (1, 3):
            config = case(folder, shards, index="none")
            bootstrap(config, records([*held, *rest]))
            to_the_end(config, records([*held, *rest]))
            assert said_now(config) == said_now(whole)
            with read_state(load(config, {}, MODEL)) as store:
                verdicts = {of.deploy_id: of.verdict for of in store.ledger()}
                early = [store.deploy(name) for name in verdicts if name != BOOTSTRAP_DEPLOY]
            assert BOOTSTRAP_DEPLOY in verdicts
            inside = [of for of in early if of is not None and "within the bootstrap" in " ".join(of.verdict.reasons)]
            assert inside
            assert {of.verdict.verdict for of in inside} == {"unknown"}


def said_now(config: Path) -> dict[str, str]:
    with read_state(load(config, {}, MODEL)) as store:
        return {of.chunk_id: text for part in store.chunks(100) for of, text, _ in part if of.live}


def test_the_stream_is_taken_up_at_the_offsets_that_are_stated(tmp_path: Path) -> None:
    held, rest = parts(dense=False)
    write_parquet(tmp_path / "rows", [row(event) for event in held])
    everything = records([*held, *rest])
    offsets = [sum(item.position.partition == part for item in records(held)) for part in range(PARTITIONS)]
    said = ", ".join(f"{part} = {at}" for part, at in enumerate(offsets))
    alone = case(tmp_path, 1, index="none")
    bootstrap(alone)
    config = case(tmp_path, 2, index="none", extra=f"[bootstrap.offsets]\n{TOPIC} = {{ {said} }}\n")
    *_, last = closing(bootstrap(config, everything))
    shown = ", ".join(f"events/{part} at {offsets[part]}" for part in range(3))
    assert last == f"the stream is taken up in {shown} and 2 more: what changed before has to be in the files"
    found = left(config).positions
    assert [found[Partition(TOPIC, part)] for part in range(PARTITIONS)] == offsets
    to_the_end(config, everything)
    to_the_end(alone, records(rest))
    assert said_now(config) == said_now(alone)
    for wrong, why in (
        (
            f"{TOPIC} = {{ 0 = 1 }}",
            r"events/1 = nothing; expected an offset from 0 to \d+ for each of the 5 partitions",
        ),
        (f"{TOPIC} = {{ {said.replace('0 = ', '0 = 9', 1)} }}", r"events/0 = 9\d+; expected an offset from 0 to "),
        (f"{TOPIC} = {{ {said}, 7 = 0 }}", "events/7: no such partition; expected those of the source"),
    ):
        other = case(tmp_path, 4, index="none", extra=f"[bootstrap.offsets]\n{wrong}\n")
        with pytest.raises(ConfigurationError, match=f"bootstrap.offsets: {why}"):
            bootstrap(other, everything)


def test_a_partitioner_that_does_not_fit_is_told_by_the_streams_keys(tmp_path: Path) -> None:
    held, rest = parts(dense=False)
    write_parquet(tmp_path / "rows", [row(event) for event in held])
    by_crc = records(rest, lambda chunk_id: crc32(chunk_id.encode()) % PARTITIONS)
    said = r"bootstrap.partitioner = 'murmur2': does not put chunks where the events of topic 'events' have them "
    config = case(tmp_path, 3, index="none")
    with pytest.raises(
        ConfigurationError, match=said + r"\(\d+ looked at\); expected bootstrap.partitioner = 'crc32'"
    ):
        bootstrap(config, by_crc)
    text = config.read_text(encoding="utf-8")
    config.write_text(
        text.replace("[bootstrap.fields]", 'partitioner = "crc32"\n[bootstrap.fields]'), encoding="utf-8"
    )
    assert bootstrap(config, by_crc).rows == len(held)
    by_nothing = records(rest, lambda chunk_id: len(chunk_id) % PARTITIONS)
    with pytest.raises(ConfigurationError, match=r"expected the chunk id as the record's key, or one process"):
        bootstrap(case(tmp_path, 2, index="none"), by_nothing)
    one = case(tmp_path, 1, index="none")  # one process asks nobody where a chunk is
    bootstrap(one, by_nothing)
    to_the_end(one, by_nothing)


def test_a_partitioner_that_shows_only_later_stops_the_run(tmp_path: Path) -> None:
    held, rest = parts(dense=False)
    write_parquet(tmp_path / "rows", [row(event) for event in held])
    config = case(tmp_path, 3, index="none")
    bootstrap(config)  # the topic is empty
    elsewhere = records(rest, lambda chunk_id: crc32(chunk_id.encode()) % PARTITIONS)
    with pytest.raises(
        ChunkInTwoShardsError, match=r"chunk '.*' at events/\d@\d+: events of it stand in partitions of"
    ):
        to_the_end(config, elsewhere)


# ---------------------------------------------------------------- kills, and what is refused


class KilledError(Exception):
    """The process would be gone here."""


@pytest.mark.parametrize("moment", ["before", "behind"])
@pytest.mark.parametrize("shards", [1, 3])
def test_it_goes_on_where_it_was_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shards: int, moment: str
) -> None:
    """Before the state's own commit the shards' are done: they are one ahead, and are taken back."""
    held, rest = parts()
    write_parquet(tmp_path / "rows", [row(event) for event in held])
    undisturbed = case(tmp_path / "undisturbed", shards).parent
    undisturbed.parent.joinpath("rows").symlink_to(tmp_path / "rows")
    whole = undisturbed / "corpus-drift.toml"
    bootstrap(whole)
    config, commit = case(tmp_path, shards), SqliteStore.commit
    for nth in (1, 1, 1) if shards > 1 else (1, 2, 3, 1, 1):
        commits = count(1)

        def killed(self: SqliteStore, made: Commit, commits: Any = commits, nth: int = nth) -> None:
            last = next(commits) == nth
            if not last or moment == "behind":
                commit(self, made)
            if last:
                raise KilledError

        monkeypatch.setattr(SqliteStore, "commit", killed)
        with pytest.raises(KilledError):
            bootstrap(config)
    monkeypatch.undo()
    assert bootstrap(config).rows == len(held)
    assert left(config) == left(whole)
    assert to_the_end(config, records(rest)) == to_the_end(whole, records(rest))


def test_a_part_of_a_corpus_is_never_taken_for_the_whole(tmp_path: Path) -> None:
    held, _ = parts(dense=False)
    write_parquet(tmp_path / "rows", [row(event) for event in held])
    for shards in (1, 3):
        config = case(tmp_path, shards, index="none")
        with pytest.raises(UnreachableError, match=r"^stopped at row \d+ of 119; the same command goes on$"):
            bootstrap(config, steps=1)
        said = r"state .*: a bootstrap from files stands at row \d+ of 119; expected corpus-drift bootstrap to end it"
        with pytest.raises(ConfigurationError, match=said), opened(config, []):
            pass
        with pytest.raises(UnreachableError, match=said), read_state(load(config, {}, MODEL)):
            pass
        without = config.with_name("without.toml")
        without.write_text(config.read_text(encoding="utf-8").partition("[bootstrap]")[0], encoding="utf-8")
        with pytest.raises(ConfigurationError, match=said), opened(without, []):
            pass
        bootstrap(config)
        with opened(config, []) as monitor:
            assert len(monitor.parts.corpus) > 50


def test_files_that_nobody_read_yet_are_not_passed_over(tmp_path: Path) -> None:
    write_parquet(tmp_path / "rows", [row(event) for event in parts(dense=False)[0]])
    config = case(tmp_path, 2, index="none")
    said = r"^\[bootstrap\] names files and the state has none of them; expected corpus-drift bootstrap first$"
    with pytest.raises(ConfigurationError, match=said), opened(config, []):
        pass


def test_a_state_with_a_stream_in_it_is_not_filled(tmp_path: Path) -> None:
    held, rest = parts(dense=False)
    write_parquet(tmp_path / "rows", [row(event) for event in held])
    config = case(tmp_path, 2, index="none")
    with_files = config.read_text(encoding="utf-8")
    config.write_text(with_files.partition("[bootstrap]")[0], encoding="utf-8")
    to_the_end(config, records(rest))
    config.write_text(with_files, encoding="utf-8")
    with pytest.raises(
        ConfigurationError, match=r"a stream was read into it already; expected an empty one, or another"
    ):
        bootstrap(config)


def test_it_goes_on_with_the_same_files_alone_and_does_nothing_once_it_is_over(tmp_path: Path) -> None:
    held, _ = parts(dense=False)
    write_parquet(tmp_path / "rows", [row(event) for event in held])
    config = case(tmp_path, 2, index="none")
    with pytest.raises(UnreachableError):
        bootstrap(config, steps=1)
    write_parquet(tmp_path / "rows", [row(event) for event in held[:-1]])
    said = r"^bootstrap: began with other files, or read otherwise, and stands at row \d+; expected them as they were"
    with pytest.raises(ConfigurationError, match=said):
        bootstrap(config)
    other = case(tmp_path / "other", 2, index="none")
    other.parent.parent.joinpath("rows").symlink_to(tmp_path / "rows")
    bootstrap(other)
    for path in (tmp_path / "rows").glob("*.parquet"):
        path.unlink()
    with open_bootstrap(load(other, {}, MODEL)) as made:
        assert isinstance(made, FilesMark)
        assert made.finished


def test_rows_that_cannot_be_believed_are_set_aside_with_file_and_row(tmp_path: Path) -> None:
    held, _ = parts()
    rows = [row(event) for event in held]
    upserts = [at for at, of in enumerate(rows) if not of["gone"]]
    wrong: dict[int, tuple[dict[str, Any], str, str]] = {
        upserts[3]: ({"text": None}, "missing_field", "text: absent or null, expected a string"),
        upserts[20]: ({"embedding": [1.0, 2.0]}, "wrong_dimension", "vector_b64: 2 components, expected 8"),
        upserts[40]: ({"embedding": None}, "no_vector", "no vector in the event, none in the index, no encoder"),
        upserts[50]: (
            {"chunk_id": "__deploy__/x"},
            "reserved_id",
            "chunk_id: '__deploy__/x' begins with __deploy__/",
        ),
        upserts[60]: (
            {"event_time": 5_000_000_000_000_000},
            "out_of_range",
            "event_time: 5000000000000000, expected",
        ),
    }
    for at, (change, _, _) in wrong.items():
        rows[at] = rows[at] | change
    write_parquet(tmp_path / "rows", rows)
    size = -(-len(rows) // 3)
    names = ["more/part.parquet", "part-0.parquet", "part-1.parquet"]
    for shards in (1, 2):
        config = case(tmp_path, shards)
        made = bootstrap(config)
        assert made.read.aside == 5
        assert next(closing(made)).endswith(
            "5 set aside (missing_field: 1, no_vector: 1, out_of_range: 1, reserved_id: 1, wrong_dimension: 1)"
        )
        found = {of.position: of for of in left(config).quarantine}
        assert len(found) == 5
        for at, (_, reason, detail) in wrong.items():
            item = found[Position(f"__bootstrap__/{names[at // size]}", 0, at % size)]
            assert item.reason == reason
            assert detail in item.detail
            assert str(rows[at]["chunk_id"]).encode() in (item.value or b"")
        with opened(config, []) as monitor:
            tried = monitor.operations.retry()
            assert not tried.taken
            assert set(tried.kept.values()) == {"a row of a file: files are read by corpus-drift bootstrap alone"}


def test_rows_that_the_rules_of_order_refuse_are_set_aside_too(tmp_path: Path) -> None:
    rows = [row(event) for event in parts(dense=False)[0] if isinstance(event, Upsert)][:20]
    write_parquet(tmp_path / "rows", [*rows, rows[0] | {"version": None}])
    for shards in (1, 2):
        config = case(tmp_path, shards, index="none")
        assert bootstrap(config).read.refused == {"version_mode_changed": 1}
        (item,) = left(config).quarantine
        assert item.position == Position("__bootstrap__/part-1.parquet", 0, 6)


def test_an_index_that_the_monitor_fills_itself_is_filled_from_the_files(tmp_path: Path) -> None:
    held, rest = parts()
    write_parquet(tmp_path / "rows", [row(event) for event in held])
    config = case(tmp_path, 1, index="embedded")
    bootstrap(config)
    with opened(config, records(rest)) as monitor:
        assert monitor.parts.index is not None
        assert monitor.published.health.index_points == len(monitor.parts.corpus) > 50
        while monitor.turn(0.0) or not monitor.ended():
            pass
        assert monitor.published.health.index_points == len(monitor.parts.corpus)
        assert not [of for of in monitor.published.report.problems if of.kind.of_index]
