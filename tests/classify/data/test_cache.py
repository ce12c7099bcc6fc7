"""Decoded clips on disk are what decoding gives, are found again, and are never stale."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

import classify.data.cache
import classify.data.cache_room
from classify.data.cache import cache_folder, cached_clips, shrink
from classify.data.clips import digest_of, list_clips, read_video
from classify.data.layouts import ClipFile
from classify.networks.preprocess import to_unit
from classify.networks.profile import Profile
from ground.errors import InputError

SIZE = (112, 80)


def _write_video(path: Path, frames: int, shade: int = 100) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 25, (128, 176))
    for i in range(frames):
        picture = np.full((176, 128, 3), shade, np.uint8)
        picture[10 * i % 150 :][:20, 30:90] = 255
        writer.write(picture)
    writer.release()


@pytest.fixture
def files(tmp_path: Path) -> list[ClipFile]:
    """Four videos of different lengths, a broken one, a missing one and an array of two clips."""
    for i, frames in enumerate((16, 7, 16, 30)):
        _write_video(tmp_path / "data" / f"{i}.mp4", frames, 40 * i)
    (tmp_path / "data" / "4.mp4").write_bytes(b"no video")
    array = np.random.default_rng(0).integers(0, 256, (2, 16, 176, 128, 3), dtype=np.uint8)
    np.save(tmp_path / "data" / "6.npy", array)
    names = ["0.mp4", "1.mp4", "2.mp4", "3.mp4", "4.mp4", "5.mp4", "6.npy"]
    return [ClipFile(tmp_path / "data" / name, "run", name) for name in names]


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classify.data.cache, "CHUNK", 3)


def test_cached_clips_are_the_decoded_ones_at_the_networks_size(files: list[ClipFile], tmp_path: Path) -> None:
    cached = cached_clips(files, SIZE, tmp_path / "cache")
    assert [len(clips) for clips in cached.by_file] == [1, 1, 1, 1, 0, 0, 2]
    assert [(b.path.name, b.kind) for b in cached.bad] == [("4.mp4", "unreadable"), ("5.mp4", "missing")]
    for file, clips in zip(files[:4], cached.by_file, strict=False):
        np.testing.assert_array_equal(clips[0].frames, shrink(read_video(file.path), SIZE))
        assert (clips[0].label, clips[0].group, clips[0].name) == (file.label, file.group, file.path.name)
    np.testing.assert_array_equal(cached.by_file[6][1].frames, shrink(np.load(files[6].path)[1], SIZE))
    assert not cached.by_file[0][0].frames.flags.owndata, "mapped, not read into memory"
    whole = cached_clips(files[:1], (176, 128), tmp_path / "cache").by_file[0][0]
    np.testing.assert_array_equal(whole.frames, read_video(files[0].path))


def test_shrinking_is_what_the_network_would_have_seen(files: list[ClipFile]) -> None:
    frames, profile = read_video(files[0].path), Profile(*SIZE)
    small = to_unit(shrink(frames, SIZE)[None], profile)
    assert (small == to_unit(frames[None], profile)).all()


def test_a_cache_is_used_again_and_only_for_the_same_files(
    files: list[ClipFile], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[str] = []
    read = classify.data.cache.read_file
    monkeypatch.setattr(classify.data.cache, "read_file", lambda f: (decoded.append(f.path.name), read(f))[1])
    first = cached_clips(files, SIZE, tmp_path / "cache")
    assert len(decoded) == 7
    again = cached_clips(files, SIZE, tmp_path / "cache")
    assert len(decoded) == 7
    np.testing.assert_array_equal(again.by_file[3][0].frames, first.by_file[3][0].frames)
    assert again.bad == first.bad
    for path in {f.path.parent for f in files}:
        shutil.copytree(path, tmp_path / "moved")
    moved = [replace(f, path=tmp_path / "moved" / f.path.name) for f in files]
    assert [b.path for b in cached_clips(moved, SIZE, tmp_path / "cache").bad] == [moved[4].path, moved[5].path]
    assert len(decoded) == 7, "the same clips in another place"
    _write_video(files[3].path, 16, 250)
    changed = cached_clips(files, SIZE, tmp_path / "cache")
    assert sorted(decoded[7:]) == ["3.mp4", "4.mp4", "5.mp4"], "the chunk that the changed file is in"
    assert len(changed.by_file[3][0].frames) == 16 and changed.by_file[3][0].frames.mean() > 200
    _write_video(files[5].path, 16)
    assert len(cached_clips(files, SIZE, tmp_path / "cache").by_file[5]) == 1, "what was missing has come"
    cached_clips(files, (88, 64), tmp_path / "cache")
    assert len(decoded) == 7 + 3 + 3 + 7, "another size is another cache"


def test_labels_and_groups_are_the_files_not_the_caches(files: list[ClipFile], tmp_path: Path) -> None:
    cached_clips(files[:1], SIZE, tmp_path / "cache")
    renamed = [ClipFile(files[0].path, "walk", "else")]
    clip = cached_clips(renamed, SIZE, tmp_path / "cache").by_file[0][0]
    assert (clip.label, clip.group) == ("walk", "else")


@pytest.mark.parametrize("kept", [0, 3, 40, -1, -30, -80])
def test_a_damaged_chunk_is_made_again(files: list[ClipFile], tmp_path: Path, kept: int) -> None:
    whole = cached_clips(files[:2], SIZE, tmp_path).by_file[0][0].frames.copy()
    chunk = next(tmp_path.glob("*.clips"))
    chunk.write_bytes(chunk.read_bytes()[:kept])
    np.testing.assert_array_equal(cached_clips(files[:2], SIZE, tmp_path).by_file[0][0].frames, whole)
    assert not list(tmp_path.glob("*.part"))


def test_pixels_that_change_under_an_old_name_are_noticed(files: list[ClipFile], tmp_path: Path) -> None:
    array = np.zeros((16, 176, 128, 3), np.uint8)
    file = replace(files[6], path=tmp_path / "a.npy")
    digests: list[str] = []
    for value in (1, 2):
        array[5, 100, 60] = value
        np.save(file.path, array)
        os.utime(file.path, ns=(1, 1))
        (clip,) = cached_clips([file], (176, 128), tmp_path / "cache").by_file[0]
        assert clip.frames[5, 100, 60, 0] == value
        assert clip.digest == digest_of(array)
        digests.append(clip.digest)
    assert digests[0] != digests[1]


def _age(path: Path, days: float) -> None:
    when = time.time() - days * 86400
    os.utime(path, (when, when))


def test_what_nobody_uses_makes_room(files: list[ClipFile], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cached_clips(files[:1], SIZE, tmp_path)
    (first,) = tmp_path.glob("*.clips")
    size = first.stat().st_size
    for name in ("notes.clips", "0" * 32 + ".json", "thesis.txt"):
        (tmp_path / name).write_text("years of work")
        _age(tmp_path / name, 400)
    left = tmp_path / ".courtscribe-1-abc.part"
    left.write_text("of a killed process")
    for end in (".frames", ".json"):
        (tmp_path / ("1" * 32 + end)).write_text("of an earlier version")
    _age(left, 2)
    cached_clips(files[1:2], SIZE, tmp_path)
    assert len(list(tmp_path.glob("*.clips"))) == 3 and not left.exists() and not list(tmp_path.glob("1*"))
    _age(first, 31)
    cached_clips(files[1:2], SIZE, tmp_path)
    assert not first.exists(), "for a month"
    monkeypatch.setattr(classify.data.cache_room, "LIMIT", 2 * size)
    held = cached_clips(files[:1], SIZE, tmp_path)
    _age(first, 1)
    cached_clips(files[2:3], SIZE, tmp_path)
    assert not first.exists(), "the one that was used longest ago"
    assert held.by_file[0][0].frames.mean() > 0, "whoever has it mapped goes on reading it"
    assert {"notes.clips", "0" * 32 + ".json", "thesis.txt"} < {p.name for p in tmp_path.iterdir()}, "not ours"


def share(data: Path, cache: Path, order: int) -> None:
    """Use a cache in which each removes all that the other does not look at."""
    files = list_clips([data], {})
    for turn in range(8):
        some = files[(turn + order) % 3 :: 2]
        found = cached_clips(some, (22, 16), cache)
        for file, clips in zip(some, found.by_file, strict=True):
            assert [c.frames.shape for c in clips] == [(int(file.path.stem), 22, 16, 3)], (file, clips)
            assert all(c.digest == digest_of(c.frames) for c in clips)


_SHARING = """
import sys
from pathlib import Path
import classify.data.cache_room, classify.data.cache
from tests.classify.data.test_cache import share

