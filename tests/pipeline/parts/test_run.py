"""Parts: what is on disk is done, what rests on something else is not taken, and processes share what is left."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from ground.errors import InputError
from ground.video.parts import Part
from pipeline.models import Models
from pipeline.parts.run import Workers, consecutive, run_pass
from pipeline.parts.store import Columns, PartStore
from pipeline.progress import Silent

_PARTS = [Part(i, np.arange(10 * i, 10 * i + 10) / 25, 10 * i, i == 5) for i in range(6)]


@dataclass(frozen=True)
class _Squares:
    """Squares of the frames' numbers; notes beside the store who made which part, and may die of one."""

    name: ClassVar[str] = "squares"
    folder: Path
    dies_at: int = -1
    dies_often: bool = False
    sleeps: float = 0.0

    def make(self, parts: Sequence[Part], models: Models) -> Iterator[Columns]:
        for part in parts:
            if self.sleeps:
                (self.folder / f"begun-{os.getpid()}").touch()
                time.sleep(self.sleeps)
            mark = self.folder / f"made-{part.number}-{os.getpid()}"
            if part.number == self.dies_at and (self.dies_often or not (self.folder / "died").exists()):
                (self.folder / "died").touch()
                os.kill(os.getpid(), signal.SIGKILL)
            mark.touch()
            yield {"squares": (part.first + np.arange(len(part))) ** 2}


def _run(folder: Path, work: _Squares, about: object = "a", jobs: int = 1) -> list[int]:
    store = PartStore(folder / "parts")
    digest = store.begin("squares", {"video": "v", "settings": {"about": about}})
    found = run_pass(work, _PARTS, digest, Workers(store, Models(), jobs), Silent())
    return np.concatenate([columns["squares"] for columns in found]).tolist()


_SQUARES = [i * i for i in range(60)]


def test_a_part_on_disk_is_done(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    assert _run(tmp_path, _Squares(tmp_path)) == _SQUARES
    made = sorted(tmp_path.glob("made-*"))
    next(iter((tmp_path / "parts").glob("squares-0002-*"))).unlink()
    for path in made:
        path.unlink()
    assert _run(tmp_path, _Squares(tmp_path)) == _SQUARES
    assert [path.name.split("-")[1] for path in tmp_path.glob("made-*")] == ["2"]
    assert "squares: resuming, 5 of 6 parts are there" in caplog.text


def test_what_rests_on_something_else_is_made_anew_and_the_reason_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    _run(tmp_path, _Squares(tmp_path))
    before = {path.name for path in (tmp_path / "parts").glob("squares-*.npz")}
    _run(tmp_path, _Squares(tmp_path), about="b")
    after = {path.name for path in (tmp_path / "parts").glob("squares-*.npz")}
    assert len(before) == len(after) == 6 and not before & after
    assert "begun anew, as this changed: settings.about" in caplog.text


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 no archive", None])
def test_a_damaged_part_is_made_again(tmp_path: Path, damage: bytes | None) -> None:
    _run(tmp_path, _Squares(tmp_path))
    path = next(iter((tmp_path / "parts").glob("squares-0003-*")))
    path.write_bytes(path.read_bytes()[:-30] if damage is None else damage)
    assert _run(tmp_path, _Squares(tmp_path)) == _SQUARES


@pytest.mark.slow
def test_processes_share_the_parts_and_one_that_dies_is_replaced(tmp_path: Path) -> None:
    assert _run(tmp_path, _Squares(tmp_path, dies_at=3), jobs=2) == _SQUARES
    assert (tmp_path / "died").exists()
    made = [path.name.split("-") for path in tmp_path.glob("made-*")]
    assert sorted(number for _, number, _ in made) == sorted(str(part.number) for part in _PARTS)
    assert str(os.getpid()) not in {process for _, _, process in made}


@pytest.mark.slow
def test_a_part_that_cannot_be_made_is_one_line_and_the_others_stay(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"{tmp_path.name}, squares, part 3: its process ended 3 times") as caught:
        _run(tmp_path, _Squares(tmp_path, dies_at=3, dies_often=True), jobs=2)
    assert caught.value.setting == "jobs"
    assert len(list((tmp_path / "parts").glob("squares-*.npz"))) >= 4, "of the others, one may be in hand"


def test_runs_of_parts_are_read_at_one_go() -> None:
    runs = list(consecutive([_PARTS[0], _PARTS[1], _PARTS[3], _PARTS[5]]))
    assert [[part.number for part in run] for run in runs] == [[0, 1], [3], [5]]


def test_a_store_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "parts").write_text("in the way", encoding="utf-8")
    with pytest.raises(InputError, match="cannot be written"):
        _run(tmp_path, _Squares(tmp_path))


def test_what_is_removed_is_ours_only(tmp_path: Path) -> None:
    _run(tmp_path, _Squares(tmp_path))
    (tmp_path / "parts" / "notes.txt").write_text("a coach's", encoding="utf-8")
    store = PartStore(tmp_path / "parts")
    store.remove()
    assert [path.name for path in store.folder.iterdir()] == ["notes.txt"]
    (tmp_path / "parts" / "notes.txt").unlink()
    store.remove()
    assert not store.folder.exists()
    store.remove()


_ORPHANS = """
import os, sys
from pathlib import Path
sys.path.insert(0, {root!r})
from tests.pipeline.parts.test_run import _run, _Squares
if __name__ == "__main__":
    _run(Path({folder!r}), _Squares(Path({folder!r}), sleeps=60.0), jobs=2)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are told from /proc")
def test_no_process_outlives_a_run_that_was_killed(tmp_path: Path) -> None:
    script = tmp_path / "run.py"
    script.write_text(_ORPHANS.format(root=str(Path(__file__).resolve().parents[3]), folder=str(tmp_path)))
    run = subprocess.Popen([sys.executable, str(script)])
    deadline = time.monotonic() + 60
    while len(list(tmp_path.glob("begun-*"))) < 2:
        assert run.poll() is None and time.monotonic() < deadline
        time.sleep(0.1)
    workers = [int(path.name.split("-")[1]) for path in tmp_path.glob("begun-*")]
    run.kill()
    run.wait()
    while any(Path(f"/proc/{worker}").exists() for worker in workers):
        assert time.monotonic() < deadline, "a process goes on though nobody waits for it"
        time.sleep(0.2)
