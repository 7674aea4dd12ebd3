"""Families as the text of a metrics page: byte for byte what prometheus_client writes, in a third of the time.

A report's measurements are tens of thousands of gauge samples whose labels repeat from metric to metric, so the text
of each set of labels is made once.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache

from prometheus_client.core import Metric
from prometheus_client.utils import floatToGoString

Written = dict[tuple[str, ...], str]
"""Values of labels -> their text."""
_REMEMBERED = 1 << 12
"""Sets of labels: those of the families that are written with every page."""
_SHORT = 1e6
"""Below it Go writes numbers as Python does."""
_SUFFIXES = {"gauge": "", "counter": "_total", "histogram": "", "info": "_info"}
"""By type, what the described name of a family ends with."""


def page_text(families: Iterable[Metric]) -> bytes:
    """The families in their order, in the text format 0.0.4; gauges, counters, histograms and infos."""
    return families_text(families).encode()


def families_text(families: Iterable[Metric]) -> str:
    """See `page_text`."""
    written: dict[tuple[str, ...], Written] = {}
    return "".join([line for family in families for line in family_lines(family, written)])


def family_lines(family: Metric, written: dict[tuple[str, ...], Written] | None = None) -> Iterator[str]:
    """The two lines that describe a family in one, then a line for each sample.

    Args:
        family: of samples without times.
        written: labels as they were written, by their names; is added to.

    Raises:
        KeyError: a type that is not written here.
    """
    written = {} if written is None else written
    name, kind = family.name + _SUFFIXES[family.type], "gauge" if family.type == "info" else family.type
    yield f"# HELP {name} {_escaped(family.documentation)}\n# TYPE {name} {kind}\n"
    for sample in family.samples:
        names, values = tuple(sample.labels), tuple(sample.labels.values())
        known = written.get(names)
        if known is None:
            known = written[names] = {}
        labels = known.get(values)
        if labels is None:
            labels = known[values] = _labels(names, values)
        yield f"{sample.name}{labels} {number_text(sample.value)}\n"


def number_text(value: float) -> str:
    """A sample's value."""
    if type(value) is float and -_SHORT < value < _SHORT:
        return repr(value)
    said: str = floatToGoString(value)  # type: ignore[no-untyped-call]  # the one function without types there
    return said


@lru_cache(maxsize=_REMEMBERED)
def _labels(names: tuple[str, ...], values: tuple[str, ...]) -> str:
    if not names:
        return ""
    pairs = sorted(zip(names, values, strict=True))
    quoted = (f'{name}="{_escaped(value).replace(chr(34), chr(92) + chr(34))}"' for name, value in pairs)
    return f"{{{','.join(quoted)}}}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")
