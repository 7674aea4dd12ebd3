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
    "lance",
    "markdown_it",
    "msgspec",
    "prometheus_client",
    "psycopg",
    "pyarrow",
    "qdrant_client",
    "qdrant_edge",
    "rank_bm25",
    "ray",
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
        if path == ROOT / "app" / "configuration.py" and name.startswith("monitor.adapters.registry."):
            return True  # what a file may name is what is registered; nothing else of an adapter is seen there
        target = rest.split(".")[0] if rest else ""
        if path.parent == ROOT / "app" / "wiring":
            return target in {"core", "errors", "ports", "kinds", "adapters", "app", "__version__"}
        return (
            target
            in {
                "core": {"core", "errors"},
                "errors": set(),
                "ports": {"core", "errors"},
                "kinds": {"core", "ports"},
                "adapters": {"core", "errors", "ports", "kinds", "adapters", "__version__"},
                "app": {"core", "errors", "ports", "kinds", "app", "__version__"},
                # what a notebook calls: the evaluation of core, and the files that people hand in
                "api": {"core", "errors", "adapters"},
                "cli": {"core", "errors", "ports", "app", "api", "cli", "demo", "__version__"},
                # a program of its own that is installed beside ours: nobody but the command line knows it
                "demo": {"core", "errors", "ports", "adapters", "app", "demo"},
                "__main__": {"cli"},
                "__init__": {"core", "errors", "api"},
            }[where]
        )
    if where in {"core", "errors", "ports"}:
        if name == "pandas" and path.name == "run_table.py":
            return True  # where somebody has it: inside the one method that makes a frame
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
    "shards",
    "measures",
    "attribution",
    "reporting",
    "judging",
    "alarms",
    "migration",
    "selection",
    "traffic",
    "records",
    "explain",
    "erasure",
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
    folders = {path.name for path in (ROOT / "core").iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders == set(FLOORS)
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


FACES = {"monitor", "monitor.app.wiring", "monitor.cli", "monitor.core.attribution"}
"""Packages that hand on what is in them; in any other, who names one file does not load its neighbours."""


def test_no_package_stands_before_what_is_in_it() -> None:
    """Importing a file runs the `__init__` of every package around it: one that imports its own files is a circle."""
    edges = graph()
    for module in edges:
        parts = module.split(".")
        around = {".".join(parts[:length]) for length in range(1, len(parts))}
        edges[module] = edges[module] | around
    found = circle({module: others - FACES for module, others in edges.items()})
    assert not found, " -> ".join(found)


def rooms(edges: dict[str, set[str]]) -> dict[str, dict[str, set[str]]]:
    """By package, which of the files and packages directly in it imports which other, by whatever is in them."""
    made: dict[str, dict[str, set[str]]] = {}
    for module, others in edges.items():
        for other in others:
            mine, theirs = module.split("."), other.split(".")
            shared = next((at for at, (a, b) in enumerate(zip(mine, theirs, strict=False)) if a != b), None)
            if shared is not None:
                ours = made.setdefault(".".join(mine[:shared]), {})
                ours.setdefault(".".join(mine[: shared + 1]), set()).add(".".join(theirs[: shared + 1]))
    return made


def test_no_package_imports_itself_on_any_way() -> None:
    found = [" -> ".join(chain) for inside in rooms(graph()).values() if (chain := circle(inside))]
    assert not found, "; ".join(found)


def test_a_circle_of_packages_is_found_where_no_file_is_in_one() -> None:
    edges = {"m.a.x": {"m.b.x"}, "m.b.y": {"m.a.y"}, "m.a.y": set(), "m.b.x": set()}
    assert circle(edges) == []
    assert rooms(edges) == {"m": {"m.a": {"m.b"}, "m.b": {"m.a"}}}
    assert circle(rooms(edges)["m"]) == ["m.a", "m.b", "m.a"]


def test_what_is_common_to_all_stores_knows_none_of_them() -> None:
    common = [module for module in MODULES if module.rpartition(".")[0] == "monitor.adapters.retrieval"]
    named = {f"{module} -> {name}" for module in common for name in imported(MODULES[module]) if "qdrant" in name}
    assert len(common) > 2
    assert not named


def test_a_circle_is_found_and_its_chain_is_said() -> None:
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == ["a", "b", "c", "a"]
    assert circle({"a": {"b"}, "b": set()}) == []
