"""``courtscribe evaluate tracks``: table, JSON and plots, and what it says where it cannot."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.runners.cli import main
from tracker.evaluate.scores import FIGURES, combine, evaluate_tracks
from tracker.files.cvat_writer import write_cvat
from tracker.files.mot import read_detections, read_tracks, read_truth, write_tracks
from tracker.files.track_file import TrackFile
from tracker.track.sort import Sort
from tracker.track.tracklets import follow

NAMES = ("TUD-Campus", "TUD-Stadtmitte")


@pytest.mark.slow
def test_table_json_and_plots_say_the_same(shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth, tracks = shared / "mot/sort-mot15", tmp_path / "tracks"
    scores = {}
    for name in NAMES:
        write_tracks(tracks / f"{name}.txt", follow(Sort(), read_detections(truth / name / "det.txt")).tracks())
        scores[name] = evaluate_tracks(read_truth(truth / name / "gt.txt"), read_tracks(tracks / f"{name}.txt"))
    save = ["--json", str(tmp_path / "new/scores.json"), "--plot", str(tmp_path / "plots")]
    assert main(["evaluate", "tracks", "--gt", str(truth), "--tracks", str(tracks), *save]) == 0
    scores["together"] = combine(list(scores.values()))

    saved = json.loads((tmp_path / "new/scores.json").read_text())
    head, *rows = (line.split() for line in capsys.readouterr().out.splitlines())
    assert len(head) == len(FIGURES) + 1
    assert [row[0] for row in rows] == list(scores)
    for name, *shown in rows:
        content = saved["together"] if name == "together" else saved["sequences"][name]
        assert content == {figure: getattr(scores[name], figure) for figure in FIGURES}
        for text, value in zip(shown, content.values(), strict=True):
            assert float(text) == pytest.approx(value, abs=0.0005001)
    assert sorted(path.name for path in (tmp_path / "plots").iterdir()) == [f"{name}.png" for name in NAMES]


def files(folder: Path) -> tuple[Path, Path]:
    truth, tracks = folder / "truth.txt", folder / "game.courtscribe" / "tracks.txt"
    tracks.parent.mkdir()
    truth.write_text("".join(f"{f},1,10,10,40,90,1,1,1\n{f},2,90,10,40,90,0,1,1\n" for f in range(1, 11)))
    tracks.write_text("".join(f"{f},{3 + f // 6},10,10,40,90,0.9,-1,-1,-1\n" for f in range(1, 11)))
    return truth, tracks


def test_an_analysis_against_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth, tracks = files(tmp_path)
    assert main(["evaluate", "tracks", "--gt", str(truth), "--tracks", str(tracks.parent)]) == 0
    head, row = (line.split() for line in capsys.readouterr().out.splitlines())
    shown = dict(zip(head, row, strict=True))
    assert shown["sequence"] == "truth"
    assert (shown["IDF1"], shown["IDSw"], shown["Prec"], shown["FN"]) == ("0.500", "1", "1.000", "0")


def test_tracks_corrected_in_cvat_are_a_truth(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth, tracks = files(tmp_path)
    write_cvat(tmp_path / "corrected.xml", TrackFile(read_truth(truth)))
    assert main(["evaluate", "tracks", "--gt", str(tmp_path / "corrected.xml"), "--tracks", str(tracks)]) == 0
    assert "0.500" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("truth_text", "tracks_text", "says"),
    [
        ("", None, "truth.txt: holds no boxes"),
        (None, "", "tracks.txt: holds no boxes"),
        (None, "\n", "tracks.txt: holds no boxes"),
        ("1,1,9,9,9,9,0,1,1\n", None, "truth.txt: holds no boxes"),
        ("1,-1,9,9,9,9,1\n", None, "truth.txt, line 1: has no identity; is this a file of detections?"),
        (None, "1,1,9,9,9,9,1\n1,2,9,x,9,9,1\n", "tracks.txt, line 2: expected frame,id"),
    ],
)
def test_files_that_cannot_be_compared_are_one_line(
    tmp_path: Path, truth_text: str | None, tracks_text: str | None, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    truth, tracks = files(tmp_path)
    for path, text in ((truth, truth_text), (tracks, tracks_text)):
        if text is not None:
            path.write_text(text)
    assert main(["evaluate", "tracks", "--gt", str(truth), "--tracks", str(tracks)]) == 2
    shown = capsys.readouterr()
    assert says in shown.err and shown.err.count("\n") == 1 and shown.out == ""


@pytest.mark.parametrize(
    ("gt", "tracks", "says"),
    [
        ("nowhere", "game.courtscribe", "nowhere: no such file or folder"),
        ("truth.txt", "nowhere", "nowhere: no such file or folder"),
        ("truth.txt", ".", "holds nothing for truth.txt"),
        ("truth.txt", "truth.txt", "truth.txt: is the truth itself"),
    ],
)
def test_places_without_a_match(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gt: str, tracks: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    files(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert main(["evaluate", "tracks", "--gt", gt, "--tracks", tracks]) == 2
    assert says in capsys.readouterr().err


def test_the_kind_of_evaluation_must_be_said(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["evaluate"])
    assert "see courtscribe evaluate --help" in capsys.readouterr().err
