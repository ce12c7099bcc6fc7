"""What a person gives ``analyze`` besides the video: boxes, the court, tracks, as flags, files and drawings say."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ground.errors import InputError

if TYPE_CHECKING:
    from ground.frames import Image
    from pipeline.config import PipelineConfig
    from tracker.by_hand.court_outline import CourtPolygon
    from tracker.by_hand.rois import Roi
    from tracker.court.landmarks import CourtLandmarks
    from tracker.files.track_file import TrackFile


def given_files(options: argparse.Namespace) -> list[Path]:
    """Files that are read besides the video, and must not be written over."""
    return [path for path in (options.tracks, options.roi_file, options.court, options.config) if path is not None]


def wants_detection(options: argparse.Namespace) -> bool:
    """Whether a tracker or a detector is named, by a flag or in the settings: then drawn boxes choose among many."""
    from pipeline.config import read_settings

    settings = read_settings(options.config)
    flags = hasattr(options, "tracker") or hasattr(options, "detector")
    return flags or "name" in settings.get("tracker", ()) or "weights" in settings.get("detector", ())


def chosen_rois(options: argparse.Namespace, config: PipelineConfig) -> list[Roi]:
    """The boxes of --roi, --roi-file and --select-roi, checked against the first picture."""
    from tracker.by_hand.rois import parse_roi, read_roi_file

    rois = [parse_roi(text) for text in options.roi]
    if options.roi_file is not None:
        rois += read_roi_file(options.roi_file)
    if options.select_roi:
        from pipeline.runners.video.roi_window import select_rois

        drawn = select_rois(_first_picture(options, config))
        if not drawn:
            raise InputError("no box was drawn, so there is nobody to follow")
        rois += drawn
    return rois


def chosen_court(
    options: argparse.Namespace, config: PipelineConfig
) -> tuple[list[CourtPolygon], list[CourtLandmarks]]:
    """The court's outlines and landmarks, of --court or --select-court."""
    from tracker.court.landmarks import read_court

    if options.court is not None:
        return read_court(options.court, config.court.type)
    if not options.select_court:
        return [], []
    from pipeline.runners.video.roi_window import select_court

    drawn = select_court(_first_picture(options, config))
    if drawn is None:
        raise InputError("no court was drawn")
    return [drawn], []


def _first_picture(options: argparse.Namespace, config: PipelineConfig) -> Image:
    from ground.video.source import open_video

    with open_video(options.video, config.start, config.end, image_rate=config.image_rate) as video:
        return next(iter(video)).image


def given_tracks(options: argparse.Namespace, config: PipelineConfig) -> TrackFile | None:
    """What --tracks holds. Raises InputError for what does not go with it."""
    if options.tracks is None:
        if options.keep_actions:
            raise InputError("--keep-actions needs --tracks FILE, where the actions are")
        return None
    if options.roi or options.roi_file or options.select_roi:
        raise InputError("--tracks says where everybody is: leave out --roi, --roi-file and --select-roi")
    from tracker.files.formats import read_tracks_file

    given = read_tracks_file(options.tracks, options.format, config.detector.classes)
    if options.keep_actions and given.actions is None:
        raise InputError(f"{options.tracks}: has no actions to keep; leave out --keep-actions")
    return given
