"""A deploy waits for the index that production fills, and is judged again where it could not wait long enough."""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from monitor.adapters.stores.sqlite.snapshots import pack_deploy
from monitor.app import asking, readiness
from monitor.app.configuration import load
from monitor.app.health import Clocks
from monitor.app.loop import Monitor
from monitor.app.readiness import Readiness, lacking
from monitor.app.wiring import read_state
from monitor.core.index.corpus import Corpus
from monitor.core.model.events import Chunk, Delete, Deploy, Located, Position, Upsert, text_hash
from monitor.core.model.problems import ProblemKind
from monitor.core.model.scoring import Distance
from monitor.core.records.committed import DeployRecord
from monitor.ports import Unanswered
from tests import corpora
from tests.app.loops import opened, to_end
from tests.app.scripted import turn_until
from tests.qdrant_stub import QdrantStub

SHAPE = corpora.Shape(chunks=60, deploys=2, anchors=24)
LOOKS = 5


# ---------------------------------------------------------------- one look


def chunk(name: str, said: str, at: int = 0) -> Located:
    event = Upsert(Chunk(name, name, 0, said, None, "", (), at, text_hash(said)), at)
    return Located(Position("t", 0, at), event)


@dataclass
class Index:
    """What an index answers, and how often it was asked."""

    held: dict[str, str] = field(default_factory=dict)
    wrong: Sequence[str] = ()
    working: Sequence[str] = ()
    silent: str = ""
    asked: list[frozenset[str]] = field(default_factory=list)

    def content_hashes(self, chunk_ids: Sequence[str], *, deadline: float) -> Mapping[str, str] | Unanswered:
        assert 0 < deadline < 10
        self.asked.append(frozenset(chunk_ids))
        return Unanswered(self.silent) if self.silent else {of: self.held[of] for of in chunk_ids if of in self.held}

    def problems(self) -> Sequence[str]:
        return self.wrong

    def busy(self) -> Sequence[str]:
        return self.working


@dataclass
class Time:
    now: float = 100.0

    @property
    def clocks(self) -> Clocks:
        return Clocks(lambda: self.now, lambda: self.now)


def changed(corpus: Corpus, events: Sequence[Located]) -> NDArray[np.int64]:
    delta = corpus.delta(corpus.apply(events).changes)
    return np.concatenate([delta.removed_keys, corpus.keys[delta.added]])


def of(index: Index, time: Time, *events: Located, timeout: float = 60.0) -> Readiness:
    corpus = Corpus(0)
    made = Readiness(index, corpus, time.clocks, timeout=timeout)  # type: ignore[arg-type]  # all that is asked of it
    for event in events:
        made.changed(changed(corpus, [event]))
    return made


A, B = chunk("a", "one"), chunk("b", "two", 1)
HELD = {"a": text_hash("one"), "b": text_hash("two")}


@pytest.mark.parametrize(
    ("index", "waits", "said"),
    [
        (Index(HELD), False, ""),
        (Index({"a": "", "b": ""}), False, ""),  # it states no content: that they are there is all there is to know
        (Index({"a": HELD["a"]}), True, "of 2 changed chunks looked for, 1 not there; expected all of it"),
        (Index({**HELD, "b": "older"}), True, "of 2 changed chunks looked for, 1 there with another content"),
        (Index({}), True, "2 not there"),
        (Index(HELD, working=["at work"]), True, "at work"),
        (Index({}, working=["at work"]), True, "at work; the index does not hold the deploy: of 2"),
        (Index(HELD, silent="unreachable"), True, "does not say whether it holds the deploy (unreachable)"),
        (Index(HELD, wrong=["broken"]), False, "broken"),  # nothing to wait for
        (Index({}, wrong=["broken"], working=["at work"]), False, "broken; at work"),
    ],
)
def test_what_a_deploy_waits_for(index: Index, waits: bool, said: str) -> None:
    time = Time()
    made = of(index, time, A, B)
    assert made.holds_back("d1") is waits
    if said:
        assert said in made.waiting["d1"]
    else:
        assert made.waiting == {}
    time.now += 60.0
    assert not made.holds_back("d1"), "no longer than the timeout"


def test_a_deleted_chunk_has_to_be_gone() -> None:
    gone = Located(Position("t", 0, 2), Delete("b", 3, 5))
    assert of(Index({"a": HELD["a"]}), Time(), A, B, gone).holds_back("d1") is False
    made = of(Index(HELD), Time(), A, B, gone)
    assert made.holds_back("d1")
    assert "1 deleted and still there" in made.waiting["d1"]


