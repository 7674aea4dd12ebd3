"""What a figure rests on: the machine, how busy it is, the versions; and clocks that say so."""

import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("numpy", "numba", "kafka-python", "qdrant-edge-py", "faiss-cpu", "tantivy", "rensa", "bm25s", "orjson")
ONE_CORE = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1"}


def facts() -> str:
    """Processor, cores, load and versions, in two lines."""
    found = []
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"{name} absent")
    system = f"Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    return f"{_processor()}, {os.cpu_count()} cores, {busy()}; {system}\n{', '.join(found)}"


def busy() -> str:
    """How many processes want to run, over the last minute: beyond the number of cores, times are stretched."""
    return f"load {os.getloadavg()[0]:.1f}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown processor"
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def resident() -> int:
    """Bytes of this process in memory now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def timed(call: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock, and seconds of all cores that this process used: the second forgives a busy machine."""
    begun, used = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - begun, time.process_time() - used


def ratio(theirs: Sequence[float], ours: Sequence[float]) -> float:
    """Median of the ratios of paired rounds."""
    return statistics.median(their / our for their, our in zip(theirs, ours, strict=True))


def quantile(values: Sequence[float], level: float) -> float:
    """The smallest value that at least this share does not exceed."""
    return sorted(values)[min(len(values) - 1, int(level * len(values)))]
