"""The main job from end to end, on a game made by the project, and every way in which its input can be bad."""

from __future__ import annotations

import csv
import dataclasses
import json
import signal
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from ground.errors import InputError
from ground.video.source import open_video
from pipeline.analysis.folder import load_analysis, save_analysis
from pipeline.analysis.timeline import UNSURE
from pipeline.analysis.values import Analysis
from pipeline.analyze import analyze_video
from pipeline.config import PipelineConfig, read_config, with_settings
from pipeline.outputs.table import COLUMNS
from pipeline.runners.cli import main
from pipeline.synthetic.game import SyntheticGame
from pipeline.synthetic.truth import GameTruth
from pipeline.video.encode import write_video
from tests.conftest import Once
from tests.pipeline.timelines import read_timeline
from tracker.evaluate.scores import evaluate_tracks
from tracker.files.mot import read_tracks

pytestmark = pytest.mark.slow

_SECONDS, _SIZE = 1.5, (640, 360)
_COARSE = ["--imgsz", "448"]
"""In so small a picture it is enough; the same for all, as a detector is prepared for a size."""


@pytest.fixture(scope="module")
def game(once: Once) -> tuple[Path, GameTruth]:
    """A short game as a video, and its truth."""
    made = SyntheticGame(seed=3, seconds=_SECONDS, size=_SIZE)
    pictures = ((f.time, f.image) for f in made.frames())
    folder = once("game", lambda place: write_video(place / "game.mp4", pictures, frame_rate=Fraction(30)))
    return folder / "game.mp4", made.truth


@pytest.fixture(scope="module")
def result(game: tuple[Path, GameTruth], once: Once) -> tuple[Path, Analysis]:
    """The folder that ``courtscribe analyze`` makes of it."""

    def analyze(folder: Path) -> None:
        command = ["analyze", str(game[0]), "-o", str(folder), "--quiet", "--device", "cpu", *_COARSE]
        assert main(command) == 0

    folder = once("game-analysed", analyze)
    return folder, load_analysis(folder)


def _frames(path: Path) -> tuple[int, float, str]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        times = [float(f.pts * f.time_base) for f in container.decode(stream)]  # type: ignore[operator]
        return len(times), times[-1], f"{stream.codec_context.name} {stream.codec_context.pix_fmt}"


def test_the_annotated_video_has_the_frames_and_times_of_the_source(
    game: tuple[Path, GameTruth], result: tuple[Path, Analysis]
) -> None:
    number, last, kind = _frames(result[0] / "annotated.mp4")
    assert kind == "h264 yuv420p"
    source = _frames(game[0])
    assert number == source[0]
    assert last == pytest.approx(source[1], abs=1e-3)


def test_players_are_found_and_hold_their_identity(game: tuple[Path, GameTruth], result: tuple[Path, Analysis]) -> None:
    truth = game[1].tracks[game[1].visibility >= 0.3]
    score = evaluate_tracks(truth, result[1].tracks)
    assert score.recall > 0.6
    assert score.precision > 0.8
    assert score.idf1 > 0.5


def test_the_files_agree_with_the_analysis(result: tuple[Path, Analysis]) -> None:
    folder, analysis = result
    written = read_timeline(folder / "timeline.csv", analysis.timeline.labels)
    assert [(s.track_id, s.action, s.start_frame) for s in written.segments] == [
        (s.track_id, s.action, s.start_frame) for s in analysis.timeline.segments
    ]
    tracks = read_tracks(folder / "tracks.txt")
    assert (tracks.track_id == analysis.tracks.track_id).all()
    assert np.abs(tracks.xyxy - analysis.tracks.xyxy).max() < 0.02
    assert (folder / "captions.vtt").read_text().startswith("WEBVTT")
    with (folder / "timeline.csv").open() as file:
        header, *rows = csv.reader(file)
    assert header == [*COLUMNS, "team"]
    assert [row[-1] for row in rows] == [analysis.teams.team(s.track_id) for s in analysis.timeline.segments]
    assert {row[-1] for row in rows} >= {"A", "B"}
    assert not list(folder.glob("*.part*"))


def test_every_label_belongs_to_a_player_who_is_there(result: tuple[Path, Analysis]) -> None:
    analysis = result[1]
    for segment in analysis.timeline.segments:
        track = analysis.tracks[analysis.tracks.track_id == segment.track_id]
        assert track.frame_index[0] <= segment.start_frame < segment.end_frame <= track.frame_index[-1] + 2


