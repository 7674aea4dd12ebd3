"""The drift lab: detectors over corpus streams with planted incidents.

    python -m benchmarks.lab --short                                  # the generated stream
    python -m benchmarks.lab --short --only lost_source,poison        # some kinds (part of a name is enough)
    python -m benchmarks.lab --data FOLDER --git REPOSITORY           # real histories besides

Outcomes are kept in --cache: a run that was killed goes on, and after a change of the product or the lab only what
it can have changed is measured again. --output writes NAME.md, NAME.json and NAME.svg.
"""

import argparse
import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy is loaded

import monitor
from benchmarks.lab.alarms import alarms
from benchmarks.lab.catalogue import KINDS
from benchmarks.lab.corpus import Stream
from benchmarks.lab.history import history, so_far
from benchmarks.lab.kinds import Kind
from benchmarks.lab.page import filled, page
from benchmarks.lab.peers import answers, ask, detectors, versions
from benchmarks.lab.plants_template import with_pages
from benchmarks.lab.product import Mode
from benchmarks.lab.real_streams import fastapi, git
from benchmarks.lab.render import as_json, markdown, picture
from benchmarks.lab.run import Bench, Case, kept, outcome, sources
from benchmarks.lab.score import Judgement, class_of, held, judgements, others
from benchmarks.lab.streams import generated
from benchmarks.machine import facts

SHORT = {"loss": 2, "incident": 2, "same": 1, "large": 1}
"""Severities of a kind in the short form, by group: the harsher ones."""
MODES: tuple[Mode, ...] = ("previous-deploy", "pinned")
STREAMS = ("generated", "fastapi", "git")
Document = dict[str, Any]
HISTORY = "history"
Tell = Callable[[str], None]


def main(argv: Sequence[str]) -> int:
    """Run the lab; 0 when every run came to a verdict."""
    parser = _parser()
    options = parser.parse_args(argv)
    if options.list:
        for kind in KINDS.values():
            print(f"{kind.name:24} {kind.group:9} {'/'.join(f'{one:g}' for one in kind.severities):14} {kind.says}")
        return 0
    if options.page:
        runs = committed(options.page)
        options.page.write_text(page(runs), encoding="utf-8")
        for beside in options.page.parent.glob("*.md"):
            text = beside.read_text(encoding="utf-8")
            if (now := filled(text, runs)) != text:
                beside.write_text(now, encoding="utf-8")
        return 0
    wrong = [name for name in options.stream.split(",") if name not in STREAMS]
    if wrong:
        parser.error(f"--stream {options.stream}: expected some of {', '.join(STREAMS)}, separated by commas")
    unknown = [
        part for part in options.only.split(",") if part and not any(part in name for name in (*KINDS, HISTORY))
    ]
    if unknown:
        parser.error(f"--only {','.join(unknown)}: no kind has that in its name; --list says which there are")
    return _run(options, argv)


def committed(where: Path) -> Mapping[str, Document]:
    """The results beside a page, by name: those of docs/lab.md are in docs/lab."""
    found = sorted(where.with_suffix("").glob("*.json"))
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in found}


def _run(options: argparse.Namespace, argv: Sequence[str]) -> int:
    begun = time.perf_counter()
    tell = _teller(begun)
    outcomes: list[Document] = []
    found: list[Judgement] = []
    for stream in itertools.chain.from_iterable(_compared(one, options.only) for one in _streams(options, tell)):
        tell(f"stream {stream.name}: {len(stream.initial):,} chunks, {len(stream.anchors)} anchors")
        bench = Bench(stream, options.cache, tell, for_peers=not options.no_peers)
        if options.jobs > 1 and stream.name in STREAMS:  # the others are a part of what they do
            _share(argv, stream.name, options.jobs)
        made = list(_outcomes(bench, options))
        if made and not options.no_peers:
            ask(options.peers, bench.embeddings, made)
            beside = [alarms(bench), *detectors(bench.embeddings)]
            made = [{**one, "others": answers(beside, one)} for one in made]
        outcomes += made
        found += [said for one in made for said in (*judgements(one), *others(one))]
    about = {
        "command": f"python -m benchmarks.lab {' '.join(_public(argv))}",
        "machine": facts(),
        "product": sources(monitor.__path__[0]),
        "peers": "" if options.no_peers else versions(options.peers),
        "seconds": round(sum(one["seconds"] for one in outcomes)),
        "lab_seconds": round(sum(one["lab_seconds"] for one in outcomes)),
        "peer_seconds": round(sum(said[1] for one in outcomes for said in _asked(one))),
        "note": options.note,
    }
    text = markdown(outcomes, found, about)
    print(text)
    if options.output:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        written = {".md": text, ".json": as_json(outcomes, found, about), ".svg": picture(outcomes, found)}
        for suffix, content in written.items():
            options.output.with_suffix(suffix).write_text(content, encoding="utf-8")
    return int(any(one["error"] for one in outcomes))


