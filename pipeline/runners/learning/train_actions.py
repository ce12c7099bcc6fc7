"""``train actions``: the action classifier, on SpaceJam or on clips of your own."""

from __future__ import annotations

import argparse
import logging
import os
import shlex
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ground.errors import InputError
from pipeline.runners.flags import add_quiet, say

if TYPE_CHECKING:
    from classify.train.config import TrainConfig
    from classify.train.dataset import DataConfig

_SETTINGS: dict[str, tuple[Any, str]] = {
    "epochs": (int, "at most; fewer where the validation part says stop; 0: fit the last layer only"),
    "pretrain-epochs": (int, "over the clips of --pretrain"),
    "head-epochs": (int, "first epochs in which only new layers learn"),
    "batch": (int, "clips in a step, over all GPUs together"),
    "lr": (float, "learning rate of new layers, at its highest"),
    "start-lr": (float, "of layers that start from weights"),
    "weight-decay": (float, "pull of weights to zero"),
    "label-smoothing": (float, "part of each label given to all others"),
    "balance": (float, "1: every label counts as much, 0: as much as it has clips"),
    "balance-by": (str, "sampling (rare labels are drawn more often) or loss (they weigh more)"),
    "ema": (float, "share of the past in the average of weights"),
    "validation": (float, "part of the clips kept to choose the best epoch by"),
    "patience": (int, "epochs without a better macro-F1 before training stops; 0: never"),
    "loaders": (int, "threads that get batches ready for a GPU"),
    "seed": (int, "of everything random"),
}
"""Flags that fill ``classify.train.config.TrainConfig``."""

_DEFAULT_FOLDS = 5

_log = logging.getLogger("courtscribe")


def add_command(subparsers: Any) -> None:
    """Add the command to the parser of ``train``."""
    actions = subparsers.add_parser("actions", help="train the action classifier on labelled clips")
    actions.add_argument(
        "data",
        type=Path,
        nargs="+",
        help="SpaceJam's folder, folders with a folder per action, or CSVs: clip,label,split",
    )
    actions.add_argument(
        "-o", "--output", type=Path, default=Path("runs/actions"),
        help="folder for the run, or the .safetensors to write: then the folder is beside it, NAME.run",
    )  # fmt: skip
    actions.add_argument("--resume", action="store_true", help="go on with a run that was stopped")
    actions.add_argument("--split", help="twin-free, public, folds, folders or csv; default: what the data ask for")
    actions.add_argument("--folds", type=int, metavar="N", help="cross-validate in so many, grouped by original")
    actions.add_argument("--test-list", type=Path, metavar="FILE", help="SpaceJam's test ids, if not in its folder")
    actions.add_argument("--labels", type=_names, help="to learn, comma-separated; clips of others are left out")
    actions.add_argument("--max-bad", type=float, metavar="X", help="part of the clips that may be broken (0.1)")
    actions.add_argument("--cache", type=Path, metavar="DIR", help="folder for decoded clips; default: the user's")
    actions.add_argument("--model", help="default: r2plus1d_18 on a GPU, pooled_maps without one; see the README")
    actions.add_argument(
        "--start-from", metavar="WEIGHTS", help="ours, a YOLO11 .pt, 'kinetics' or 'none'; default: the best there is"
    )
    actions.add_argument(
        "--pretrain", type=Path, action="append", default=[],
        help="clips to learn from first (without epochs: as well), never judged",
    )  # fmt: skip
    for name, (kind, text) in _SETTINGS.items():
        metavar = {int: "N", float: "X"}.get(kind, "NAME")
        actions.add_argument(f"--{name}", type=kind, default=argparse.SUPPRESS, metavar=metavar, help=text)
    actions.add_argument("--data-note", default="", help="what the data is, for whoever reads the checkpoint")
    actions.add_argument("--licence", default="", help="of the weights, likewise")
    actions.add_argument("--starter-note", default="", help="mark the weights as a first guess, with this sentence")
    actions.add_argument("--device", default="auto")
    add_quiet(actions)
    actions.set_defaults(run=run_train_actions)


