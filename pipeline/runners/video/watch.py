"""Cameras, pipes and other streams, which ``analyze`` records first and then analyses like a file."""

from __future__ import annotations

import argparse
import dataclasses
import logging
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from ground.errors import InputError

if TYPE_CHECKING:
    from ground.video.record import Recording
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


def with_duration(config: PipelineConfig, duration: float | None) -> PipelineConfig:
    """``config`` that ends ``duration`` seconds after its start. Raises InputError where an end is given, too."""
    if duration is None:
        return config
    if config.end is not None:
        raise InputError("the end and the duration both say where to stop; give one of them", "end")
    return dataclasses.replace(config, end=(config.start or 0.0) + duration)


def watch(source: str, folder: Path, duration: float | None) -> Recording:
    """Keep a stream in ``folder`` until it ends or somebody says that it is enough.

    Ctrl-C and SIGTERM end the watching; the next one stops as always. Raises InputError where the stream cannot be had.
    """
    from ground.video.record import record

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
    return recording
