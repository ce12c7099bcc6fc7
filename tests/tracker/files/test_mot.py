from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ground.errors import InputError
from tracker.files.mot import (
    read_detections,
    read_people,
    read_tracks,
    read_truth,
    write_detections,
    write_tracks,
)
from tracker.types import Detections, Tracks

GOOD = "1,-1,10,20,30,40,0.9,-1,-1,-1\n"


def file_of(folder: Path, text: str) -> Path:
    path = folder / "boxes.txt"
    path.write_text(text)
    return path


@st.composite
def some_tracks(draw: st.DrawFn) -> Tracks:
    keys = draw(st.lists(st.tuples(st.integers(0, 5000), st.integers(1, 99)), unique=True, max_size=12))
    boxes = [
        [x, y, x + w, y + h]
        for x, y, w, h in draw(
            st.lists(
                st.tuples(st.floats(-200, 4000), st.floats(-200, 2000), st.floats(0.5, 900), st.floats(0.5, 900)),
                min_size=len(keys),
                max_size=len(keys),
            )
        )
    ]
    observed = draw(st.lists(st.booleans(), min_size=len(keys), max_size=len(keys)))
    frames, ids = ([k[i] for k in keys] for i in range(2))
    return Tracks.of(frames, ids, boxes, np.where(observed, 0.5, 0), observed)


@pytest.mark.slow
@given(some_tracks())
def test_tracks_round_trip(tmp_path_factory: pytest.TempPathFactory, tracks: Tracks) -> None:
    path = tmp_path_factory.mktemp("mot") / "tracks.txt"
    write_tracks(path, tracks)
    again = read_tracks(path)
    np.testing.assert_array_equal(again.frame_index, tracks.frame_index)
    np.testing.assert_array_equal(again.track_id, tracks.track_id)
    np.testing.assert_array_equal(again.observed, tracks.observed)
    np.testing.assert_allclose(again.xyxy, tracks.xyxy, atol=0.0105)
    first = path.read_text()
    write_tracks(path, again)
    assert path.read_text() == first
    assert [p.name for p in path.parent.iterdir()] == ["tracks.txt"]


def test_detections_round_trip(tmp_path: Path) -> None:
    found = {0: Detections.of([[1, 2, 30, 40], [5, 6, 70, 80]], [0.5, 0.25]), 7: Detections.of([[-5, -6, 7, 8]])}
    write_detections(tmp_path / "det.txt", found)
    again = read_detections(tmp_path / "det.txt")
    assert list(again) == [0, 7]
    for frame, detections in found.items():
        np.testing.assert_allclose(again[frame].xyxy, detections.xyxy)
        np.testing.assert_allclose(again[frame].confidence, detections.confidence)


def test_frames_count_from_1_in_files_and_boxes_are_left_top_width_height(tmp_path: Path) -> None:
    write_tracks(tmp_path / "t.txt", Tracks.of([2], [5], [[10, 20, 40, 60]], [0.9]))
    assert (tmp_path / "t.txt").read_text() == "3,5,10.00,20.00,30.00,40.00,0.9000,-1,-1,-1\n"


@pytest.mark.parametrize("text", ["", "\n \n"])
def test_an_empty_file_is_a_video_without_boxes(tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture) -> None:
    path = file_of(tmp_path, text)
    with caplog.at_level(logging.WARNING):
        assert read_detections(path) == {}
    assert "holds no boxes" in caplog.text
    assert len(read_tracks(path)) == 0
    write_tracks(path, Tracks.empty())
    assert path.read_text() == ""
    write_detections(path, {})
    assert path.read_text() == ""


def test_unsorted_and_split_frames_blank_lines_and_short_rows(tmp_path: Path) -> None:
    text = "5,-1,1,1,9,9,0.5\n\n2,-1,2,2,9,9\r\n5,-1,3,3,9,9,0.7,-1,-1,-1\n2,-1,-40,9000,9,9,1\n"
    found = read_detections(file_of(tmp_path, text))
    assert list(found) == [1, 4]
    assert found[1].xyxy[:, 0].tolist() == [2, -40]
    assert found[4].xyxy[:, 0].tolist() == [1, 3]
    np.testing.assert_allclose(found[1].confidence, 1)


FAULTS = [
    ("1,-1,10,20,nan,40,0.9,-1,-1,-1", "not finite"),
    ("1,-1,10,20,inf,40,0.9,-1,-1,-1", "not finite"),
    ("1,-1,10,20,0,40,0.9,-1,-1,-1", "zero or negative size"),
    ("1,-1,10,20,30,-4,0.9,-1,-1,-1", "zero or negative size"),
    ("1,-1,100000,20,1e-9,4,0.9,-1,-1,-1", "too small"),
    ("1,-1,1e300,20,30,4,0.9,-1,-1,-1", "million pixels"),
    ("0,-1,10,20,30,40,0.9,-1,-1,-1", "frame number"),
    ("-3,-1,10,20,30,40,0.9,-1,-1,-1", "frame number"),
    ("1.5,-1,10,20,30,40,0.9,-1,-1,-1", "frame number"),
    ("99999999999,-1,10,20,30,40,0.9,-1,-1,-1", "frame number"),
    ("1,4,10,20,30,40,0.9,-1,-1,-1", "has an identity"),
    ("player one ran", "expected frame,id,left,top,width,height,confidence, not 'player one ran'"),
    ("1,-1,10,20", "expected frame"),
    ("1,-1,10,20,thirty,40,0.9", "expected frame"),
    ("1 -1 10 20 30 40 0.9", "expected frame"),
    ("1,-1,10,20,30,40,1e300", "confidence"),
    ("1,-1,10,20,30,40," + "9" * 5000, "not finite"),
]


