"""``weights``: checkpoints from and to other programs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from pipeline.runners.flags import add_quiet, say
from pipeline.runners.learning.export_weights import add_export
from pipeline.runners.learning.quantise import add_int8


def add_commands(subparsers: Any) -> None:
    """Add this module's command to the parser; what is done with weights are its subcommands."""
    weights = subparsers.add_parser("weights", help="action weights from and to other programs")
    kinds = weights.add_subparsers(required=True, metavar="WHAT", parser_class=type(weights))
    importer = kinds.add_parser(
        "import", help="a checkpoint of hkair or LokaHQ (r2plus1d_multiclass_*.pt) becomes ours"
    )
    importer.add_argument("weights", type=Path, metavar="FILE", help="the .pt; no code in it is run")
    importer.add_argument("-o", "--output", type=Path, help="the .safetensors to write (default: beside it)")
    add_quiet(importer)
    importer.set_defaults(run=run_import)
    add_export(kinds)
    add_int8(kinds)


def run_import(options: argparse.Namespace) -> int:
    """``courtscribe weights import``."""
    from classify.weights.import_spacejam import import_spacejam
    from pipeline.outputs.place import require_file

    output = options.output or options.weights.with_suffix(".safetensors")
    require_file(output, [options.weights])
    info = import_spacejam(options.weights, output)
    say(options, f"{output}: {info.model}, {len(info.labels)} labels; use it with --actions {output}")
    return 0
