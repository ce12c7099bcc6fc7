"""A fingerprint tells videos apart by what is in them and not by where they are."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from ground.video.fingerprint import fingerprint
from ground.video.source import open_video


def test_a_moved_copy_is_the_same_and_any_change_at_either_end_another(tmp_path: Path) -> None:
    content = np.random.default_rng(0).bytes(3 << 20)
    (tmp_path / "a").write_bytes(content)
    shutil.copy(tmp_path / "a", tmp_path / "b")
    mine = fingerprint(tmp_path / "a")
    assert len(mine) == 64 and fingerprint(str(tmp_path / "b")) == mine
    for changed in (content[:-1] + bytes([content[-1] ^ 1]), bytes([content[0] ^ 1]) + content[1:], content + b"x"):
        (tmp_path / "b").write_bytes(changed)
        assert fingerprint(tmp_path / "b") != mine
    assert fingerprint(tmp_path / "none") == fingerprint("rtsp://camera/1") == ""


def test_pictures_are_the_same_by_folder_and_by_pattern(tmp_path: Path) -> None:
    for i in range(3):
        cv2.imwrite(str(tmp_path / f"game_{i:03d}.png"), np.full((8, 8, 3), i, np.uint8))
    (tmp_path / "._game_000.png").write_bytes(b"left by a system")
    mine = fingerprint(tmp_path)
    assert mine and fingerprint(tmp_path / "game_*.png") == fingerprint(tmp_path / "game_%03d.png") == mine
    (tmp_path / "game_002.png").unlink()
    assert fingerprint(tmp_path) != mine


def test_a_rate_for_pictures_is_no_rate_for_a_video(shared: Path) -> None:
    path = shared / "videos/nbaction_3.mov"
    with open_video(path, image_rate=5) as video, open_video(path) as plain:
        assert video.info.frame_rate == plain.info.frame_rate
        assert any("frame rate given is left out" in note for note in video.notes)
        for _ in video:
            pass
        assert any("frame rate given is left out" in note for note in video.notes)


@pytest.mark.parametrize("rate", [0, -1, float("nan")])
def test_no_rate_is_one_line(tmp_path: Path, rate: float) -> None:
    from ground.errors import InputError

    with pytest.raises(InputError, match=r"^[^\n]+$"):
        open_video(tmp_path, image_rate=rate)
