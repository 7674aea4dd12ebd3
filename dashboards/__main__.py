"""Writes every generated file of this folder: `python -m dashboards`."""

from pathlib import Path

from dashboards.board import board_json
from dashboards.deploys import DEPLOY
from dashboards.metrics_page import metrics_page
from dashboards.migration import MIGRATION
from dashboards.overview import OVERVIEW
from dashboards.pipeline import PIPELINE
from dashboards.segment import SEGMENT_DRILL_DOWN

FOLDER = Path(__file__).parent
BOARDS = (OVERVIEW, SEGMENT_DRILL_DOWN, DEPLOY, PIPELINE, MIGRATION)


def files() -> dict[str, str]:
    """Name -> content of everything generated here."""
    return {"METRICS.md": metrics_page()} | {f"{board.uid}.json": board_json(board) for board in BOARDS}


if __name__ == "__main__":
    for name, content in files().items():
        (FOLDER / name).write_text(content, encoding="utf-8")
