"""``courtscribe evaluate actions``: on clips and on a whole analysis; table, JSON and picture say the same."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from classify.types import ACTIONS
from classify.weights.checkpoint import load_checkpoint, read_info
from pipeline.analysis.folder import save_analysis
from pipeline.analysis.timeline import ActionSegment, Timeline
from pipeline.analysis.values import Analysis, Frames, Players, VideoFacts
from pipeline.outputs.table import write_timeline_csv
from pipeline.runners.cli import main
from pipeline.shipped import WEIGHTS
from tracker.types import Tracks


@pytest.fixture(scope="module")
def clips(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every fourth of the real SpaceJam clips, in the data set's layout."""
    source, folder = shared / "clips/spacejam_mini", tmp_path_factory.mktemp("mini")
    annotations = json.loads((source / "annotation_dict.json").read_text())
    kept = dict(sorted(annotations.items())[::4])
    (folder / "examples").mkdir()
    for clip in kept:
        shutil.copy(source / "examples" / f"{clip}.mp4", folder / "examples")
    (folder / "annotation_dict.json").write_text(json.dumps(kept))
    shutil.copy(source / "labels_dict.json", folder)
    return folder


@pytest.mark.slow
def test_clips_as_table_json_and_picture_and_calibrated(
    clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Calibrating writes the same weights with a temperature."""
    shipped, once, twice = WEIGHTS / "actions.safetensors", tmp_path / "b.safetensors", tmp_path / "c.safetensors"
    command = ["evaluate", "actions", str(clips), "--json", str(tmp_path / "a.json"), "--quiet"]
    assert main([*command, "--plot", str(tmp_path / "a.png"), "--calibrate", str(once)]) == 0
    shown = capsys.readouterr().out
    content = json.loads((tmp_path / "a.json").read_text())
    assert {"accuracy", "balanced_accuracy", "macro_f1", "per_class", "ci95", "calibration"} <= set(content)
    for name, figure in (
        ("accuracy", "accuracy"),
        ("balanced accuracy", "balanced_accuracy"),
        ("macro-F1", "macro_f1"),
        ("kappa", "kappa"),
    ):
        low, high = content["ci95"][figure]
        assert f"{name:18}{content[figure]:.3f} [{low:.3f}, {high:.3f}]" in shown
    confusion = np.array(content["confusion"])
    assert set(content["per_class"]) == set(ACTIONS) and confusion.sum() == 26
    assert content["accuracy"] == pytest.approx(np.trace(confusion) / 26)
    assert content["per_class"]["walk"]["recall"] == pytest.approx(confusion[9, 9] / confusion[9].sum())
    picture = np.asarray(Image.open(tmp_path / "a.png").convert("RGB"))
    assert picture.shape[1] > 1000 and len(np.unique(picture.astype(np.int32) @ (65536, 256, 1))) > 20

    assert read_info(once).temperature == pytest.approx(
        content["calibration"]["temperature"] * read_info(shipped).temperature
    )
    command += ["--runtime", "torch"]  # what is new is not converted, which takes seconds, for two clips of each label
    assert main([*command, "--actions", str(once), "--calibrate", str(twice)]) == 0
    after = json.loads((tmp_path / "a.json").read_text())
    assert after["calibration"]["temperature"] == pytest.approx(1.0, abs=0.01), "nothing is left to mend"
    assert after["accuracy"] == content["accuracy"]
    old, new = (load_checkpoint(path)[0].state_dict() for path in (shipped, twice))
    assert all((old[name] == new[name]).all() for name in old)


def _analysis(folder: Path) -> Timeline:
    """Two players for ten frames; one runs, one walks and then shoots. Its timeline is saved beside it."""
    boxes = np.array([[0, 0, 10, 20], [50, 0, 60, 20]] * 10, np.float32)
    tracks = Tracks.of(np.repeat(np.arange(10), 2), np.tile([1, 2], 10), boxes)
    segments = (
        ActionSegment(1, "run", 0.0, 0.4, 0, 10, 0.9),
        ActionSegment(2, "walk", 0.0, 0.2, 0, 5, 0.9),
        ActionSegment(2, "shoot", 0.2, 0.4, 5, 10, 0.9),
    )
    timeline = Timeline(ACTIONS, segments)
    frames = Frames(np.arange(10, dtype=np.int32), np.arange(10) / 25)
    video = VideoFacts("game.mp4", 100, 50, "25", 0.4, "h264")
    save_analysis(Analysis(video, {}, frames, Players(tracks, names={2: "Ann"}), timeline), folder)
    return timeline


@pytest.mark.slow
def test_an_analysis_against_a_timeline(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    timeline = _analysis(tmp_path / "game.courtscribe")
    write_timeline_csv(timeline, {2: "Ann"}, tmp_path / "truth.csv")
    command = ["evaluate", "actions", str(tmp_path / "game.courtscribe"), "--truth", str(tmp_path / "truth.csv")]
    saved = ["--json", str(tmp_path / "a.json"), "--plot", str(tmp_path / "a.png")]
    assert main([*command, *saved]) == 0
    content = json.loads((tmp_path / "a.json").read_text())
    assert (content["num_boxes"], content["num_compared"], content["accuracy"]) == (20, 20, 1.0)
    assert content["segment_f1"] == {"0.1": 1.0, "0.25": 1.0, "0.5": 1.0}
    assert "Ann" in capsys.readouterr().out
    edited = (tmp_path / "truth.csv").read_text().replace("shoot", "pass")
    (tmp_path / "truth.csv").write_text(edited)
    assert main([*command, *saved]) == 0
    content = json.loads((tmp_path / "a.json").read_text())
    assert content["accuracy"] == 0.75 and content["per_player"]["2"]["accuracy"] == 0.5
    assert content["segment_f1"]["0.5"] == pytest.approx(2 / 3) and content["per_class"]["pass"]["recall"] == 0.0
    assert Image.open(tmp_path / "a.png").width > 1000


def test_an_analysis_against_boxes_with_actions(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    _analysis(tmp_path / "game.courtscribe")
    truth = tmp_path / "truth"
    truth.mkdir()
    (truth / "gt.txt").write_text(
        "".join(f"{f},{7 + x},{50 * x + 1},0,10,20,1,1,1\n" for f in range(1, 15) for x in (0, 1))
    )
    (truth / "actions.csv").write_text("player,action,start_frame,end_frame\n7,run,1,15\n8,walk,1,8\n8,unclear,8,11\n")
    command = ["evaluate", "actions", str(tmp_path / "game.courtscribe"), "--truth", str(truth)]
    assert main([*command, "--json", str(tmp_path / "a.json")]) == 0
    content = json.loads((tmp_path / "a.json").read_text())
    assert (content["num_boxes"], content["num_compared"]) == (17, 17)
    assert content["segment_f1"]["0.5"] == pytest.approx(2 * 2 / (2 * 2 + 1)), "frames after the tenth are not asked"
    assert content["accuracy"] == pytest.approx(15 / 17), "player 8 walks for two frames more than was found"
    assert "unclear: no labels" in caplog.text
    capsys.readouterr()
    (truth / "actions.csv").write_text("player,action,start_frame,end_frame\n7,juggle,1,15\n")
    assert main(command) == 2
    assert "says of no box what is done there" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nowhere"], "nowhere: no such folder"),
        (["empty"], "0 of 0 clips"),
        (["data"], "data: juggle is none of the labels block, pass"),
        (["broken"], "broken: 1 of 1 clips cannot be read"),
        (["data", "--actions", "nowhere.pt"], "nowhere.pt: no such file"),
        (["game"], "game: is an analysis; say with --truth what was really done"),
        (["game", "--truth", "nowhere.csv"], "nowhere.csv: cannot be read ("),
        (["game", "--truth", "empty"], "gt.txt"),
        (["game", "--truth", "noise.csv"], "noise.csv: line 1: expected player,action"),
        (["nowhere", "--truth", "noise.csv"], "not a whole analysis"),
        (["game", "data", "--truth", "noise.csv"], "--truth takes one analysis"),
        (["game", "--truth", "noise.csv", "--calibrate", "x.safetensors"], "calibration takes labelled clips"),
    ],
)
def test_what_cannot_be_judged_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    _analysis(tmp_path / "game")
    (tmp_path / "empty").mkdir()
    for folder, label in (("data", "juggle"), ("broken", "run")):
        (tmp_path / folder / label).mkdir(parents=True)
        (tmp_path / folder / label / "1.mp4").write_bytes(b"no video")
    (tmp_path / "noise.csv").write_text("a,b\n1,2\n")
    assert main(["evaluate", "actions", *arguments, "--quiet"]) == 2
    error = capsys.readouterr().err
    assert says in error and error.count("\n") == 1
