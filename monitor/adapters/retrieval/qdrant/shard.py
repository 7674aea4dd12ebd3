"""The shard of the embedded engine on disk: its folder, its lock, and opening it whatever state it was left in."""

import fcntl
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import qdrant_edge as edge

from monitor.core.model.scoring import Distance
from monitor.ports import ConfigurationError, CorpusDriftError, UnreachableError

log = logging.getLogger(__name__)

SEGMENT = "segment"
"""Payload field: attribute values as `name=value`, so that no attribute name has to be a JSON path."""


SPARE_BYTES = 64 << 20
"""Room that the disk must have beyond what is written: two of the engine's files of 32 MiB, which begin as holes."""


class EngineError(CorpusDriftError):
    """The engine refused or broke down; the message says at what."""


@contextmanager
def engine_call(what: str) -> Iterator[None]:
    """Translate whatever the engine raises, its panics included (they derive from BaseException)."""
    try:
        yield
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        message = f"embedded index: {what}: {' '.join(str(error).split())[:300]}"
        raise EngineError(message) from error


@dataclass(frozen=True, slots=True)
class EmbeddedSettings:
    """How the embedded index is built and searched.

    Args:
        dimension: d of the vectors, at least 1.
        distance: how to compare.
        path: the index's own folder; None is a temporary one, gone after `close`.
        exact: scan everything and build no graph; False searches as a production index with HNSW does.
        hnsw_m: edges per node.
        ef_construct: candidates while the graph is built.
        hnsw_ef: candidates while it is searched.
        full_scan_threshold: segments below this size in KB are scanned although they have a graph.
        indexing_threshold: segments above this size in KB get a graph when `optimize` runs.
        quantization: of the vectors that the graph's search compares; not used by an exact search.
        rescore: whether a quantized search re-scores with the original vectors; None leaves it to the engine.
    """

    dimension: int
    distance: Distance
    path: Path | None = None
    exact: bool = True
    hnsw_m: int = 16
    ef_construct: int = 100
    hnsw_ef: int = 128
    full_scan_threshold: int = 10_000
    indexing_threshold: int = 20_000
    quantization: Literal["none", "scalar", "binary"] = "none"
    rescore: bool | None = None


