"""Where results go: a name for any source, and nothing of anybody's is overwritten or removed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ground.errors import InputError
from pipeline.outputs.names import OUTPUTS
from pipeline.outputs.place import require_file, require_folder, result_folder
from pipeline.runners.cli import main
from pipeline.video.encode import write_video

_TRACKS = "".join(
    f"{frame},{player},{20 + 30 * player},10,20,40,0.9,-1,-1,-1\n" for frame in range(1, 6) for player in (1, 2)
)


def _write_video(path: Path, level: int = 90) -> Path:
    picture = np.full((64, 96, 3), level, np.uint8)
    write_video(path, ((i / 25, picture) for i in range(5)), frame_rate=Fraction(25))
    return path


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that one works in, with a video and its tracks."""
    folder = tmp_path / "work"
    folder.mkdir()
    _write_video(folder / "game.mp4")
    (folder / "game.txt").write_text(_TRACKS)
    monkeypatch.chdir(folder)
    yield folder


def _analyze(video: str, *flags: str) -> int:
    return main(["analyze", video, "--tracks", "game.txt", "--device", "cpu", *flags])


def _content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@settings(max_examples=200)
@given(
    st.text(st.characters(exclude_characters="/\0"), min_size=1, max_size=300).filter(lambda s: s not in (".", ".."))
)
def test_every_name_of_a_file_gives_a_name_for_its_results(name: str) -> None:
    try:
        os.fsencode(name)
    except UnicodeEncodeError:  # no file can have this name
        return
    folder = result_folder(f"games/{name}.mp4")
    assert folder.name == str(folder) and folder.suffix == ".courtscribe"
    assert len(os.fsencode(folder)) <= 200
    assert not set(folder.name) & set('\n\r\t<>:"|?*\\/')


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("game.mp4", "game"),
        ("a/b/my game.final.MP4", "my game.final"),
        ("C.mp4", "C"),
        ("con.mp4", "_con"),
        ("https://host/games/final%20game.mp4?token=a/b.c#t=1", "final game"),
        ("rtsp://user:word@camera.local:554/", "camera.local"),
        ("https://host/a%2F..%2F..%2Fetc.mp4", "etc"),
        ("k\udce9vin.mov", "k\udce9vin"),
    ],
)
def test_the_folder_is_named_after_the_source(source: str, name: str) -> None:
    assert str(result_folder(source)) == f"{name}.courtscribe"


def test_long_names_that_begin_alike_stay_apart_and_are_said(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "courtscribe")
    assert str(result_folder("game.mp4")) == "game.courtscribe" and not caplog.messages
    names = {str(result_folder("試" * 80 + f"{i}.mp4")) for i in range(20)}
    assert len(names) == 20 and all(name.startswith("試試") for name in names)
    assert len(caplog.messages) == 20 and all(any(name in line for name in names) for line in caplog.messages)


def test_pictures_of_the_folder_one_is_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = tmp_path / "frames.v2" / "x"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    assert str(result_folder(".")) == "x.courtscribe"
    assert str(result_folder("..")) == "frames.v2.courtscribe"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["試合" * 40, "k\udce9vin", "two\nlines", "-o", "100%d %s", "dot. ", "#?&'\"$(x)"])
def test_odd_names_of_videos_make_no_difference(work: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    video = f"{name}.mp4"
    shutil.move("game.mp4", f"./{video}")
    assert _analyze(f"./{video}", "--no-video") == 0
    (folder,) = work.glob("*.courtscribe")
    assert {path.name for path in folder.iterdir()} >= {*OUTPUTS[:3], "analysis.json"}
    assert main(["render", f"./{video}", str(folder), "-o", "again.mp4"]) == 0
    for kind in ("mot", "coco", "cvat"):
        assert main(["export", str(folder), "--format", kind, "-o", f"out.{kind}"]) == 0
    assert "Traceback" not in capsys.readouterr().err
    assert _analyze(f"./{video}", "--no-video") == 0, "the same video again replaces its own results"


@pytest.mark.parametrize("taken", [*OUTPUTS, "analysis.json"])
def test_files_of_others_are_not_overwritten(work: Path, taken: str, capsys: pytest.CaptureFixture[str]) -> None:
    (work / "mine").mkdir()
    (work / "mine" / taken).write_bytes(b"mine")
    (work / "mine" / "notes.txt").write_bytes(b"more of mine")
    before = _content(work)
    assert _analyze("game.mp4", "-o", "mine", "--no-video") == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("courtscribe:")]
    assert taken in line and "-o" in line
    assert _content(work) == before


