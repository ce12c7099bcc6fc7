"""``train maps``: teach the small network where joints and ball are, from videos and clips without labels."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

from ground.disk.files import write_atomically
from ground.errors import InputError
from pipeline.progress import choose_progress
from pipeline.runners.flags import add_quiet, say
from pipeline.shipped import WEIGHTS

_STEPS = 900
"""With about 4,000 pictures; more brought nothing in a trial."""


def add_command(subparsers: Any) -> None:
    """Add the command to the parser of ``train``."""
    maps = subparsers.add_parser(
        "maps", help="teach pooled_maps where joints and ball are, to start train actions from; needs no labels"
    )
    maps.add_argument("sources", type=Path, nargs="+", help="videos of games, folders of clips")
    maps.add_argument("-o", "--output", type=Path, required=True, help="the .safetensors to write")
    maps.add_argument("--pose", type=Path, required=True, metavar="FILE", help="an ultralytics pose model: the teacher")
    maps.add_argument(
        "--detector", type=Path, default=WEIGHTS / "players.pt", metavar="FILE",
        help="a YOLO11n .pt with a class ball: finds players, teaches the ball, lends its backbone (default: shipped)",
    )  # fmt: skip
    maps.add_argument("--steps", type=int, default=_STEPS, metavar="N", help="batches to learn from (%(default)s)")
    maps.add_argument("--seed", type=int, default=0, metavar="N")
    maps.add_argument("--device", default="auto", help="of the teachers")
    add_quiet(maps)
    maps.set_defaults(run=run_train_maps)


def run_train_maps(options: argparse.Namespace) -> int:
    """``courtscribe train maps``."""
    from classify.networks.pooled_maps import PooledMaps
    from classify.train.config import SMALL
    from classify.train.distillation import taught, teach
    from classify.weights.checkpoint import load_start
    from pipeline.outputs.place import require_file
    from pipeline.training.unlabelled_pictures import Teachers, make_transfer_set
    from tracker.detect.features import export_backbone

    if options.steps < 1 or options.seed < 0:
        raise InputError(f"steps is 1 or more and seed 0 or more, not {options.steps} and {options.seed}")
    if options.output.suffix != ".safetensors":
        raise InputError(f"{options.output}: the name of the weights ends in .safetensors")
    require_file(options.output)
    with tempfile.TemporaryDirectory() as work:
        layers = Path(work) / "layers.safetensors"
        export_backbone(options.detector, layers)
        model = load_start(layers, SMALL, 2)
    assert isinstance(model, PooledMaps)
    progress = choose_progress(options.quiet)
    teachers = Teachers(options.pose, options.detector)
    transfer_set = make_transfer_set(options.sources, teachers, progress, options.device, options.seed)
    with progress.stage("maps", options.steps, "step") as advance:
        losses = teach(model, transfer_set, options.steps, seed=options.seed, advance=advance)
    with write_atomically(options.output) as part:
        part.write_bytes(taught(model))
    tenth = max(1, len(losses) // 10)
    first, last = (sum(part) / len(part) for part in (losses[:tenth], losses[-tenth:]))
    say(options, f"{len(transfer_set.pictures)} pictures; loss {first:.2f} at first, {last:.2f} at last")
    say(options, f"{options.output}")
    return 0
