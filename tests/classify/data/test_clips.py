"""Data sets on disk become labelled clips; related clips share a group."""

from __future__ import annotations

import json
import logging
import re
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classify.data.clips import BadClip, fit_frame, list_clips, load_clips, read_file, read_video, sixteen
from classify.data.layouts import ClipFile, original
from classify.data.spacejam import TEST_LIST
from classify.types import ACTIONS
from ground.errors import InputError


def _write_video(path: Path, frames: int, size: tuple[int, int] = (128, 176), fps: float = 25.0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), fps, size)
    for i in range(frames):
        writer.write(np.full((size[1], size[0], 3), (0, 0, 10 + 10 * i), np.uint8))
    writer.release()


def _spacejam(folder: Path, clips: dict[str, int]) -> Path:
    for name in clips:
        _write_video(folder / "examples" / f"{name}.mp4", 16, fps=10)
    (folder / "annotation_dict.json").write_text(json.dumps(clips))
    names = {str(i): name for i, name in enumerate((*ACTIONS, "discard"))}
    (folder / "labels_dict.json").write_text(json.dumps(names))
    return folder


def test_spacejam_layout_drops_discarded_clips_and_groups_twins(tmp_path: Path) -> None:
    folder = _spacejam(tmp_path, {"0000001": 0, "0000001_flipped": 0, "0000002": 9, "0000003": 10})
    clips = load_clips([folder], ACTIONS)
    assert [(c.label, c.group) for c in clips] == [("block", "0000001"), ("block", "0000001"), ("walk", "0000002")]
    assert all(c.frames.shape == (16, 176, 128, 3) for c in clips)
    red, green, blue = clips[0].frames[8].reshape(-1, 3).mean(0)
    assert red == pytest.approx(90, abs=12) and green < 12 and blue < 12, "RGB, not BGR"


def test_twins_on_the_real_label_file(shared: Path) -> None:
    ids = list(json.loads((shared / "spacejam" / "annotation_dict.json").read_text()))
    groups = Counter(map(original, ids))
    assert len(ids) == 37085 and len(groups) == 32557
    assert sum(n == 2 for n in groups.values()) == 4528


@pytest.mark.slow
def test_real_clips(shared: Path) -> None:
    """All are listed; some of each folder, which one program wrote, are decoded."""
    university = list_clips([shared / "clips" / "university"])
    assert len(university) == 283 and len({c.group for c in university}) == 5
    assert Counter(c.label for c in university)["shoot"] == 29
    mini = list_clips([shared / "clips" / "spacejam_mini"])
    assert len(mini) == 101 and {c.label for c in mini} == set(ACTIONS)
    assert {c.group for c in mini} & {"false_defence_09.npz", "true_block_06.npz"}, "groups are the table's sources"
    for file in (*university[::12], *mini[::8]):
        assert not isinstance(read_file(file), BadClip), file


def test_folder_per_label_with_aliases_and_arrays(tmp_path: Path) -> None:
    for i in range(10):
        _write_video(tmp_path / "shooting" / f"shooting_{i + 1}.mp4", 7, (46, 80))
    (tmp_path / "walk").mkdir()
    frames = np.random.default_rng(0).integers(0, 256, (3, 16, 176, 128, 3), dtype=np.uint8)
    np.save(tmp_path / "walk" / "many.npy", frames)
    np.save(tmp_path / "walk" / "one.npy", frames[0, :9])
    clips = load_clips([tmp_path], ACTIONS)
    assert Counter(c.label for c in clips) == {"shoot": 10, "walk": 4}
    assert [c.name for c in clips[:10]] == [f"shooting_{i + 1}.mp4" for i in range(10)], "by number, not by letter"
    assert [int(c.group[-1]) for c in clips[:10]] == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    np.testing.assert_array_equal(clips[-2].frames, frames[2])
    assert clips[-1].frames.shape == (9, 176, 128, 3)


