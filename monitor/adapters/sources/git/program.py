"""The git program, read only, on a repository that nobody has to trust.

Plumbing commands with argument lists; only object ids that git itself named are passed back as arguments, so no
ref and no file name is ever read as an option. Nothing that the repository configures is run: hooks, pagers,
external diffs, text conversions, the file system monitor, signature programs, and the transports by which a
partial clone would fetch a missing object are all switched off. git's own check of the repository's owner stays.
"""

import os
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from monitor.adapters.sources.waiting import readable
from monitor.ports import UnreachableError

_SAFE = (
    "--no-pager",
    "--no-optional-locks",
    *("-c", "advice.graftFileDeprecated=false"),  # said of the variable below that keeps grafts away
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "log.showSignature=false"),
    *("-c", "protocol.allow=never"),
)
_END = b".\n"  # diff-tree repeats a line that is not an object id, and flushes: the end mark of an answer
_BLOCK = 1 << 16


class UnreadableBlob(Exception):  # noqa: N818 - a state of the blob that is counted, not an error of the program
    """An object that gives no text; `reason` is one of a bounded set of words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class GitCommit(NamedTuple):
    """One commit of the first-parent history; `time` is its committer time in seconds since the epoch."""

    oid: str
    time: int


class TreeEntry(NamedTuple):
    """A path and what is there: mode `100644`, `100755`, `120000` link, `160000` submodule, `000000` nothing."""

    path: bytes
    mode: str
    oid: str


class Repository:
    """One repository; the constructor opens nothing, `open` starts two object readers and one tree differ.

    Args:
        path: its top folder, or a bare repository.
        patience: seconds that git may be silent before it counts as unreachable.
    """

    def __init__(self, path: Path, *, patience: float = 120.0) -> None:
        self._path = path
        self._patience = patience
        self._resources = ExitStack()
        self._missing: frozenset[str] = frozenset()

    def open(self) -> None:
        """Starts the long-lived programs; raises UnreachableError when this is not a repository."""
        if not self._path.is_dir():
            message = f"{self._path}: no such folder, expected a git repository"
            raise UnreachableError(message)
        self._require_trust()
        self._run("rev-parse", "--git-dir")
        form = "%(objecttype) %(objectsize)"
        self._sizes = self._talk("cat-file", f"--batch-check={form}")
        self._contents = self._talk("cat-file", f"--batch={form}")
        self._trees = self._talk("diff-tree", "--stdin", "-r", "-z", "--raw", "--no-renames", "--no-abbrev")

    def close(self) -> None:
        """Ends the programs; a second call does nothing."""
        self._resources.close()

    def resolve(self, ref: str) -> str:
        """The commit a ref names; raises UnreachableError when there is none."""
        found = self._run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}", empty_ok=True)
        if not found:
            message = f"{self._path}: no commit is named {ref!r}: the repository is empty or the name is wrong"
            raise UnreachableError(message)
        return found.decode().strip()

    def is_shallow(self) -> bool:
        """Whether the history was cut when it was cloned."""
        return self._run("rev-parse", "--is-shallow-repository").strip() == b"true"

    def is_partial(self) -> bool:
        """Whether objects were left out when it was cloned, to be fetched when asked for (which we never do)."""
        keys = r"^(extensions\.partialclone|remote\..*\.promisor)$"
        return bool(self._run("config", "--get-regexp", keys, empty_ok=True))

    def note_missing(self, oid: str) -> None:
        """Learns which objects of a partial clone are not there: asking for one of them would end git's reader."""
        listed = self._run("rev-list", "--objects", "--no-object-names", "--missing=print", oid, "--")
        self._missing = frozenset(line[1:].decode() for line in listed.split(b"\n") if line.startswith(b"?"))

    def parents(self, oid: str) -> Iterator[tuple[str, list[str]]]:
        """Every commit that this one contains, itself included, with its parents."""
        for line in self._run("rev-list", "--parents", oid, "--").decode().split("\n"):
            commit, *parents = line.split(" ")
            if commit:
                yield commit, parents

    def commit_time(self, oid: str) -> int | None:
        """The committer time of a commit in seconds since the epoch, None where the object is none."""
        self._contents.send(f"{oid}\n".encode())
        kind, _, size = self._contents.until(b"\n").partition(b" ")
        if not size.isdigit():
            return None
        content = self._contents.exactly(int(size))
        self._contents.exactly(1)
        headers = content.partition(b"\n\n")[0].split(b"\n")
        committer = next((line for line in headers if line.startswith(b"committer ")), b"")
        seconds = committer.rpartition(b"> ")[2].partition(b" ")[0]
        return int(seconds) if kind == b"commit" and seconds.isdigit() else None

    def first_parents(self, oid: str) -> list[GitCommit]:
        """The commit's first-parent history, oldest first."""
        lines = self._run("rev-list", "--first-parent", "--timestamp", oid, "--").decode().split("\n")
        pairs = (line.partition(" ") for line in reversed(lines) if line)
        return [GitCommit(oid, int(seconds)) for seconds, _, oid in pairs]

    def tags(self) -> dict[str, list[bytes]]:
        """Names of tags, sorted, by the id of the object they finally point to."""
        peeled: dict[bytes, str] = {}
        for line in self._run("show-ref", "--tags", "-d", empty_ok=True).split(b"\n"):
            oid, _, ref = line.partition(b" ")
            if ref:  # the peeled line of an annotated tag follows its own and wins
                peeled[ref.removesuffix(b"^{}").removeprefix(b"refs/tags/")] = oid.decode()
        names: dict[str, list[bytes]] = {}
        for name in sorted(peeled):
            names.setdefault(peeled[name], []).append(name)
        return names

    def tree(self, commit: str) -> list[TreeEntry]:
        """Everything in a commit, ordered by path."""
        listed = self._run("ls-tree", "-r", "-z", "--full-tree", commit).split(b"\0")
        entries = (line.partition(b"\t") for line in listed if line)
        return [TreeEntry(path, *_mode_and_oid(about)) for about, _, path in entries]

    def changes(self, parent: str, commit: str) -> Iterator[TreeEntry]:
        """What a commit changed against this parent; to be read to the end before anything else is asked."""
        self._trees.send(f"{commit} {parent}\n".encode() + _END)
        while (first := self._trees.exactly(1)) != _END[:1]:
            about = first + self._trees.until(b"\0")
            if first == b":":
                _, mode, _, oid, _ = about[1:].decode().split(" ")
                yield TreeEntry(self._trees.until(b"\0"), mode, oid)
        self._trees.exactly(1)

    def blob(self, oid: str, limit: int) -> bytes:
        """The content; raises UnreadableBlob `missing`, `huge` (over the limit) or `not_a_file`."""
        if oid in self._missing:
            raise UnreadableBlob("missing")  # noqa: EM101 - a word of a bounded set, not a message
        self._sizes.send(f"{oid}\n".encode())
        kind, _, size = self._sizes.until(b"\n").partition(b" ")
        if kind != b"blob":
            raise UnreadableBlob("missing" if size == b"missing" else "not_a_file")
        if int(size) > limit:
            raise UnreadableBlob("huge")  # noqa: EM101 - a word of a bounded set, not a message
        self._contents.send(f"{oid}\n".encode())
        self._contents.until(b"\n")
        content = self._contents.exactly(int(size))
        self._contents.exactly(1)
        return content

    def _require_trust(self) -> None:
        """UnreachableError, with what to do, where the folder is another user's and git was not told to trust it."""
        try:
            owners = {place.stat().st_uid for place in (self._path, self._path / ".git") if place.exists()}
        except OSError as error:
            message = f"{self._path}: cannot be looked at: {error.strerror}"
            raise UnreachableError(message) from error
        if owners <= {os.geteuid()}:
            return
        try:
            self._run("rev-parse", "--git-dir")
        except UnreachableError as error:
            remedy = f"git config --global --add safe.directory {shlex.quote(str(self._path.absolute()))}"
            message = f"{error}; it belongs to another user; if you trust it: {remedy}"
            raise UnreachableError(message) from error

    def _run(self, *arguments: str, empty_ok: bool = False) -> bytes:
        try:
            done = subprocess.run(  # noqa: S603 - an argument list, and every word of it is ours
                self._command(arguments),
                env=_environment(self._path),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
            )
        except OSError as error:
            raise UnreachableError(_not_run(error)) from error
        if done.returncode and not (empty_ok and not done.stderr):
            message = f"{self._path}: git {arguments[0]}: {_first_line(done.stderr)}"
            raise UnreachableError(message)
        return done.stdout

    def _talk(self, *arguments: str) -> "_Conversation":
        try:
            program = subprocess.Popen(  # noqa: S603 - an argument list, and every word of it is ours
                self._command(arguments),
                env=_environment(self._path),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
            )
        except OSError as error:
            raise UnreachableError(_not_run(error)) from error
        conversation = _Conversation(program, f"{self._path}: git {arguments[0]}", self._patience)
        self._resources.callback(conversation.close)
        return conversation

    def _command(self, arguments: tuple[str, ...]) -> list[str]:
        return ["git", *_SAFE, "-C", str(self._path.absolute()), *arguments]