def test_a_deploy_that_changes_nothing_waits_only_for_rest() -> None:
    assert of(Index({}), Time()).holds_back("d1") is False
    assert of(Index({}, working=["at work"]), Time()).holds_back("d1")


def test_it_is_looked_for_at_intervals_and_each_deploy_has_its_own_time() -> None:
    index, time = Index(), Time()
    made = of(index, time, A)
    for _ in range(10):
        assert made.holds_back("d1")
    assert len(index.asked) == 1
    time.now += readiness.PAUSE
    index.held = dict(HELD)
    assert not made.holds_back("d1")
    assert len(index.asked) == 2
    time.now += 1_000.0
    index.held = {}
    assert made.holds_back("d2"), "the time of another deploy begins with it"


def test_ready_is_what_was_just_seen() -> None:
    """Between two looks nothing is known, so nothing is judged again."""
    index, time = Index(HELD), Time()
    made = of(index, time, A, B)
    assert made.ready_now("d1")
    assert not made.ready_now("d1")
    time.now += readiness.PAUSE
    assert made.ready_now("d1")


def test_the_sample_is_bounded_and_does_not_depend_on_batches() -> None:
    events = [chunk(f"c{at}", str(at), at) for at in range(3 * readiness.SAMPLE)]
    asked = []
    for size in (1, 100, len(events)):
        corpus, index = Corpus(0), Index()
        made = Readiness(index, corpus, Time().clocks, timeout=1.0)  # type: ignore[arg-type]  # as above
        for at in range(0, len(events), size):
            made.changed(changed(corpus, events[at : at + size]))
        made.holds_back("d1")
        asked += index.asked
    assert [len(one) for one in asked] == [readiness.SAMPLE] * 3
    assert len(set(asked)) == 1


def test_after_a_restart_the_same_is_looked_for() -> None:
    corpus = Corpus(0)
    corpus.apply([A, B])
    made = Readiness(Index({}), corpus, Time().clocks, timeout=1.0)  # type: ignore[arg-type]  # as above
    made.resume({"t/0": 1})
    assert made.holds_back("d1")
    assert "of 1 changed chunks" in made.waiting["d1"], "a was there before the last deploy"


def test_what_is_lacking_is_counted() -> None:
    corpus = Corpus(0)
    corpus.apply([A, B])
    rows = [row for row in corpus.rows() if row.live]
    assert lacking(rows, HELD) == ""
    assert lacking(rows, {}).endswith("of 2 changed chunks looked for, 2 not there; expected all of it")


# ---------------------------------------------------------------- the loop


@dataclass
class Production:
    """An index that is written when the test says so; the announcements are all in the stream already."""

    stub: QdrantStub
    config: Path
    deploys: list[list[Upsert | Delete]]

    def write(self, *deploys: int) -> None:
        for event in (event for at in deploys for event in self.deploys[at]):
            name = event.chunk.chunk_id if isinstance(event, Upsert) else event.chunk_id
            point = int(text_hash(name)[:12], 16)
            if isinstance(event, Upsert):
                vector = np.asarray(event.chunk.vector, np.float32)
                self.stub.put(point, vector, {"chunk_id": name, "content_hash": event.chunk.content_hash})
            else:
                self.stub.points.pop(point, None)


@contextmanager
def production(folder: Path, *, timeout: float, shape: corpora.Shape = SHAPE) -> Iterator[Production]:
    stub = QdrantStub(Distance.COSINE, corpora.DIMENSION)
    config = corpora.write_case(folder, shape=shape)
    server = [
        'engine = "server"',
        f'url = "{stub.start()}"',
        'collection = "chunks"',
        'chunk_id_field = "chunk_id"',
        'content_hash_field = "content_hash"',
        f"ready_timeout = {timeout}",
        "settle_seconds = 0",  # what lies in it depends on the clock
    ]
    config.write_text(config.read_text().replace('engine = "embedded"', "\n".join(server)))
    events = corpora.events(7, shape)
    last = max(at for at, event in enumerate(events) if isinstance(event, Deploy))
    (folder / "events.jsonl").write_bytes(corpora.written(events[: last + 1]))  # what comes later would be judged too
    deploys: list[list[Upsert | Delete]] = [[]]
    for event in events:
        if isinstance(event, Upsert | Delete):
            deploys[-1].append(event)
        elif isinstance(event, Deploy):
            deploys.append([])
    try:
        yield Production(stub, config, deploys)
    finally:
        stub.stop()


