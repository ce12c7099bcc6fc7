"""Decoded clips on disk as plain bytes, at the size that a network reads: decoded once, then mapped into memory.

All of SpaceJam is 40 GB at 176x128 and 16 GB at 112x80, so nothing is held in memory but what is being looked at. A
cache is kept in chunks, each a file of frames and a JSON that says what is in them. A chunk's name is a digest of its
clips' paths, sizes and dates, and of the size of pictures: when anything changes, it has another name, and a
stale chunk is never found. A chunk without its JSON was not finished and is made again.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional
from tqdm import tqdm

from classify.clip_files import ClipFile
from classify.clips import BadClip, Frames, LabelledClip, read_file
from classify.types import CLIP_LENGTH
from ground import cache
from ground.ahead import ahead
from ground.errors import InputError

CHUNK = 512
"""Files in a chunk. Raising it means more to decode again after a kill or a change, and fewer files in the cache."""

_FORMAT = "1"
"""Changes when the same clips would be decoded or scaled in another way."""
_SPARE = 64 << 20
"""Bytes that must stay free on the disk."""

_log = logging.getLogger("courtscribe")


@dataclass(frozen=True, slots=True, eq=False)
class CachedClips:
    """Decoded clips of a sequence of files."""

    by_file: list[list[LabelledClip]]
    """In the order of the files; none for a bad one, many for an array of many. Frames are mapped from the disk."""
    bad: list[BadClip]


def cache_folder() -> Path:
    """Where decoded clips are kept: ``COURTSCRIBE_CACHE`` or the user's cache folder, in ``clips``."""
    return cache.cache_folder() / "clips"


def cached_clips(files: Sequence[ClipFile], size: tuple[int, int], folder: Path, threads: int = 4) -> CachedClips:
    """The clips in ``files``, pictures scaled to ``size`` (height, width), decoded unless ``folder`` has them already.

    threads: how many files are decoded at once.
    Raises InputError when the cache cannot be written, a full disk included; what was decoded until then is kept.
    """
    chunks = [files[i : i + CHUNK] for i in range(0, len(files), CHUNK)]
    paths = [folder / f"{_digest(chunk, size)}.frames" for chunk in chunks]
    missing = [i for i, path in enumerate(paths) if not _described(path).is_file()]
    if missing:
        _make_room(folder, sum(len(chunks[i]) for i in missing), size)
        with tqdm(total=sum(len(chunks[i]) for i in missing), desc="decode", unit=" clips", disable=_no_bars()) as bar:
            for i in missing:
                _write_chunk(paths[i], chunks[i], size, threads, bar)
    by_file: list[list[LabelledClip]] = []
    bad: list[BadClip] = []
    for path, chunk in zip(paths, chunks, strict=True):
        _open_chunk(path, chunk, by_file, bad)
    return CachedClips(by_file, bad)


def shrink(frames: Frames, size: tuple[int, int]) -> Frames:
    """uint8 (T, H, W, 3) -> (T, height, width, 3), bit for bit as ``classify.preprocess.to_unit`` scales on a CPU."""
    if frames.shape[1:3] == size:
        return frames
    x = torch.tensor(frames).permute(0, 3, 1, 2)
    scaled = functional.interpolate(x, size, mode="bilinear", antialias=True)
    return np.ascontiguousarray(scaled.permute(0, 2, 3, 1).numpy())


def _digest(files: Sequence[ClipFile], size: tuple[int, int]) -> str:
    told = hashlib.sha256(f"{_FORMAT} {size}".encode())
    for file in files:
        try:
            stat = file.path.stat()
            state = f"{stat.st_size} {stat.st_mtime_ns}"
        except OSError:
            state = "missing"
        told.update(f"\n{file.path.absolute()} {file.length} {state}".encode())
    return told.hexdigest()[:32]


def _described(path: Path) -> Path:
    return path.with_suffix(".json")


def _make_room(folder: Path, number: int, size: tuple[int, int]) -> None:
    """Raises InputError before an hour is spent on decoding what does not fit."""
    needed = number * CLIP_LENGTH * size[0] * size[1] * 3
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise _unwritable(folder, error) from error
    if needed + _SPARE > free:
        raise InputError(
            f"{folder}: decoded clips take about {needed / 1e9:.1f} GB and {free / 1e9:.1f} GB are free; "
            "free some space or choose another place with --cache"
        )
    _log.info("decoding %d clips into %s, about %.1f GB", number, folder, needed / 1e9)


def _unwritable(path: Path, error: OSError) -> InputError:
    return InputError(
        f"{path}: cannot be written ({error.strerror}); free some space or choose another place with --cache"
    )


def _write_chunk(path: Path, files: Sequence[ClipFile], size: tuple[int, int], threads: int, bar: Any) -> None:
    """Decode ``files`` into ``path``; its description is written last, so that half a chunk is not taken for one."""
    part = path.with_suffix(f".{os.getpid()}.part")
    try:
        with part.open("wb") as output:
            description = [_append(output, outcome, bar) for outcome in _decoded(files, size, threads)]
        part.replace(path)
        part.write_text(json.dumps({"size": size, "files": description}), encoding="utf-8")
        part.replace(_described(path))
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def _decoded(files: Sequence[ClipFile], size: tuple[int, int], threads: int) -> Iterator[list[LabelledClip] | BadClip]:
    return ahead(partial(_read, size=size), files, threads)


def _read(file: ClipFile, size: tuple[int, int]) -> list[LabelledClip] | BadClip:
    clips = read_file(file)
    if isinstance(clips, BadClip):
        return clips
    return [LabelledClip(c.name, c.label, c.group, shrink(c.frames, size)) for c in clips]


def _append(output: Any, outcome: list[LabelledClip] | BadClip, bar: Any) -> dict[str, Any]:
    bar.update(1)
    if isinstance(outcome, BadClip):
        return {"kind": outcome.kind, "reason": outcome.reason}
    for clip in outcome:
        output.write(np.ascontiguousarray(clip.frames).data)
    return {"names": [clip.name for clip in outcome], "lengths": [len(clip.frames) for clip in outcome]}


def _open_chunk(path: Path, files: Sequence[ClipFile], by_file: list[list[LabelledClip]], bad: list[BadClip]) -> None:
    """Add what a chunk holds to ``by_file`` and ``bad``. Raises InputError when it is damaged."""
    try:
        told = json.loads(_described(path).read_text(encoding="utf-8"))
        height, width = told["size"]
        data = np.memmap(path, np.uint8, "r") if path.stat().st_size else np.zeros(0, np.uint8)
        frames = data.view(np.ndarray).reshape(-1, height, width, 3)
        if len(frames) != sum(n for entry in told["files"] for n in entry.get("lengths", ())):
            raise ValueError("not as long as described")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: damaged ({error}); remove it and its .json, they are made again") from error
    start = 0
    for file, entry in zip(files, told["files"], strict=True):
        clips: list[LabelledClip] = []
        for name, length in zip(entry.get("names", ()), entry.get("lengths", ()), strict=True):
            clips.append(LabelledClip(name, file.label, file.group, frames[start : start + length]))
            start += length
        by_file.append(clips)
        if "kind" in entry:
            bad.append(BadClip(file.path, entry["kind"], entry["reason"]))


def _no_bars() -> bool | None:
    """For tqdm: None shows bars on a terminal only, True never."""
    return None if _log.isEnabledFor(logging.INFO) else True