class _Conversation:
    """A long-lived git program that is asked in lines and answers on a pipe."""

    def __init__(self, program: "subprocess.Popen[bytes]", name: str, patience: float) -> None:
        self._program = program
        self._name = name
        self._patience = patience
        self._buffer = bytearray()

    def send(self, line: bytes) -> None:
        """Asks; questions are far smaller than a pipe, and each is answered before the next."""
        stdin = self._program.stdin
        try:
            if stdin:
                stdin.write(line)
        except OSError as error:
            message = f"{self._name} ended before its time: {error.strerror}"
            raise UnreachableError(message) from error

    def until(self, end: bytes) -> bytes:
        """The answer up to the end mark, which is dropped."""
        looked = 0
        while (at := self._buffer.find(end, looked)) < 0:
            looked = len(self._buffer)
            self._more()
        answer = bytes(self._buffer[:at])
        del self._buffer[: at + len(end)]
        return answer

    def exactly(self, size: int) -> bytes:
        """The next bytes of the answer."""
        while len(self._buffer) < size:
            self._more()
        answer = bytes(self._buffer[:size])
        del self._buffer[:size]
        return answer

    def close(self) -> None:
        """Ends the program, by its own handle."""
        with self._program:
            self._program.kill()

    def _more(self) -> None:
        pipe = self._program.stdout
        if not pipe or not readable(pipe.fileno(), self._patience):
            message = f"{self._name} was silent for {self._patience:g} seconds"
            raise UnreachableError(message)
        block = os.read(pipe.fileno(), _BLOCK)
        if not block:
            message = f"{self._name} ended before its time: the repository may be damaged"
            raise UnreachableError(message)
        self._buffer += block


def _environment(repository: Path) -> dict[str, str]:
    """Without the caller's GIT_ variables, which could name another repository or programs to run."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return kept | {
        "GIT_ALLOW_PROTOCOL": "none",
        "GIT_CEILING_DIRECTORIES": str(repository.absolute().parent),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_GRAFT_FILE": os.devnull,
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C",
    }


def _mode_and_oid(about: bytes) -> tuple[str, str]:
    mode, _, oid = about.decode().split(" ")
    return mode, oid


def _first_line(stderr: bytes) -> str:
    text = stderr.decode(errors="replace").strip().partition("\n")[0].removeprefix("fatal: ")
    return "".join(character if character.isprintable() else "?" for character in text) or "failed without a word"


def _not_run(error: OSError) -> str:
    return f"git cannot be run: {error.strerror or error}; install git or put it on the PATH"
