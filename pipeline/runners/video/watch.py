"""Cameras, pipes and other streams, which ``analyze`` records first and then analyses like a file."""

from __future__ import annotations

import argparse
import dataclasses
import logging
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ground.errors import InputError

if TYPE_CHECKING:
    from pipeline.analysis.values import Analysis
    from pipeline.config import PipelineConfig

_log = logging.getLogger("courtscribe")


def read_duration(text: str) -> float:
    """Seconds of ``90``, ``1:30`` or ``0:01:30``."""
    parts = text.split(":")
    try:
        seconds = sum(float(part) * 60**power for power, part in enumerate(reversed(parts)))
    except ValueError:
        seconds = 0.0
    if not (len(parts) <= 3 and 0 < seconds < float("inf")):
        raise argparse.ArgumentTypeError(f"{text} is no length of time: seconds, or hours:minutes:seconds")
    return seconds


def with_duration(config: PipelineConfig, duration: float | None, source: str) -> PipelineConfig:
    """``config`` that ends ``duration`` seconds after its start, for a file; a stream is not watched for longer.

    Raises InputError where an end is given, too.
    """
    from ground.video.record import is_live

    if duration is None or is_live(source):
        return config
    if config.end is not None:
        raise InputError("the end and the duration both say where to stop; give one of them", "end")
    return dataclasses.replace(config, end=(config.start or 0.0) + duration)


def watched(
    source: str, folder: Path, duration: float | None, prepare: Callable[[], object]
) -> tuple[str, tuple[str, ...]]:
    """What to read in place of a stream, and what is to be said of it; any other source stays what it is.

    prepare: done before watching, to find out what would be wrong after hours of it.

    Ctrl-C and SIGTERM end the watching, and what was seen is gone on with; the next one stops as always. Raises
    InputError where the stream cannot be had.
    """
    from ground.video.record import is_live, kept_recording, record

    if (kept := kept_recording(source, folder)) is not None:
        _log.info("%s: is there from before, and gone on with", kept.path)
        return str(kept.path), kept.notes
    if not is_live(source):
        return source, ()
    prepare()
    over = threading.Event()

    def end(_signal: int, _frame: object) -> None:
        over.set()
        _log.info("watching is over; what was seen is analysed (Ctrl-C again stops)")

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        _log.info("watching %s; Ctrl-C ends it, and what was seen is analysed", source)
        recording = record(source, folder, duration, over.is_set)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    _log.info("the stream is kept in %s", recording.path)
    return str(recording.path), recording.notes


def with_notes(analysis: Analysis, notes: tuple[str, ...]) -> Analysis:
    """``analysis`` that says ``notes``, too."""
    frames = dataclasses.replace(analysis.frames, notes=(*notes, *analysis.frames.notes))
    return dataclasses.replace(analysis, frames=frames)
