"""YAML as text: block style, every string in quotes, so that nothing in it can be taken for anything else."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence

Node = Mapping[str, "Node"] | Sequence["Node"] | str | int | bool
"""What a document is made of."""
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")
_INDENT = "  "


def yaml_text(document: Node) -> str:
    r"""A document as YAML.

    Strings are JSON strings, which YAML reads as they are, or stand in single quotes where that spares the marks in
    front of double ones; keys stay bare where they are plain words. Lone surrogates become "?".

    >>> print(yaml_text({"groups": [{"name": "a: b", "for": 5}], "none": []}), end="")
    groups:
      - name: "a: b"
        for: 5
    none: []
    """
    return "".join(f"{line}\n" for line in _lines(document))


def _lines(node: Node) -> Iterator[str]:
    if isinstance(node, Mapping) and node:
        for key, below in node.items():
            yield from _entry(f"{_key(key)}:", below, _INDENT)
    elif isinstance(node, Sequence) and not isinstance(node, str) and node:
        for below in node:
            yield from _item(below)
    else:
        yield _scalar(node)


def _entry(head: str, below: Node, indent: str) -> Iterator[str]:
    if isinstance(below, Mapping | Sequence) and not isinstance(below, str) and below:
        yield head
        yield from (indent + line for line in _lines(below))
    else:
        yield f"{head} {_scalar(below)}"


def _item(below: Node) -> Iterator[str]:
    """The first line behind the dash, the others under it."""
    first, *rest = _lines(below)
    yield f"- {first}"
    yield from (_INDENT + line for line in rest)


def _key(key: str) -> str:
    return key if _PLAIN.fullmatch(key) and key not in ("null", "true", "false") else _quoted(key)


def _scalar(node: Node) -> str:
    if isinstance(node, bool):
        return "true" if node else "false"
    if isinstance(node, int):
        return str(node)
    if isinstance(node, str):
        return _quoted(node)
    return "{}" if isinstance(node, Mapping) else "[]"


def _quoted(text: str) -> str:
    sound = text.encode("utf-8", "replace").decode("utf-8")
    if '"' in sound and "\\" not in sound and sound.isprintable():
        return "'" + sound.replace("'", "''") + "'"
    # Printable characters stay readable; the others JSON writes as YAML would, or not at all.
    shown = json.dumps(sound, ensure_ascii=False)
    return "".join(character if character.isprintable() else f"\\U{ord(character):08x}" for character in shown)
