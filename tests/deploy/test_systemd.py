"""The service unit: its command parses, systemd understands every line, and what it may do is little."""

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from monitor.cli import main

UNIT = Path(__file__).parent.parent.parent / "deploy" / "systemd" / "corpus-drift.service"
LINES = UNIT.read_text(encoding="utf-8").splitlines()
SETTINGS = [line.partition("=")[::2] for line in LINES if "=" in line and not line.startswith("#")]
MOST_EXPOSURE = 2.0
ANALYZE = shutil.which("systemd-analyze")
needs_systemd = pytest.mark.skipif(
    ANALYZE is None, reason="systemd-analyze is not installed (Debian package systemd)"
)


def values(name: str) -> list[str]:
    return [value for key, value in SETTINGS if key == name]


def test_the_command_parses(capsys: pytest.CaptureFixture[str]) -> None:
    (command,) = values("ExecStart")
    program, *arguments = shlex.split(command)
    assert Path(program).name == "corpus-drift"
    assert main([*arguments, "--help"]) == 0, capsys.readouterr().err


def test_it_is_nobody_and_may_write_only_its_state() -> None:
    for name in ("DynamicUser", "NoNewPrivileges", "PrivateTmp", "PrivateDevices", "RestrictNamespaces"):
        assert values(name) == ["yes"], name
    assert values("ProtectSystem") == ["strict"]
    assert values("CapabilityBoundingSet") == [""]
    assert values("StateDirectory") == ["corpus-drift"]
    assert not values("ReadWritePaths")
    (state,) = (value for value in values("Environment") if value.startswith("CORPUS_DRIFT_STATE__PATH="))
    assert state.partition("=")[2].startswith("/var/lib/corpus-drift/")


def test_secrets_are_credentials_and_not_in_the_environment() -> None:
    (credential,) = values("LoadCredential")
    name = credential.partition(":")[0]
    assert f"CORPUS_DRIFT_HTTP__TOKEN_FILE=%d/{name}" in values("Environment")


@pytest.mark.stack
@needs_systemd
def test_systemd_understands_it(tmp_path: Path) -> None:
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text(encoding="utf-8").replace(values("ExecStart")[0].split()[0], sys.executable))
    done = subprocess.run([str(ANALYZE), "verify", str(unit)], capture_output=True, text=True, check=False)
    ours = [line for line in done.stderr.splitlines() if UNIT.name in line]
    assert (done.returncode, ours) == (0, [])


@pytest.mark.stack
@needs_systemd
def test_its_exposure_is_small() -> None:
    limit = f"--threshold={round(10 * MOST_EXPOSURE)}"
    command = [str(ANALYZE), "security", "--offline=true", "--no-pager", limit, str(UNIT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-300:] + done.stderr