def test_the_folder_keeps_everything(result: tuple[Path, Analysis], tmp_path: Path) -> None:
    players = dataclasses.replace(result[1].players, names={1: "Zoë <1>"}, lost_at={1: 4}, notes=("odd",))
    analysis = dataclasses.replace(result[1], players=players)
    save_analysis(analysis, tmp_path / "again")
    loaded = load_analysis(tmp_path / "again")
    for field in ("video", "settings", "timeline", "classifier", "names", "notes", "drawn"):
        assert getattr(loaded, field) == getattr(analysis, field)
    assert loaded.players.lost_at == players.lost_at and loaded.players.dropped == players.dropped
    for table, columns in {
        "frames": ("index", "time"),
        "tracks": ("frame_index", "track_id", "xyxy", "observed"),
    }.items():
        for column in columns:
            assert np.array_equal(getattr(getattr(loaded, table), column), getattr(getattr(analysis, table), column))
    assert loaded.detections is not None and analysis.detections is not None
    assert np.array_equal(loaded.detections.boxes.xyxy, analysis.detections.boxes.xyxy)
    assert loaded.detections.classes == analysis.detections.classes
    windows = zip(loaded.scores.windows, analysis.scores.windows, strict=True)
    assert all(np.array_equal(a.probabilities, b.probabilities) for a, b in windows)


def test_show_again_and_track_again_need_no_detector(
    game: tuple[Path, GameTruth], result: tuple[Path, Analysis], tmp_path: Path
) -> None:
    again = tmp_path / "again.mp4"
    assert main(["render", str(game[0]), str(result[0]), "-o", str(again), "--quiet"]) == 0
    assert _frames(again)[0] == len(result[1].frames)
    folder = tmp_path / "copy"
    save_analysis(result[1], folder)
    assert main(["track", str(folder), "--tracker", "sort", "--min-hits", "6", "--no-video", "--quiet"]) == 0
    retracked = load_analysis(folder)
    assert retracked.settings["tracker"]["name"] == "sort"
    assert retracked.settings["tracker"]["min_hits"] == 6
    assert 0.5 * len(result[1].tracks) < len(retracked.tracks) != len(result[1].tracks)


@pytest.fixture(scope="module")
def span(game: tuple[Path, GameTruth], once: Once) -> tuple[Path, Analysis]:
    """The folder that the command makes of the second half of the game."""

    def analyze(folder: Path) -> None:
        flags = ["--start", "0.75", "--end", "1.5", *_COARSE]
        assert main(["analyze", str(game[0]), "-o", str(folder), *flags, "--quiet", "--device", "cpu"]) == 0

    folder = once("game-span", analyze)
    return folder, load_analysis(folder)


def test_a_span_has_the_frames_of_the_whole(span: tuple[Path, Analysis]) -> None:
    folder, analysis = span
    assert analysis.frames.index.tolist() == list(range(23, 45))
    assert analysis.frames.time == pytest.approx(np.arange(23, 45) / 30, abs=1e-3)
    assert _frames(folder / "annotated.mp4")[0] == 22


def test_boxes_drawn_by_hand_take_the_place_of_detection(game: tuple[Path, GameTruth], tmp_path: Path) -> None:
    first = game[1].tracks.at(0).xyxy
    seen = [b for b in first if b[0] > 27 and b[2] < 600][:2]
    boxes = [[float(b[0]), float(b[1]), float(b[2] - b[0]), float(b[3] - b[1])] for b in seen]
    file = tmp_path / "players.json"
    file.write_text(json.dumps([{"box": boxes[0], "name": "Ann"}, {"box": boxes[1], "time": 0.5}]))
    out = tmp_path / "out"
    assert main(["analyze", str(game[0]), "-o", str(out), "--roi-file", str(file), "--no-video", "--quiet"]) == 0
    analysis = load_analysis(out)
    assert analysis.detections is None
    assert set(analysis.tracks.ids.tolist()) <= {1, 2}
    assert analysis.names == {1: "Ann"}
    assert analysis.tracks[analysis.tracks.track_id == 2].frame_index[0] == 15
    assert "Ann" in (out / "timeline.csv").read_text()


