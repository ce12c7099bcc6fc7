"""``weights export``: our checkpoints for other programs, and rounded for faster CPUs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ground.errors import InputError
from pipeline.runners.flags import add_quiet, say
from pipeline.shipped import WEIGHTS


def add_export(kinds: Any) -> None:
    """Add ``export`` to the subcommands of ``weights``."""
    export = kinds.add_parser(
        "export", help="action weights as ONNX, OpenVINO or torch.export, with their labels inside"
    )
    shipped = WEIGHTS / "actions.safetensors"
    export.add_argument(
        "--actions", type=Path, default=shipped, metavar="FILE", help="the checkpoint (default: shipped)"
    )
    export.add_argument("--to", required=True, metavar="FORMAT", help="onnx (.onnx), openvino (.xml) or torch (.pt2)")
    export.add_argument("-o", "--output", type=Path, required=True, help="the file to write")
    export.add_argument("--int8", action="store_true", help="round to 8 bits (openvino): faster, not quite the same")
    export.add_argument("--calibration", type=Path, metavar="DIR", help="clips that decide how --int8 rounds")
    add_quiet(export)
    export.set_defaults(run=run_export)


def run_export(options: argparse.Namespace) -> int:
    """``courtscribe weights export``."""
    from classify.run.export import export_checkpoint
    from pipeline.outputs.place import require_file

    require_file(options.output, [options.actions])
    if options.int8 != (options.calibration is not None):
        raise InputError("--int8 and --calibration DIR go together: the clips decide how the network is rounded")
    made = export_checkpoint(options.actions, options.to, options.output, options.calibration)
    compared = f"probabilities within {made.difference:.0e} of the checkpoint's"
    if options.int8:
        compared = (
            f"INT8; on {made.clips} clips it gives the checkpoint's label for {made.agreement:.1%}, "
            f"probabilities {made.difference:.3f} away on average"
        )
    say(options, f"{options.output}: {made.info.model}, {len(made.info.labels)} labels, {compared}")
    if options.to != "torch":
        say(options, f"use it with --actions {options.output}")
    return 0
