"""JUnit XML, as pipelines read it: one test case per thing that was judged."""

from collections.abc import Sequence
from xml.etree import ElementTree as ET


class JUnitSuite:
    """FAIL is a failure, UNKNOWN and INCONCLUSIVE are errors; what does not decide is skipped.

    >>> suite = JUnitSuite("gate")
    >>> suite.case("gate", "verdict", "fail", "too far")
    >>> print(suite.text())
    <?xml version="1.0" encoding="utf-8"?>
    <testsuite name="gate" tests="1" failures="1" errors="0" skipped="0">
      <testcase classname="gate" name="verdict">
        <failure message="too far" type="fail" />
      </testcase>
    </testsuite>
    <BLANKLINE>
    """

    def __init__(self, name: str) -> None:
        self._suite = ET.Element("testsuite", name=printable(name))
        self._counts = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}

    def case(self, classname: str, name: str, verdict: str, reason: str, *, decides: bool = True) -> None:
        """One more test case."""
        case = ET.SubElement(self._suite, "testcase", classname=printable(classname), name=printable(name))
        self._counts["tests"] += 1
        if verdict == "pass":
            return
        tag = "skipped" if not decides else "failure" if verdict == "fail" else "error"
        self._counts[tag if tag == "skipped" else f"{tag}s"] += 1
        ET.SubElement(case, tag, message=printable(reason), type=verdict)

    def text(self, notes: Sequence[str] = ()) -> str:
        """The whole document, with notes for people."""
        for name, count in self._counts.items():
            self._suite.set(name, str(count))
        if notes:
            ET.SubElement(self._suite, "system-out").text = "\n".join(map(printable, notes))
        ET.indent(self._suite)
        # The library's own declaration would name the locale's encoding: this is text that is written in UTF-8.
        return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(self._suite, encoding="unicode")}\n'


def printable(text: str) -> str:
    """XML 1.0 has no control characters."""
    return "".join(character if character.isprintable() else "\ufffd" for character in text)
