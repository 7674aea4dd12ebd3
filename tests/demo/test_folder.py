"""A demo takes a new folder or that of an earlier demo, and overwrites nothing that somebody else wrote."""

from pathlib import Path

import pytest

from monitor.demo.preparing import demo_folder
from monitor.errors import ConfigurationError


@pytest.mark.parametrize("name", ["corpus-drift.toml", "anchors.jsonl", "events.jsonl"])
def test_what_somebody_else_wrote_stays(tmp_path: Path, name: str) -> None:
    for file in (name, "state.db"):
        (tmp_path / file).write_text("mine")
    with pytest.raises(ConfigurationError, match=f"{name}: is there already, and no demo wrote it; expected another"):
        demo_folder(tmp_path)
    assert (tmp_path / "state.db").read_text() == "mine"


def test_a_demo_that_was_stopped_begins_anew(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    for _ in range(2):
        demo_folder(folder)
        (folder / "events.jsonl").touch()
        assert not (folder / "state.db").exists()
        (folder / "state.db").touch()


def test_beside_other_files_an_earlier_demo_is_known_by_its_configuration(tmp_path: Path) -> None:
    (tmp_path / "notes.md").touch()
    (tmp_path / "events.jsonl").touch()
    (tmp_path / "corpus-drift.toml").write_text("# Written by corpus-drift demo --migration. All keys: there.\n")
    demo_folder(tmp_path)
    assert (tmp_path / "notes.md").exists()
