"""The passes of an analysis over one video, part by part, with what is on disk taken from there."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from classify.run.int8 import chosen_file
from ground.compute.devices import resolve_device
from ground.errors import InputError
from ground.video.parts import Part, by_part
from ground.video.source import VideoSource
from pipeline.analysis.values import Frames, Scores
from pipeline.config import PipelineConfig
from pipeline.parts.passes import (
    TRACKLETS,
    WINDOWS,
    DetectPass,
    GlancePass,
    LabelPass,
    Span,
    add_views,
    columns_of,
    pack_detected,
    unpack_detected,
    unpack_scores,
)
from pipeline.parts.run import Workers, run_pass
from pipeline.parts.versions import LIBRARIES
from pipeline.progress import Progress
from pipeline.shipped import COURT_WEIGHTS, NUMBER_WEIGHTS, WEIGHTS
from pipeline.stages.court import court_look
from pipeline.stages.detect import Detected, DetectedPart, detect_part, join_parts
from pipeline.stages.label import no_scores
from pipeline.stages.track import Looks
from pipeline.stages.windows import notes_on_times, plan_windows
from tracker.detect.detector import chosen_weights
from tracker.looks.collector import AppearanceCollector
from tracker.looks.kit import KIT
from tracker.track.tracklets import Tracklets
from tracker.types import Tracks

_PACKAGES = ("courtscribe", *LIBRARIES)
"""Whose versions decide what a part holds."""


@dataclass(frozen=True, slots=True)
class Partwise:
    """One video whose passes go part by part."""

    video: VideoSource
    fingerprint: str
    parts: tuple[Part, ...]
    span: Span
    config: PipelineConfig
    workers: Workers
    progress: Progress

    def detect(self) -> Detected:
        """Pass 1, as ``detect_players``. Raises UnplannedError where the video can only be read as it comes."""
        digest = self.workers.store.begin("detect", detecting_rests_on(self.span, self.fingerprint, self.config))
        found = run_pass(DetectPass(self.span, self.config), self.parts, digest, self.workers, self.progress)
        first = next(found)
        every = (unpack_detected(columns) for columns in chain([first], found))
        return join_parts(every, first["names"].tolist(), self.video, self.parts)

    def see_looks(self, tracklets: Tracklets, size: tuple[int, int]) -> Looks | None:
        """What the tracklets look like, as ``see_looks`` of the stage."""
        models = self.workers.models
        describers, reader = models.describers(self.config), models.number_reader(self.config)
        if not describers and reader is None:
            return None
        collector = AppearanceCollector(tracklets, *size, describers, reader=reader)
        wanted = [part for part in self.parts if _holds(part, collector.frames)]
        if not wanted:
            return None
        looks = self.config.looks
        resting_on = self.workers.store.keep(TRACKLETS, columns_of(tracklets))
        seen = {"looks": looks.describe, "reid": _content(looks.reid), "kit": KIT}
        numbers = {"numbers": _content(str(WEIGHTS / NUMBER_WEIGHTS))} if reader is not None else {}
        about = {**self._about(), "tracklets": resting_on, **seen, **numbers}
        digest = self.workers.store.begin("glance", about)
        work = GlancePass(self.span, self.config, size, self.workers.store, resting_on)
        for columns in run_pass(work, wanted, digest, self.workers, self.progress):
            add_views(collector, columns)
        return Looks.of(collector, tracklets)

    def label(self, tracks: Tracks, frames: Frames) -> Scores:
        """Pass 3, as ``label_players``."""
        config = self.config
        plan = plan_windows(tracks, frames.index, frames.time, config.windows, frames.shot())
        if not plan.num_windows:
            return no_scores(tracks, frames, config.windows)
        completing = plan.frame_index[np.isfinite(plan.window_start)]
        wanted = [part for part in self.parts if _holds(part, completing)]
        times = np.concatenate([part.times for part in self.parts])
        reading = {"times": times, "first_frame": np.array(self.parts[0].first)}
        resting_on = self.workers.store.keep(WINDOWS, {**columns_of(plan), **reading})
        classifier = {**dataclasses.asdict(config.classifier), "weights": _content(str(_classifier_file(config)))}
        digest = self.workers.store.begin("label", {**self._about(), "windows": resting_on, "classifier": classifier})
        work = LabelPass(self.span, config, self.workers.store, resting_on)
        found = run_pass(work, wanted, digest, self.workers, self.progress)
        scores = chain.from_iterable(unpack_scores(columns) for columns in found)
        return Scores(tuple(scores), notes_on_times(frames.time, config.windows))

    def _about(self) -> dict[str, Any]:
        return _about(self.span, self.fingerprint, self.config)


def detect_as_it_comes(
    video: VideoSource, fingerprint: str, span: Span, config: PipelineConfig, workers: Workers, progress: Progress
) -> Detected:
    """Pass 1 over a video that cannot be read from the middle, as ``detect_players``.

    What is on disk is decoded again, to come past it, but nobody is looked for in it.
    """
    detector, wanted, store = workers.models.detector(config), config.detector, workers.store
    digest = store.begin(_AS_IT_COMES, detecting_rests_on(span, fingerprint, config))
    look = court_look(workers.models.court(config), video.info.sample_aspect_ratio)
    with progress.stage("detect", video.num_frames) as advance:

        def found() -> Iterator[DetectedPart]:
            for number, frames in enumerate(by_part(video, video.info.frame_rate)):
                columns = store.load(_AS_IT_COMES, number, digest)
                if columns is None:
                    part = detect_part(frames, detector, wanted.classes, wanted.every, advance, look)
                    columns = dict(pack_detected(part))
                    store.save(_AS_IT_COMES, number, digest, columns)
                elif [frame.index for frame in frames] != columns["index"].tolist():
                    store.remove()
                    raise InputError(f"{video.source}: shows other frames than before; run it again")
                yield unpack_detected(columns)

        return join_parts(found(), detector.names, video, None)


_AS_IT_COMES = "follow"
"""Name of that pass among the parts."""


def detecting_rests_on(span: Span, fingerprint: str, config: PipelineConfig) -> dict[str, Any]:
    """What detections rest on, as it reads in JSON."""
    weights = chosen_weights(config.detector, resolve_device(config.device))
    settings = {**dataclasses.asdict(config.detector), "weights": _content(str(weights))}
    settings["ball_weights"] = _content(config.detector.ball_weights)
    court = {"court": _content(str(WEIGHTS / COURT_WEIGHTS))} if config.court.find else {}
    return {**_about(span, fingerprint, config), "detector": settings, **court}


def _classifier_file(config: PipelineConfig) -> Path:
    wanted = config.classifier
    device = resolve_device(config.device)
    return chosen_file(Path(wanted.weights), device, wanted.runtime, wanted.precision)


def _about(span: Span, fingerprint: str, config: PipelineConfig) -> dict[str, Any]:
    """What every pass rests on."""
    return {**span.about(fingerprint, _PACKAGES), "device": resolve_device(config.device)}


def _holds(part: Part, frames: Any) -> bool:
    low, high = np.searchsorted(np.sort(frames), [part.first, part.last + 1])
    return bool(high > low)


@lru_cache(maxsize=16)
def _content(path: str) -> str:
    """Of a file (an ``.xml`` with its numbers), or of the files in a folder: its SHA-256; empty where there is none."""
    place = Path(path)
    if not path or not place.exists():
        return ""
    digest = hashlib.sha256()
    alone = [place, place.with_suffix(".bin")] if place.suffix == ".xml" else [place]
    for file in sorted(place.rglob("*")) if place.is_dir() else alone:
        if file.is_file():
            digest.update(file.read_bytes())
    return digest.hexdigest()
