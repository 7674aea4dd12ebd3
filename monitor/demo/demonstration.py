"""The demo: the whole pipeline on a real corpus, in process, told as it goes."""

import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from monitor.app.asking import stored_gate, stored_report
from monitor.app.configuration import Configuration, load
from monitor.app.formats import render_gate
from monitor.app.running import run_to_end
from monitor.app.tables import report_table
from monitor.app.wiring import open_monitor, read_state, serving
from monitor.demo.preparing import demo_folder, prepare_demo


def demonstrate(folder: Path | None, *, flooded: str, lost: str, serve: bool) -> int:
    """Run the demo; 0 when the gate passed the harmless updates and failed the incident, else 1."""
    with ExitStack() as stack:
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="corpus-drift-demo-")))
        demo_folder(folder)
        began = time.monotonic()
        _tell("reading the documentation strings of this Python (ast, nothing is imported) ...")
        made = prepare_demo(folder, flooded=flooded, lost=lost)
        _tell(
            f"{made.chunks:,} chunks of {made.packages} packages from {made.files:,} files, {made.anchors:,} anchors"
        )
        _tell(f"story: {made.plan.flooded} will be flooded, {made.plan.lost} will be lost; {made.events:,} events")
        configuration = load(made.configuration, {})
        with open_monitor(configuration) as monitor:
            run_to_end(monitor, until_end=True)
            verdicts = _judged(configuration)
            _tell(f"{made.events:,} events in {time.monotonic() - began:.1f} s, from reading to verdict")
            if serve:
                with serving(configuration, monitor) as url:
                    _tell(f"page at {url}/  metrics at {url}/metrics  (Ctrl-C ends)")
                    run_to_end(monitor, until_end=False)
        return 0 if verdicts[1:] == ["pass", "pass", "fail"] else 1


def _judged(configuration: Configuration) -> list[str]:
    """Show what became of each deploy but the first, which is the baseline; the verdicts, oldest first."""
    with read_state(configuration) as store:
        ledger = store.ledger()
        for judged in ledger[1:-1]:
            _say(render_gate(stored_gate(store, judged.deploy_id), "text"))
        incident = ledger[-1].deploy_id
        _say(report_table(stored_report(store, incident), color=sys.stdout.isatty(), most=12))
        _say(render_gate(stored_gate(store, incident), "text"))
        return [judged.verdict for judged in ledger]


def _tell(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
