"""Fingerprints as the product's own wiring makes them: what a fixture writes by hand proves nothing about them."""

from pathlib import Path

from monitor.app.configuration import build
from monitor.app.wiring.retrieval import Space, fingerprint
from monitor.core.model.fingerprint import Fingerprint


def wired(**dense: object) -> Fingerprint:
    """That of a configuration with these settings in its `[dense]` section, all others their defaults."""
    content = {
        "corpus": {"name": "small", "dimension": 8, "embedding_version": "e1"},
        "source": {"file": {"path": "events.jsonl"}},
        "anchors": {"path": "anchors.jsonl"},
        "dense": dense,
    }
    return fingerprint(build(content, {}, where=Path("corpus-drift.toml")), Space(8, "e1", None))


EXACT = wired()
"""The default configuration: the embedded engine, which scans."""
APPROXIMATE = wired(exact=False)
"""A graph in the embedded engine."""
