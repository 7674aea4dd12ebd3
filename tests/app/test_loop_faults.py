"""The loop when something outside goes wrong: quarantined, waited for or UNKNOWN; never lost, never a pass."""

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from monitor.adapters.codecs.forms import decoder
from monitor.app.intake import Intake
from monitor.app.loop import Monitor
from monitor.app.service import MonitorService
from monitor.app.wiring import read_state
from monitor.core.index.baseline import Approval
from monitor.core.model.events import Deploy, Heartbeat, Position, Record
from monitor.core.model.lists import RankedLists
from monitor.ports import ConfigurationError, Fault, Replay, Retriever, UnreachableError
from tests.adapters.codecs.forge import LIMITS, OPTIONS
from tests.adapters.codecs.hostile import HOSTILE
from tests.app.loops import left, run_whole, to_end
from tests.app.scripted import TOPIC, ScriptedSource, records, scripted, turn_until
from tests.corpora import START, Shape, events, write_case

LEXICAL = Shape(dense=False)
DENSE = Shape(chunks=24, deploys=3)


def ledger(monitor: Monitor) -> dict[str, str]:
    return {judged.deploy_id: judged.verdict for judged in monitor.ledger}


def reasons(monitor: Monitor, deploy_id: str) -> str:
    record = monitor.parts.store.deploy(deploy_id)
    assert record is not None
    return "\n".join(record.verdict.reasons)


def retrying(monitor: Monitor, seconds: float) -> None:
    """Try again sooner than production does."""
    object.__setattr__(monitor.parts, "pace", replace(monitor.parts.pace, retry=seconds))


def test_hostile_records_are_set_aside_and_the_good_ones_around_them_applied(tmp_path: Path) -> None:
    """Every hostile input between two good events: the corpus is the one without them, each reason is kept."""
    config = write_case(tmp_path, shape=LEXICAL)
    clean = run_whole(config)
    mixed: list[Record] = []
    good = [item for item in records(events(7, LEXICAL)) if isinstance(item, Record)]
    for at, (_, key, value, headers, _) in enumerate(HOSTILE):
        mixed += [good[at]] if at < len(good) else []
        mixed.append(Record(Position(TOPIC, 0, 0), key, value, headers))
    mixed += good[len(HOSTILE) :]
    mixed = [replace(item, position=Position(TOPIC, 0, at)) for at, item in enumerate(mixed)]
    hostile = tmp_path / "hostile"
    hostile.mkdir()
    with scripted(write_case(hostile, shape=LEXICAL), ScriptedSource(mixed)) as monitor:
        monitor.intake = Intake(decoder("auto", OPTIONS, LIMITS), {}, [])
        monitor._build()
        assert to_end(monitor)
    found = left(hostile / "state.db")
    assert [(row.chunk_id, text) for row, text, _ in found.chunks] == [
        (row.chunk_id, text) for row, text, _ in clean.chunks
    ]
    expected = [reason for _, _, _, _, reason in HOSTILE]
    assert [item.reason for item in found.quarantine] == expected
    assert sum(n for name, n in found.counters.items() if name[0] == "quarantined") == len(HOSTILE)
    assert list(found.deploys) == list(clean.deploys)
    assert list(found.positions.values()) == [len(mixed)]


def test_a_marker_that_never_comes_ends_as_unknown_although_events_never_stop(tmp_path: Path) -> None:
    config = write_case(tmp_path, shape=LEXICAL, extra="[source]\nbarrier_timeout = 0.2\n")
    stream = [*records([Deploy("d9", START, {})])]

    def busy(number: int) -> Record:
        return records([Heartbeat(START + number)], 1, number)[0]  # type: ignore[return-value]  # a record

    with scripted(config, ScriptedSource(stream, partitions=2, endless=busy)) as monitor:
        turn_until(monitor, lambda: "d9" in ledger(monitor))
        assert ledger(monitor) == {"d9": "unknown"}
        assert "barrier timeout, markers missing from: events/1" in reasons(monitor, "d9")
        assert monitor.parts.store.baselines() == []


def test_the_loop_waits_for_the_encoder_and_loses_nothing(tmp_path: Path) -> None:
    config = write_case(tmp_path, shape=DENSE)
    expected = run_whole(config)
    folder = tmp_path / "again"
    folder.mkdir()
    with scripted(write_case(folder, shape=DENSE), ScriptedSource(records(events(7, DENSE)))) as monitor:
        retrying(monitor, 0.01)
        embed, left_to_fail, seen = monitor.parts.embedder.embed, iter(range(3)), []

        def failing(batch: object) -> object:
            view = monitor.published
            seen.append(None if view is None else (view.verdict.verdict, view.verdict.reasons))
            if next(left_to_fail, None) is not None:
                message = "encoder at 127.0.0.1: no answer"
                raise UnreachableError(message)
            return embed(batch)  # type: ignore[arg-type]  # passed on

        monitor.turn(0.0)  # the whole stream up to the first marker
        monitor.parts.embedder.embed = failing  # type: ignore[method-assign,assignment]  # the real one behind it
        assert to_end(monitor)
    assert seen[1:4] == [("unknown", ("encoder at 127.0.0.1: no answer",))] * 3
    found = left(folder / "state.db")
    assert {(row.chunk_id, text, vector) for row, text, vector in found.chunks} == {
        (row.chunk_id, text, vector) for row, text, vector in expected.chunks
    }


