"""Writes every generated page of this folder: `python -m docs`."""

from pathlib import Path

from docs.api_page import api_page
from docs.commands_page import commands_page
from docs.configuration_page import configuration_page, reference
from docs.limits import gate_page
from docs.measures_page import measures_page

FOLDER = Path(__file__).parent


def files() -> dict[str, str]:
    """Name -> content of everything generated here."""
    return {
        "api.md": api_page(),
        "commands.md": commands_page(),
        "configuration.md": configuration_page(),
        "measures.md": measures_page(),
        "gate.md": gate_page((FOLDER / "gate.md").read_text(encoding="utf-8")),
        "../deploy/corpus-drift.toml": reference(),
        "../monitor/app/reference.toml": reference(),
    }


if __name__ == "__main__":
    for name, content in files().items():
        (FOLDER / name).write_text(content, encoding="utf-8")