def test_fast_video_is_thinned_to_the_pace_of_clips(tmp_path: Path) -> None:
    _write_video(tmp_path / "fast.mp4", 20, fps=50)
    frames = read_video(tmp_path / "fast.mp4")
    assert len(frames) == 10
    assert np.allclose(np.diff(frames[..., 0].mean((1, 2))), 20, atol=6)


def test_a_few_bad_clips_are_left_out_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for i in range(12):
        _write_video(tmp_path / "run" / f"{i}.mp4", 4)
    (tmp_path / "run" / "12.mp4").write_bytes(b"no video")
    with caplog.at_level(logging.WARNING, "courtscribe"):
        assert len(load_clips([tmp_path], ACTIONS)) == 12
    assert "12.mp4" in caplog.text


def test_bad_folders_are_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        load_clips([tmp_path / "nowhere"], ACTIONS)
    with pytest.raises(InputError, match="0 of 0 clips"):
        load_clips([tmp_path], ACTIONS)
    (tmp_path / "a" / "run").mkdir(parents=True)
    (tmp_path / "a" / "run" / "1.mp4").write_bytes(b"no video")
    with pytest.raises(InputError, match=r"1 of 1 clips cannot be read.*1\.mp4"):
        load_clips([tmp_path / "a"], ACTIONS)
    np.save(tmp_path / "a" / "run" / "1.npy", np.zeros((2, 16, 10, 10, 3), np.uint8))
    with pytest.raises(InputError, match="2 of 2"):
        load_clips([tmp_path / "a"], ACTIONS)
    (tmp_path / "b" / "juggle").mkdir(parents=True)
    _write_video(tmp_path / "b" / "juggle" / "1.mp4", 4)
    with pytest.raises(InputError, match="juggle is none of the labels"):
        load_clips([tmp_path / "b"], ACTIONS)
    (tmp_path / "annotation_dict.json").write_text("{")
    with pytest.raises(InputError, match="cannot be read as JSON"):
        load_clips([tmp_path], ACTIONS)


def _names_a_csv(tmp_path: Path, *lines: str) -> list[ClipFile]:
    (tmp_path / "clips.csv").write_text("\n".join(lines) + "\n")
    return list_clips([tmp_path / "clips.csv"])


SAVED_AS = {
    "a byte order mark": lambda text: text.encode("utf-8-sig"),
    "two bytes a letter": lambda text: text.encode("utf-16"),
    "Windows' ends of lines": lambda text: text.replace("\n", "\r\n").encode(),
    "semicolons": lambda text: text.replace(",", ";").encode("utf-8-sig"),
    "zeros lost": lambda text: re.sub(r"^0+(?=\d+,)", "", text, flags=re.MULTILINE).encode(),
}


