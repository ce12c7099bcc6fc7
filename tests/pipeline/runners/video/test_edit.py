"""``courtscribe edit`` on an analysis: what is shown follows, without any model, and is undone by a flag."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from ground.video.fingerprint import fingerprint
from pipeline.analysis.folder import load_analysis, save_analysis
from pipeline.analysis.timeline import ActionSegment, Timeline
from pipeline.analysis.values import Analysis, Frames, Players, VideoFacts
from pipeline.edits.current import load_current
from pipeline.edits.draft import Draft
from pipeline.edits.entries import Edit
from pipeline.edits.log import append_edits, read_edits
from pipeline.outputs.write import write_outputs
from pipeline.runners.cli import main
from pipeline.video.encode import write_video
from tracker.types import Tracks

_FRAMES = 50


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The results of two seconds with three players."""
    video = tmp_path / "game.mp4"

    def pictures() -> Iterator[tuple[float, np.ndarray]]:
        for i in range(_FRAMES):
            yield i / 25, np.full((120, 160, 3), 3 * i, np.uint8)

    write_video(video, pictures(), frame_rate=Fraction(25))
    index = np.arange(_FRAMES, dtype=np.int32)
    ids = (1, 2, 3)
    boxes = np.concatenate([np.tile([40 * i - 30, 20, 40 * i, 100], (_FRAMES, 1)) for i in ids])
    tracks = Tracks.of(np.tile(index, 3), np.repeat(ids, _FRAMES), boxes)
    segments = tuple(ActionSegment(i, "run", 0.0, 2.0, 0, _FRAMES, 0.5) for i in ids)
    facts = VideoFacts(str(video), 160, 120, "25", 2.0, "h264", fingerprint(video))
    analysis = Analysis(
        facts,
        {"start": None, "end": None},
        Frames(index, index / 25),
        Players(tracks),
        Timeline(("run", "shoot"), segments),
    )
    write_outputs(analysis, tmp_path / "game.courtscribe", with_video=False)
    return tmp_path / "game.courtscribe"


def _edit(folder: Path, *flags: str) -> int:
    return main(["edit", str(folder), "--quiet", *flags])


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix in (".csv", ".vtt", ".txt")}


def test_everything_that_is_shown_follows_and_goes_back(folder: Path) -> None:
    before, saved = _files(folder), (folder / "analysis.json").read_bytes()
    flags = ["--rename", "1=Ann", "--split", "2@1", "--drop", "3", "--relabel", "Ann@0:00.4-1=shoot", "--team", "Ann=A"]
    assert _edit(folder, *flags) == 0
    table = (folder / "timeline.csv").read_text().splitlines()[1:]
    assert [line.rsplit(",", 2)[0] for line in table] == [
        "Ann,run,0.000,0.400,0,10", "2,run,0.000,1.000,0,25", "Ann,shoot,0.400,1.000,10,25",
        "Ann,run,1.000,2.000,25,50", "4,run,1.000,2.000,25,50",
    ]  # fmt: skip
    assert "Ann shoot" in (folder / "captions.vtt").read_text() and "3,shoot" not in table
    assert {line.rsplit(",", 1)[1] for line in table if line.startswith("Ann,")} == {"A"}
    assert {line.split(",")[1] for line in (folder / "tracks.txt").read_text().splitlines()} == {"1", "2", "4"}
    assert (folder / "analysis.json").read_bytes() == saved, "what was found stays as it was"
    assert _edit(folder, *["--undo"] * 5) == 0 and _files(folder) == before
    assert _edit(folder, *["--redo"] * 5) == 0 and (folder / "timeline.csv").read_text().splitlines()[1:] == table


