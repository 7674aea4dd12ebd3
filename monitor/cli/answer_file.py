"""The file that `gate --output` names: it holds an answer at every exit code, so that a next step can read it."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monitor.app import formats
from monitor.core.judging.policy import Verdict
from monitor.core.records.documents import Document, gate_document
from monitor.errors import ConfigurationError, CorpusDriftError, UnreachableError


@dataclass(frozen=True, slots=True)
class AnswerFile:
    """Where the answer of a gate goes, besides the words on stdout.

    Args:
        path: the file, None for none.
        form: what it is written in.
    """

    path: Path | None
    form: formats.Format

    def refuse_overwriting(self, inputs: Iterable[Path | None]) -> None:
        """An answer is written before the inputs are read: it may not be one of them.

        Raises:
            ConfigurationError: it is.
        """
        path = self.path
        if path is not None and path.exists() and any(one and one.exists() and path.samefile(one) for one in inputs):
            message = f"--output {path}: is one of the files to be read; expected another file"
            raise ConfigurationError(message)

    def write(self, document: dict[str, Any]) -> None:
        """Write the answer, in UTF-8 whatever the locale.

        Raises:
            ConfigurationError: it cannot be written.
        """
        if self.path is None:
            return
        try:
            self.path.write_bytes(formats.render_gate(document, self.form).encode("utf-8", "backslashreplace"))
        except OSError as error:
            message = f"--output {self.path}: {error.strerror}; expected a writable file"
            raise ConfigurationError(message) from error

    @contextmanager
    def answering(self, deploy: str) -> Iterator[None]:
        """UNKNOWN stands in the file until there is an answer, and for ever with its reason where there is none.

        So a gate that is killed leaves no answer of an earlier one, and a file that cannot be written is told of
        before the wait.
        """
        # A terminal or a pipe cannot be written over: it gets the last word only.
        special = self.path is None or (self.path.exists() and not (self.path.is_file() or self.path.is_dir()))
        if not special:
            self.write(unanswered(deploy, "unanswered", ("the gate did not come to an answer, or has not yet",)))
        try:
            yield
        except CorpusDriftError as error:
            state = "unanswered" if isinstance(error, UnreachableError) else "refused"
            self.write(unanswered(deploy, state, tuple(str(error).splitlines())))
            raise
        except KeyboardInterrupt:
            self.write(unanswered(deploy, "unanswered", ("interrupted",)))
            raise
        except Exception as error:
            said = f"internal error: {type(error).__name__}: {error}"
            self.write(unanswered(deploy, "unanswered", tuple(said.splitlines())))
            raise


def unanswered(deploy: str, state: str, reasons: tuple[str, ...]) -> Document:
    """What stands for an answer that nobody gave: UNKNOWN, and why."""
    return {**gate_document(deploy, None, Verdict("unknown", reasons, ())), "state": state}
