"""One run at a time in a folder."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ground.disk.files import write_text
from ground.disk.lock import LOCK_NAME, claim
from ground.errors import InputError

_HOLD = """
import sys
from pathlib import Path
from ground.disk.lock import claim
with claim(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def _hold(folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    return process


def test_the_second_is_told_who_holds_the_folder_and_a_kill_lets_go(tmp_path: Path) -> None:
    with _hold(tmp_path / "a" / "b") as other:
        with (
            pytest.raises(InputError, match=f"another run \\(process {other.pid} on ") as caught,
            claim(tmp_path / "a" / "b"),
        ):
            pass
        assert "\n" not in str(caught.value)
        with claim(tmp_path / "c"):
            pass
        os.kill(other.pid, signal.SIGKILL)
        other.wait()
        with claim(tmp_path / "a" / "b"), claim(tmp_path / "a" / "b"):
            (tmp_path / "a" / "b" / "x").write_text("x", encoding="utf-8")
    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["x"]


def test_a_folder_that_stays_empty_is_taken_away(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="bad"), claim(tmp_path / "a" / "b"):
        assert (tmp_path / "a" / "b" / LOCK_NAME).exists()
        raise InputError("bad")
    assert not list(tmp_path.iterdir())
    (tmp_path / "mine").mkdir()
    with claim(tmp_path / "mine"):
        pass
    assert list((tmp_path / "mine").iterdir()) == [], "and a folder that was there stays"


def test_what_cannot_be_claimed_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(InputError, match="cannot be written"), claim(place):
            pass


def test_a_folder_that_is_removed_meanwhile_is_said_to_be(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    with pytest.raises(InputError, match=r"removed or replaced while it was written.* same command"), claim(folder):
        shutil.rmtree(folder)
    with pytest.raises(InputError, match="removed or replaced"), claim(folder):
        shutil.rmtree(folder)
        folder.mkdir()
        with claim(folder):
            raise AssertionError("another run may hold it by now")
    with claim(folder):
        pass
    assert not folder.exists()
    with pytest.raises(InputError, match="removed or replaced"), claim(folder):
        shutil.rmtree(folder)
        write_text(folder / "x", "x")
    assert not folder.exists(), "nothing is written there, which is another's by now"


def test_what_cannot_be_written_in_a_folder_that_is_gone_is_not_the_reason(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    with pytest.raises(InputError, match="removed or replaced"), claim(folder):
        shutil.rmtree(folder)
        folder.write_text("a file", encoding="utf-8")
        (folder / "x").write_text("x", encoding="utf-8")
    assert folder.read_text(encoding="utf-8") == "a file"
