"""The demo of an encoder migration: estimate, a backfill with planted faults, the fixes, the cutover, the end."""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from monitor.app.asking import document_of
from monitor.app.configuration import Configuration, load
from monitor.app.migration_formats import gate_text
from monitor.app.migration_text import estimate_text, explain_text, json_lines
from monitor.app.running import run_to_end
from monitor.app.wiring import open_monitor, serving
from monitor.app.wiring.estimate import build_estimate
from monitor.demo.migration_preparing import NEW_DIMENSION, OLD_DIMENSION, PreparedMigration, prepare_migration
from monitor.demo.migration_story import MIGRATION_ID
from monitor.demo.preparing import SEED, demo_folder

FRACTION = 0.1
"""Of this small corpus; of half a million chunks a fiftieth tells as much."""
EXPECTED = ("PLAUSIBLE", "NOT_READY", "READY", "HOLD", "COMPLETE")


def demonstrate_migration(folder: Path | None, *, serve: bool = False) -> int:
    """Run the demo; 0 when every act ended with the verdict that it should, else 1."""
    with ExitStack() as stack:
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="corpus-drift-demo-")))
        demo_folder(folder)
        began = time.monotonic()
        _tell("reading the documentation strings of this Python (ast, nothing is imported) ...")
        made = prepare_migration(folder)
        sizes = f"from {OLD_DIMENSION} to {NEW_DIMENSION} numbers"
        _tell(f"{made.chunks:,} chunks, {made.anchors:,} questions with a known answer; {sizes}")
        configuration = load(made.configuration, {})
        found = tuple(_acts(configuration, made))
        _tell(f"the whole migration in {time.monotonic() - began:.1f} s")
        if serve:
            with open_monitor(configuration) as monitor, serving(configuration, monitor) as url:
                _tell(f"page at {url}/?migration={MIGRATION_ID}  metrics at {url}/metrics  (Ctrl-C ends)")
                run_to_end(monitor, until_end=False)
    if found != EXPECTED:
        _tell(f"the acts ended {', '.join(found)}; expected {', '.join(EXPECTED)}")
    return 0 if found == EXPECTED else 1


def _acts(configuration: Configuration, made: PreparedMigration) -> Iterator[str]:
    """Each act, and what was said behind it; the monitor is restarted between them, as people do."""
    acts = made.story.acts
    made.told(acts["load"])
    _heading("before any backfill: the corpus, and an estimate of the new encoder")
    _after(configuration, None)
    estimate = build_estimate(configuration, fraction=FRACTION, seed=SEED, announce=_encoding)
    _say(estimate_text(estimate))
    yield str(estimate["outlook"])
    made.told(acts["backfill"])
    _heading("the backfill says that it is done; is the new version ready?")
    judged = _after(configuration, gate_text)
    yield str(judged["verdict"])
    _heading("what to fix, for a pipeline: corpus-drift migrate status --fix jsonl")
    _say(json_lines(judged["coverage"]["fixes"]))
    made.told(acts["mend"])
    _heading("after the fixes")
    yield str(_after(configuration, explain_text)["verdict"])
    made.told(acts["cutover"])
    _heading("the alias and the query encoder are switched")
    yield str(_after(configuration, gate_text)["verdict"])
    made.told(acts["end"])
    _heading("four days later")
    yield str(_after(configuration, gate_text)["verdict"])


def _after(configuration: Configuration, text: Callable[[Any], str] | None) -> dict[str, Any]:
    """Read what is new, and say what became of the migration."""
    with open_monitor(configuration) as monitor:
        run_to_end(monitor, until_end=True, progress=False, lines=lambda *_: ())
        monitor.measuring.replay(full=True)
        monitor.measuring.refresh()
        document = document_of(monitor.published, str(configuration.file))
    if text is not None:
        _say(text(document))
    return document


def _encoding(count: int) -> None:
    _tell(f"encoding {count:,} texts ...")


def _heading(text: str) -> None:
    _say(f"\n== {text}")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _tell(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