def _asked(outcome: Document) -> Iterator[tuple[bool, float]]:
    """All that other detectors said of an outcome's deploys."""
    for said in outcome.get("others", {}).values():
        yield from (one for one in said if one is not None)


def _share(argv: Sequence[str], stream: str, jobs: int) -> None:
    """Have processes measure a part of a stream each, and wait; what they keep is then read from the cache.

    What a part could not measure is measured, and complained about, by who reads.
    """
    alone = [*without(argv, "--output", "--jobs", "--part"), "--stream", stream]
    command = [sys.executable, "-m", "benchmarks.lab", *alone, "--part"]
    parts = [subprocess.Popen([*command, f"{at}/{jobs}"], stdout=subprocess.DEVNULL) for at in range(1, jobs + 1)]
    for part in parts:
        part.wait()


def without(argv: Sequence[str], *names: str) -> list[str]:
    """Arguments without these options and their values.

    >>> without(["--short", "--jobs", "2", "--output=x", "--cache", "y"], "--jobs", "--output")
    ['--short', '--cache', 'y']
    """
    given = [one.partition("=")[0] if one.startswith("--") else "" for one in argv]
    return [
        one
        for at, one in enumerate(argv)
        if given[at] not in names and not (at and given[at - 1] in names and "=" not in argv[at - 1])
    ]


def _public(argv: Sequence[str]) -> list[str]:
    """The arguments that others can repeat: without places of this machine, --cached, and the note beside them."""
    kept = [one for one in without(argv, "--note") if one != "--cached"]
    own = [one.startswith("docs/") or one.replace("/", "").isdigit() for one in kept]
    return ["PATH" if "/" in one and not mine else one for one, mine in zip(kept, own, strict=True)]


def _outcomes(bench: Bench, options: argparse.Namespace) -> Iterator[Document]:
    tell = bench.tell
    encodes = bench.stream.encode is not None and not options.no_new_texts
    found = cases(options.only, short=options.short, encodes=encodes)
    fitting = (case for case in found if case.kind.fits(bench.stream.initial, bench.stream.distance))
    for case in own_part(fitting, options.part):
        if options.cached and not kept(bench, case).exists():
            continue
        made = outcome(bench, case)
        tell(f"{case.name:40} {told(made, made['deploys'][held(made['deploys'])])}")
        yield made
    wanted = not options.only or any(name in HISTORY for name in options.only.split(","))
    if wanted and bench.stream.name in STREAMS:
        for mode in own_part(MODES, options.part):
            past = so_far(bench, mode) if options.cached else history(bench, mode)
            if past is not None:
                for one in past["deploys"]:
                    tell(f"{mode} {one['deploy']:20} {told(past, one)}")
                yield past


T = TypeVar("T")


def own_part(of: Iterable[T], text: str) -> Iterator[T]:
    """Every nth of them: several processes can share the work, and one after them reads what all have kept.

    >>> list(own_part("abcde", "2/3")), list(own_part("abc", "1/1"))
    (['b', 'e'], ['a', 'b', 'c'])
    """
    which, parts = (int(word) for word in text.split("/"))
    yield from itertools.islice(of, which - 1, None, parts)


