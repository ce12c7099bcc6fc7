"""Folders of pictures: which of them are one video, in which order, how fast."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ground.errors import InputError
from ground.video.sequence import find_sequence
from ground.video.source import open_video


def write_images(folder: Path, names: list[str], shape: tuple[int, int] = (8, 6)) -> Path:
    """Pictures whose blue is ten times their place in ``names``."""
    folder.mkdir(parents=True, exist_ok=True)
    for i, name in enumerate(names):
        cv2.imwrite(str(folder / name), np.full((*shape, 3), (10 * i, 0, 255), np.uint8))
    return folder


def write_sequence_file(folder: Path, rate: str = "20", **others: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    fields = {"name": "a", "imDir": "img1", "frameRate": rate, "imExt": ".png"} | others
    text = "\r\n".join(["[Sequence]", *(f"{key}={value}" for key, value in fields.items())])
    (folder / "seqinfo.ini").write_bytes(b"\xef\xbb\xbf" + text.encode())
    return folder


def test_a_directory_of_images_is_a_video(tmp_path: Path) -> None:
    folder = write_images(tmp_path / "images", [f"frame_{i}.png" for i in range(12)])
    (folder / "readme.txt").write_text("not an image")
    for name in ("._frame_0.png", ".hidden.png", "Thumbs.db"):
        (folder / name).write_bytes(b"\0\5\x16\7")
    with open_video(folder, 0.2, 0.9, image_rate=10) as video:
        frames = list(video)
    assert [(f.index, f.time) for f in frames] == [(i, i / 10) for i in range(2, 9)]
    assert [f.image[0, 0].tolist() for f in frames] == [[255, 0, 10 * i] for i in range(2, 9)]
    assert video.info.duration == 1.2 and not frames[0].image.flags.writeable and not video.notes


def test_images_of_another_size_are_named(tmp_path: Path) -> None:
    folder = write_images(tmp_path, ["frame_0.png", "frame_1.png"])
    cv2.imwrite(str(folder / "frame_2.png"), np.zeros((8, 7, 3), np.uint8))
    with pytest.raises(InputError, match=r"frame_2\.png: is 7x8, but the first image is 6x8"):
        list(open_video(folder))


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp", ".tif", ".webp"])
@pytest.mark.parametrize("kept", [0.0, 0.3, 0.7])
def test_pictures_that_are_cut_off_are_left_out_and_keep_their_place(tmp_path: Path, suffix: str, kept: float) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    for i in range(5):
        cv2.imwrite(str(tmp_path / f"frame_{i}{suffix}"), noise)
    for i in (0, 3):
        data = (tmp_path / f"frame_{i}{suffix}").read_bytes()
        (tmp_path / f"frame_{i}{suffix}").write_bytes(data[: int(len(data) * kept)])
    with open_video(tmp_path) as video:
        frames = list(video)
    assert [f.index for f in frames] == [1, 2, 4]
    assert video.notes == [f"pictures that cannot be read and are left out: 2, the first is frame_0{suffix}"]


def test_nothing_that_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "frame_0.png").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"frame_0\.png: not a readable image"):
        open_video(tmp_path)


def test_grey_deep_transparent_and_turned_pictures(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "1.png"), np.full((8, 6), 100, np.uint8))
    cv2.imwrite(str(tmp_path / "2.png"), np.full((8, 6, 3), 100 * 257, np.uint16))
    cv2.imwrite(str(tmp_path / "3.png"), np.full((8, 6, 4), 100, np.uint8))
    ok, jpeg = cv2.imencode(".jpg", np.full((6, 8, 3), 100, np.uint8))
    assert ok  # a phone's: stored lying, shown upright
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    data = jpeg.tobytes()
    (tmp_path / "4.jpg").write_bytes(data[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + data[2:])
    with open_video(tmp_path) as video:
        assert [f.image.shape for f in video] == [(8, 6, 3)] * 4
        assert all(np.abs(f.image.astype(int) - 100).max() <= 1 for f in video)


# MOTChallenge's sequences


@pytest.mark.parametrize("given_name", ["seq", "seq/img1"])
def test_a_sequence_file_is_heeded(tmp_path: Path, given_name: str) -> None:
    write_images(write_sequence_file(tmp_path / "seq") / "img1", [f"{i:06d}.png" for i in range(1, 5)])
    with open_video(tmp_path / given_name) as video:
        assert [f.time for f in video] == [0, 0.05, 0.1, 0.15]
    with open_video(tmp_path / given_name, image_rate=10) as video:
        assert video.info.frame_rate == 10, "who is asked for wins"


def test_a_sequence_file_says_which_pictures(tmp_path: Path) -> None:
    write_sequence_file(tmp_path, rate="30000/1001", imDir="frames", imExt=".png")
    write_images(tmp_path / "frames", ["1.png", "1.jpg", "2.png"])
    with open_video(tmp_path) as video:
        assert video.info.num_frames_claimed == 2 and float(video.info.frame_rate) == pytest.approx(29.97, rel=1e-4)


@pytest.mark.parametrize("rate", ["0", "-5", "nan", "inf", "1e400", "fast", "1/0", "٣٠x"])
def test_a_sequence_file_that_cannot_be_meant(tmp_path: Path, rate: str) -> None:
    write_images(write_sequence_file(tmp_path, rate) / "img1", ["1.png"])
    with pytest.raises(InputError, match=r"seqinfo\.ini: frameRate is a number"):
        open_video(tmp_path)


@pytest.mark.parametrize("folder", ["..", "../other", "/etc", "a/b"])
def test_a_sequence_file_that_points_elsewhere(tmp_path: Path, folder: str) -> None:
    write_images(write_sequence_file(tmp_path / "seq", imDir=folder), ["1.png"])
    write_images(tmp_path / "other", ["1.png"])
    with pytest.raises(InputError, match="imDir is the name of a folder"):
        open_video(tmp_path / "seq")


def test_the_folder_that_has_the_pictures_is_named(tmp_path: Path) -> None:
    write_images(tmp_path / "video" / "frames", ["1.png"])
    with pytest.raises(InputError, match=r"holds no images .*frames does"):
        open_video(tmp_path / "video")


# What belongs together

SEVERAL = [
    ["game_1.png", "game_2.png", "warmup_1.png", "warmup_2.png"],
    ["cam1_0001.png", "cam1_0002.png", "cam2_0001.png", "cam2_0002.png"],
    ["1.png", "2.png", "a_1.png", "a_2.png"],
    ["0001.jpg", "0002.jpg", "0001.png", "0002.png"],
    ["1_left.png", "2_left.png", "1_right.png", "2_right.png"],
]
ONE = [
    ["frame_9.png", "frame_10.png", "frame_11.jpg"],
    ["Frame_0001.JPG", "frame_0002.jpg", "frame_3.jpg"],
    ["shot 12.03.58.png", "shot 12.03.59.png", "shot 12.04.00.png", "shot 12.04.01.png"],
    ["0.000.png", "0.033.png", "0.067.png", "1.000.png", "1.033.png"],
    ["first.png", "second.png", "third.png"],
    ["1 (9).png", "1 (10).png", "1 (11).png"],
]


@pytest.mark.parametrize("names", SEVERAL)
def test_two_sequences_are_told_apart(tmp_path: Path, names: list[str]) -> None:
    folder = write_images(tmp_path / "d", names)
    with pytest.raises(InputError, match="more than one sequence") as error:
        open_video(folder)
    pattern = str(error.value).split("'")[1]
    with open_video(pattern) as video:
        assert [round(f.image[0, 0, 2] / 10) for f in video] == [0, 1]
    with open_video(folder / "*") as video:
        assert sum(1 for _ in video) == 4


@pytest.mark.parametrize("names", ONE)
def test_one_sequence_in_its_order(tmp_path: Path, names: list[str]) -> None:
    with open_video(write_images(tmp_path, names)) as video:
        assert [round(f.image[0, 0, 2] / 10) for f in video] == list(range(len(names))) and not video.notes


@pytest.mark.slow
@settings(deadline=None, max_examples=40)
@given(st.integers(0, 9000), st.integers(2, 400), st.sampled_from([0, 4, 8]), st.sampled_from(["", "a", "v2_", "7-"]))
def test_any_numbering_is_one_sequence(
    tmp_path_factory: pytest.TempPathFactory, first: int, num: int, width: int, prefix: str
) -> None:
    folder = tmp_path_factory.mktemp("d")
    names = [f"{prefix}{i:0{width}d}.png" for i in range(first, first + num)]
    for name in names:
        (folder / name).touch()
    found = find_sequence(folder, None)
    assert [path.name for path in found.images] == names and not found.notes


def test_gaps_and_strays_are_said(tmp_path: Path) -> None:
    with open_video(write_images(tmp_path, ["a_1.png", "a_2.png", "a_3.png", "a_7.png", "cover.png"])) as video:
        assert sum(1 for _ in video) == 4
    assert video.notes == [
        "pictures that are not of the sequence and left out: 1, such as cover.png",
        "numbers that are missing between the pictures: 3, the first after a_3.png",
    ]


def test_ffmpegs_way_to_name_pictures(tmp_path: Path) -> None:
    write_images(tmp_path, ["a_01.png", "a_02.png", "b_01.png"])
    with open_video(tmp_path / "a_%02d.png") as video:
        assert sum(1 for _ in video) == 2
    with pytest.raises(InputError, match="no picture has such a name"):
        open_video(tmp_path / "c_*.png")


def test_rates_that_cannot_be_meant(tmp_path: Path) -> None:
    folder = write_images(tmp_path, ["1.png"])
    for rate in (0, -1, float("nan"), float("inf"), 1e9):
        with pytest.raises(InputError, match="a frame rate is"):
            open_video(folder, image_rate=rate)
