"""Names that a locale has no characters for: the verdict comes all the same, and files and machines read it right."""

import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from monitor.cli import main
from monitor.cli.streams import argument_text
from tests.corpora import Shape, write_case

SOURCE, DEPLOY = "api-ü漢😀", "d1-ü漢😀"
LOCALES = {
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "cp1252": {"PYTHONIOENCODING": "cp1252"},
    "C": {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
}
MINUTES = 300.0


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A judged corpus whose source, anchors and deploys have such names; d2 fails."""
    folder = tmp_path_factory.mktemp("odd")
    config = write_case(folder, shape=Shape(deploys=3, incident=True, dense=False))
    for name in ("events.jsonl", "anchors.jsonl"):
        text = (folder / name).read_text(encoding="utf-8")
        odd = text.replace('"api"', f'"{SOURCE}"').replace('"d1"', f'"{DEPLOY}"').replace('"d2"', '"d2-ü漢😀"')
        (folder / name).write_text(odd, encoding="utf-8")
    assert main(["run", "-c", str(config), "--until-end"]) == 0
    return config


def ended(locale: str, *arguments: object, stdout: int = subprocess.PIPE) -> subprocess.CompletedProcess[bytes]:
    """A command in a process of its own, with a locale of ours."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "PYTHON"))}
    done = subprocess.run(
        [sys.executable, "-m", "monitor", *map(str, arguments)],
        env={**plain, **LOCALES[locale]}, stdout=stdout, stderr=subprocess.PIPE, check=False, timeout=MINUTES,
    )  # fmt: skip
    assert b"Traceback" not in done.stderr, done.stderr.decode()
    return done


@pytest.mark.parametrize("locale", LOCALES)
def test_a_report_draws_with_the_characters_there_are(odd: Path, locale: str) -> None:
    said = ended(locale, "report", "-c", odd)
    assert said.returncode == 0
    rows = [line.split() for line in said.stdout.decode("cp1252").splitlines() if line.startswith("lexical  all")]
    assert re.fullmatch("[1-8.]{3}", rows[-1][2]), "1 is the lowest block, 8 the highest"


@pytest.mark.parametrize("locale", LOCALES)
def test_the_gate_says_its_verdict(odd: Path, locale: str) -> None:
    gate = ("gate", "-c", odd, "--deploy", "d2-ü漢😀", "--format")
    made = {form: ended(locale, *gate, form) for form in ("text", "json", "junit")}
    assert {form: (one.returncode, one.stderr) for form, one in made.items()} == dict.fromkeys(made, (1, b""))
    assert made["text"].stdout.startswith(b"FAIL  deploy d2-")
    document = json.loads(made["json"].stdout.decode("utf-8"))
    assert document["deploy"] == "d2-ü漢😀"
    assert SOURCE in {found["segment"] for found in document["findings"]}
    suite = ET.fromstring(made["junit"].stdout)  # noqa: S314 - our own output
    assert suite.get("name") == "corpus-drift d2-ü漢😀"
    assert any(SOURCE in case.get("name", "") for case in suite)


@pytest.mark.parametrize("locale", LOCALES)
def test_its_file_is_utf_8(odd: Path, locale: str, tmp_path: Path) -> None:
    for form in ("json", "junit"):
        done = ended(locale, "gate", "-c", odd, "--deploy", DEPLOY, "--format", form, "--output", tmp_path / "answer")
        assert (done.returncode, done.stderr) == (0, b"")
        assert SOURCE in (tmp_path / "answer").read_text(encoding="utf-8")
    suite = ET.fromstring((tmp_path / "answer").read_bytes())  # noqa: S314 - our own output
    assert suite.get("name") == f"corpus-drift {DEPLOY}"


@pytest.mark.parametrize("locale", LOCALES)
def test_so_do_the_other_commands(odd: Path, locale: str) -> None:
    assert ended(locale, "report", "-c", odd).returncode == 0
    card = ended(locale, "explain", "-c", odd, "--deploy", "d2-ü漢😀", "--json")
    assert json.loads(card.stdout.decode("utf-8"))["deploy"] == "d2-ü漢😀"
    assert ended(locale, "gate", "--help").returncode == 0
    assert ended(locale, "run", "-c", odd, "--until-end").returncode == 0
    refused = ended(locale, "report", "-c", odd, "--deploy", "ü漢😀")
    assert (refused.returncode, len(refused.stderr.splitlines())) == (2, 1)


def test_nobody_reads_is_still_no_report(odd: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        done = ended("ascii", "gate", "-c", odd, "--deploy", DEPLOY, "--format", "json", stdout=write)
    finally:
        os.close(write)
    assert (done.returncode, done.stderr) == (4, b"corpus-drift: nobody reads the output any more\n")


@pytest.mark.parametrize("said", ["", "plain", "ü漢😀", "d\udcff"])
def test_an_argument_that_is_text_or_never_was_stays(said: str) -> None:
    assert argument_text(said) == said


def test_an_argument_of_a_locale_without_its_characters_is_read_as_utf_8() -> None:
    assert argument_text("ü漢".encode().decode("ascii", "surrogateescape")) == "ü漢"
