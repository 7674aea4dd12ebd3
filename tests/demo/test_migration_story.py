"""The demo's migration: each act says what it is meant to say, by the monitor itself."""

import numpy as np
import pytest

from monitor.adapters.encoders.latent import LatentSemanticEncoder
from monitor.app.configuration import load
from monitor.app.wiring import open_monitor
from monitor.core.migration.model import MigrationView, Phase
from monitor.demo import migration_preparing
from monitor.demo.migration_preparing import PreparedMigration, prepare_migration
from monitor.demo.migration_story import Act, migration_story
from monitor.demo.preparing import START
from tests.app.loops import to_end
from tests.app.test_migration import view_of


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> PreparedMigration:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(migration_preparing, "MOST_CHUNKS", 1_500)
        patched.setattr(migration_preparing, "ANCHORS", 60)
        return prepare_migration(tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="module")
def views(made: PreparedMigration) -> dict[Act, MigrationView]:
    """What the monitor says behind each act; it is restarted between them, as people do."""
    found: dict[Act, MigrationView] = {}
    for act, events in made.story.acts.items():
        made.told(events)
        with open_monitor(load(made.configuration, {})) as monitor:
            assert to_end(monitor)
            monitor.measuring.replay(full=True)
            monitor.measuring.refresh()
            found[act] = view_of(monitor)
    return found


def test_the_backfill_leaves_what_was_planted_and_nothing_else(
    made: PreparedMigration, views: dict[Act, MigrationView]
) -> None:
    found, story = views["backfill"].coverage, made.story
    assert (found.missing_ids, found.stale_ids) == (story.missing, story.stale)
    assert (found.resurrected_ids, found.foreign, found.settling) == (story.resurrected, 0, 0)
    assert len(story.missing) == max(1, round(made.chunks / 1_000))
    assert views["backfill"].phase is Phase.SHADOWING


def test_what_was_mended_is_no_fault_any_more(views: dict[Act, MigrationView]) -> None:
    assert views["load"].phase is Phase.NOT_STARTED
    phases: dict[Act, Phase] = {"mend": Phase.SHADOWING, "cutover": Phase.CUT_OVER, "end": Phase.ENDED}
    for act, phase in phases.items():
        assert views[act].phase is phase
        coverage = views[act].coverage
        assert (coverage.faults, coverage.settling, coverage.covered) == (0, 0, coverage.live)
        assert coverage.target_points == coverage.source_points == coverage.live
        assert views[act].faults.not_unit == 0
        assert views[act].serving[1].ann_recall == pytest.approx(1.0)


def test_the_new_encoder_is_not_the_old_one_and_both_answer(views: dict[Act, MigrationView]) -> None:
    whole = views["mend"].shadow[0]
    assert (whole.dimension, whole.anchors) == ("all", 60)
    assert 0.05 < whole.overlap < 0.95


def test_a_story_needs_no_files_and_is_the_same_for_the_same_seed() -> None:
    from monitor.demo.scenario import DocumentedObject

    objects = [
        DocumentedObject(
            f"m:f{at}", "m", at, f"Word{at} of the {at % 7}th kind. And more words {at}.", "p", "function"
        )
        for at in range(60)
    ]
    texts = [one.text for one in objects]
    old, new = (LatentSemanticEncoder.fit(texts, dimension=size, seed=1) for size in (4, 8))
    one, other = (migration_story(objects, old, new, np.random.default_rng(3), start=START) for _ in range(2))
    assert [len(events) for events in one.acts.values()] == [len(events) for events in other.acts.values()]
    assert (one.missing, one.stale, one.resurrected) == (other.missing, other.stale, other.resurrected)
    assert not {*one.missing} & {*one.stale, *one.resurrected}
