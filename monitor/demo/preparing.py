"""The demo's input: a real corpus, a fitted encoder, anchors, three updates and an incident, written to a folder."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from monitor.adapters.anchors_file import write
from monitor.adapters.encoders.anchors import encoded
from monitor.adapters.encoders.latent import LatentSemanticEncoder
from monitor.adapters.native_form import native
from monitor.app.folders import is_kept, kept_folder
from monitor.demo.docstrings import Root, installed_roots, read_documentation
from monitor.demo.scenario import DocumentedObject, ScenarioPlan, Update, draw_anchors, story, updates
from monitor.ports import ConfigurationError, Encoder

SEED = 20_26
START = 1_767_225_600_000_000
"""Event time of the first event: 2026-01-01T00:00:00Z."""
MODEL_DIMENSION = 128
WATCHED = 25
"""Anchors of each watched package: some more than `segments.min_anchors`."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What was written, in numbers."""

    configuration: Path
    files: int
    chunks: int
    packages: int
    anchors: int
    events: int
    plan: ScenarioPlan


def demo_folder(folder: Path) -> None:
    """Make the folder of a demo, or take that of an earlier one, whose state goes.

    Raises:
        ConfigurationError: it cannot be made or written, or files that no demo wrote would be overwritten.
    """
    kept_folder(folder)
    if not is_kept(folder) and not _is_demo(folder / "corpus-drift.toml"):
        for name in ("corpus-drift.toml", "anchors.jsonl", "events.jsonl"):
            if (folder / name).exists():
                message = f"{folder / name}: is there already, and no demo wrote it; expected another --folder"
                raise ConfigurationError(message)
    for old in folder.glob("state.db*"):
        if old.is_file():
            old.unlink()


def _is_demo(configuration: Path) -> bool:
    return configuration.is_file() and configuration.read_bytes().startswith(b"# Written by corpus-drift demo")


def prepare_demo(folder: Path, *, flooded: str, lost: str) -> Prepared:
    """Read the documentation of the running Python, fit the encoder, write configuration, anchors and events.

    Args:
        folder: an existing folder.
        flooded: the package whose near-duplicates flood the corpus, "" for the plan's own.
        lost: the package that disappears, "" for the plan's own.

    Raises:
        ConfigurationError: a package has no documentation here.
    """
    roots = installed_roots()
    documentation = read_documentation(roots)
    objects = documentation.objects
    plan = _plan(objects, roots, flooded=flooded, lost=lost)
    made = list(updates(objects, plan, np.random.default_rng(SEED)))
    encoder = LatentSemanticEncoder.fit([one.text for one in objects], dimension=MODEL_DIMENSION, seed=SEED)
    anchors = encoded(draw_anchors(objects, np.random.default_rng(SEED), watched=WATCHED), encoder)
    write(folder / "anchors.jsonl", anchors)
    events = _write_events(folder / "events.jsonl", made, encoder)
    configuration = folder / "corpus-drift.toml"
    configuration.write_text(demo_configuration(encoder, "corpus-drift demo"), encoding="utf-8")
    packages = len({one.package for one in objects})
    return Prepared(configuration, documentation.files, len(objects), packages, len(anchors), events, plan)


def _plan(objects: Sequence[DocumentedObject], roots: Sequence[Root], *, flooded: str, lost: str) -> ScenarioPlan:
    """Who is hit: packages that are here. Those that are only cut anew may be missing; the library's own is there.

    Raises:
        ConfigurationError: a package that is to be flooded or lost has no documentation here.
    """
    sizes = Counter(one.package for one in objects)
    usual = ScenarioPlan()
    plan = replace(
        usual,
        flooded=flooded or usual.flooded,
        lost=lost or usual.lost,
        rechunked=tuple(name for name in usual.rechunked if sizes[name]),
    )
    for option, package in (("--flooded", plan.flooded), ("--lost", plan.lost)):
        if not sizes[package]:
            there = ", ".join(name for name, _ in sizes.most_common(8))
            looked = ", ".join(str(root.path) for root in roots)
            message = (
                f"{option} {package}: no documentation of that package in {looked}; expected one that is there, "
                f"such as {there}"
            )
            raise ConfigurationError(message)
    return plan


def _write_events(path: Path, made: Sequence[Update], encoder: Encoder) -> int:
    count = 0
    with path.open("wb") as file:
        for event in story(made, encoder.encode, embedding_version=encoder.embedding_version, start=START):
            file.write(native(event)[1] + b"\n")
            count += 1
    return count


def demo_configuration(encoder: Encoder, command: str) -> str:
    """The configuration of a demo's corpus.

    Args:
        encoder: whose vectors are in production.
        command: that writes it.
    """
    return f"""# Written by {command}. All keys: deploy/corpus-drift.toml.
[corpus]
name = "python-documentation"
dimension = {encoder.dimension}
embedding_version = "{encoder.embedding_version}"

[segments]
dimensions = ["source"]

[source.file]
path = "events.jsonl"

[anchors]
path = "anchors.jsonl"

[baseline]
bootstrap = "first-deploy"

[http]
port = 0

[state]
path = "state.db"
"""