def test_told_to_stop_while_it_waits_it_commits_nothing_of_the_turn(tmp_path: Path) -> None:
    config = write_case(tmp_path, shape=LEXICAL)
    with scripted(config, ScriptedSource(records(events(7, LEXICAL)))) as monitor:

        def failing(batch: object) -> object:
            monitor.stopping.set()
            message = "encoder at 127.0.0.1: no answer"
            raise UnreachableError(message)

        monitor.parts.embedder.embed = failing  # type: ignore[method-assign,assignment]  # the outage
        monitor.run()
    found = left(tmp_path / "state.db")
    assert (found.positions, found.chunks) == ({}, ())


class Outage:
    """The real retriever, but some anchors fail with a name; `rows` None is all of them."""

    def __init__(self, behind: Retriever, reason: str, rows: set[int] | None) -> None:
        self._replay, self.reason, self.rows = behind.replay, reason, rows
        self.asked = 0
        behind.replay = self  # type: ignore[method-assign]  # an outage of the real one

    def __call__(self, anchors: object, rows: np.ndarray, *, k: int, deadline: float) -> Replay:
        self.asked += 1
        found = self._replay(anchors, rows, k=k, deadline=deadline)  # type: ignore[arg-type]  # passed on
        lost = [at for at, row in enumerate(rows.tolist()) if self.rows is None or row in self.rows]
        where = np.array(lost, np.int64)
        failures = {int(rows[at]): self.reason for at in lost}
        lists = found.lists.replaced(where, RankedLists.unknown(len(lost), k))
        return replace(found, lists=lists, failures={**found.failures, **failures})


@pytest.mark.parametrize("reason", ["deadline", "unreachable", "not_finite", "collection_missing"])
def test_an_index_that_does_not_answer_is_never_a_pass_and_never_a_baseline(tmp_path: Path, reason: str) -> None:
    config = write_case(tmp_path, shape=DENSE)
    with scripted(config, ScriptedSource(records(events(7, DENSE)))) as monitor:
        retriever = monitor.parts.retriever
        assert retriever is not None
        outage = Outage(retriever, reason, None)
        turn_until(monitor, lambda: "d0" in ledger(monitor))
        assert monitor.parts.store.baselines() == []  # lists that were not had bootstrap nothing
        outage.rows = set()
        turn_until(monitor, lambda: "d1" in ledger(monitor))
        assert [snapshot.deploy_id for snapshot in monitor.parts.store.baselines()] == ["d1"]
        outage.rows = None
        assert to_end(monitor)
        assert ledger(monitor) == {"d0": "unknown", "d1": "unknown", "d2": "unknown"}
        assert f"not_replayed: 24 x {reason}" in reasons(monitor, "d2")


def test_a_few_anchors_without_an_answer_make_it_undecided_not_passed(tmp_path: Path) -> None:
    config = write_case(tmp_path)
    with scripted(config, ScriptedSource(records(events(7, Shape())))) as monitor:
        turn_until(monitor, lambda: "d1" in ledger(monitor))
        assert ledger(monitor)["d1"] == "pass"  # as d2 is without the outage
        assert monitor.parts.retriever is not None
        Outage(monitor.parts.retriever, "deadline", set(range(12)))
        assert to_end(monitor)
        assert ledger(monitor)["d2"] == "inconclusive"
        assert "12 not measured (not_replayed: 12 x deadline)" in reasons(monitor, "d2")


def test_failed_anchors_are_asked_again_though_nothing_arrives(tmp_path: Path) -> None:
    config = write_case(tmp_path, shape=DENSE)
    with scripted(config, ScriptedSource(records(events(7, DENSE)))) as monitor:
        assert monitor.parts.retriever is not None
        assert monitor.parts.served is not None
        turn_until(monitor, lambda: "d0" in ledger(monitor))
        outage = Outage(monitor.parts.retriever, "unreachable", {3})
        retrying(monitor, 0.01)
        assert to_end(monitor)
        assert monitor.parts.served.failures == {3: "unreachable"}
        asked = outage.asked
        turn_until(monitor, lambda: outage.asked > asked + 1)  # it goes on asking, at its pace
        outage.rows = set()
        turn_until(monitor, lambda: not monitor.parts.served.failures)  # type: ignore[union-attr]  # seen above
        view = monitor.published
        assert view is not None
        assert view.health.failures == {}


