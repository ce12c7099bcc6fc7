"""``weights int8``: a detector in eight bits, fitted to pictures of videos."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ground.errors import InputError
from pipeline.runners.flags import add_quiet, say

if TYPE_CHECKING:
    from ground.frames import Frame

_PER_VIDEO = 8
"""Frames of each video: more videos tell more than more frames of one."""


def add_int8(kinds: Any) -> None:
    """Add ``int8`` to the subcommands of ``weights``."""
    int8 = kinds.add_parser("int8", help="a detector in eight bits: faster on a CPU, not quite the same")
    int8.add_argument("weights", type=Path, help="the detector, a .pt")
    int8.add_argument("videos", nargs="+", help="videos like those that it is to see; they decide how it is rounded")
    int8.add_argument("-o", "--output", type=Path, help="folder to write (default: beside the .pt, where it is found)")
    int8.add_argument("--imgsz", type=int, default=960, metavar="N", help="longest side, in pixels (default: 960)")
    add_quiet(int8)
    int8.set_defaults(run=run_int8)


def run_int8(options: argparse.Namespace) -> int:
    """``courtscribe weights int8``."""
    from tracker.detect.int8 import int8_folder, make_int8

    if options.weights.suffix.lower() != ".pt" or not options.weights.is_file():
        raise InputError(f"{options.weights}: is no detector of ultralytics (.pt)")
    output = options.output or int8_folder(options.weights)
    if output.is_file():
        raise InputError(f"{output}: is a file; name a folder")
    count = make_int8(options.weights, _frames(options.videos), output, options.imgsz)
    say(options, f"{output}: INT8, by {count} pictures of {len(options.videos)} videos")
    return 0


def _frames(videos: Sequence[str]) -> Iterator[Frame]:
    """A few of each, evenly."""
    from ground.video.source import open_video

    for path in videos:
        with open_video(path) as video:
            step = max(1, (video.num_frames or _PER_VIDEO) // _PER_VIDEO)
            yield from (frame for number, frame in enumerate(video) if number % step == step // 2)
