"""What is committed under dashboards/ is what its generators write."""

from pathlib import Path

import pytest

from dashboards.__main__ import FOLDER, files
from monitor.core.measures.registry import REGISTRY

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize("name", sorted(files()))
def test_committed_is_generated(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == files()[name], "run: python -m dashboards"


def test_the_page_of_metrics_names_every_metric() -> None:
    page = files()["METRICS.md"]
    for entry in REGISTRY.entries.values():
        assert page.count(f"| `{entry.exported}` |") == 1
