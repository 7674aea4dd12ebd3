"""A real corpus that every machine has: the documentation strings of Python's library and of installed packages."""

import ast
import gc
import os
import re
import stat
import sysconfig
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from monitor.demo.scenario import DocumentedObject, Kind

MOST_BYTES = 1 << 20
"""Larger files are generated tables; parsing one costs seconds."""
MOST_CHARACTERS = 8_000
WORDS_PER_CHUNK = 120
LEAST_WORDS = 3
"""Shorter docstrings say nothing that could be searched for."""
LEAST_PIECE = 20
"""A shorter piece of a long docstring joins its neighbour."""
NOT_DOCUMENTATION = frozenset(
    {"__pycache__", "_vendor", "dist-packages", "idle_test", "site-packages", "test", "testing", "tests"}
)
"""Folders left out: tests, bundled copies of other packages, and other roots."""
OURSELVES = "monitor"
"""This program is not its own corpus."""
STANDARD, INSTALLED = "standard-library", "installed"

_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_PARAGRAPHS = re.compile(r"\n[ \t]*\n")


@dataclass(frozen=True, slots=True)
class Root:
    """A folder of Python sources and the domain its packages belong to."""

    path: Path
    domain: str


@dataclass(frozen=True, slots=True)
class Documentation:
    """What was found: chunks in order of path and line, files read, and files skipped by reason.

    Reasons: `not_utf8_name`, `too_large`, `unreadable`, `unparsable`, `module_seen` (an earlier root has it).
    """

    objects: tuple[DocumentedObject, ...]
    files: int
    skipped: Mapping[str, int]


def installed_roots() -> tuple[Root, ...]:
    """The standard library and every folder that packages are installed in and imported from, each folder once.

    The environment's own site-packages come first; a folder on the path that holds sources alone, such as a checkout,
    is none.
    """
    paths = sysconfig.get_paths()
    named = (paths["purelib"], paths["platlib"], *_installed_elsewhere())
    distinct = dict.fromkeys(Path(path).resolve() for path in named)
    standard = Path(paths["stdlib"]).resolve()
    return (Root(standard, STANDARD), *(Root(path, INSTALLED) for path in distinct if path != standard))


def _installed_elsewhere() -> Iterator[str]:
    """Folders of distributions on the path, as a `.pth` file or PYTHONPATH may add."""
    for distribution in metadata.distributions():
        if distribution.read_text("METADATA"):  # a checkout's *.egg-info has none
            yield str(distribution.locate_file(""))


def read_documentation(roots: Sequence[Root]) -> Documentation:
    """Every documentation string below the roots, as chunks of about 120 words; nothing is imported or executed.

    Only regular files of at most 1 MiB are read, folders behind symbolic links are not entered; a file that cannot
    be read or parsed is counted and skipped. The order and the ids depend on the tree only.
    """
    objects: list[DocumentedObject] = []
    skipped: Counter[str] = Counter()
    seen: set[str] = set()
    with _uncollected(), warnings.catch_warnings():
        # Old sources hold invalid escapes; the parser would print a line for each of them.
        warnings.simplefilter("ignore")
        for root in roots:
            for path in _sources(root.path, skipped):
                module, reason = _module(path.relative_to(root.path)), ""
                tree: ast.Module | None = None
                if module is None or module in seen:
                    reason = "module_seen" if module else "not_utf8_name"
                else:
                    tree, reason = _parse(path)
                if module is None or tree is None:
                    skipped[reason] += 1
                    continue
                seen.add(module)
                objects.extend(_chunks(tree, module, root.domain))
    return Documentation(tuple(objects), len(seen), dict(sorted(skipped.items())))