@pytest.mark.parametrize(("line", "fault"), FAULTS)
def test_a_wrong_line_is_named(tmp_path: Path, line: str, fault: str) -> None:
    path = file_of(tmp_path, GOOD + "\n" + GOOD + line + "\n" + GOOD)
    with pytest.raises(InputError, match=fault) as error:
        read_detections(path)
    assert str(error.value).startswith(f"{path}, line 4: ")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("line", "fault"),
    [(GOOD, "no identity"), ("1,7,1,1,9,9,1\n", "repeats an identity"), ("1,2.5,1,1,9,9,1\n", "whole number")],
)
def test_a_wrong_line_of_tracks_is_named(tmp_path: Path, line: str, fault: str) -> None:
    path = file_of(tmp_path, "1,7,10,20,30,40,0.9\n" + line)
    with pytest.raises(InputError, match=rf"line 2: .*{fault}"):
        read_tracks(path)


def test_files_that_are_none(tmp_path: Path) -> None:
    binary = tmp_path / "video.mp4"
    binary.write_bytes(bytes(range(256)))
    with pytest.raises(InputError, match="is not text"):
        read_detections(binary)
    with pytest.raises(InputError, match=r"nowhere.txt: cannot be read \(No such file"):
        read_detections(tmp_path / "nowhere.txt")
    with pytest.raises(InputError, match="cannot be written"):
        write_tracks(binary / "no_folder.txt", Tracks.empty())
    write_tracks(tmp_path / "new" / "folder.txt", Tracks.empty())
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize(
    "text",
    [
        "1,7,10.5,20,30,40,0.5,-1,-1,-1\n2,7,10,20,30,40,0.25,-1,-1,-1\n",
        "frame,id,left,top,width,height,confidence\r\n1,7,10.5,20,30,40,0.5\r\n2,7,10,20,30,40,0.25\r\n",
        "1;7;10,5;20;30;40;0,5;-1;-1;-1\n2;7;10;20;30;40;0,25;-1;-1;-1\n",
        "sep=;\n1;7;10,5;20;30;40;0,5\n2;7;10;20;30;40;0,25\n",
        "1\t7\t10.5\t20\t30\t40\t0.5\n2\t7\t10\t20\t30\t40\t0.25\n",
        "1 7 10.5 20 30 40 0.5 -1 -1 -1 \n2 7 10 20 30 40 0.25 -1 -1 -1 \n",
        "1,7,10.5,20,30,40,0.5,1,1,1\n2,7,10,20,30,40,0.25,1,1,1\n",
        "1,7,10.5,20,30,40,0.5,0,0.87\n2,7,10,20,30,40,0.25,0,0.87\n",
        "1,7,10.5,20,30,40,0.5,-0.2,3.5,0\n2,7,10,20,30,40,0.25,1.5,2,0\n",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_tracks_say_the_same_however_they_are_written(tmp_path: Path, text: str, encoding: str) -> None:
    """MOTChallenge, spreadsheets of several countries, TrackEval, boxmot, places in the world."""
    path = tmp_path / "a.txt"
    path.write_bytes(text.encode(encoding))
    tracks, notes = read_people(path)
    assert tracks.frame_index.tolist() == [0, 1] and tracks.track_id.tolist() == [7, 7] and not notes
    assert tracks.xyxy[0].tolist() == [10.5, 20, 40.5, 60] and tracks.confidence.tolist() == [0.5, 0.25]


def test_of_a_file_with_classes_only_people_are_read(tmp_path: Path) -> None:
    path = file_of(tmp_path, "1,1,10,20,30,40,1,1,1\n1,2,10,20,9,9,1,2,1\n1,3,10,20,9,9,1,2,1\n")
    tracks, notes = read_people(path)
    assert tracks.ids.tolist() == [1] and notes == ("only 1 are followed, left out: 2 (2)",)
    assert read_people(path, ["2"])[0].ids.tolist() == [2, 3]
    (tmp_path / "labels.txt").write_text("ball\nplayer\n")
    tracks, notes = read_people(path)
    assert tracks.ids.tolist() == [2, 3] and notes == ("only player are followed, left out: ball (1)",)
    assert read_people(path, ["Ball"])[0].ids.tolist() == [1]
    assert read_truth(path).ids.tolist() == [2, 3], "truth heeds the names, too"
    with pytest.raises(InputError, match="has no class 'hoop'; there is ball, player"):
        read_people(path, ["hoop"])
    (tmp_path / "labels.txt").unlink()
    assert read_truth(path).ids.tolist() == [1]
    with pytest.raises(InputError, match="classes 5, 9, none of them a person's; choose some") as error:
        read_people(file_of(tmp_path, "1,1,10,20,30,40,1,9,1\n1,2,10,20,9,9,1,5,1\n"))
    assert error.value.setting == "detector.classes"


def test_truth_leaves_out_what_is_marked_as_not_counting(tmp_path: Path) -> None:
    path = file_of(tmp_path, "1,1,10,20,30,40,1,1,1\n1,2,10,20,30,40,0,1,1\n")
    assert read_truth(path).track_id.tolist() == [1]
    assert read_tracks(path).observed.tolist() == [True, False]