class ShardFolder:
    """A folder with the lock, the settings the shard was built with, and the shard.

    The engine's files are derived from the events. So a shard that was built with other settings is dropped, and one
    that does not open is set aside (one such, the newest, is kept); `reconcile` fills the new one.
    """

    def __init__(self, settings: EmbeddedSettings) -> None:
        if settings.dimension < 1:
            message = f"embedded index: dimension = {settings.dimension}, expected at least 1"
            raise ConfigurationError(message)
        self._settings = settings
        self._lock = -1
        self.root = settings.path
        self.started_afresh = ""
        """Why the shard that was there is not used; empty when it is, or when there was none."""
        self.closed_cleanly = False
        """Whether the shard was flushed and closed by its last owner, so that its files are as they were written."""

    def open(self) -> edge.EdgeShard:
        """Lock the folder and open or create the shard.

        Raises:
            ConfigurationError: another process has the folder, or it cannot be written.
            UnreachableError: its disk is about to be full.
        """
        self.root = self._settings.path or Path(tempfile.mkdtemp(prefix="corpus-drift-index-"))
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            self._take_lock(self.root / "lock")
        except OSError as error:
            message = f"embedded index {self.root}: {error.strerror or error}, expected a folder that can be written"
            raise ConfigurationError(message) from error
        try:
            self.need_room()
            return self._load_or_create(self.root / "shard")
        except BaseException:
            self.release()
            raise

    def need_room(self, size: int = 0) -> None:
        """Refuse while it can be said in a line: the engine maps its files, and a full disk under them is a SIGBUS.

        Args:
            size: bytes about to be written.

        Raises:
            UnreachableError: the disk is about to be full.
        """
        free, needed = shutil.disk_usage(self.root or Path()).free, size + SPARE_BYTES
        if free < needed:
            message = (
                f"embedded index {self.root}: {free >> 20} MiB free on its disk, expected {needed >> 20} at least"
            )
            raise UnreachableError(message)

    def replace(self, damaged: edge.EdgeShard, error: EngineError) -> edge.EdgeShard:
        """Set an open shard aside that turned out damaged; returns an empty one."""
        try:
            with engine_call("closing"):
                damaged.close()
        except EngineError as second:
            log.warning("%s", second)
        shard = (self.root or Path()) / "shard"
        self._set_aside(shard, error)
        return self._create(shard)

    def note_clean_close(self) -> None:
        """Leave a note for the next owner that the shard was flushed and closed."""
        if self.root is not None:
            (self.root / "closed").touch()

    def release(self) -> None:
        """Give up the lock; a temporary folder is removed."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1
            if self._settings.path is None and self.root is not None:
                shutil.rmtree(self.root, ignore_errors=True)

    def _take_lock(self, path: Path) -> None:
        held = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.read(held, 32).decode("ascii", "replace").strip() or "unknown"
            os.close(held)
            message = f"embedded index {self.root} is in use by process {owner}; stop it or choose another dense.path"
            raise ConfigurationError(message) from None
        os.ftruncate(held, 0)
        os.pwrite(held, str(os.getpid()).encode(), 0)
        self._lock = held

    def _load_or_create(self, shard: Path) -> edge.EdgeShard:
        note, closed = shard.with_name("settings.json"), shard.with_name("closed")
        self.closed_cleanly = closed.exists()
        closed.unlink(missing_ok=True)  # from here on a kill may leave anything
        before = note.read_text("utf-8", "replace") if note.exists() else ""
        if shard.exists() and not before:
            self._set_aside(shard, EngineError("it is not known to be ours, or was never finished"))
        elif shard.exists() and before != _description(self._settings):
            self._say("it was built with other settings")
            shutil.rmtree(shard)
        elif shard.exists():
            try:
                with engine_call("opening"):
                    return edge.EdgeShard.load(str(shard), edge_config(self._settings))
            except EngineError as error:
                self._set_aside(shard, error)
        return self._create(shard)

    def _create(self, shard: Path) -> edge.EdgeShard:
        with engine_call(f"creating {shard}"):
            made = edge.EdgeShard.create(str(shard), edge_config(self._settings))
            made.update(edge.UpdateOperation.create_field_index(SEGMENT, edge.PayloadSchemaType.Keyword))
        # last: a shard without its note is dropped at the next start
        shard.with_name("settings.json").write_text(_description(self._settings), "utf-8")
        return made

    def _set_aside(self, shard: Path, error: EngineError) -> None:
        if "Can't init WAL" in str(error) and "WouldBlock" in str(error):
            message = f"embedded index {self.root} is in use by another program; stop it or choose another dense.path"
            raise ConfigurationError(message) from error
        aside = shard.with_name("shard.damaged")
        shutil.rmtree(aside, ignore_errors=True)
        shard.rename(aside)
        self._say(f"it cannot be read ({error}); set aside as {aside.name}")

    def _say(self, why: str) -> None:
        self.started_afresh = why
        log.warning("embedded index %s is filled again from the events: %s", self.root, why)


def edge_config(settings: EmbeddedSettings) -> edge.EdgeConfig:
    """The engine's configuration.

    Cosine is dot on the prepared unit vectors, which ranks the same by definition. Under its own cosine the engine
    normalises whatever it does not take for a unit vector, and would give back other last bits than it was given.
    """
    distance = edge.Distance.Euclid if settings.distance is Distance.EUCLID else edge.Distance.Dot
    quantization: edge.ScalarQuantizationConfig | edge.BinaryQuantizationConfig | None = None
    if not settings.exact and settings.quantization == "scalar":
        quantization = edge.ScalarQuantizationConfig(edge.ScalarType.Int8)
    elif not settings.exact and settings.quantization == "binary":
        quantization = edge.BinaryQuantizationConfig()
    return edge.EdgeConfig(
        vectors=edge.EdgeVectorParams(size=settings.dimension, distance=distance),
        hnsw_config=edge.HnswIndexConfig(
            m=settings.hnsw_m,
            ef_construct=settings.ef_construct,
            full_scan_threshold=settings.full_scan_threshold,
        ),
        quantization_config=quantization,
        optimizers=edge.EdgeOptimizersConfig(
            default_segment_number=1,
            indexing_threshold=0 if settings.exact else settings.indexing_threshold,
        ),
        wal_enabled=True,
    )


def _description(settings: EmbeddedSettings) -> str:
    built = asdict(settings)
    for name in ("path", "hnsw_ef", "rescore"):  # these change no file
        del built[name]
    return json.dumps(built, sort_keys=True)
