"""Pictures and videos that claim to be huge: refused in one line, before memory is taken."""

from __future__ import annotations

import shutil
import struct
import tracemalloc
import zlib
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

import ground.disk.files
import ground.pixels
from ground.disk.files import read_text
from ground.disk.tables import read_rows
from ground.errors import InputError
from ground.video.source import open_video
from pipeline.video.encode import write_video
from tracker.by_hand.rois import read_roi_file
from tracker.detect.training_data import read_image
from tracker.files.formats import read_tracks_file


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _png(width: int, height: int) -> bytes:
    """A whole picture, black and packed 1,000 times; of a huge one the beginning."""
    packer, row = zlib.compressobj(1), b"\0" * (1 + 3 * width)
    rows = b"".join(packer.compress(row) for _ in range(min(height, 2000))) + packer.flush()
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + _chunk(b"IDAT", rows) + _chunk(b"IEND", b"")


@pytest.mark.slow
@pytest.mark.parametrize("size", [(100_000, 100_000), (20_000, 10_000), (2**31 - 1, 2**31 - 1)])
def test_a_picture_that_claims_to_be_huge_is_refused_by_its_header(size: tuple[int, int], tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "a.png").write_bytes(_png(*size) if size[0] < 10**6 else _png(8, 8).replace(
        struct.pack(">II", 8, 8), struct.pack(">II", *size)
    ))  # fmt: skip
    tracemalloc.start()
    for source in (folder, folder / "a.png"):
        with pytest.raises(InputError) as caught, open_video(str(source)) as video:
            list(video)
        assert str(caught.value).isprintable()
    with pytest.raises(InputError):
        read_image(folder / "a.png")
    assert tracemalloc.get_traced_memory()[1] < 20e6
    tracemalloc.stop()


def test_a_picture_of_the_largest_size_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ground.pixels, "MOST_PIXELS", 64 * 48)
    for name, size in (("most", (64, 48)), ("more", (64, 49))):
        (tmp_path / f"{name}.png").write_bytes(_png(*size))
    assert read_image(tmp_path / "most.png").shape == (48, 64, 3)
    with pytest.raises(InputError, match="claims pictures of more than 3,072 pixels"):
        read_image(tmp_path / "more.png")


def test_a_video_that_claims_to_be_huge_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, picture = tmp_path / "v.mp4", np.zeros((48, 64, 3), np.uint8)
    write_video(path, ((i / 25, picture) for i in range(5)), frame_rate=Fraction(25))
    with open_video(str(path)) as video:
        assert len(list(video)) == 5
    claiming = tmp_path / "claiming.mp4"
    shutil.copy(path, claiming)
    monkeypatch.setattr(ground.pixels, "MOST_PIXELS", 64 * 47)
    with pytest.raises(InputError, match=r"claiming.mp4: claims pictures of more than 3,008 pixels"):
        open_video(str(claiming))


def test_a_picture_in_a_video_that_is_larger_than_it_said_is_not_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = tmp_path / "both.mjpeg"
    for side in (48, 128):
        picture = cv2.imencode(".jpg", np.full((side, side, 3), 90, np.uint8))[1].tobytes()
        with both.open("ab") as file:
            file.write(picture * 5)
    for most, number in ((200 * 200, 10), (64 * 64, 5)):
        monkeypatch.setattr("ground.video.stream.opening.MOST_PIXELS", most)
        with open_video(str(both)) as video:
            assert [frame.image.shape for frame in video] == [(48, 48, 3)] * number


@pytest.mark.parametrize("read", [read_text, read_rows, read_tracks_file, read_roi_file])
def test_a_text_that_is_too_long_or_never_ends_is_refused(
    read: Callable[[Path], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ground.disk.files, "MOST_BYTES", 10_000)
    (tmp_path / "long.json").write_text("[" * 10_001, encoding="utf-8")
    for path in (tmp_path / "long.json", Path("/dev/zero")):
        with pytest.raises(InputError, match=r"is larger than .* GB"):
            read(path)