def run_train_actions(options: argparse.Namespace) -> int:
    """``courtscribe train actions``; under torchrun, one of its processes."""
    from classify.train.run import train_actions
    from classify.train.run_folder import RunFolder
    from classify.weights.description import Origin
    from pipeline.outputs.place import require_file

    require_file(RunFolder.of(options.output).checkpoint, options.data)
    if options.output.suffix == ".safetensors":
        require_file(options.output, [*options.data, *filter(None, [options.start_from])])
    config, note = _config(options), options.starter_note
    if options.folds and options.split not in (None, "folds"):
        raise InputError(f"--folds is for --split folds, not for --split {options.split}")
    origin = Origin(data=options.data_note, licence=options.licence, starter=bool(note), note=note)
    with tempfile.TemporaryDirectory() as work:
        start, start_name = _start(options.start_from, config.model, Path(work))
        judgements = train_actions(
            _data(options),
            options.output,
            config,
            start_from=start,
            start_name=start_name,
            folds=_DEFAULT_FOLDS if options.folds is None and options.split == "folds" else options.folds or 0,
            resume=options.resume,
            origin=origin,
            note=shlex.join(sys.argv),
        )
    if os.environ.get("RANK", "0") != "0":
        return 0
    for name, judged in judgements.items():
        report, (low, high) = judged.report, judged.intervals.macro_f1
        say(
            options,
            f"{name}: {sum(map(sum, report.confusion))} clips, accuracy {report.accuracy:.3f}, balanced accuracy "
            f"{report.balanced_accuracy:.3f}, macro-F1 {report.macro_f1:.3f} (95 %: {low:.3f} to {high:.3f})",
        )
    say(options, f"{options.output}")
    return 0


def _config(options: argparse.Namespace) -> TrainConfig:
    from classify.networks.registry import architecture
    from classify.train.config import SMALL, suited
    from ground.compute.devices import torch_device

    model = options.model or ("r2plus1d_18" if torch_device(options.device).type == "cuda" else SMALL)
    architecture(model)
    names = (name.replace("-", "_") for name in _SETTINGS)
    given = {name: getattr(options, name) for name in names if hasattr(options, name)}
    return replace(suited(model), device=options.device, **given)


def _data(options: argparse.Namespace) -> DataConfig:
    from classify.data.clips import MAX_BAD
    from classify.train.dataset import DataConfig

    return DataConfig(
        tuple(options.data),
        tuple(options.pretrain),
        options.split or ("folds" if options.folds else None),
        options.labels,
        options.test_list,
        MAX_BAD if options.max_bad is None else options.max_bad,
        options.cache,
    )


def _start(given: str | None, model: str, work: Path) -> tuple[Path | str | None, str]:
    """Weights to begin with, and their name: those that were named, else the best there are.

    For the small network those are the shipped ones, which see joints and ball; else Kinetics', where there are any;
    else what the detector knows of people.
    """
    from classify.networks.registry import architecture
    from classify.train.config import SMALL
    from classify.train.run import KINETICS
    from classify.weights.checkpoint import kinetics_weights
    from pipeline.shipped import WEIGHTS

    if given == "none":
        return None, ""
    if given is None and architecture(model).kinetics_url is not None:
        try:
            return kinetics_weights(model, download=False), KINETICS
        except InputError as error:
            _log.warning("starting from random weights: %s", error)
            return None, ""
    if given == KINETICS:
        return KINETICS, KINETICS
    if given is None and model == SMALL:
        return WEIGHTS / "actions.safetensors", str(WEIGHTS / "actions.safetensors")
    weights = Path(given) if given is not None else WEIGHTS / "players.pt"
    return _backbone(weights, work) if weights.suffix.lower() == ".pt" else weights, str(weights)


def _backbone(detector: Path, work: Path) -> Path:
    from tracker.detect.features import export_backbone

    export_backbone(detector, work / "backbone.safetensors")
    return work / "backbone.safetensors"


def _names(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
