"""``train``: the detector on labelled pictures, the classifier on labelled clips, and clips of synthetic players."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ground.compute.devices import resolve_device
from ground.disk.files import write_atomically
from ground.errors import InputError
from pipeline.progress import choose_progress
from pipeline.runners.flags import add_quiet, say
from pipeline.runners.learning import train_actions, train_maps, train_sport

_CLIPS_PER_FILE = 100


def add_commands(subparsers: Any) -> None:
    """Add this module's commands to the parser."""
    train = subparsers.add_parser("train", help="train the detector or the action classifier on your own data")
    what = train.add_subparsers(required=True, metavar="WHAT")

    players = what.add_parser("players", help="fine-tune a YOLO detector to player, referee, ball, hoop")
    players.add_argument("data", type=Path, help="folder with data.yaml, images/ and labels/ (YOLO format)")
    players.add_argument("-o", "--output", type=Path, required=True, help="the .pt to write")
    players.add_argument("--start-from", type=Path, required=True, help="the YOLO .pt to begin with")
    own = "folder for the run: new, empty, or of an earlier one"
    players.add_argument("--work", type=Path, default=Path("runs/players"), help=own)
    players.add_argument("--hold-out", type=_patterns, default=[], help="patterns of names or paths to test on")
    players.add_argument("--aspect", type=_ratio, help="width:height to restore in stretched pictures, as in 16:9")
    players.add_argument("--epochs", type=int, default=10, metavar="N")
    players.add_argument("--imgsz", type=int, default=960, metavar="N", help="longest side of a picture, pixels")
    players.add_argument("--batch", type=int, default=8, metavar="N")
    players.add_argument("--device", default="auto")
    add_quiet(players)
    players.set_defaults(run=run_train_players)

    train_actions.add_command(what)
    train_maps.add_command(what)
    train_sport.add_command(what)

    clips = what.add_parser("clips", help="make labelled clips of synthetic players to train on")
    clips.add_argument("output", type=Path, help="folder to fill, one folder per action")
    clips.add_argument("--count", type=int, default=3000, metavar="N")
    clips.add_argument("--seed", type=int, default=0, metavar="N")
    add_quiet(clips)
    clips.set_defaults(run=run_train_clips)


def run_train_players(options: argparse.Namespace) -> int:
    """``courtscribe train players``."""
    from pipeline.outputs.place import require_file
    from tracker.detect.train import train_detector

    require_file(options.output, [options.start_from, options.data])
    if not options.start_from.is_file():
        raise InputError(f"{options.start_from}: no such file")
    if options.epochs < 1 or options.batch < 1 or not 32 <= options.imgsz <= 8192:
        raise InputError(
            "a training has 1 epoch or more, batches of 1 or more and pictures of 32 to 8192 pixels, not "
            f"{options.epochs}, {options.batch} and {options.imgsz}"
        )
    scores = train_detector(
        options.data,
        options.start_from,
        options.output,
        options.work,
        hold_out=options.hold_out,
        aspect=options.aspect,
        epochs=options.epochs,
        imgsz=options.imgsz,
        batch=options.batch,
        device=resolve_device(options.device),
        quiet=options.quiet,
    )
    for score in scores:
        say(options, f"{score.name}: AP50 {score.ap50:.3f}, AP {score.ap:.3f}")
    say(options, f"{options.output}")
    return 0


def run_train_clips(options: argparse.Namespace) -> int:
    """``courtscribe train clips``."""
    import numpy as np

    from pipeline.outputs.place import require_file
    from pipeline.synthetic.clips import synthetic_clips

    require_file(options.output / "0.npy")
    if options.count < 1 or options.seed < 0:
        raise InputError(f"count is 1 or more and seed 0 or more, not {options.count} and {options.seed}")
    waiting: dict[str, list[Any]] = {}
    written: dict[str, int] = {}

    def write(label: str) -> None:
        number = written[label] = written.get(label, 0) + 1
        path = options.output / label / f"{options.seed:04d}_{number:04d}.npy"
        with write_atomically(path) as part, part.open("wb") as file:
            np.save(file, np.stack(waiting.pop(label)))

    with choose_progress(options.quiet).stage("make", options.count, "clip") as advance:
        for label, frames in synthetic_clips(options.count, options.seed):
            waiting.setdefault(label, []).append(frames)
            if len(waiting[label]) == _CLIPS_PER_FILE:
                write(label)
            advance(1)
    for label in list(waiting):
        write(label)
    say(options, f"{options.output}")
    return 0


def _patterns(text: str) -> list[str]:
    return text.split(",")


def _ratio(text: str) -> float:
    width, _, height = text.partition(":")
    ratio = float(width) / float(height or 1)
    if not 0.1 <= ratio <= 10:
        raise ValueError
    return ratio