classify.data.cache.CHUNK, classify.data.cache_room.LIMIT = 2, 1
print("ready", flush=True)
share(Path(sys.argv[1]), Path(sys.argv[2]), 1)
"""


@pytest.mark.slow
def test_two_processes_on_one_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """This one, and another that has loaded all it needs by then."""
    monkeypatch.setattr(classify.data.cache, "CHUNK", 2)
    monkeypatch.setattr(classify.data.cache_room, "LIMIT", 1)
    for length in range(4, 12):
        _write_video(tmp_path / "data" / "run" / f"{length}.mp4", length, 20 * length)
    (tmp_path / "share.py").write_text(_SHARING)
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3]), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(tmp_path / "share.py"), str(tmp_path / "data"), str(tmp_path / "cache")]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, env=environment, text=True, **pipes) as other:
        assert other.stdout is not None and other.stdout.readline() == "ready\n"
        share(tmp_path / "data", tmp_path / "cache", 0)
        _, error = other.communicate(timeout=300)
    assert other.returncode == 0, error[-2000:]


def test_a_disk_that_fills_is_said_and_finished_chunks_stay(
    files: list[ClipFile], tmp_path: Path, files_at_most: Callable[[int], AbstractContextManager[None]]
) -> None:
    order = [files[1], *files[2:]]
    folder = tmp_path / "cache"
    one_chunk = cached_clips(order[:3], SIZE, folder)
    assert len(list(folder.glob("*.clips"))) == 1
    with files_at_most(500_000), pytest.raises(InputError, match=r"cannot be written .*another place"):
        cached_clips(order, SIZE, folder)
    assert len(list(folder.glob("*.clips"))) == 1 and not list(folder.glob("*.part"))
    np.testing.assert_array_equal(
        cached_clips(order[:3], SIZE, folder).by_file[0][0].frames, one_chunk.by_file[0][0].frames
    )


def test_too_little_room_is_said_before_anything_is_decoded(
    files: list[ClipFile], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(classify.data.cache_room, "_SPARE", 1 << 60)
    with pytest.raises(InputError, match=r"GB are free; free some space or choose another place") as caught:
        cached_clips(files, SIZE, tmp_path / "cache")
    assert caught.value.setting == "cache"
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="cannot be written"):
        cached_clips(files, SIZE, tmp_path / "file" / "cache")


def test_the_cache_folder_can_be_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("COURTSCRIBE_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path / "clips"
