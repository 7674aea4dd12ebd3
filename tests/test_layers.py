"""Imports point inward only: core <- ports <- adapters, app <- cli; app/wiring alone sees adapters, cli the demo."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "monitor"
FILES = sorted(ROOT.rglob("*.py"))
CLIENTS = {
    "confluent_kafka",
    "fastembed",
    "jinja2",
    "kafka",
    "markdown_it",
    "msgspec",
    "prometheus_client",
    "qdrant_client",
    "qdrant_edge",
    "rank_bm25",
    "rensa",
    "selectolax",
    "sqlite3",
    "starlette",
    "uvicorn",
}


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def layer(path: Path) -> str:
    inside = path.relative_to(ROOT)
    return inside.parts[0] if len(inside.parts) > 1 else inside.stem


def allowed(path: Path, name: str) -> bool:
    first, _, rest = name.partition(".")
    where = layer(path)
    if first == "monitor":
        target = rest.split(".")[0] if rest else ""
        if path.parent == ROOT / "app" / "wiring":
            return target in {"core", "errors", "ports", "adapters", "app", "__version__"}
        return (
            target
            in {
                "core": {"core"},
                "errors": set(),
                "ports": {"core", "errors"},
                "adapters": {"core", "ports", "adapters", "__version__"},
                "app": {"core", "ports", "app", "__version__"},
                "cli": {"core", "errors", "ports", "app", "cli", "demo", "__version__"},
                # a program of its own that is installed beside ours: nobody but the command line knows it
                "demo": {"core", "errors", "ports", "adapters", "app", "demo"},
                "__main__": {"cli"},
                "__init__": {"core"},
            }[where]
        )
    if where in {"core", "errors", "ports"}:
        return first in {"numpy", "numba"} or first in sys.stdlib_module_names
    return first not in CLIENTS or where in {"adapters", "demo"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_inward(path: Path) -> None:
    wrong = [name for name in imported(path) if not allowed(path, name)]
    assert not wrong, f"{path}: {wrong}"


@pytest.mark.parametrize("path", [p for p in FILES if layer(p) == "core"], ids=lambda path: path.name)
def test_core_does_no_input_or_output(path: Path) -> None:
    outside = {
        "asyncio",
        "datetime",
        "logging",
        "os",
        "pathlib",
        "random",
        "socket",
        "subprocess",
        "threading",
        "time",
    }
    assert not outside & {name.split(".")[0] for name in imported(path)}
