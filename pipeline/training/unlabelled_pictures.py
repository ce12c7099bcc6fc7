"""Pictures of players without labels, out of clips and videos, and what the teachers see in them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from classify.data.clips import BadClip, list_clips, read_file
from classify.train.distillation import TransferSet
from ground.compute.devices import resolve_device
from ground.errors import InputError
from ground.frames import Image
from ground.video.source import open_video
from pipeline.progress import Progress
from pipeline.stages.windows import cut_player
from tracker.detect.detector import DetectorConfig, YoloDetector, followed_classes
from tracker.detect.teachers import see_ball, see_joints

_PER_CLIP = 8
"""Pictures of a clip: as many as the small network looks at."""
_STEP = 0.25
"""Seconds between the frames of a video that pictures are cut out of. Less: more pictures, more alike."""
_SMALLEST = 50.0
"""Height of a player, pixels, that is worth looking at."""
_JITTER = 0.03
"""Spread by which boxes are moved and stretched, in parts of their sides: a tracker's are not exact either."""

_log = logging.getLogger("courtscribe")


@dataclass(frozen=True, slots=True)
class Teachers:
    """Files of the networks that are learnt from."""

    pose: Path
    """ultralytics pose model."""
    detector: Path
    """ultralytics detector of players and ball, ``.pt``."""


def make_transfer_set(
    sources: Sequence[Path], teachers: Teachers, progress: Progress, device: str = "auto", seed: int = 0
) -> TransferSet:
    """Pictures out of ``sources``, and what ``teachers`` see in them.

    sources: videos, whose players are detected; and folders or CSVs of clips, as ``classify.data.clips.list_clips``
    takes
        them (labels do not matter).
    Raises InputError for a source or weights that cannot be read, and where no player is found at all.
    """
    for path in (*sources, teachers.pose, teachers.detector):
        if not path.exists():
            raise InputError(f"{path}: no such file or folder")
    device, rng = resolve_device(device), np.random.default_rng(seed)
    videos = [source for source in sources if source.is_file() and source.suffix.lower() != ".csv"]
    pictures: list[Image] = []
    with progress.stage("pictures", len(sources), "source") as advance:
        for source in sources:
            found = _from_video(source, teachers.detector, device, rng) if source in videos else _from_clips(source)
            _log.info("%s: %d pictures", source.name, len(found))
            pictures += found
            advance(1)
    if not pictures:
        raise InputError(f"{', '.join(map(str, sources))}: no picture of a player")
    shown = np.stack(pictures)
    with progress.stage("joints", len(shown), "picture") as advance:
        joints = see_joints(teachers.pose, shown, device, advance)
    with progress.stage("ball", len(shown), "picture") as advance:
        ball = see_ball(teachers.detector, shown, device, advance)
    return TransferSet(shown, joints, ball)


def _from_clips(source: Path) -> list[Image]:
    pictures: list[Image] = []
    for file in list_clips([source]):
        read = read_file(file)
        if isinstance(read, BadClip):
            _log.warning("left out: %s: %s", read.path, read.reason)
            continue
        for clip in read:
            chosen = np.linspace(0, len(clip.frames) - 1, min(_PER_CLIP, len(clip.frames))).round().astype(int)
            pictures += list(clip.frames[chosen])
    return pictures


def _from_video(source: Path, weights: Path, device: str, rng: np.random.Generator) -> list[Image]:
    detector = YoloDetector(DetectorConfig(str(weights), confidence=0.35), device)
    players = followed_classes(detector.names)
    pictures: list[Image] = []
    due = 0.0
    with open_video(str(source)) as video:
        for frame in video:
            if frame.time < due:
                continue
            due = frame.time + _STEP
            (found,) = detector.detect([frame])
            boxes = found.xyxy[np.isin(found.class_id, players)]
            tall = boxes[boxes[:, 3] - boxes[:, 1] >= _SMALLEST]
            pictures += [cut_player(frame.image, box) for box in _shaken(tall, rng)]
    return pictures


def _shaken(xyxy: npt.NDArray[np.float32], rng: np.random.Generator) -> npt.NDArray[np.float32]:
    size = np.tile(xyxy[:, 2:] - xyxy[:, :2], 2)
    return (xyxy + rng.normal(0, _JITTER, xyxy.shape) * size).astype(np.float32)