@pytest.fixture
def looking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each turn of the loop looks."""
    monkeypatch.setattr(readiness, "PAUSE", 0.0)
    monkeypatch.setattr(readiness, "PAUSES", 0.0)


def turns(monitor: Monitor) -> None:
    for _ in range(LOOKS):
        monitor.turn(0.0)


def verdicts(monitor: Monitor) -> dict[str, str]:
    return {one.deploy_id: one.verdict for one in monitor.ledger}


def record(monitor: Monitor, deploy: str) -> DeployRecord:
    found = monitor.parts.store.deploy(deploy)
    assert found is not None
    return found


def kinds(found: DeployRecord) -> set[ProblemKind]:
    return {problem.kind for problem in found.report.problems}


def gate(config: Path, deploy: str) -> dict[str, Any]:
    with read_state(load(config, {})) as store:
        return asking.stored_gate(store, deploy)


def without_stamp(found: DeployRecord) -> bytes:
    return pack_deploy(replace(found, judged_again=""))


@pytest.fixture
def whole(tmp_path: Path, looking: None) -> dict[str, bytes]:
    """What is stored of the deploys where the index always held them in time."""
    del looking
    folder = tmp_path / "whole"
    folder.mkdir()
    with production(folder, timeout=600.0) as made, opened(made.config) as monitor:
        made.write(0)
        turn_until(monitor, lambda: "d0" in verdicts(monitor))
        made.write(1)
        turn_until(monitor, lambda: "d1" in verdicts(monitor))
        return {name: without_stamp(record(monitor, name)) for name in verdicts(monitor)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "run"
    made.mkdir()
    return made


def test_a_deploy_that_is_announced_first_is_judged_once_when_it_is_there(
    folder: Path, whole: dict[str, bytes]
) -> None:
    with production(folder, timeout=600.0) as made, opened(made.config) as monitor:
        turns(monitor)
        assert verdicts(monitor) == {}
        assert monitor.intake.barrier.waiting == ("d0",)
        monitor.measuring.republish()
        assert monitor.published is not None
        assert "of 60 changed chunks looked for, 60 not there" in monitor.published.health.awaited["d0"]
        made.write(0)
        made.stub.status = "yellow"
        turns(monitor)
        assert verdicts(monitor) == {}
        assert "status yellow" in monitor.parts.readiness.waiting["d0"]  # type: ignore[union-attr]  # a server has one
        made.stub.status = "green"
        turn_until(monitor, lambda: "d0" in verdicts(monitor))
        assert record(monitor, "d0").judged_again == ""
        assert [one.deploy_id for one in monitor.parts.store.baselines()] == ["d0"], "a sound first baseline"
        turns(monitor)
        assert list(verdicts(monitor)) == ["d0"], "d1 is not there yet"
        made.write(1)
        turn_until(monitor, lambda: "d1" in verdicts(monitor))
        assert {name: without_stamp(record(monitor, name)) for name in verdicts(monitor)} == whole
        assert monitor.published is not None
        assert monitor.published.health.awaited == {}


def colour(status: str) -> Callable[[Production], None]:
    """The index holds the deploy and is in this state."""

    def put(made: Production) -> None:
        made.write(1)
        made.stub.status = status

    return put


@pytest.mark.parametrize("restart", [False, True], ids=["", "killed in between"])
@pytest.mark.parametrize(
    ("spoil", "kind"),
    [
        (lambda _: None, ProblemKind.INDEX_BEHIND),
        (colour("yellow"), ProblemKind.INDEX_BUSY),
        (colour("red"), ProblemKind.INDEX),
    ],
    ids=["late", "yellow", "red"],
)
def test_a_deploy_that_could_not_wait_is_unknown_and_judged_again(
    folder: Path,
    whole: dict[str, bytes],
    spoil: Callable[[Production], None],
    kind: ProblemKind,
    restart: bool,
) -> None:
    """No new event comes; the record is then that of a deploy that waited, to the byte."""
    with production(folder, timeout=0.0) as made:
        made.write(0)
        with opened(made.config) as monitor:
            turn_until(monitor, lambda: "d0" in verdicts(monitor))
            spoil(made)
            turn_until(monitor, lambda: "d1" in verdicts(monitor))
            turns(monitor)
            assert verdicts(monitor)["d1"] == "unknown"
            assert kind in kinds(record(monitor, "d1"))
            assert monitor.published is not None
            assert "d1" in monitor.published.health.awaited
            said = gate(made.config, "d1")
            assert said["state"] == ("judged" if kind is ProblemKind.INDEX else "unsettled"), "red is not waited for"
            assert said["verdict"] == "unknown"
            if restart:  # as a kill would: what the state holds is all there is
                shutil.copytree(folder, folder.with_name("killed"))
            else:
                colour("green")(made)
                turn_until(monitor, lambda: bool(record(monitor, "d1").judged_again))
                assert monitor.published.report.deploy_id == "d1"
                assert monitor.published.verdict.reasons == record(monitor, "d1").verdict.reasons
                assert monitor.published.health.awaited == {}
        config = made.config
        if restart:
            config = folder.with_name("killed") / config.name
            with opened(config) as monitor:
                turns(monitor)
                assert not record(monitor, "d1").judged_again
                colour("green")(made)
                turn_until(monitor, lambda: bool(record(monitor, "d1").judged_again))
        with opened(config) as monitor:
            turns(monitor)
            assert list(verdicts(monitor)) == ["d0", "d1"]
            assert without_stamp(record(monitor, "d1")) == whole["d1"]
        said = gate(config, "d1")
        assert (said["state"], bool(said["judged_again"])) == ("judged", True)


@pytest.mark.usefixtures("looking")
def test_no_first_baseline_of_an_index_that_does_not_hold_it(folder: Path) -> None:
    with production(folder, timeout=0.0, shape=replace(SHAPE, deploys=1)) as made, opened(made.config) as monitor:
        made.write(0)
        missing = made.stub.points.popitem()
        turn_until(monitor, lambda: "d0" in verdicts(monitor))
        assert any("1 not there" in problem.text for problem in record(monitor, "d0").report.problems)
        assert monitor.parts.store.baselines() == []
        made.stub.points[missing[0]] = missing[1]
        turn_until(monitor, lambda: bool(record(monitor, "d0").judged_again))
        (first,) = monitor.parts.store.baselines()
        assert (first.name, first.deploy_id) == ("main", "d0")
        assert monitor.session.baseline is not None, "and it is in force"


@pytest.mark.usefixtures("looking")
def test_a_deploy_behind_which_another_was_judged_stays_as_it_is(folder: Path) -> None:
    with production(folder, timeout=0.0) as made, opened(made.config) as monitor:
        turn_until(monitor, lambda: list(verdicts(monitor)) == ["d0", "d1"])
        before = pack_deploy(record(monitor, "d0"))
        made.write(0, 1)
        turn_until(monitor, lambda: bool(record(monitor, "d1").judged_again))
        turns(monitor)
        assert pack_deploy(record(monitor, "d0")) == before
        assert gate(made.config, "d0")["state"] == "judged", "nobody has to wait for it"


@pytest.mark.usefixtures("looking")
def test_dying_while_a_deploy_waits_changes_nothing(folder: Path, whole: dict[str, bytes]) -> None:
    with production(folder, timeout=600.0) as made:
        for _ in range(3):
            with opened(made.config) as monitor:
                turns(monitor)
                assert verdicts(monitor) == {}
        with opened(made.config) as monitor:
            assert "of 60 changed chunks" in _awaited(monitor)
            made.write(0)
            turn_until(monitor, lambda: "d0" in verdicts(monitor))
        with opened(made.config) as monitor:
            made.write(1)
            turn_until(monitor, lambda: "d1" in verdicts(monitor))
            assert {name: without_stamp(record(monitor, name)) for name in verdicts(monitor)} == whole


def _awaited(monitor: Monitor) -> str:
    turns(monitor)
    assert monitor.parts.readiness is not None
    return monitor.parts.readiness.waiting["d0"]


@pytest.mark.usefixtures("looking")
def test_hidden_points_are_waited_for(folder: Path) -> None:
    with production(folder, timeout=600.0) as made, opened(made.config) as monitor:
        made.write(0)
        made.stub.hidden = set(list(made.stub.points)[:7])
        assert "7 points are hidden from reads until they are optimised" in _awaited(monitor)
        made.stub.hidden = set()
        turn_until(monitor, lambda: "d0" in verdicts(monitor))


@pytest.mark.usefixtures("looking")
def test_requests_are_answered_and_a_stop_is_heard_while_a_deploy_waits(folder: Path) -> None:
    with production(folder, timeout=600.0) as made, opened(made.config) as monitor:
        turns(monitor)
        asked = monitor.ask(lambda loop: loop.intake.barrier.waiting)
        monitor.stopping.set()
        monitor.turn(600.0)
        assert asked.result(0) == ("d0",)


def test_the_embedded_engine_waits_for_nothing(tmp_path: Path) -> None:
    with opened(corpora.write_case(tmp_path, shape=SHAPE)) as monitor:
        assert monitor.parts.readiness is None
        assert to_end(monitor)
