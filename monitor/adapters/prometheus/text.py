"""Families as the text of a metrics page: byte for byte what prometheus_client writes, gauges in a third of the time.

A report's measurements are tens of thousands of gauge samples whose labels repeat from metric to metric, so the text
of each set of labels is made once. Everything else is left to prometheus_client.
"""

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

Written = dict[tuple[str, ...], str]
"""Values of labels -> their text."""


def page_text(families: Iterable[Metric]) -> bytes:
    """The families in their order, in the text format 0.0.4."""
    written: dict[tuple[str, ...], Written] = {}
    parts: list[bytes] = []
    for family in families:
        if family.type == "gauge":
            parts.append("".join(gauge_lines(family, written)).encode())
        else:
            parts.append(_other(family))
    return b"".join(parts)


def gauge_lines(family: Metric, written: dict[tuple[str, ...], Written] | None = None) -> Iterator[str]:
    """The two lines that describe a family of gauges in one, then a line for each sample.

    Args:
        family: of gauges.
        written: labels as they were written, by their names; is added to.
    """
    written = {} if written is None else written
    name = family.name
    yield f"# HELP {name} {_escaped(family.documentation)}\n# TYPE {name} gauge\n"
    if not family.samples:
        return
    names = tuple(family.samples[0].labels)  # the same in all samples of a family
    known = written.setdefault(names, {})
    for sample in family.samples:
        values = tuple(sample.labels.values())
        labels = known.get(values)
        if labels is None:
            labels = known[values] = _labels(names, values)
        value = floatToGoString(sample.value)  # type: ignore[no-untyped-call]  # the one function without types there
        yield f"{name}{labels} {value}\n"


def _labels(names: tuple[str, ...], values: tuple[str, ...]) -> str:
    if not names:
        return ""
    pairs = sorted(zip(names, values, strict=True))
    quoted = (f'{name}="{_escaped(value).replace(chr(34), chr(92) + chr(34))}"' for name, value in pairs)
    return f"{{{','.join(quoted)}}}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


class _One(Collector):
    def __init__(self, family: Metric) -> None:
        self._family = family

    def collect(self) -> Iterable[Metric]:
        yield self._family


def _other(family: Metric) -> bytes:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_One(family))
    return generate_latest(registry)