def test_all_edits_of_a_call_are_kept_or_none(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = _files(folder)
    for slip in (
        ["--merge", "1,2"],
        ["--drop", "9"],
        ["--split", "1@77"],
        ["--relabel", "1@0-1=fly"],
        ["--undo", "--undo"],
    ):
        assert _edit(folder, "--rename", "1=Ann", *slip) == 2
        assert capsys.readouterr().err.count("\n") == 1
        assert _files(folder) == before and not (folder / "edits.jsonl").exists()


@pytest.mark.slow
def test_the_video_is_made_again_when_asked(folder: Path) -> None:
    assert _edit(folder, "--drop", "2", "--drop", "3", "--rename", "1=Ann", "--render") == 0
    with av.open(str(folder / "annotated.mp4")) as container:
        assert sum(1 for _ in container.decode(video=0)) == _FRAMES
    assert _edit(folder, "--restore", "2") == 0
    assert not (folder / "annotated.mp4").exists(), "it would show what is no more"
    moved = folder.parent / "moved.mp4"
    (folder.parent / "game.mp4").rename(moved)
    assert _edit(folder, "--render") == 2
    assert _edit(folder, "--render", "--video", str(moved)) == 0


def test_a_video_that_is_gone_is_said_before_anything_is_kept(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder.parent / "game.mp4").rename(folder.parent / "moved.mp4")
    before = _files(folder)
    assert _edit(folder, "--rename", "1=Ann", "--render") == 2
    assert "say where the analysed video is now (--video)" in capsys.readouterr().err
    assert _files(folder) == before and not (folder / "edits.jsonl").exists()
    assert _edit(folder, "--rename", "1=Ann", "--render", "--video", "nowhere.mp4") == 2
    assert "say where" not in capsys.readouterr().err and not (folder / "edits.jsonl").exists()


def test_another_analysis_of_the_video_keeps_the_edits(folder: Path) -> None:
    assert _edit(folder, "--rename", "2=Bo", "--drop", "3") == 0
    analysis = load_current(folder)
    assert analysis.names == {2: "Bo"} and analysis.tracks.ids.tolist() == [1, 2]
    save_analysis(load_analysis(folder), folder)
    assert load_current(folder).names == {2: "Bo"}


def test_a_list_of_what_counts(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["edit", str(folder)]) == 0
    assert capsys.readouterr().out == "no edits\n"
    wanted = ("rename", "2=Bo", "split", "3@1", "swap", "1,2@0.4", "relabel", "1@0.4-1=shoot", "drop", "3")
    flags = [f"--{word}" if i % 2 == 0 else word for i, word in enumerate(wanted)]
    assert _edit(folder, *flags, "--drop", "2", "--undo") == 0
    assert main(["edit", str(folder)]) == 0
    listed = [line.split(maxsplit=1)[1] for line in capsys.readouterr().out.splitlines()]
    assert listed == [f"{kind} {text}" for kind, text in zip(wanted[::2], wanted[1::2], strict=True)]
    draft = Draft(load_analysis(folder), read_edits(folder))
    parts = tuple(Edit("relabel", (draft.who_is(player),), 0.0, 1.0, "shoot") for player in (1, 2))
    append_edits(folder, [Edit("together", parts=parts)])  # as the studio does
    assert main(["edit", str(folder)]) == 0
    assert capsys.readouterr().out.splitlines()[-1].endswith(" relabel 1@0-1=shoot; relabel 2@0-1=shoot")
    assert main(["edit", str(folder.parent), "--undo"]) == 2


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("=1+1", "write '1+1'"),
        ("2", "write '#2'"),
        ("Ann\nBo", "write 'Ann Bo'"),
        ("x" * 99, "cannot be kept"),
        ("Bo", "'Bo' is player 2 already"),
        (" Bo ", "'Bo' is player 2 already"),
    ],
)
def test_a_name_that_cannot_be_kept_is_refused(
    name: str, complaint: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _edit(folder, "--rename", "2=Bo") == 0
    before = _files(folder)
    assert _edit(folder, "--rename", f"1={name}") == 2
    error = capsys.readouterr().err
    assert complaint in error and error.count("\n") == 1
    assert _files(folder) == before
    assert _edit(folder, "--rename", "1=1", "--rename", "bo=") == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    "edit",
    [
        ("--split", f"1@{'9' * 5000}"), ("--split", f"1@{'9' * 5000}:1"), ("--split", "1@1e5"), ("--split", "@1"),
        ("--split", "1@"), ("--split", "1@-1"), ("--swap", "1@1"), ("--swap", "1,1@1"), ("--swap", "1,2,3@1"),
        ("--merge", ""), ("--merge", "1"), ("--merge", ","), ("--merge", "1,1"), ("--drop", ""), ("--drop", "9" * 5000),
        ("--relabel", "1@1-0=run"), ("--relabel", "1@0-1="), ("--relabel", "1@0-1=unsure"), ("--relabel", "1@5-6=run"),
        ("--edge", "1@0-1"), ("--edge", "1@0-1=run"), ("--rename", "1"), ("--rename", "=Ann"), ("--restore", "1"),
        ("--redo",),
    ],
)  # fmt: skip
def test_an_edit_that_is_none_is_one_line(
    edit: tuple[str, ...], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = _files(folder)
    assert _edit(folder, *edit) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and len(error) < 400
    assert _files(folder) == before and not (folder / "edits.jsonl").exists()


def test_listing_needs_no_right_to_write(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError

    monkeypatch.setattr("ground.disk.lock.FileLock", refuse)
    assert main(["edit", str(folder)]) == 0


def test_an_outdated_video_does_not_stay_and_that_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _edit(folder, "--rename", "1=Ann", "--render") == 0 and (folder / "annotated.mp4").exists()
    capsys.readouterr()
    assert main(["edit", str(folder), "--rename", "2=Bo"]) == 0
    assert not (folder / "annotated.mp4").exists()
    assert "--render makes it again" in capsys.readouterr().out
    assert main(["edit", str(folder), "--rename", "3=Cy"]) == 0
    assert "--render" not in capsys.readouterr().out


def test_a_file_that_says_nothing_new_leaves_the_video(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _edit(folder, "--relabel", "1@0-1=shoot", "--render") == 0
    capsys.readouterr()
    assert main(["edit", str(folder), "--from", str(folder / "timeline.csv")]) == 0
    assert capsys.readouterr().out == "0 edits; all stays as it was\n"
    assert (folder / "annotated.mp4").exists()


def test_a_video_in_place_of_an_analysis_is_not_called_damaged(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["edit", str(folder.parent / "game.mp4")]) == 2
    assert "game.mp4 is not a whole analysis" in capsys.readouterr().err
