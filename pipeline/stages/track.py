"""Pass 2, track: detections into tracklets, and what the tracklets look like; ``tracker.track.linking`` links them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ground.video.source import VideoSource
from pipeline.analysis.values import Drawn
from pipeline.progress import Progress
from pipeline.stages.detect import Detected, is_looked_at
from tracker.assignment import Indices
from tracker.boxes import Float64Array
from tracker.by_hand.seeds import add_seeds, place_seeds
from tracker.detect.detector import followed_classes
from tracker.looks.appearance import Appearance
from tracker.looks.collector import AppearanceCollector
from tracker.looks.describers import Describer
from tracker.looks.kit import KitViews
from tracker.numbers.reader import NumberReader
from tracker.numbers.votes import NumberEvidence, NumberViews
from tracker.teams.likeness import TeamLikeness, learn_likeness
from tracker.track.tracklets import Tracker, Tracklets
from tracker.types import CameraMotion, Tracks


class Followed(NamedTuple):
    """What following leaves."""

    tracklets: Tracklets
    """``frame`` counts the frames of the video."""
    seeds: Tracks
    """The boxes drawn by hand, as they were given to the tracker beside the detections."""


def follow(
    detected: Detected,
    drawn: Drawn,
    size: tuple[int, int],
    tracker: Tracker,
    classes: Sequence[str] = (),
    every: int = 1,
) -> Followed:
    """Detections into tracklets, frame by frame.

    size: width and height of the picture, pixels. classes: names of those that are followed, as in
    ``followed_classes``. every: see ``DetectorConfig``; frames that nobody looked at are not shown to the tracker.
    """
    frames, table = detected.frames, detected.detections
    followed = followed_classes(table.classes, classes)
    kept = np.isin(table.boxes.class_id, followed)
    seeds = place_seeds(drawn.rois, frames.index, frames.time, *size)
    at, boxes = add_seeds(table.frame_index[kept], table.boxes[kept], seeds, followed[0])
    bounds = np.searchsorted(at, np.append(frames.index, frames.index[-1:] + 1))
    camera = frames.camera_motions() or [None] * len(frames)
    shown, since = list[int](), list[CameraMotion]()
    for row, (low, high, time, motion) in enumerate(zip(bounds[:-1], bounds[1:], frames.time, camera, strict=True)):
        since += [] if motion is None else [motion]
        if high > low or is_looked_at(int(frames.index[row]), every):
            tracker.update(boxes[int(low) : int(high)], float(time), _together(since))
            shown.append(row)
            since.clear()
    found = tracker.finish()
    index = frames.index[np.array(shown, np.intp)]
    return Followed(dataclasses.replace(found, frame=index[found.frame].astype(np.intp)), seeds)


def _together(motions: Sequence[CameraMotion]) -> CameraMotion | None:
    """Motions that follow each other as one; None for none."""
    if len(motions) < 2:
        return motions[0] if motions else None
    x, y = (float(sum(shift)) for shift in zip(*(motion.shift for motion in motions), strict=True))
    zoom = float(np.prod([motion.zoom for motion in motions]))
    return CameraMotion((x, y), zoom, any(motion.is_cut for motion in motions))


class Looks(NamedTuple):
    """What a few views of each tracklet tell."""

    tracklets: Tracklets
    """Without glimpses."""
    appearance: Appearance
    kits: KitViews
    """What people wear."""
    tracklet: Indices
    """(N,), of each of the ``kits``."""
    numbers: NumberViews
    """What was read on shirts."""
    worn: NumberEvidence | None
    """What it says about who is who; None: nobody read."""

    @staticmethod
    def of(collector: AppearanceCollector, tracklets: Tracklets) -> Looks:
        """What was collected."""
        tracklets = tracklets.without_glimpses()
        numbers, reader = collector.readings()
        start, shot = tracklets.seconds[tracklets.first], tracklets.shot[tracklets.first]
        worn = NumberEvidence.of(numbers.reading, reader, start, shot) if len(reader) else None
        return Looks(tracklets, collector.finish(), *collector.kits(), numbers, worn)

    def costs(self, i: Indices, j: Indices, chain: Indices) -> Float64Array:
        """Costs of links: an ``Evidence`` of ``tracker.track.linking``."""
        costs = self.appearance.costs(i, j, chain)
        return costs if self.worn is None else costs + self.worn.costs(i, j, chain)

    def likeness(self, chain: Indices) -> TeamLikeness:
        """How likely views are of one person, once people are about known: ``chain`` (P,) of each tracklet."""
        return learn_likeness(self.appearance, self.kits, self.tracklet, self.tracklets, chain)


def see_looks(
    tracklets: Tracklets,
    size: tuple[int, int],
    describers: Sequence[Describer],
    video: VideoSource,
    progress: Progress,
    reader: NumberReader | None = None,
) -> Looks | None:
    """What the tracklets look like, from a few views of each; None where nothing is to be seen.

    reader: of the numbers on their shirts; None: nobody reads.
    """
    if not describers and reader is None:
        return None
    collector = AppearanceCollector(tracklets, *size, describers, reader=reader)
    wanted = collector.frames
    if not len(wanted):
        return None
    with progress.stage("glance", len(wanted)) as advance:
        for frame in video:
            if collector.needs(frame.index):
                collector.add(frame.index, collector.describe(frame.index, frame.image))
                advance(1)
            if frame.index >= wanted[-1]:
                break
    return Looks.of(collector, tracklets)