@contextmanager
def _uncollected() -> Iterator[None]:
    """No garbage collection meanwhile: syntax trees hold no cycles, and looking through them takes a quarter more."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _sources(root: Path, skipped: Counter[str]) -> Iterator[Path]:
    """Python files below a folder, sorted; test folders and symbolic links to folders are not entered."""
    for folder, folders, files in os.walk(root, onerror=lambda _: skipped.update(("unreadable",))):
        hidden = {*NOT_DOCUMENTATION, OURSELVES} if Path(folder) == root else NOT_DOCUMENTATION
        folders[:] = sorted(name for name in folders if name not in hidden)
        yield from (Path(folder, name) for name in sorted(files) if name.endswith(".py"))


def _module(path: Path) -> str | None:
    """The dotted name of a source file below its root; None where its name is no printable UTF-8."""
    parts = [*path.parts[:-1], path.stem]
    name = ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)
    return name if name.isprintable() else None


def _parse(path: Path) -> tuple[ast.Module | None, str]:
    """The syntax tree of a file, or None and the reason."""
    try:
        state = path.stat()
        if not stat.S_ISREG(state.st_mode):
            return None, "unreadable"
        if state.st_size > MOST_BYTES:
            return None, "too_large"
        return ast.parse(path.read_bytes()), ""
    except OSError:
        return None, "unreadable"
    except (SyntaxError, ValueError, LookupError, OverflowError, RecursionError, MemoryError):
        return None, "unparsable"


def _chunks(tree: ast.Module, module: str, domain: str) -> Iterator[DocumentedObject]:
    """The chunks of one module in source order. An id repeats with `~2`, further pieces of a docstring have `#2`."""
    named: Counter[str] = Counter()
    ordinal = 0
    for name, kind, node in _documentable(tree):
        docstring = ast.get_docstring(node)
        named[name] += 1
        if docstring is None:
            continue
        repeat = f"~{named[name]}" if named[name] > 1 else ""
        for part, text in enumerate(split_docstring(docstring), 1):
            piece = f"#{part}" if part > 1 else ""
            chunk_id = f"{module}:{name}{repeat}{piece}" if name else f"{module}{piece}"
            yield DocumentedObject(
                chunk_id, module, ordinal, text, module.partition(".")[0], kind, domain=domain, part=part
            )
            ordinal += 1


def _documentable(
    tree: ast.Module,
) -> Iterator[tuple[str, Kind, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Modules, classes and functions with their dotted names, in source order, also below `if` and `try`."""
    yield "", "module", tree
    waiting: list[tuple[ast.AST, str, bool]] = [(node, "", False) for node in reversed(tree.body)]
    while waiting:
        node, prefix, in_class = waiting.pop()
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            name = f"{prefix}{node.name}"
            is_class = isinstance(node, ast.ClassDef)
            yield name, "class" if is_class else "method" if in_class else "function", node
            waiting.extend((child, f"{name}.", is_class) for child in reversed(node.body))
        elif isinstance(node, ast.If | ast.Try | ast.With | ast.ExceptHandler):
            inside = [
                child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt | ast.ExceptHandler)
            ]
            waiting.extend((child, prefix, in_class) for child in reversed(inside))


def split_docstring(docstring: str) -> list[str]:
    """A docstring as pieces of about 120 words, cut between paragraphs, in long paragraphs between words.

    Unprintable characters become U+FFFD. Fewer than three words in all give nothing. A piece of fewer than 20 words
    joins its neighbour, so a piece has at most 158 words; it has at most 8,000 characters.
    """
    text = _UNPRINTABLE.sub("\ufffd", docstring.expandtabs()).strip()
    if len(text.split()) < LEAST_WORDS:
        return []
    pieces: list[list[str]] = [[]]
    filled = 0
    for paragraph in _PARAGRAPHS.split(text):
        for part in _runs(paragraph):
            words = len(part.split())
            if filled >= LEAST_PIECE and filled + words > WORDS_PER_CHUNK:
                pieces.append([])
                filled = 0
            pieces[-1].append(part)
            filled += words
    if len(pieces) > 1 and filled < LEAST_PIECE:
        pieces[-2:] = [[*pieces[-2], *pieces[-1]]]
    return ["\n\n".join(parts)[:MOST_CHARACTERS].strip() for parts in pieces]


def _runs(paragraph: str) -> Iterator[str]:
    """A paragraph as it is, or a long one as runs of 120 words, its line breaks then being spaces."""
    words = paragraph.split()
    if len(words) <= WORDS_PER_CHUNK:
        yield paragraph
        return
    for low in range(0, len(words), WORDS_PER_CHUNK):
        yield " ".join(words[low : low + WORDS_PER_CHUNK])
