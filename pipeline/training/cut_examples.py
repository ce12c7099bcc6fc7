"""Examples for ``classify.few_shot.adapt``, cut out of videos that were analysed: one player, one span, one label.

Every span becomes a short video in a folder per label, so that a person can look at the examples, move one to another
label, or throw it away.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from classify.labels import check_label
from classify.sampling import MAX_FRAMES
from classify.types import CLIP_PACE
from ground.errors import InputError
from ground.frames import Image
from ground.video.source import open_video
from pipeline.analysis.same_video import require_same_video
from pipeline.analysis.values import Analysis, find_player
from pipeline.edits.current import load_current
from pipeline.stages.windows import WindowConfig, WindowPlan, cut_player, plan_windows
from pipeline.video.encode import write_video
from tracker.types import Tracks

_MIN_SAMPLES = 5
"""Pictures (at 25 per second) that an example has at least; fewer hardly move."""
_PARTS = frozenset({"train", "val", "valid", "validation", "test"})
"""Names of folders that say what clips are for, and so cannot be labels."""
WHOLE = "pictures"
"""In the names of examples that are whole pictures, where others have their player."""
_WIDEST = 640
"""Pixels of whole pictures that are kept as examples; clips are 128 wide."""
_TICK = 1e-3
"""Seconds by which reading begins earlier and ends later than the first and last picture: times are rounded."""


@dataclass(frozen=True, slots=True)
class Span:
    """What one player does for a moment."""

    analysis: Path
    """Folder of the analysis."""
    player: str
    """His name, or the number of his track."""
    start: float
    """Seconds."""
    end: float
    """Seconds, exclusive."""
    label: str

    def __post_init__(self) -> None:
        longest = MAX_FRAMES / CLIP_PACE
        if not (math.isfinite(self.start) and 0 < self.end - self.start <= longest):
            raise InputError(f"an example goes on for up to {longest:g} s, not from {self.start:g} to {self.end:g} s")
        _check_folder_name(self.label)


@dataclass(frozen=True, slots=True, eq=False)
class _Cut:
    """One span, found in its analysis."""

    span: Span
    analysis: Analysis
    track_id: int
    plan: WindowPlan
    """Its rows are the pictures to cut."""


def cut_examples(spans: Sequence[Span], folder: Path, video: str | None = None) -> list[Path]:
    """Cut ``spans`` along the tracks of their analyses and write them to ``folder``, in a folder per label.

    video: where the analysed video is now, if it has been moved. A span where the player is out of sight for a while
    gives a file for each part. A file of the same moment is replaced.
    Raises InputError, before anything is written, where there is no such player or he is not there; and where
    the video is gone or another one.
    """
    analyses = {path: load_current(path) for path in dict.fromkeys(span.analysis for span in spans)}
    cuts = [_find(span, analyses[span.analysis]) for span in spans]
    for analysis in analyses.values():
        check_video(analysis, video)
    return [path for cut in cuts for path in _write(cut, folder, video)]


def cut_pictures(span: Span, folder: Path, video: str | None = None) -> Path:
    """As ``cut_examples``, of whole pictures: what all of them show. The player of ``span`` does not matter.

    Raises InputError where the analysis has too few frames there, and where the video is gone or another one.
    """
    analysis = load_current(span.analysis)
    check_video(analysis, video)
    frames, source = analysis.frames, video or analysis.video.source
    inside = frames.time[(frames.time >= span.start) & (frames.time < span.end)]
    if len(inside) < _MIN_SAMPLES:
        raise InputError(f"{span.analysis}: there are {len(inside)} frames there, too few for an example")
    grid = np.arange(float(inside[0]), float(inside[-1]) + _TICK, 1 / CLIP_PACE)
    pictures: list[Image] = []
    with open_video(
        source, max(0.0, float(inside[0]) - _TICK), span.end, image_rate=analysis.video.image_rate
    ) as opened:
        for frame in opened:
            while len(pictures) < len(grid) and grid[len(pictures)] <= frame.time + _TICK:
                pictures.append(_small(frame.image))
    if len(pictures) < _MIN_SAMPLES:
        raise InputError(f"{source}: the pictures are not there")
    game = re.sub(r"[^\w-]+", "_", span.analysis.resolve().stem)
    path = folder / span.label / f"{game}_{WHOLE}_{round(float(inside[0]) * 1000):08d}.mp4"
    pace = Fraction(round(CLIP_PACE))
    write_video(path, ((i / CLIP_PACE, picture) for i, picture in enumerate(pictures)), frame_rate=pace)
    return path


def _small(image: Image) -> Image:
    """A picture no wider than a clip needs."""
    scale = min(1.0, _WIDEST / image.shape[1])
    size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
    return image if scale == 1 else cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.uint8)


def _check_folder_name(label: str) -> None:
    check_label(label)
    if label != label.strip() or label.startswith(".") or set(label) & set('/\\:*?"<>|') or label.lower() in _PARTS:
        raise InputError(f"a label is the name of a folder too, which {label!r} cannot be")


def _find(span: Span, analysis: Analysis) -> _Cut:
    try:
        track_id = find_player(analysis.tracks.ids.tolist(), analysis.names, span.player)
    except InputError as error:
        raise InputError(f"{span.analysis}: {error}") from error
    track = next(track for i, track in analysis.tracks.by_id() if i == track_id)
    times = _times(analysis, track)
    inside = track[(times >= span.start) & (times < span.end)]
    config = WindowConfig(min_samples=_MIN_SAMPLES)
    frames = analysis.frames
    plan = plan_windows(inside, frames.index, frames.time, config, frames.shot())
    if not len(plan.frame_index):
        raise InputError(
            f"{span.analysis}: player {span.player} is in {len(inside)} frames from {span.start:g} to {span.end:g} s,"
            f" too few for an example; he is there from {times[0]:.2f} to {times[-1]:.2f} s"
        )
    return _Cut(span, analysis, track_id, plan)


def _times(analysis: Analysis, track: Tracks) -> npt.NDArray[np.float64]:
    return analysis.frames.time[np.searchsorted(analysis.frames.index, track.frame_index)]


def check_video(analysis: Analysis, video: str | None) -> None:
    """Raise InputError when the video is gone, or is another one than the one that was analysed.

    video: where it is now, if it has been moved.
    """
    source = video or analysis.video.source
    try:
        with open_video(source, image_rate=analysis.video.image_rate) as opened:
            require_same_video(analysis.video, opened)
    except InputError as error:
        raise InputError(f"the analysed video cannot be read: {error}; say where it is now", setting="video") from error


def _write(cut: _Cut, folder: Path, video: str | None) -> Iterator[Path]:
    """One file for each stretch of the span. Raises InputError when the video ends too early or cannot be written."""
    frames, plan = cut.analysis.frames, cut.plan
    pictures = _pictures(cut, video or cut.analysis.video.source)
    begins = np.flatnonzero(plan.first)
    for begin, end in zip(begins, [*begins[1:], len(plan.first)], strict=True):
        kept = [picture for picture in pictures[begin:end] if picture is not None]
        if len(kept) < _MIN_SAMPLES:
            raise InputError(f"{cut.analysis.video.source}: the pictures of player {cut.span.player} are not there")
        moment = frames.time[np.searchsorted(frames.index, plan.frame_index[begin])]
        path = folder / cut.span.label / _name(cut, float(moment))
        pace = Fraction(round(CLIP_PACE))
        write_video(path, ((i / CLIP_PACE, picture) for i, picture in enumerate(kept)), frame_rate=pace)
        yield path


def _pictures(cut: _Cut, source: str) -> list[Image | None]:
    """The player in each row of the plan; None where the video has no such frame any more."""
    plan = cut.plan
    first, last = cut.analysis.frames.time[np.searchsorted(cut.analysis.frames.index, plan.frame_index[[0, -1]])]
    pictures: list[Image | None] = [None] * len(plan.frame_index)
    rate = cut.analysis.video.image_rate
    with open_video(source, max(0.0, float(first) - _TICK), float(last) + _TICK, image_rate=rate) as video:
        for frame in video:
            for row in np.flatnonzero(plan.frame_index == frame.index):
                pictures[row] = cut_player(frame.image, plan.xyxy[row])
    return pictures


def _name(cut: _Cut, moment: float) -> str:
    """Ends in milliseconds: neighbours in number are neighbours in time, as ``classify.data.layouts`` takes them."""
    game = re.sub(r"[^\w-]+", "_", cut.span.analysis.resolve().stem)
    return f"{game}_player{cut.track_id}_{round(moment * 1000):08d}.mp4"
