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
                "adapters": {"core", "errors", "ports", "adapters", "__version__"},
                "app": {"core", "errors", "ports", "app", "__version__"},
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


FLOORS = (
    "model",
    "text",
    "arrays",
    "index",
    "measures",
    "attribution",
    "reporting",
    "judging",
    "records",
    "explain",
    "selection",
)
"""The rooms of `core` from the ground up: each imports from those below it. What stands loose in `core` is on top."""
MODULES = {
    ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__"): path for path in FILES
}


def graph() -> dict[str, set[str]]:
    """Which of our modules each imports."""
    made: dict[str, set[str]] = {}
    for module, path in MODULES.items():
        names = {name if name in MODULES else name.rpartition(".")[0] for name in imported(path)}
        made[module] = (names & MODULES.keys()) - {module}
    return made


def floor(module: str) -> int | None:
    """The floor of a module of `core`."""
    parts = module.split(".")
    if parts[:2] != ["monitor", "core"] or len(parts) < 3:
        return None
    return FLOORS.index(parts[2]) if parts[2] in FLOORS else len(FLOORS)


def circle(edges: dict[str, set[str]]) -> list[str]:
    """A chain of imports that ends where it began; empty where there is none."""
    done: set[str] = set()

    def walk(module: str, chain: list[str]) -> list[str]:
        if module in chain:
            return [*chain[chain.index(module) :], module]
        if module in done:
            return []
        for other in sorted(edges.get(module, ())):
            if found := walk(other, [*chain, module]):
                return found
        done.add(module)
        return []

    return next((found for module in sorted(edges) if (found := walk(module, []))), [])


def test_core_has_floors() -> None:
    rooms = {path.name for path in (ROOT / "core").iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert rooms == set(FLOORS)
    upward = [
        f"{module} -> {other}"
        for module, others in graph().items()
        for other in others
        if (mine := floor(module)) is not None and (theirs := floor(other)) is not None and theirs > mine
    ]
    assert not upward, "imports from a floor above: " + "; ".join(sorted(upward))


def test_no_file_imports_itself_on_any_way() -> None:
    found = circle(graph())
    assert not found, " -> ".join(found)


def test_no_room_of_the_index_imports_itself_on_any_way() -> None:
    rooms: dict[str, set[str]] = {}
    for module, others in graph().items():
        if module.startswith("monitor.core.index."):
            mine = module.split(".")[3]
            rooms.setdefault(mine, set()).update(
                other.split(".")[3] for other in others if other.startswith("monitor.core.index.")
            )
            rooms[mine].discard(mine)
    found = circle(rooms)
    assert not found, " -> ".join(found)


def test_a_circle_is_found_and_its_chain_is_said() -> None:
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == ["a", "b", "c", "a"]
    assert circle({"a": {"b"}, "b": set()}) == []