@pytest.mark.slow
def test_what_else_is_in_a_folder_stays(work: Path) -> None:
    (work / "mine").mkdir()
    (work / "mine" / "notes.txt").write_bytes(b"mine")
    (work / "mine" / "other.npz").write_bytes(b"mine")
    for _ in range(2):
        assert _analyze("game.mp4", "-o", "mine", "--no-video") == 0
    assert (work / "mine" / "notes.txt").read_bytes() == (work / "mine" / "other.npz").read_bytes() == b"mine"


@pytest.mark.slow
def test_a_second_video_does_not_take_the_place_of_the_first(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _write_video(work / "game.mov.mp4", level=40)
    shutil.move("game.mov.mp4", "game.mkv")
    assert _analyze("game.mp4") == 0
    before = _content(work)
    assert _analyze("game.mkv") == 2
    complaint = capsys.readouterr().err.splitlines()[-1]
    assert "game.courtscribe" in complaint and "game.mp4" in complaint and "-o" in complaint
    assert _content(work) == before
    assert _analyze("game.mkv", "-o", "second", "--no-video") == 0


@pytest.mark.slow
def test_results_move_with_their_video(work: Path) -> None:
    assert _analyze("game.mp4") == 0
    (work / "later").mkdir()
    shutil.move("game.mp4", "later/game.mp4")
    assert _analyze("later/game.mp4", "--no-video") == 0


@pytest.mark.slow
def test_an_input_is_never_an_output(work: Path) -> None:
    assert _analyze("game.mp4") == 0
    assert main(["edit", "game.courtscribe", "--rename", "1=Ann", "--render", "--quiet"]) == 0
    (work / "out.txt").write_text(_TRACKS)
    before = _content(work)
    for command in (
        ["render", "game.mp4", "game.courtscribe", "-o", "game.mp4"],
        ["render", "game.mp4", "game.courtscribe", "-o", "game.courtscribe/analysis.json"],
        ["export", "game.courtscribe", "--format", "mot", "-o", "game.courtscribe/analysis.json"],
        ["export", "game.courtscribe", "--format", "mot", "-o", "game.courtscribe/edits.jsonl"],
        ["render", "game.mp4", "game.courtscribe", "-o", "game.courtscribe/edits.jsonl"],
        ["evaluate", "tracks", "--gt", "game.txt", "--tracks", "out.txt", "--json", "game.txt"],
        [
            "evaluate",
            "actions",
            "game.courtscribe",
            "--truth",
            "game.courtscribe/timeline.csv",
            "--json",
            "game.courtscribe/timeline.csv",
        ],
        [
            "evaluate",
            "actions",
            "game.courtscribe",
            "--truth",
            "game.courtscribe/timeline.csv",
            "--plot",
            "game.courtscribe/analysis.json",
        ],
        ["weights", "import", "out.txt", "-o", "out.txt"],
        ["weights", "export", "--to", "torch", "--actions", "out.txt", "-o", "out.txt"],
        ["train", "players", "data.yaml", "--start-from", "out.txt", "-o", "out.txt"],
        ["track", "--detections", "out.txt", "-o", "out.txt"],
        ["classify", "game.mp4", "-o", "game.mp4"],
        ["classify", "game.mp4", "--json", "game.mp4"],
        ["analyze", "game.mp4", "--tracks", "game.courtscribe/tracks.txt"],
    ):
        assert main(command) == 2, command
    assert _content(work) == before


_COMMANDS = (
    ["analyze", "game.mp4", "--tracks", "game.txt", "-o", "PLACE"],
    ["render", "game.mp4", "game.courtscribe", "-o", "PLACE"],
    ["export", "game.courtscribe", "--format", "coco", "-o", "PLACE"],
    ["track", "--detections", "game.txt", "-o", "PLACE"],
    ["classify", "game.mp4", "-o", "PLACE"],
    ["classify", "game.mp4", "--json", "PLACE"],
    ["evaluate", "tracks", "--gt", "game.txt", "--tracks", "out.txt", "--json", "PLACE"],
    ["evaluate", "actions", "game.courtscribe", "--truth", "game.courtscribe/timeline.csv", "--json", "PLACE"],
    ["evaluate", "actions", "game.courtscribe", "--truth", "game.courtscribe/timeline.csv", "--plot", "PLACE"],
    ["evaluate", "actions", "folder", "--calibrate", "PLACE"],
    ["adapt", "--examples", "folder", "-o", "PLACE"],
    ["train", "maps", "game.mp4", "--pose", "p.pt", "-o", "PLACE"],
    ["train", "actions", "folder", "-o", "PLACE"],
    ["train", "players", "data.yaml", "--start-from", "game.txt", "-o", "PLACE"],
    ["train", "clips", "PLACE"],
    ["weights", "import", "game.txt", "-o", "PLACE"],
    ["weights", "export", "--to", "torch", "-o", "PLACE"],
)


@pytest.mark.slow
def test_a_place_that_cannot_be_is_said_before_the_work(
    work: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _analyze("game.mp4", "--no-video") == 0
    (work / "folder.safetensors").mkdir()
    (work / "folder").mkdir()
    (work / "out.txt").write_text(_TRACKS)
    for begin in (
        *("pipeline.analyze.analyze_video", "pipeline.outputs.write.render_video", "tracker.track.tracklets.follow"),
        *(
            "tracker.evaluate.scores.evaluate_tracks",
            "pipeline.evaluate.actions.agree",
            "classify.evaluate.clip_folders.judge_checkpoint",
        ),
        *(
            "classify.few_shot.adapt.adapt",
            "pipeline.training.unlabelled_pictures.make_transfer_set",
            "classify.train.run.train_actions",
        ),
        *("tracker.detect.train.train_detector", "pipeline.synthetic.clips.synthetic_clips"),
        *("classify.weights.import_spacejam.import_spacejam", "classify.run.export.export_checkpoint"),
    ):
        monkeypatch.setattr(begin, lambda *_, **__: pytest.fail("the work has begun"))
    before = _content(work)
    for command in _COMMANDS:
        ending = ".safetensors" if command[0] == "adapt" or command[1] == "maps" else ""
        takes_folder = "analyze" in command or command[:2] == ["train", "clips"] or command[:2] == ["train", "actions"]
        taken = "game.txt" if takes_folder else f"folder{ending}"
        for place in (f"game.txt/x{ending}", f"/proc/x/y{ending}", "n" * 300 + ending, taken):
            capsys.readouterr()
            assert main([place if word == "PLACE" else word for word in command]) == 2, (command, place)
            assert len(capsys.readouterr().err.splitlines()) == 1
    assert _content(work) == before


def test_the_library_minds_the_same_rules(tmp_path: Path) -> None:
    (tmp_path / "tracks.txt").write_text("mine")
    with pytest.raises(InputError, match="no result of courtscribe"):
        require_folder(tmp_path, tmp_path / "game.mp4")
    with pytest.raises(InputError, match="is read"):
        require_file(tmp_path / "tracks.txt", [tmp_path / "tracks.txt"])
    (tmp_path / "link.txt").symlink_to(tmp_path / "tracks.txt")
    with pytest.raises(InputError, match="is read"):
        require_file(tmp_path / "link.txt", [tmp_path / "tracks.txt"])
    assert (tmp_path / "tracks.txt").read_text() == "mine"
