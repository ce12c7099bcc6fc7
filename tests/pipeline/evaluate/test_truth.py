"""Truths that people wrote: actions beside boxes, and what is wrong with files that are none."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from ground.errors import InputError
from pipeline.evaluate.truth import read_truth_file, read_truth_folder
from tracker.files.mot import read_truth
from tracker.files.track_file import TrackFile

HEAD = "player,action,start_frame,end_frame\n"


def _folder(path: Path, actions: str) -> Path:
    boxes = "".join(f"{frame},{player},10,10,40,90,1,1,1\n" for frame in range(1, 6) for player in (1, 2))
    (path / "gt.txt").write_text(boxes)
    (path / "actions.csv").write_text(actions)
    return path


def test_frames_count_from_one_and_the_last_is_exclusive(tmp_path: Path) -> None:
    truth, actions = read_truth_folder(_folder(tmp_path, HEAD + "1,run,1,3\n2,ball in hand,5,6\n1,unclear,3,4\n"))
    labelled = {(int(p), int(f)): a for p, f, a in zip(truth.track_id, truth.frame_index, actions, strict=True) if a}
    assert labelled == {(1, 0): "run", (1, 1): "run", (1, 2): "unclear", (2, 4): "ball in hand"}


def test_the_real_truth_has_the_frames_that_its_page_tells(shared: Path) -> None:
    _, actions = read_truth_folder(shared / "truth/IND-NYK")
    counts = Counter(actions)
    assert (counts["walk"], counts["defense"], counts["unclear"], counts["pick"]) == (803, 528, 376, 32)


@pytest.mark.parametrize(
    ("actions", "says"),
    [
        ("", "actions.csv: line 1: expected player,action"),
        ("player,action\n", "actions.csv: line 1: expected"),
        (HEAD + "1,run,1\n", "line 2: expected player,action"),
        ("player;action;start_frame;end_frame\n1;run;1;3\n1;run;x;3\n", "line 3: expected"),
        (HEAD + "1,run,1,3\none,run,1,3\n", "line 3: expected player,action"),
        (HEAD + "9,run,1,3\n", "line 2: player 9 has no boxes"),
        (HEAD + "1,run,3,3\n", "line 2: player 1 has no boxes, or frames 3 to 3 are none"),
        (HEAD + "1,run,0,3\n", "frames 0 to 3 are none"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, actions: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        read_truth_folder(_folder(tmp_path, actions))


def test_files_that_are_missing_or_say_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gt\.txt"):
        read_truth_folder(tmp_path)
    _folder(tmp_path, HEAD)
    (tmp_path / "actions.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="is not text"):
        read_truth_folder(tmp_path)
    (tmp_path / "actions.csv").unlink()
    with pytest.raises(InputError, match="cannot be read"):
        read_truth_folder(tmp_path)
    from tracker.files.coco_writer import write_coco

    write_coco(tmp_path / "tracks.json", TrackFile(read_truth(tmp_path / "gt.txt")))
    with pytest.raises(InputError, match="says where players are and not what they do"):
        read_truth_file(tmp_path / "tracks.json")