@pytest.mark.parametrize("how", SAVED_AS)
def test_tables_say_the_same_however_they_were_saved(
    tmp_path: Path, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A table of sources that is not understood would tear relatives apart."""
    folder = _spacejam(tmp_path / "sj", {"0000001": 0, "0000001_flipped": 0, "0000002": 9, "0000003": 9})
    table = "clip_id,source\n0000001,game 1\n0000001_flipped,game 1\n0000002,game 1\n0000003,game 2\n"
    csv = "clip,label,split,group\n0000001.mp4,shooting,train,a\n0000002.mp4,run,test,b\n"
    (folder / "clips.csv").write_text(table)
    (folder / TEST_LIST).write_text('["0000003"]')
    (folder / "mine.csv").write_text(csv)
    plain = list_clips([folder, folder / "mine.csv"])
    assert [f.group for f in plain] == ["game 1", "game 1", "game 1", "game 2", "a", "b"]
    for name in ("clips.csv", "mine.csv", "annotation_dict.json", "labels_dict.json", TEST_LIST):
        text = (folder / name).read_text()
        is_table = name.endswith("csv")
        if (how == "zeros lost" and name != "clips.csv") or (how == "semicolons" and not is_table):
            continue
        (folder / name).write_bytes(SAVED_AS[how](text))
    assert list_clips([folder, folder / "mine.csv"]) == plain
    assert not caplog.text


def test_a_table_of_sources_that_leaves_clips_open_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = _spacejam(tmp_path, {"0000001": 0, "0000002": 9, "0000003": 9})
    (folder / "clips.csv").write_text("clip_id,source\n0000001,game 1\n")
    assert [f.group for f in list_clips([folder])] == ["game 1", "0000002", "0000003"]
    assert "names no source of 2 of 3 clips" in caplog.text
    (folder / "clips.csv").write_text("clip,label\n0000001,run\n")
    list_clips([folder])
    assert "has no columns clip_id and source" in caplog.text


def test_what_systems_leave_in_folders_is_passed_over(tmp_path: Path) -> None:
    _write_video(tmp_path / "run" / "1.MP4", 8)
    np.save(tmp_path / "run" / "2.npy", np.zeros((16, 176, 128, 3), np.uint8))
    (tmp_path / "run" / "2.npy").rename(tmp_path / "run" / "2.NPY")
    seen = list_clips([tmp_path])
    assert [f.path.name for f in seen] == ["1.MP4", "2.NPY"]
    for name in ("run/._1.MP4", "run/.2.mp4", "__MACOSX/run/1.mp4", ".hidden/1.mp4", "@eaDir/1.mp4", "run/Thumbs.db"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"\0\5\x16\7")
    (tmp_path / "run" / "folder.mp4").mkdir()
    assert list_clips([tmp_path]) == seen
    assert not any(isinstance(read_file(f), BadClip) for f in seen)


def test_a_csv_names_clips(tmp_path: Path) -> None:
    files = _names_a_csv(
        tmp_path, "split,label,clip", "train,shooting,a/1.mp4", "val,run,a/1_flipped.mp4", ",walk,b/1.mp4"
    )
    assert [(f.label, f.part) for f in files] == [("shoot", "train"), ("run", "validation"), ("walk", "")]
    assert files[0].path == tmp_path / "a" / "1.mp4"
    assert files[0].group == files[1].group != files[2].group, "a twin is its original's, a namesake is not"
    files = _names_a_csv(tmp_path, "clip,label,group", "1.mp4,run,game 7", "2.mp4,run,game 7")
    assert {f.group for f in files} == {"game 7"}


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (("name,what", "1.mp4,run"), "expected a CSV with the columns clip, label, split"),
        (("clip,label",), "expected a CSV"),
        (("clip,label", "1.mp4,run", "2.mp4,"), "line 3: expected a clip and its label, found '2.mp4' and ''"),
        (("clip,label,split", "1.mp4,run,tset"), "line 2: split is train, validation or test, not 'tset'"),
        (("clip,label", "1.mp4,run", "1.mp4,walk"), "more than once"),
    ],
)
def test_bad_csvs_are_said(lines: tuple[str, ...], says: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"clips\.csv.*{says}"):
        _names_a_csv(tmp_path, *lines)


def test_a_csv_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "clips.csv").write_bytes(bytes(range(256)))
    with pytest.raises(InputError, match=r"clips\.csv: is not text"):
        list_clips([tmp_path / "clips.csv"])


def test_folders_that_say_what_to_test_on(tmp_path: Path) -> None:
    for part, label, name in (
        ("train", "run", "1"), ("train", "run", "2_flipped"), ("test", "run", "2"), ("val", "walking", "1"),
    ):  # fmt: skip
        (tmp_path / part / label).mkdir(parents=True, exist_ok=True)
        (tmp_path / part / label / f"{name}.mp4").touch()
    files = {(f.part, f.path.stem): f for f in list_clips([tmp_path])}
    assert set(files) == {("train", "1"), ("train", "2_flipped"), ("test", "2"), ("validation", "1")}
    assert files["train", "2_flipped"].group == files["test", "2"].group != files["train", "1"].group
    assert files["validation", "1"].label == "walk"


def test_a_test_list_that_does_not_fit(tmp_path: Path) -> None:
    folder = _spacejam(tmp_path / "sj", {"0000001": 0, "0000002": 9})
    (tmp_path / "list.json").write_text('["0000002"]')
    assert [f.part for f in list_clips([folder], test_list=tmp_path / "list.json")] == ["", "test"]
    (tmp_path / "list.json").write_text('["0000002", "0000009"]')
    with pytest.raises(InputError, match=r"list\.json: 1 ids such as 0000009 are no clips here"):
        list_clips([folder], test_list=tmp_path / "list.json")
    (folder / TEST_LIST).write_text('{"0000002": 1}')
    with pytest.raises(InputError, match="expected a JSON list of ids"):
        list_clips([folder])
    with pytest.raises(InputError, match=r"nowhere\.json: cannot be read"):
        list_clips([folder], test_list=tmp_path / "nowhere.json")


def test_long_videos_are_not_read_to_the_end(tmp_path: Path) -> None:
    writer = cv2.VideoWriter(str(tmp_path / "long.mp4"), cv2.VideoWriter.fourcc(*"mp4v"), 25, (32, 32))
    for i in range(10_000):
        writer.write(np.full((32, 32, 3), i % 256, np.uint8))
    writer.release()
    outcome = read_file(ClipFile(tmp_path / "long.mp4", "run", "1"))
    assert isinstance(outcome, BadClip) and outcome.reason == "has more than 250 frames, not 2 to 250"
    assert len(read_video(tmp_path / "long.mp4", 3)) == 4


@given(st.integers(1, 300), st.integers(1, 300), st.integers(1, 200), st.integers(1, 200))
def test_any_picture_fits_with_its_aspect_kept(h: int, w: int, height: int, width: int) -> None:
    fitted = fit_frame(np.full((h, w, 3), 255, np.uint8), height, width)
    assert fitted.shape == (height, width, 3)
    rows, columns = np.flatnonzero(fitted.any((1, 2))), np.flatnonzero(fitted.any((0, 2)))
    assert len(rows) == height or len(columns) == width, "as large as possible"
    scale = min(height / h, width / w)
    assert abs(len(rows) - h * scale) <= 1 and abs(len(columns) - w * scale) <= 1
    assert abs((rows[0] + rows[-1]) - (height - 1)) <= 1 and abs((columns[0] + columns[-1]) - (width - 1)) <= 1


@given(st.integers(1, 60), st.integers(0, 20))
def test_sixteen_frames_in_steps_of_one(length: int, start: int) -> None:
    frames = np.arange(length, dtype=np.uint8)
    index = sixteen(frames, min(start, max(0, length - 16)) if length >= 16 else start).astype(int)
    assert len(index) == 16
    assert (np.abs(np.diff(index)) == (1 if length > 1 else 0)).all(), "the pace is kept"
    assert sixteen(frames)[0] == (0 if length < 16 else (length - 16) // 2)


def test_parts_that_number_their_own_clips_are_strangers(tmp_path: Path) -> None:
    """``train/run/0`` and ``test/run/0`` are two clips; ``0_flipped`` says that a name means the same everywhere."""
    for name in ("train/run/0", "train/run/1", "test/run/0", "train/walk/5", "test/walk/5_flipped"):
        path = tmp_path / f"{name}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    groups = {f"{f.part}/{f.label}/{f.path.stem}": f.group for f in list_clips([tmp_path])}
    assert groups["train/run/0"] != groups["test/run/0"]
    assert groups["train/walk/5"] == groups["test/walk/5_flipped"]


def test_one_clip_by_two_names_is_found_out(tmp_path: Path) -> None:
    table = tmp_path / "clips.csv"
    table.write_text("clip,label,split\nrun/1.mp4,run,train\nwalk/../run/1.mp4,run,test\n")
    with pytest.raises(InputError, match="more than once"):
        list_clips([table])
