"""The gate over real streams: benign churn, the expected change, and input that decides nothing."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from monitor.adapters.anchors_file import write as write_anchors
from monitor.app import asking
from monitor.app.configuration import load
from monitor.app.wiring import build_drift, read_state
from monitor.core.model.events import CorpusEvent, Delete, Deploy, Segment, Upsert, Version, text_hash
from monitor.core.records.documents import gate_schema
from tests import corpora
from tests.app.loops import opened, to_end
from tests.commands import Commands

SHAPE = corpora.Shape(chunks=400, deploys=1, anchors=150)


def case(folder: Path, more: Callable[[list[CorpusEvent]], Sequence[CorpusEvent]]) -> Path:
    """A corpus with deploy d0, then more events; judged by bounds, as the default configuration does."""
    config = corpora.write_case(folder, shape=SHAPE)
    made = corpora.events(7, SHAPE)[:-1]
    (folder / "events.jsonl").write_bytes(corpora.written([*made, *more(made)]))
    config.write_text(config.read_text().replace("bounds = false", "bounds = true"))
    return config


def judged(config: Path, deploy: str = "d1") -> dict[str, Any]:
    """What the gate says after all of it was streamed."""
    with opened(config) as monitor:
        assert to_end(monitor)
    with read_state(load(config, {})) as store:
        document = asking.stored_gate(store, deploy)
        jsonschema.validate(document, gate_schema())
        return document


def live(made: Sequence[CorpusEvent]) -> list[Upsert]:
    return [event for event in made if isinstance(event, Upsert)]


def deploy(made: Sequence[CorpusEvent], name: str = "d1", expected: Segment = ()) -> Deploy:
    return Deploy(name, live(made)[-1].chunk.event_time + 10**9, {}, expected)


def renamed(made: list[CorpusEvent]) -> list[CorpusEvent]:
    """Every document moves: other paths, so other ids of all chunks, and the same texts."""
    moved: list[CorpusEvent] = []
    for event in live(made):
        chunk = event.chunk
        moved.append(Delete(chunk.chunk_id, chunk.event_time + 10**8))
        named = replace(chunk, chunk_id=f"moved/{chunk.chunk_id}", doc_id=f"moved/{chunk.doc_id}")
        moved.append(Upsert(named, 1))
    return [*moved, deploy(made)]


def number(version: Version | None) -> int:
    """A version of the synthetic corpora, which have numbers."""
    return version if isinstance(version, int) else 0


def rewritten(made: list[CorpusEvent], source: str) -> list[CorpusEvent]:
    """All chunks of a source say something else."""
    world = corpora.World(np.random.default_rng(5), SHAPE)
    changed: list[CorpusEvent] = []
    for event in live(made):
        chunk = event.chunk
        if dict(chunk.segment)["source"] == source:
            text = world.text(int(world.generator.integers(corpora.TOPICS)))
            other = replace(chunk, text=text, vector=world.vector(text), content_hash=text_hash(text))
            changed.append(Upsert(other, 10_000 + number(event.version)))
    return changed


def test_a_mass_rename_is_visible_and_passes(tmp_path: Path) -> None:
    config = case(tmp_path, renamed)
    said = judged(config)
    assert said["verdict"] == "pass", said["reasons"]
    with read_state(load(config, {})) as store:
        record = store.deploy("d1")
    assert record is not None
    values = {
        (one.metric, one.leg): one.value
        for one in record.report.measurements
        if (one.dimension, one.stat, one.k) == ("all", "mean", 10)
    }
    for leg in ("dense", "lexical"):
        assert values["swaps", leg] > 5.0, "every id is another"
        assert values["collapsed_swaps", leg] < 0.2, "and says the same"


def test_a_change_is_held_to_what_the_marker_expected(tmp_path: Path) -> None:
    """The same change: expected where it happens, or expected elsewhere."""
    found = {}
    for expected in ("guide", "api"):
        folder = tmp_path / expected
        folder.mkdir()
        segment = (("source", expected),)
        config = case(folder, lambda made, segment=segment: [*rewritten(made, "guide"), deploy(made, "d1", segment)])  # type: ignore[misc]  # bound now
        found[expected] = judged(config)
    rules = {name: {one["rule"] for one in said["findings"]} for name, said in found.items()}
    assert {"expected-dense", "expected-lexical", "elsewhere-dense", "elsewhere-lexical"} <= rules["guide"]
    failed = {
        name: {one["rule"] for one in said["findings"] if one["verdict"] == "fail"} for name, said in found.items()
    }
    assert {"elsewhere-dense", "elsewhere-lexical"} <= failed["api"]
    assert not {"elsewhere-dense", "elsewhere-lexical"} & failed["guide"]
    assert found["api"]["verdict"] == "fail"
    loaded = load(config, {})
    with read_state(loaded) as store:
        again = asking.judged_against(build_drift(loaded), loaded.rules(), store, "d1", "main")
        assert again["warning"] == asking.NO_BUDGET, "the marker's promise is not judged again, and it says so"
        jsonschema.validate(again, gate_schema())
        assert "warning" not in asking.judged_against(build_drift(loaded), loaded.rules(), store, "d0", "main")


def reencoded(made: list[CorpusEvent], source: str) -> list[CorpusEvent]:
    """All chunks of a source say what they said, with other vectors."""
    rng, changed = np.random.default_rng(5), list[CorpusEvent]()
    for event in live(made):
        if dict(event.chunk.segment)["source"] == source:
            vector = rng.standard_normal(corpora.DIMENSION).astype(np.float32)
            changed.append(Upsert(replace(event.chunk, vector=vector), 10_000 + number(event.version)))
    return changed


def test_other_vectors_outside_of_what_was_expected_are_a_change_from_elsewhere(tmp_path: Path) -> None:
    expected = (("source", "api"),)
    said = judged(case(tmp_path, lambda made: [*reencoded(made, "guide"), deploy(made, "d1", expected)]))
    found = {one["rule"]: one for one in said["findings"]}
    assert found["elsewhere-dense"]["verdict"] == "fail"
    assert found["elsewhere-dense"]["value"] > 0.5
    assert found["elsewhere-lexical"]["value"] == 0.0, "words are what they were"


def test_two_deploys_interleaved_are_judged_each_at_its_own_barrier(tmp_path: Path) -> None:
    config = case(
        tmp_path, lambda made: [deploy(made, "d1"), *rewritten(made, "guide"), deploy(made, "d2"), deploy(made, "d1")]
    )
    assert judged(config, "d1")["verdict"] == "pass"
    assert judged(config, "d2")["verdict"] in ("fail", "inconclusive")


def test_too_few_anchors_and_all_ties_are_undecided_with_exit_code_3(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = case(tmp_path, lambda made: [deploy(made)])
    few = corpora.anchors(7, replace(SHAPE, anchors=6))
    assert few[0].vector is not None
    write_anchors(tmp_path / "anchors.jsonl", [replace(one, vector=few[0].vector, text="zzz") for one in few])
    said = judged(config)
    assert said["verdict"] == "inconclusive", said
    assert any("anchors like these would decide" in reason for reason in said["reasons"])
    run = Commands(capsys)
    done = run("gate", "-c", config, "--deploy", "d1")
    assert (done.code, "INCONCLUSIVE" in done.out) == (3, True)
    assert run("gate", "-c", config, "--deploy", "d1", "--on-inconclusive", "fail").code == 1
    never = run("gate", "-c", config, "--deploy", "never")
    assert (never.code, "never seen" in never.out) == (3, True)


def test_an_anchor_without_vector_is_a_mistake_of_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = case(tmp_path, lambda made: [deploy(made)])
    anchors = corpora.anchors(7, SHAPE)
    write_anchors(tmp_path / "anchors.jsonl", [replace(anchors[0], vector=None), *anchors[1:]])
    said = Commands(capsys)("run", "-c", config, "--until-end")
    assert (said.code, "q0" in said.err) == (2, True), said.err


def test_a_baseline_of_another_fingerprint_is_unknown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = case(tmp_path, lambda made: made[:0])
    assert judged(config, "d0")["verdict"] == "unknown"  # there was no baseline yet
    config.write_text(config.read_text() + "\n[lexical]\nk1 = 1.2\n")
    with (tmp_path / "events.jsonl").open("ab") as file:
        file.write(corpora.written([deploy(corpora.events(7, SHAPE))]))
    said = judged(config)
    assert said["verdict"] == "unknown"
    assert any("fingerprint differs" in reason for reason in said["reasons"])
    assert Commands(capsys)("gate", "-c", config, "--deploy", "d1").code == 3
