"""Pass 2, track: detections into smoothed tracks of those who play."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ground.devices import resolve_device
from ground.video.source import VideoSource
from pipeline.analysis.values import Drawn, Frames, Players
from pipeline.config import PipelineConfig
from pipeline.progress import Progress
from pipeline.shipped import WEIGHTS
from pipeline.stages.detect import Detected
from tracker.by_hand.seeds import Named, add_seeds, name_seeded, place_seeds
from tracker.detect.detector import REFEREE, followed_classes, people_classes
from tracker.detect.weights import resolve_weights
from tracker.looks.appearance import AppearanceCollector
from tracker.looks.describers import ColorDescriber, Describer, ReidDescriber
from tracker.players.bridge import Bridger
from tracker.players.selection import choose_players
from tracker.players.smoothing import smooth_tracks
from tracker.scene.court import Scene
from tracker.track.linking import Extra
from tracker.track.registry import make_tracker
from tracker.track.sport import SportTracker
from tracker.types import Detections, IntArray, Tracker, Tracks


def track_players(
    looked: Detected,
    drawn: Drawn,
    size: tuple[int, int],
    config: PipelineConfig,
    video: VideoSource | None,
    progress: Progress,
) -> Players:
    """Pass 2: detections into smoothed tracks of those who play.

    size: width and height of the picture, pixels. video: for a few looks at everybody, and for CSRT, where the
    configuration wants them; None: no pixels. Raises InputError for weights that cannot be used.
    """
    frames, table = looked.frames, looked.detections
    followed = followed_classes(table.classes, config.detector.classes)
    kept = np.isin(table.boxes.class_id, followed)
    tracker = make_tracker(config.tracker)
    seeds = looked.seeds
    if seeds is None:
        seeds = place_seeds(drawn.rois, frames.index, frames.time, *size)
    at, boxes = add_seeds(table.frame_index[kept], table.boxes[kept], seeds, followed[0])
    _track(tracker, boxes, at, frames)
    describers = _describers(config)
    if isinstance(tracker, SportTracker) and describers and video is not None:
        everybody = tracker.finish(_looks(tracker, frames, size, describers, video, progress))
    else:
        everybody = tracker.finish()
    everybody = dataclasses.replace(everybody, frame_index=frames.index[everybody.frame_index])
    named = name_seeded(everybody, seeds, drawn.rois) if drawn.rois else Named(everybody, {}, frozenset(), ())
    players, dropped = _choose(named, looked, drawn, size, config)
    tracks, notes = _smooth(players, frames, config.tracker.max_gap), named.notes
    if config.tracker.bridge and video is not None:
        tracks, note = _bridge(tracks, video, progress)
        notes = (*notes, note)
    return Players(tracks, named.names, dropped=dropped, notes=tuple(notes))


def _track(tracker: Tracker, boxes: Detections, frame_index: IntArray, frames: Frames) -> None:
    bounds = np.searchsorted(frame_index, np.append(frames.index, frames.index[-1:] + 1))
    views = frames.views() or [None] * len(frames)
    for low, high, time, view in zip(bounds[:-1], bounds[1:], frames.time, views, strict=True):
        tracker.update(boxes[int(low) : int(high)], float(time), view)


def _looks(
    tracker: SportTracker,
    frames: Frames,
    size: tuple[int, int],
    describers: Sequence[Describer],
    video: VideoSource,
    progress: Progress,
) -> Extra | None:
    """What the tracklets look like, from a few views of each; None where nothing is to be seen."""
    collector = AppearanceCollector(tracker.tracklets(), *size, describers)
    wanted = frames.index[collector.frames]
    if not len(wanted):
        return None
    row_of = dict(zip(wanted.tolist(), collector.frames.tolist(), strict=True))
    with progress.stage("glance", len(wanted)) as advance:
        for frame in video:
            if frame.index in row_of:
                collector.add(row_of[frame.index], frame.image)
                advance(1)
            if frame.index >= wanted[-1]:
                break
    return collector.finish().costs


def _choose(
    named: Named, looked: Detected, drawn: Drawn, size: tuple[int, int], config: PipelineConfig
) -> tuple[Tracks, dict[int, str]]:
    """The tracks of those who play, and why the others do not; who was chosen by hand plays."""
    rows = np.searchsorted(looked.frames.index, named.tracks.frame_index).astype(np.int32)
    scene = _scene(looked, drawn, size, config.detector.classes)
    _, reasons = choose_players(dataclasses.replace(named.tracks, frame_index=rows), config.selection, scene)
    dropped = {i: reason for i, reason in reasons.items() if i not in named.protected}
    return named.tracks[~np.isin(named.tracks.track_id, list(dropped))], dropped


def _smooth(tracks: Tracks, frames: Frames, max_gap: float) -> Tracks:
    rows = np.searchsorted(frames.index, tracks.frame_index).astype(np.int32)
    smooth = smooth_tracks(dataclasses.replace(tracks, frame_index=rows), frames.time, max_gap, frames.shot())
    return dataclasses.replace(smooth, frame_index=frames.index[smooth.frame_index])


def _bridge(tracks: Tracks, video: VideoSource, progress: Progress) -> tuple[Tracks, str]:
    bridger = Bridger(tracks)
    with progress.stage("bridge", video.num_frames) as advance:
        for frame in video:
            if frame.index > bridger.last_frame:
                break
            bridger.update(frame)
            advance(1)
    return bridger.finish(), f"CSRT bridged {bridger.num_bridged} of {bridger.num_gaps} gaps"


def _describers(config: PipelineConfig) -> list[Describer]:
    """Ways to see what a player looks like. Raises InputError for files that cannot be used."""
    described: list[Describer] = []
    if config.tracker.looks != "none":
        described.append(ColorDescriber())
    if config.tracker.looks == "backbone":
        from tracker.looks.backbone import BackboneDescriber

        own = resolve_weights(config.detector.weights)
        layers = own if own.suffix == ".pt" else WEIGHTS / "players.pt"  # an exported model hides its layers
        described.append(BackboneDescriber(layers, resolve_device(config.device)))
    if config.tracker.reid:
        described.append(ReidDescriber(Path(config.tracker.reid)))
    return described


def _scene(looked: Detected, drawn: Drawn, size: tuple[int, int], classes: Sequence[str]) -> Scene:
    """What the rules of the roster judge by."""
    table, frames, names = looked.detections, looked.frames, looked.detections.classes
    rows = np.isin(table.boxes.class_id, people_classes(names, classes))
    return Scene(
        size=size,
        index=frames.index,
        time=frames.time,
        people=table.boxes[rows],
        people_frame=np.searchsorted(frames.index, table.frame_index[rows]).astype(np.int32),
        floor=None if table.floor is None else table.floor[rows],
        is_referee=table.boxes.class_id[rows] == names.index(REFEREE) if REFEREE in names else None,
        camera=frames.camera(),
        shot=frames.shot(),
        court=drawn.court,
    )
