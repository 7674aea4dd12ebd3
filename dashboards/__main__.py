"""Writes every generated file of this folder: `python -m dashboards`."""

from pathlib import Path

from dashboards.metrics_page import metrics_page

FOLDER = Path(__file__).parent


def files() -> dict[str, str]:
    """Name -> content of everything generated here."""
    return {"METRICS.md": metrics_page()}


if __name__ == "__main__":
    for name, content in files().items():
        (FOLDER / name).write_text(content, encoding="utf-8")
