"""``classify``: one clip or one video, no players, the likeliest labels."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path
from typing import Any

from ground.compute.devices import resolve_device
from ground.errors import InputError
from pipeline.progress import choose_progress
from pipeline.runners.flags import add_progress_file, add_quiet, add_runtime, say
from pipeline.shipped import WEIGHTS

_SHIPPED = str(WEIGHTS / "actions.safetensors")
_KINETICS = "kinetics"
"""What ``--actions`` is called when the published Kinetics-400 weights are meant."""

_log = logging.getLogger("courtscribe")


def add_commands(subparsers: Any) -> None:
    """Add this module's command to the parser."""
    classify = subparsers.add_parser("classify", help="label a clip or a video as a whole, without looking for players")
    classify.add_argument("video", help="a video file, a directory of images, or an address")
    classify.add_argument("--top", type=int, default=5, metavar="N", help="how many labels to show")
    classify.add_argument("--actions", default=_SHIPPED, metavar="FILE", help="weights; 'kinetics' for 400 labels")
    classify.add_argument("--model", metavar="NAME", help="with --actions kinetics: which network (r2plus1d_18)")
    classify.add_argument("--download", action="store_true", help="fetch the Kinetics weights if they are not here")
    classify.add_argument(
        "--average", type=float, default=2.0, metavar="X", help="seconds that answers are averaged over"
    )
    classify.add_argument("--start", type=float, metavar="X", help="seconds: begin here")
    classify.add_argument("--end", type=float, metavar="X", help="seconds: stop before this")
    classify.add_argument(
        "--frame-rate", type=float, metavar="X", help="pictures per second of a folder of pictures (default: 25)"
    )
    classify.add_argument("--json", type=Path, metavar="FILE", help="save the answer here too")
    classify.add_argument("-o", "--output", type=Path, metavar="FILE", help="write the video with its labels here")
    classify.add_argument("--device", default="auto")
    add_runtime(classify)
    add_progress_file(classify)
    add_quiet(classify)
    classify.set_defaults(run=run_classify)


def run_classify(options: argparse.Namespace) -> int:
    """``courtscribe classify``."""
    from classify.run.classifier import ActionClassifier
    from ground.video.source import open_video
    from pipeline.outputs.place import require_file
    from pipeline.web.source import on_disk
    from pipeline.whole_video.label import WholeVideoConfig, classify_video
    from pipeline.whole_video.show import answer_table, write_answer_json, write_answer_video

    if options.top < 1:
        raise InputError(f"--top is 1 or more, not {options.top}")
    for place in (options.output, options.json):
        if place is not None:
            require_file(place, [options.video])
    config, progress = WholeVideoConfig(options.average), choose_progress(options.quiet, file=options.progress_file)
    classifier = ActionClassifier(_weights(options), resolve_device(options.device), runtime=options.runtime)
    with (
        on_disk(options.video, progress) as there,
        open_video(there, options.start, options.end, image_rate=options.frame_rate) as video,
    ):
        answer = classify_video(video, classifier, config, progress)
        sys.stdout.write(answer_table(answer, classifier.info, options.top))
        if options.json is not None:
            write_answer_json(answer, classifier.info, options.video, options.top, options.json)
        if options.output is not None:
            starter = classifier.info.origin.starter
            with progress.stage("show", video.num_frames) as advance:
                notes = write_answer_video(answer, video, options.top, options.output, advance, starter=starter)
            for note in notes:
                _log.info("%s: %s", options.output, note)
            say(options, f"annotated video: {options.output}")
    return 0


def _weights(options: argparse.Namespace) -> Path:
    """The file that ``--actions`` means. Raises InputError where it is the published one and is not here."""
    if options.actions != _KINETICS:
        if options.model or options.download:
            raise InputError("--model and --download belong to --actions kinetics; a file says what it is itself")
        return Path(options.actions)
    from classify.weights.checkpoint import kinetics_weights
    from classify.weights.kinetics import KINETICS_MODEL

    return kinetics_weights(options.model or KINETICS_MODEL, download=options.download)
