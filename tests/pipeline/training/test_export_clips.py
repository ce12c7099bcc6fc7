"""Corrected segments as clips: the right pictures under the right label, which adapt and training read."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from classify.data.clips import list_clips, load_clips
from classify.data.layouts import list_csv
from classify.data.spacejam import list_spacejam
from classify.types import ACTIONS
from ground.errors import InputError
from ground.frames import Image
from pipeline.analysis.folder import save_analysis
from pipeline.analysis.timeline import UNSURE, ActionSegment, Timeline
from pipeline.analysis.values import Analysis, Frames, Players, VideoFacts
from pipeline.runners.cli import main
from pipeline.training.export_clips import export_clips
from pipeline.video.encode import write_video
from tracker.types import Tracks

_FRAMES = 200


def _pictures() -> Iterator[tuple[float, Image]]:
    """Player 4 in red, player 7 in blue, brighter with time."""
    for t in range(_FRAMES):
        image = np.full((240, 320, 3), 40, np.uint8)
        image[60:180, 40:110, 0] = image[60:180, 220:290, 2] = 50 + t
        yield t / 25, image


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("video") / "game.mp4"
    write_video(path, _pictures(), frame_rate=Fraction(25))
    return path


def save(video: Path, folder: Path, fingerprint: str = "") -> Path:
    """Two players; nobody has corrected anything yet."""
    rows = [(t, i, (x, 60, x + 70, 180)) for t in range(_FRAMES) for i, x in ((4, 40), (7, 220))]
    segments = (
        ActionSegment(4, "walk", 0.0, 8.0, 0, 200, 0.9), ActionSegment(7, "run", 0.0, 4.0, 0, 100, 0.9),
        ActionSegment(7, UNSURE, 4.0, 8.0, 100, 200, 0.1),
    )  # fmt: skip
    frames = Frames(np.arange(_FRAMES, dtype=np.int32), np.arange(_FRAMES) / 25)
    players = Players(Tracks.of(*zip(*rows, strict=True)), names={7: "Ann"})
    facts = VideoFacts(str(video), 320, 240, "25", 8.0, "h264", fingerprint)
    save_analysis(Analysis(facts, {}, frames, players, Timeline(ACTIONS, segments)), folder)
    return folder


def correct(folder: Path, *edits: str) -> None:
    assert main(["edit", str(folder), *(part for edit in edits for part in ("--relabel", edit)), "--quiet"]) == 0


@pytest.mark.slow
def test_what_a_person_corrected_and_nothing_else(video: Path, tmp_path: Path) -> None:
    game, out = save(video, tmp_path / "game.courtscribe"), tmp_path / "clips"
    correct(game, "4@1.0-2.28=shoot", "Ann@4.0-4.4=pass", "Ann@5.0-5.2=block")
    exported = export_clips(game, out)
    assert exported.clips == {"shoot": 2, "pass": 1}
    assert exported.notes == ("1 of 3 segments are too short for a clip, and left out",)
    files = list_spacejam(out)
    assert Counter(file.label for file in files) == exported.clips
    assert {file.group for file in files} == {"game"}
    table = list_csv(out / "clips.csv")
    assert sorted((f.path, f.label, f.group) for f in table) == sorted((f.path, f.label, f.group) for f in files)
    clips = {clip.name: clip for clip in load_clips([out], ACTIONS)}
    red, later, blue = (clips[name].frames[:, 60:120, 50:80].mean((1, 2)) for name in sorted(clips))
    np.testing.assert_allclose(red[:, 0], 50 + np.arange(25, 41), atol=6)
    np.testing.assert_allclose(later[:, 0], 50 + np.arange(41, 57), atol=6)
    np.testing.assert_allclose(blue[:10, 2], 50 + np.arange(100, 110), atol=6)
    assert red[:, 2].max() < 60 and blue[:, 0].max() < 60
    assert all(len(clip.frames) == 16 for clip in clips.values()), "a short one is played to and fro"


@pytest.mark.slow
def test_all_that_is_sure(video: Path, tmp_path: Path) -> None:
    game = save(video, tmp_path / "game.courtscribe")
    with pytest.raises(InputError, match="nobody corrected a label in it"):
        export_clips(game, tmp_path / "clips")
    assert not (tmp_path / "clips").exists()
    assert export_clips(game, tmp_path / "clips", everything=True).clips == {"walk": 13, "run": 7}


@pytest.mark.slow
def test_games_add_up_and_one_that_is_exported_again_is_replaced(video: Path, tmp_path: Path) -> None:
    out = tmp_path / "clips"
    for name in ("one", "two"):
        correct(save(video, tmp_path / f"{name}.courtscribe"), "4@1.0-1.64=shoot")
        export_clips(tmp_path / f"{name}.courtscribe", out)
    first = {file.path.stem: file.group for file in list_spacejam(out)}
    assert Counter(first.values()) == {"one": 1, "two": 1}
    correct(tmp_path / "one.courtscribe", "4@3.0-3.64=pass")
    export_clips(tmp_path / "one.courtscribe", out)
    files = list_spacejam(out)
    assert Counter((f.group, f.label) for f in files) == {("one", "shoot"): 1, ("one", "pass"): 1, ("two", "shoot"): 1}
    assert {path.stem for path in (out / "examples").iterdir()} == {file.path.stem for file in files}
    other = save(video, tmp_path / "other" / "one.courtscribe", fingerprint="0" * 64)
    correct(other, "4@1.0-1.64=shoot")
    with pytest.raises(InputError, match="has clips of another game called one"):
        export_clips(other, out)


def test_a_folder_with_other_things_is_left_alone(video: Path, tmp_path: Path, shared: Path) -> None:
    game = save(video, tmp_path / "game.courtscribe")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    shutil.copytree(shared / "clips/spacejam_mini", tmp_path / "real", ignore=shutil.ignore_patterns("*.mp4"))
    for folder, says in (("mine", "holds no clips of courtscribe"), ("real", "expected clip,label,group")):
        before = sorted(path.name for path in (tmp_path / folder).rglob("*"))
        with pytest.raises(InputError, match=says):
            export_clips(game, tmp_path / folder, everything=True)
        assert sorted(path.name for path in (tmp_path / folder).rglob("*")) == before


def test_a_video_that_is_gone_writes_nothing(video: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    game = save(video, tmp_path / "game.courtscribe")
    command = [
        "clips",
        "export",
        str(game),
        "-o",
        str(tmp_path / "clips"),
        "--all",
        "--video",
        str(tmp_path / "no.mp4"),
    ]
    assert main(command) == 2
    assert "no.mp4: no such file; say where it is now (--video)" in capsys.readouterr().err
    assert not (tmp_path / "clips").exists()


@pytest.mark.slow
def test_a_run_that_was_stopped_is_done_again(video: Path, tmp_path: Path) -> None:
    game, out = save(video, tmp_path / "game.courtscribe"), tmp_path / "clips"

    def stop(_number: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_clips(game, out, everything=True, advance=stop)
    assert json.loads((out / "annotation_dict.json").read_text()) == {}
    assert sum(export_clips(game, out, everything=True).clips.values()) == 20
    assert len(list((out / "examples").iterdir())) == 20


@pytest.mark.slow
def test_adapt_learns_from_what_is_exported(video: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    game, out = save(video, tmp_path / "game.courtscribe"), tmp_path / "clips"
    correct(game, "4@0.0-3.0=shoot", "Ann@0.0-3.0=pass")
    assert main(["clips", "export", str(game), "-o", str(out)]) == 0
    assert "10 clips (5 pass, 5 shoot)" in capsys.readouterr().out
    weights = tmp_path / "mine.safetensors"
    assert main(["adapt", "--examples", str(out), "-o", str(weights), "--quiet"]) == 0
    assert main(["evaluate", "actions", str(out), "--actions", str(weights), "--all", "--quiet", "--runtime", "torch",
                 "--json", str(tmp_path / "a.json")]) == 0  # fmt: skip
    assert json.loads((tmp_path / "a.json").read_text())["accuracy"] == 1.0
    assert {file.label for file in list_clips([out])} == {"shoot", "pass"}