def test_a_video_in_which_nobody_is_found_is_a_valid_result(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    video = tmp_path / "empty.mp4"
    grey = np.full((120, 160, 3), 90, np.uint8)
    write_video(video, ((i / 25, grey) for i in range(10)), frame_rate=Fraction(25))
    assert main(["analyze", str(video), "-o", str(tmp_path / "out"), *_COARSE]) == 0
    assert "nobody was found" in capsys.readouterr().out
    assert load_analysis(tmp_path / "out").timeline.segments == ()
    assert _frames(tmp_path / "out" / "annotated.mp4")[0] == 10


def _bad_inputs(video: Path, tmp_path: Path) -> dict[str, list[str]]:
    """Command lines that must fail with one line; the key is a part of what it says."""
    text = tmp_path / "text.mp4"
    text.write_text("this is not a video")
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"\xff" * 64)
    rois = tmp_path / "rois.json"
    rois.write_text('[{"box": [1, 2, 3 4]}]')
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where a folder should be")
    config = tmp_path / "config.toml"
    config.write_text("[tracker]\nspeed = 3\n")
    v = str(video)
    return {
        "no such file": ["analyze", str(tmp_path / "missing.mp4")],
        "cannot be read as a video": ["analyze", str(text)],
        "inside the picture": ["analyze", v, "--roi", "5000,10,50,50"],
        "positive": ["analyze", v, "--roi", "10,10,0,50"],
        "line 1": ["analyze", v, "--roi-file", str(rois)],
        "neither a file nor a name": ["analyze", v, "--detector", "yolo99x.pt"],
        "broken.safetensors": ["analyze", v, "--actions", str(broken)],
        "cannot be written": ["analyze", v, "-o", str(blocked)],
        "no such CUDA GPU": ["analyze", v, "--device", "cuda:77"],
        "unknown tracker": ["analyze", v, "--tracker", "magic"],
        "no setting 'speed'": ["analyze", v, "--config", str(config)],
        "start": ["analyze", v, "--start", "900"],
        "0 <= start < end": ["analyze", v, "--start", "5", "--end", "3"],
        "not a whole analysis": ["render", v, str(tmp_path), "-o", str(tmp_path / "x.mp4")],
        "-o FILE": ["track", "--detections", v],
        "imgsz": ["analyze", v, "--imgsz", "3"],
        "finite": ["analyze", v, "--end", "nan"],
        "shows less than": ["analyze", v, "--roi", "-500,10,50,50"],
    }


def test_bad_input_is_one_clear_line_and_leaves_nothing(
    game: tuple[Path, GameTruth], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for key, command in _bad_inputs(game[0], tmp_path).items():
        out = tmp_path / "out"
        extra = ["-o", str(out)] if command[0] == "analyze" and "-o" not in command else []
        assert main([*command, *extra]) == 2, command
        error = capsys.readouterr().err.strip().splitlines()
        assert len(error) == 1, error
        assert error[0].startswith("courtscribe: "), error
        assert key in error[0], (key, error[0])
        assert not out.exists(), command


def test_nobody_loses_his_video(game: tuple[Path, GameTruth], result: tuple[Path, Analysis], tmp_path: Path) -> None:
    mine = tmp_path / "annotated.mp4"
    mine.write_bytes(game[0].read_bytes())
    assert main(["analyze", str(mine), "-o", str(tmp_path), "--quiet"]) == 2
    assert main(["render", str(mine), str(result[0]), "-o", str(mine), "--quiet"]) == 2
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "game.mp4").write_bytes(b"mine")
    assert main(["demo", "-o", str(tmp_path / "demo"), "--seconds", "1", "--make-only", "--quiet"]) == 2
    assert mine.read_bytes() == game[0].read_bytes()
    assert (tmp_path / "demo" / "game.mp4").read_bytes() == b"mine"


def test_another_video_is_not_drawn_on(result: tuple[Path, Analysis], tmp_path: Path) -> None:
    other = tmp_path / "other:1.mp4"
    write_video(other, ((i / 25, np.zeros((64, 80, 3), np.uint8)) for i in range(4)), frame_rate=Fraction(25))
    assert main(["render", str(other), str(result[0]), "-o", str(tmp_path / "x.mp4"), "--quiet"]) == 2


def test_tracking_again_keeps_the_settings_and_writes_where_it_is_told(
    span: tuple[Path, Analysis], tmp_path: Path
) -> None:
    config = tmp_path / "c.toml"
    config.write_text("[tracker]\nmax_age = 12\n")
    again = tmp_path / "again"
    assert main(["track", str(span[0]), "--config", str(config), "-o", str(again), "--quiet"]) == 0
    settings = load_analysis(again).settings
    assert (settings["tracker"]["max_age"], settings["detector"]["imgsz"], settings["end"]) == (12, 448, 1.5)
    assert _frames(again / "annotated.mp4")[0] == 22
    assert load_analysis(span[0]).settings["tracker"]["max_age"] == 30


_WAITING = """
import sys, time
from pathlib import Path
from pipeline.outputs import render
draw = render.draw_players

def wait_and_draw(*arguments):
    sys.stderr.write("drawing\\n")
    while not Path(sys.argv[1]).exists():
        time.sleep(0.01)
    draw(*arguments)

render.draw_players = wait_and_draw
from pipeline.runners.cli import main
sys.exit(main(sys.argv[2:]))
"""
"""The command, which draws nothing before the file named first is there: so it cannot end before the signal comes."""


