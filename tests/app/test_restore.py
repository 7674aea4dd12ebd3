"""Restoring: corpus and engine rebuilt from the committed table equal the ones that lived, to the bit."""

import re
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.app import running
from monitor.app.configuration import load
from monitor.app.loop import Monitor
from monitor.app.wiring import open_monitor, read_state
from monitor.core.index.corpus import Corpus
from monitor.core.model.events import CorpusEvent, Delete, Located, Position, Upsert
from tests.app.loops import to_end
from tests.app.scripted import ScriptedSource, records, scripted
from tests.corpora import Shape, events, write_case

SHAPE = Shape(30, 3, anchors=9, churn=0.5)


def history(seed: int) -> list[CorpusEvent]:
    """A corpus's events, in any order for some seeds, with re-deliveries and stragglers at the end."""
    generator = np.random.default_rng(seed)
    made = [event for event in events(seed, SHAPE) if isinstance(event, Upsert | Delete)]
    places = generator.permutation(len(made)) if seed % 3 == 0 else np.arange(len(made))
    return [made[at] for at in (*places.tolist(), *generator.integers(0, len(made), 20).tolist())]


def described(corpus: Corpus) -> dict[int, tuple[object, ...]]:
    """Everything known of every chunk but the place of its vector."""
    return {
        row.key: (*(getattr(row, name) for name in row.__slots__ if name != "slot"), vector(corpus, row.slot))
        for row in corpus.rows()
    }


def vector(corpus: Corpus, slot: int) -> bytes | None:
    return None if slot < 0 else corpus.vectors[slot].tobytes()


def lists(monitor: Monitor) -> dict[str, tuple[object, ...]]:
    return {
        leg: (one.keys.tobytes(), one.scores.tobytes(), one.lengths.tolist())
        for leg, one in monitor.parts.engine.lists().items()
    }


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 2**20), st.integers(1, 25), st.sampled_from(["okapi", "lucene"]), st.booleans())
def test_what_is_restored_is_what_was_there(seed: int, batch: int, variant: str, dense: bool) -> None:
    with TemporaryDirectory() as folder:
        shape = Shape(SHAPE.chunks, SHAPE.deploys, SHAPE.anchors, dense=dense)
        extra = f'[source]\nbatch = {batch}\n[lexical]\nvariant = "{variant}"\n'
        config = write_case(Path(folder), seed=seed, shape=shape, extra=extra)
        with scripted(config, ScriptedSource(records(history(seed)))) as monitor:
            assert to_end(monitor)
            expected, known = lists(monitor), described(monitor.parts.corpus)
            newest = monitor.parts.corpus.newest_event_time
        with scripted(config, ScriptedSource([])) as again:
            assert set(lists(again)) == ({"exact", "lexical"} if dense else {"lexical"})
            assert lists(again) == expected
            assert described(again.parts.corpus) == known
            assert again.parts.corpus.newest_event_time == newest


def test_a_large_state_is_announced_with_the_number_of_its_chunks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = write_case(tmp_path, shape=SHAPE)
    with scripted(config, ScriptedSource(records(history(1)))) as monitor:
        assert to_end(monitor)
        chunks = len(monitor.parts.corpus)
    assert any(isinstance(event, Delete) for event in history(1))
    capsys.readouterr()
    with open_monitor(load(config, {}), source=ScriptedSource([]), restoring=running.restoring):
        assert capsys.readouterr().err == ""
    monkeypatch.setattr(running, "MANY", chunks)
    with open_monitor(load(config, {}), source=ScriptedSource([]), restoring=running.restoring):
        first, last = capsys.readouterr().err.splitlines()
    assert first == f"restoring {chunks} chunks from the state"
    assert re.fullmatch(r"restored in \d+\.\d s", last)


def test_an_index_ahead_of_the_state_is_mended(tmp_path: Path) -> None:
    """The index was told of a batch that was never committed: after the restart it holds the committed table."""
    config = write_case(tmp_path, shape=SHAPE)
    with scripted(config, ScriptedSource(records(history(1)))) as monitor:
        assert to_end(monitor)
        corpus, index = monitor.parts.corpus, monitor.parts.index
        committed = len(corpus)
        assert index is not None
        later = [item for item in events(2, SHAPE) if isinstance(item, Upsert)]
        located = [Located(Position("events", 0, 10_000 + at), event) for at, event in enumerate(later)]
        batch, _ = monitor.parts.embedder.embed(located)
        index.apply(corpus.delta(corpus.apply(batch).changes))
        assert index.count() != committed
    with read_state(load(config, {})) as store:
        assert sum(row.live for stored in store.chunks(1_000) for row, _, _ in stored) == committed
    with scripted(config, ScriptedSource([])) as again:
        assert again.parts.index is not None
        assert again.parts.index.count() == committed == len(again.parts.corpus)
        again.measuring.replay(full=True)
        served, exact = again.session.lists()["dense"], again.session.lists()["exact"]
        assert served.known.all()
        assert served.keys.tobytes() == exact.keys.tobytes()
        assert served.scores.tobytes() == exact.scores.tobytes()