def told(made: Document, deploy: Document) -> str:
    """A run in one line: class, verdict, loss, causes."""
    loss = deploy["worst"]
    return (
        f"{class_of(made, deploy):9} {deploy['verdict']:12} {loss['leg']} {loss['segment']} "
        f"{loss['before']:.3f} -> {loss['after']:.3f}  {','.join(deploy.get('causes', []))} {made['error']}"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m benchmarks.lab", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--short", action="store_true", help="the harsher severities of each kind")
    parser.add_argument(
        "--only", default="", help="kinds, by names or parts of them, separated by commas; or history"
    )
    parser.add_argument("--stream", default="generated", help="generated, fastapi, git; several by commas")
    parser.add_argument("--data", type=Path, default=None, help="folder of the fastapi history (events, vectors)")
    parser.add_argument("--git", type=Path, default=None, help="a clone of a documentation repository")
    parser.add_argument("--glob", default="*.md", help="of --git: which files")
    parser.add_argument("--first", type=int, default=100, help="of a real history: the deploy to begin after")
    parser.add_argument("--deploys", type=int, default=12, help="of a real history: ordinary deploys after it")
    parser.add_argument("--encoder", choices=["fitted", "real"], default="fitted", help="of --git: whose vectors")
    parser.add_argument("--no-new-texts", action="store_true", help="without the kinds that need many texts encoded")
    parser.add_argument("--cache", type=Path, default=Path(".lab"), help="where states and outcomes are kept")
    parser.add_argument("--jobs", type=int, default=1, help="processes that share the work")
    parser.add_argument("--part", default="1/1", help="2/3: every third case from the second on")
    parser.add_argument(
        "--cached",
        action="store_true",
        help="only what the cache holds, histories as far as they came; measure nothing",
    )
    parser.add_argument("--output", type=Path, default=None, help="results: this path with .md, .json, .svg")
    parser.add_argument("--note", default="", help="of --output: a sentence that stands beside the results")
    parser.add_argument("--peers", default=sys.executable, help="the Python that runs evidently and alibi-detect")
    parser.add_argument("--no-peers", action="store_true", help="the product alone")
    parser.add_argument("--list", action="store_true", help="say which kinds there are")
    parser.add_argument(
        "--page",
        type=Path,
        default=None,
        help="write this page, and figures beside it, from the results",
    )
    return parser


def _teller(begun: float) -> Tell:
    def tell(text: str) -> None:
        print(f"{time.perf_counter() - begun:7.1f} s  {text}", file=sys.stderr, flush=True)

    return tell


def _streams(options: argparse.Namespace, tell: Tell) -> Iterator[Stream]:
    wanted = options.stream.split(",")
    if "generated" in wanted:
        yield generated()
    if "fastapi" in wanted:
        if options.data is None or not (options.data / "events.jsonl.gz").exists():
            tell("stream fastapi: skipped, no data (--data FOLDER with events.jsonl.gz and vectors.npy)")
        else:
            yield fastapi(options.data, first=options.first, deploys=options.deploys)
    if "git" in wanted:
        if options.git is None:
            tell("stream git: skipped, no repository (--git)")
        else:
            vectors = options.cache / "multilingual-e5-small.npy" if options.encoder == "real" else None
            yield git(options.git, glob=options.glob, deploys=options.deploys, vectors=vectors)


def _compared(stream: Stream, only: str) -> Iterator[Stream]:
    """A stream, and the same with dot products or with pages of templates where a kind that is asked for needs it."""
    wanted = [kind for kind in KINDS.values() if chosen(kind, only)]
    plain = any(kind.distance == "cosine" and not kind.pages for kind in wanted)
    if plain or any(name in HISTORY for name in only.split(",")):
        yield stream
    if any(kind.distance == "dot" for kind in wanted):
        yield replace(stream, name=f"{stream.name}-dot", deploys=(), distance="dot")
    if any(kind.pages for kind in wanted) and stream.encode is not None:
        yield with_pages(stream)


def cases(only: str, *, short: bool, encodes: bool) -> Iterator[Case]:
    """The cases to run, in the catalogue's order; those of many deploys last."""
    for kind in sorted(KINDS.values(), key=lambda one: one.deploys):
        if (kind.encodes and not encodes) or not chosen(kind, only):
            continue
        rows = range(len(kind.severities))
        for severity in rows[-SHORT[kind.group] :] if short else rows:
            if kind.deploys > 1:
                yield Case(kind, severity, "previous-deploy")
            yield Case(kind, severity, "pinned")


def chosen(kind: Kind, only: str) -> bool:
    """Whether --only names this kind."""
    return not only or any(part in kind.name for part in only.split(","))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
