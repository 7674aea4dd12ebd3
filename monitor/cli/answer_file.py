"""The file that `gate --output` names: it holds an answer at every exit code, so that a next step can read it."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monitor.app import formats, migration_formats
from monitor.cli.gating import GateFormat, OnInconclusive, exit_code
from monitor.cli.streams import tell
from monitor.core.judging.policy import Verdict
from monitor.core.records.documents import Document, gate_document
from monitor.errors import ConfigurationError, CorpusDriftError, UnreachableError


@dataclass(frozen=True, slots=True)
class AnswerFile:
    """Where the answer of a gate goes: to stdout, or to a file with a summary on stdout.

    Args:
        path: the file, None for none.
        form: what it is written in.
        verdict: the field of the document that decides the exit code.
        render: the document in a form.
        summary: the document in a few lines.
        unanswered: what stands for an answer that nobody gave: UNKNOWN, of a state, for reasons.
    """

    path: Path | None
    form: GateFormat
    verdict: str
    render: Callable[[Document, formats.Format], str]
    summary: Callable[[Document], str]
    unanswered: Callable[[str, tuple[str, ...]], Document]

    def refuse_overwriting(self, inputs: Iterable[Path | None]) -> None:
        """An answer is written before the inputs are read: it may not be one of them.

        Raises:
            ConfigurationError: it is.
        """
        path = self.path
        if path is not None and path.exists() and any(one and one.exists() and path.samefile(one) for one in inputs):
            message = f"--output {path}: is one of the files to be read; expected another file"
            raise ConfigurationError(message)

    def give(self, document: dict[str, Any], on_inconclusive: OnInconclusive) -> int:
        """Write the answer and say it; its exit code."""
        code = exit_code(document, document[self.verdict], on_inconclusive)
        self.write(document)
        if self.path is None:
            tell(self.render(document, self.form.value), self.form.value)
        else:
            tell(f"{self.summary(document)}{self.form.value} answer in {self.path}")
        return code

    def write(self, document: dict[str, Any]) -> None:
        """Write the answer, in UTF-8 whatever the locale.

        Raises:
            ConfigurationError: it cannot be written.
        """
        if self.path is None:
            return
        try:
            self.path.write_bytes(self.render(document, self.form.value).encode("utf-8", "backslashreplace"))
        except OSError as error:
            message = f"--output {self.path}: {error.strerror}; expected a writable file"
            raise ConfigurationError(message) from error

    @contextmanager
    def answering(self) -> Iterator[None]:
        """UNKNOWN stands in the file until there is an answer, and for ever with its reason where there is none.

        So a gate that is killed leaves no answer of an earlier one, and a file that cannot be written is told of
        before the wait.
        """
        # A terminal or a pipe cannot be written over: it gets the last word only.
        special = self.path is None or (self.path.exists() and not (self.path.is_file() or self.path.is_dir()))
        if not special:
            self.write(self.unanswered("unanswered", ("the gate did not come to an answer, or has not yet",)))
        try:
            yield
        except CorpusDriftError as error:
            state = "unanswered" if isinstance(error, UnreachableError) else "refused"
            self.write(self.unanswered(state, tuple(str(error).splitlines())))
            raise
        except KeyboardInterrupt:
            self.write(self.unanswered("unanswered", ("interrupted",)))
            raise
        except Exception as error:
            said = f"internal error: {type(error).__name__}: {error}"
            self.write(self.unanswered("unanswered", tuple(said.splitlines())))
            raise


def deploy_answer(deploy: str, path: Path | None, form: GateFormat) -> AnswerFile:
    """The answer about a deploy, or about two runs."""

    def unanswered(state: str, reasons: tuple[str, ...]) -> Document:
        return {**gate_document(deploy, None, Verdict("unknown", reasons, ())), "state": state}

    return AnswerFile(path, form, "verdict", formats.render_gate, formats.summary, unanswered)


def migration_answer(path: Path | None, form: GateFormat) -> AnswerFile:
    """The answer about an encoder migration."""
    render, summary = migration_formats.render_migration_gate, migration_formats.migration_summary
    return AnswerFile(path, form, "gate", render, summary, migration_formats.unanswered)
