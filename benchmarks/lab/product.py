"""The product as its users run it: files in a folder, its command line, and what the commands print as JSON."""

import contextlib
import io
import json
import os
import shutil
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from benchmarks.lab.corpus import Change, Stream, Write, anchor_line, lines
from monitor.cli import main as corpus_drift

Mode = Literal["pinned", "previous-deploy"]
INITIAL, ACCEPTED = "initial", "accepted-"
"""The first deploy, and how baselines that a person accepted are called before the deploy's name."""
_CONFIGURATION = """[corpus]
name = "lab-{name}"
dimension = {dimension}
embedding_version = "{version}"
distance = "{distance}"
[segments]
dimensions = {dimensions}
[source.file]
path = "events.jsonl"
[anchors]
path = "anchors.jsonl"
[baseline]
bootstrap = "first-deploy"
mode = "{mode}"
[http]
enabled = false
[state]
path = "state.db"
keep_deploys = 1000
"""


class ProductError(Exception):
    """A command of the product ended otherwise than a user expects."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What the product says of one deploy: the gate's document."""

    deploy: str
    gate: dict[str, Any]

    @property
    def told(self) -> dict[str, Any]:
        """Verdict, reasons, causes, what each rule found, and the losses in words: what an outcome keeps."""
        return {
            "verdict": self.gate["verdict"],
            "baseline": baseline_deploy(self.gate["baseline"]),
            "reasons": self.gate["reasons"][:4],
            "rules": rules(self.gate["findings"]),
            "losses": [one["said"] for one in self.gate["losses"]],
            "causes": [one["cause"] for one in self.gate["causes"]],
        }


def baseline_deploy(baseline: Mapping[str, Any] | None) -> str:
    """The deploy that a baseline is the state of: its own, or the one that it was accepted after."""
    if baseline is None:
        return ""
    name: str = baseline["name"]
    return name.removeprefix(ACCEPTED) if name.startswith(ACCEPTED) else baseline["deploy_id"]


def rules(findings: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """By rule its worst finding: the worst verdict; of FAILs the value farthest beyond the limit, else the nearest.

    `fails` counts those that decide: critical ones.
    """
    made: dict[str, dict[str, Any]] = {}
    for one in findings:
        value, limit = one["value"], one["limit"]
        away = 0.0 if value is None or limit is None else abs(value - limit)
        said = {
            "verdict": one["verdict"], "critical": one["severity"] == "critical", "value": value, "limit": limit,
            "where": f"{one['dimension']}={one['segment']}", "fails": 0, "rank": _rank(one, away),
        }  # fmt: skip
        best = made.setdefault(one["rule"], said)
        fails = best["fails"] + (one["verdict"] == "fail" and said["critical"])
        made[one["rule"]] = {**max(best, said, key=lambda of: of["rank"]), "fails": fails}
    return {name: {key: of[key] for key in of if key != "rank"} for name, of in made.items()}


def _rank(finding: Mapping[str, Any], away: float) -> tuple[int, bool, float]:
    worst = ("pass", "inconclusive", "unknown", "fail").index(finding["verdict"])
    return worst, finding["severity"] == "critical", away if finding["verdict"] == "fail" else -away


class Product:
    """One monitored folder: `corpus-drift run --until-end` after each append, then the questions of a pipeline."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def configuration(self) -> Path:
        """The configuration file."""
        return self.folder / "corpus-drift.toml"

    def begin(self, stream: Stream, *, mode: Mode) -> None:
        """Write the files of a user who starts: configuration and anchors; no events yet."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.configure(stream, mode=mode)
        (self.folder / "anchors.jsonl").write_bytes(b"".join(anchor_line(stream, one) for one in stream.anchors))
        (self.folder / "events.jsonl").write_bytes(b"")

    def configure(self, stream: Stream, *, mode: Mode) -> None:
        """Default policy, the stream's dimensions, the first deploy as the approved baseline."""
        text = _CONFIGURATION.format(
            name=stream.name,
            dimension=stream.dimension,
            version=stream.embedding_version,
            distance=stream.distance,
            dimensions=json.dumps(list(stream.dimensions)),
            mode=mode,
        )
        self.configuration.write_text(text, encoding="utf-8")

    def copied(self, folder: Path) -> "Product":
        """The same files elsewhere: a base state is built once, and each case goes on from a copy."""
        if folder.exists():
            shutil.rmtree(folder)
        shutil.copytree(self.folder, folder)
        return Product(folder)

    def append(self, stream: Stream, deploys: Iterable[tuple[str, Sequence[Change]]], *, number: int) -> None:
        """Append deploys to the events file.

        Args:
            stream: names the encoder.
            deploys: names and changes.
            number: deploys in the file so far.
        """
        with (self.folder / "events.jsonl").open("ab") as file:
            for at, (name, changes) in enumerate(deploys, number):
                file.writelines(lines(stream, name, changes, number=at, after=at * 1_000_000))

    def run(self) -> float:
        """Take in what was appended; the seconds that took, a restart included."""
        begun = time.perf_counter()
        self._command("run", "--until-end", expected=(0, 1))  # 1: too much was set aside, which the gate judges
        return time.perf_counter() - begun

    def judged(self, deploy: str) -> Judged:
        """The gate's document of a deploy.

        Raises:
            ProductError: it does not know the deploy: what was appended was not read to its end.
        """
        gate = json.loads(self._command("gate", "--deploy", deploy, "--format", "json", expected=(0, 1, 3)))
        if gate["state"] not in ("judged", "unsettled"):
            message = f"corpus-drift gate --deploy {deploy}: state {gate['state']}, expected judged"
            raise ProductError(message)
        return Judged(deploy, gate)

    def accept(self, deploy: str) -> None:
        """What a person does with a deploy that failed and is meant: the corpus as it is now is the baseline."""
        said = ("--author", "lab", "--reason", "it stayed")
        self._command("baseline", "accept", f"{ACCEPTED}{deploy}", *said, expected=(0,))

    def _command(self, *command: str, expected: Sequence[int]) -> str:
        out, errors = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
            code = corpus_drift([*command, "-c", str(self.configuration)])
        if code not in expected:
            said = f"exit {code}, expected one of {list(expected)}; {errors.getvalue()[-2000:]}"
            message = f"corpus-drift {' '.join(command)}: {said}"
            raise ProductError(message)
        return out.getvalue()


def prepared(stream: Stream, folder: Path, *, mode: Mode, tell: Callable[[str], None]) -> Product:
    """The state after the initial deploy, made once; of several processes that make it, the first one's stays."""
    if not folder.exists():
        own = folder.with_name(f"{folder.name}-{os.getpid()}")
        if own.exists():
            shutil.rmtree(own)
        made = Product(own)
        made.begin(stream, mode=mode)
        made.append(stream, [(INITIAL, [Write(chunk) for chunk in stream.initial])], number=0)
        seconds = made.run()
        tell(f"base state of {stream.name}: {len(stream.initial):,} chunks, {seconds:.1f} s")
        with contextlib.suppress(OSError):  # another process was first
            own.rename(folder)
    return Product(folder)
