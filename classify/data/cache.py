"""Decoded clips on disk as plain bytes, at the size that a network reads: decoded once, then mapped into memory.

All of SpaceJam is 40 GB at 176x128 and 16 GB at 112x80, so nothing is held in memory but what is being looked at. A
cache is kept in chunks, each one file: frames, a JSON that says what is in them, its length, and a mark. A chunk's
name is a digest of its clips' names and bytes and of the size of pictures: when anything changes, it has another name,
and a stale chunk is never found. ``classify.data.cache_room`` removes those that nobody has used for long.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from torch.nn import functional
from tqdm import tqdm

from classify.data.cache_room import MARK, SUFFIX, make_room, shared
from classify.data.clips import BadClip, Frames, LabelledClip, digest_of, read_file
from classify.data.layouts import ClipFile
from classify.types import CLIP_LENGTH
from ground.ahead import ahead
from ground.disk import cache
from ground.disk.files import write_atomically
from ground.errors import InputError

CHUNK = 512
"""Files in a chunk. Raising it means more to decode again after a kill or a change, and fewer files in the cache."""

_FORMAT = "2"
"""Changes when the same clips would be decoded, scaled or written in another way."""
_END = 8 + len(MARK)
"""Bytes after the JSON: its length, and the mark."""

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

    threads: how many files are decoded at once. Any number of processes may use one folder.
    Raises InputError when the cache cannot be written, a full disk included; what was decoded until then is kept.
    """
    digests, starts = list(ahead(_digest, files, threads)), range(0, len(files), CHUNK)
    paths = [folder / _name(digests[i : i + CHUNK], size) for i in starts]
    chunks = [files[i : i + CHUNK] for i in starts]
    missing = sum(len(chunk) for path, chunk in zip(paths, chunks, strict=True) if not path.is_file())
    make_room(folder, paths, missing * CLIP_LENGTH * size[0] * size[1] * 3)
    clips = CachedClips([], [])
    with shared(folder), tqdm(total=missing, desc="decode", unit=" clips", disable=_no_bars()) as bar:
        for path, chunk in zip(paths, chunks, strict=True):
            there = _open_chunk(path, chunk)
            if there is None:
                _write_chunk(path, chunk, size, threads, bar)
                there = _open_chunk(path, chunk)
            if there is None:
                raise InputError(f"{path}: is damaged as soon as it is written; choose another disk", setting="cache")
            clips.by_file.extend(there.by_file)
            clips.bad.extend(there.bad)
    return clips


def shrink(frames: Frames, size: tuple[int, int]) -> Frames:
    """uint8 (T, H, W, 3) -> (T, height, width, 3), bit for bit as ``classify.networks.preprocess.to_unit`` scales on
    a CPU."""
    if frames.shape[1:3] == size:
        return frames
    x = torch.tensor(frames).permute(0, 3, 1, 2)
    scaled = functional.interpolate(x, size, mode="bilinear", antialias=True)
    return np.ascontiguousarray(scaled.permute(0, 2, 3, 1).numpy())


def _digest(file: ClipFile) -> str:
    """Of a file's name and bytes, not of where it is or when it was written: a data set may be moved."""
    try:
        with file.path.open("rb") as content:
            digest = hashlib.file_digest(content, "blake2b").hexdigest()
    except (OSError, ValueError):
        digest = "missing"
    return f"{file.path.name!r} {file.length} {digest}"


def _name(digests: Sequence[str], size: tuple[int, int]) -> str:
    content = "\n".join((f"{_FORMAT} {size}", *digests))
    return hashlib.sha256(content.encode()).hexdigest()[:32] + SUFFIX


def _write_chunk(path: Path, files: Sequence[ClipFile], size: tuple[int, int], threads: int, bar: Any) -> None:
    with write_atomically(path) as part, part.open("wb") as output:
        decoded = ahead(partial(_read, size=size), files, threads)
        description = json.dumps(
            {"size": size, "files": [_append(output, outcome, bar) for outcome in decoded]}
        ).encode()
        output.write(description + len(description).to_bytes(8, "big") + MARK)


def _read(file: ClipFile, size: tuple[int, int]) -> list[LabelledClip] | BadClip:
    clips = read_file(file)
    if isinstance(clips, BadClip):
        return clips
    return [LabelledClip(c.name, c.label, c.group, shrink(c.frames, size)) for c in clips]


def _append(output: BinaryIO, outcome: list[LabelledClip] | BadClip, bar: Any) -> dict[str, Any]:
    bar.update(1)
    if isinstance(outcome, BadClip):
        return {"kind": outcome.kind, "reason": outcome.reason}
    for clip in outcome:
        output.write(np.ascontiguousarray(clip.frames).data)
    return {"clips": [(clip.name, len(clip.frames), digest_of(clip.frames)) for clip in outcome]}


def _open_chunk(path: Path, files: Sequence[ClipFile]) -> CachedClips | None:
    """What a chunk holds; None where there is none, or a damaged one."""
    try:
        description, length = _description(path)
        with suppress(OSError):
            os.utime(path)  # it was used now
        data = np.memmap(path, np.uint8, "r", shape=(length,)) if length else np.zeros(0, np.uint8)
        frames = data.view(np.ndarray).reshape(-1, *description["size"], 3)
        if len(frames) != sum(number for entry in description["files"] for _, number, _ in entry.get("clips", ())):
            return None
        clips, start = CachedClips([], []), 0
        for file, entry in zip(files, description["files"], strict=True):
            clips.by_file.append([])
            for name, number, digest in entry.get("clips", ()):
                found = frames[start : start + number]
                clips.by_file[-1].append(LabelledClip(name, file.label, file.group, found, digest))
                start += number
            if "kind" in entry:
                clips.bad.append(BadClip(file.path, entry["kind"], entry["reason"]))
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None
    return clips


def _description(path: Path) -> tuple[Any, int]:
    """What a chunk says about itself, and how many bytes of frames it has. Raises ValueError when it is damaged."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(size - _END)
        end = file.read()
        length = int.from_bytes(end[:8], "big")
        if end[8:] != MARK or length > size - _END:
            raise ValueError
        file.seek(size - _END - length)
        return json.loads(file.read(length)), size - _END - length


def _no_bars() -> bool | None:
    """For tqdm: None shows bars on a terminal only, True never."""
    return None if _log.isEnabledFor(logging.INFO) else True
