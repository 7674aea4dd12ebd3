"""A word has one meaning: no two public classes of the program share a name, nor do a class and an alias."""

import ast
import re
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parent.parent / "monitor"


def classes(root: Path) -> dict[str, list[str]]:
    """Where each public class stands, by its name."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(root.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found[node.name].append(f"{path.relative_to(root.parent)}:{node.lineno}")
    return found


def aliases(root: Path) -> dict[str, list[str]]:
    """Where each public name in CamelCase stands that a module gives to a type."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(root.rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            for name in node.targets if isinstance(node, ast.Assign) else ():
                if isinstance(name, ast.Name) and re.fullmatch(r"[A-Z]\w*[a-z]\w*", name.id):
                    found[name.id].append(f"{path.relative_to(root.parent)}:{node.lineno}")
    return found


def shared(found: dict[str, list[str]]) -> list[str]:
    """A line for each name that stands for more than one class; names that differ in case alone are one."""
    folded: dict[str, list[str]] = defaultdict(list)
    for name, places in found.items():
        folded[name.lower()] += [f"{name} ({place})" for place in places]
    return [", ".join(places) for _, places in sorted(folded.items()) if len(places) > 1]


def test_no_two_public_classes_share_a_name() -> None:
    found = classes(ROOT)
    assert len(found) > 300, "the program was not found"
    assert not shared(found), "\n".join(["one name, several classes:", *shared(found)])


def test_no_alias_has_the_name_of_a_class() -> None:
    known, named = classes(ROOT), aliases(ROOT)
    assert len(named) > 50, "the program was not found"
    both = sorted(known.keys() & named.keys())
    assert not both, "\n".join(f"{name}: {', '.join(known[name] + named[name])}" for name in both)


def test_a_name_that_is_shared_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "monitor"
    folder.mkdir()
    (folder / "a.py").write_text("class Row: ...\nclass BM25: ...\nclass _Own: ...\n", encoding="utf-8")
    (folder / "b.py").write_text("class Row: ...\nclass Bm25: ...\nclass _Own: ...\n", encoding="utf-8")
    (folder / "c.py").write_text("Row = int\nROW = 1\n", encoding="utf-8")
    assert aliases(folder) == {"Row": ["monitor/c.py:1"]}
    assert shared(classes(folder)) == [
        "BM25 (monitor/a.py:2), Bm25 (monitor/b.py:2)",
        "Row (monitor/a.py:1), Row (monitor/b.py:1)",
    ]