def test_ctrl_c_ends_with_130_and_no_half_written_file(
    game: tuple[Path, GameTruth], result: tuple[Path, Analysis], tmp_path: Path
) -> None:
    sent, out = tmp_path / "sent", tmp_path / "out"
    save_analysis(result[1], out)
    command = [sys.executable, "-c", _WAITING, str(sent), "render", str(game[0]), str(out), "-o", str(out / "a.mp4")]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stderr is not None
    assert "drawing\n" in process.stderr, "it has begun to write"
    process.send_signal(signal.SIGINT)
    sent.touch()
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in error
    assert not (out / "a.mp4").exists() and not list(out.glob("*.part*"))


def test_ctrl_c_after_the_work_is_done_changes_nothing() -> None:
    late = "import atexit, os, signal; atexit.register(os.kill, os.getpid(), signal.SIGINT)"
    code = (
        f"{late}; import sys; sys.argv = ['courtscribe', '--help']; from pipeline.runners.cli import command; command()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_corrected_tracks_are_labelled_without_a_detector(
    game: tuple[Path, GameTruth], result: tuple[Path, Analysis], tmp_path: Path
) -> None:
    file, (folder, before) = tmp_path / "tracks.xml", result
    assert main(["export", str(folder), "--format", "cvat", "-o", str(file), "--quiet"]) == 0
    sure = next(segment for segment in before.timeline.segments if segment.action != UNSURE)
    kept = str(sure.track_id)
    first, end, rest = file.read_text().partition("</track>")
    text = first.replace('<attribute name="name">', '<attribute name="name">Ann') + end + rest
    file.write_text(text.replace(f">{sure.action}<", ">shoot<"))
    common = ["analyze", str(game[0]), "--tracks", str(file), "--no-video", "--quiet"]
    assert main([*common, "--detector", "none.pt", "-o", str(tmp_path / "a")]) == 0
    again = load_analysis(tmp_path / "a")
    assert again.detections is None and "Ann" in again.names.values()
    assert evaluate_tracks(before.tracks, again.tracks).idf1 > 0.99
    assert [s.track_id for s in again.scores.windows] == [s.track_id for s in before.scores.windows]
    assert main([*common, "--keep-actions", "-o", str(tmp_path / "b")]) == 0
    corrected = load_analysis(tmp_path / "b").timeline.segments
    assert any(s.action == "shoot" and str(s.track_id) == kept for s in corrected)
    assert main([*common, "--roi", "1,1,9,9"]) == main(["analyze", str(game[0]), "--keep-actions"]) == 2
    assert main(["track", str(tmp_path / "a")]) == 2


def test_the_library_gives_the_same_as_the_command(game: tuple[Path, GameTruth], span: tuple[Path, Analysis]) -> None:
    config = with_settings(PipelineConfig(device="cpu", start=0.75, end=1.5), {"detector": {"imgsz": 448}})
    analysis = analyze_video(game[0], config)
    assert np.array_equal(analysis.tracks.track_id, span[1].tracks.track_id)
    assert analysis.timeline == span[1].timeline and analysis.timeline.segments


def test_settings_come_from_toml_and_are_checked(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text("end = 4\n[tracker]\nmax_age = 7\n[detector]\nclasses = ['player']\n")
    config = read_config(file)
    assert (config.end, config.tracker.max_age, config.detector.classes) == (4, 7, ("player",))
    for bad in ({"tracker": {"max_age": 1.5}}, {"tracker": 3}, {"windows": {"clip_stride": "8"}}, {"start": "soon"}):
        with pytest.raises(InputError):
            with_settings(PipelineConfig(), bad)


def test_settings_survive_the_folder() -> None:
    config = PipelineConfig(start=1.5)
    saved = json.loads(json.dumps(dataclasses.asdict(config)))
    assert with_settings(PipelineConfig(), saved) == config


def test_a_missing_part_of_a_folder_is_said(result: tuple[Path, Analysis], tmp_path: Path) -> None:
    save_analysis(result[1], tmp_path / "a")
    table = next((tmp_path / "a").glob("tracks-*.npz"))
    table.unlink()
    with pytest.raises(InputError, match="not a whole analysis"):
        load_analysis(tmp_path / "a")
    for junk in (b"junk", b""):
        table.write_bytes(junk)
        with pytest.raises(InputError, match="damaged"):
            load_analysis(tmp_path / "a")
    save_analysis(result[1], tmp_path / "a")
    text = (tmp_path / "a" / "analysis.json").read_text()
    for old, new in (('"settings": {', '"settings": [], "x": {'), ('"tables": {', '"tables": [], "x": {'), ("{", "{{")):
        (tmp_path / "a" / "analysis.json").write_text(text.replace(old, new, 1))
        with pytest.raises(InputError, match="damaged"):
            load_analysis(tmp_path / "a")


def test_reading_twice_gives_the_same_frames(game: tuple[Path, GameTruth]) -> None:
    with open_video(game[0]) as video:
        first, second = [f.index for f in video], [f.index for f in video]
    assert first == second