@pytest.mark.parametrize("mode", ["previous-deploy", "rolling"])
def test_only_a_pass_advances_a_moving_baseline(tmp_path: Path, mode: str) -> None:
    shape = Shape(chunks=60, deploys=4, incident=True, dense=False)
    config = write_case(tmp_path, shape=shape)
    text = config.read_text(encoding="utf-8").replace("[baseline]\n", f'[baseline]\nmode = "{mode}"\nwindow = 1\n')
    config.write_text(text, encoding="utf-8")
    used = {}
    with scripted(config, ScriptedSource(records(events(7, shape)))) as monitor:
        for number in range(4):
            turn_until(monitor, lambda number=number: f"d{number}" in ledger(monitor))  # type: ignore[misc]  # bound
            used[f"d{number}"] = monitor.session.baseline.name if monitor.session.baseline else ""
    assert ledger(monitor) == {"d0": "unknown", "d1": "pass", "d2": "pass", "d3": "fail"}
    assert used == {"d0": "main", "d1": "deploy:d1", "d2": "deploy:d2", "d3": "deploy:d2"}


@pytest.mark.parametrize("kind", ["gap", "recreated"])
def test_a_loss_in_the_stream_is_unknown_until_somebody_approves_a_baseline(tmp_path: Path, kind: str) -> None:
    made = records(events(7, LEXICAL))
    at = (
        next(i for i, event in enumerate(events(7, LEXICAL)) if event == Deploy("d0", START + i * 60_000_000, {})) + 1
    )
    later = [replace(item, position=Position(TOPIC, 0, item.position.offset + 5)) for item in made[at:]]
    loss = Fault(kind, Position(TOPIC, 0, at + 5), "5 records are gone")  # type: ignore[arg-type]  # a kind of fault
    stream = [*made[:at], loss, *later]
    config = write_case(tmp_path, shape=LEXICAL)
    with scripted(config, ScriptedSource(stream)) as monitor:
        assert to_end(monitor)
        assert ledger(monitor) == {"d0": "unknown", "d1": "unknown", "d2": "unknown"}
        assert "the stream lost events 1 time(s)" in reasons(monitor, "d2")
    with scripted(config, ScriptedSource(stream)) as monitor:  # a restart has not forgotten
        view = monitor.published
        assert view is not None
        assert view.verdict.verdict == "unknown"
        monitor.operations.capture("reloaded")
        monitor.operations.approve("reloaded", Approval("ann", "reloaded the corpus", ""))
        view = monitor.published
        assert view is not None
        assert view.verdict.verdict == "pass"


def test_a_deploy_at_the_end_is_judged_there_once(tmp_path: Path) -> None:
    config = write_case(tmp_path, shape=LEXICAL)
    with scripted(config, ScriptedSource(records(events(7, LEXICAL)))) as monitor:
        assert to_end(monitor)
        monitor.operations.deploy_at_end("by hand")
        turn_until(monitor, lambda: "by hand" in ledger(monitor))
        assert ledger(monitor)["by hand"] == "pass"
        monitor.operations.deploy_at_end("by hand")  # a pipeline that runs twice
        monitor.operations.deploy_at_end("d1")
        assert to_end(monitor)
        assert list(ledger(monitor)) == ["d0", "d1", "d2", "by hand"]


@pytest.mark.parametrize("deploy_id", ["", "a\nb", "\ud800", "x" * 2_000, "ü" * 600])
def test_a_deploy_id_is_checked_like_that_of_an_event(tmp_path: Path, deploy_id: str) -> None:
    with scripted(write_case(tmp_path, shape=LEXICAL), ScriptedSource(records(events(7, LEXICAL)))) as monitor:
        assert to_end(monitor)
        with pytest.raises(
            ConfigurationError, match=r"^deploy .*: expected 1 to 1024 bytes of printable characters$"
        ):
            monitor.operations.deploy_at_end(deploy_id)


def test_what_is_asked_of_a_loop_that_has_ended_is_refused_at_once(tmp_path: Path) -> None:
    config = write_case(tmp_path, shape=LEXICAL)
    with scripted(config, ScriptedSource(records(events(7, LEXICAL)))) as monitor:
        service = MonitorService(monitor, lambda: read_state(None), patience=30.0)  # type: ignore[arg-type]  # unread
        waiting: list[str] = []

        def ask() -> None:
            try:
                service.capture("late")
            except UnreachableError as error:
                waiting.append(str(error))

        monitor.stopping.set()
        asker = threading.Thread(target=ask)
        asker.start()
        monitor.run()
        asker.join(60.0)
        ask()
    assert waiting == ["the monitor is stopping; ask again when it runs"] * 2
