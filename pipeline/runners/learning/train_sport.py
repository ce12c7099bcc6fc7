"""``train sport``: learn sports from a folder of pictures."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ground.errors import InputError
from pipeline.progress import choose_progress
from pipeline.runners.flags import add_quiet, say


def add_command(subparsers: Any) -> None:
    """Add the command to the parser of ``train``."""
    sport = subparsers.add_parser("sport", help="learn which sport a picture shows, from a folder per sport")
    sport.add_argument("data", type=Path, help="folder with a folder of pictures per sport; no_sport: of anything else")
    sport.add_argument("-o", "--output", type=Path, required=True, help="the .examples file to write")
    sport.add_argument(
        "--sports", type=Path, metavar="FILE", help="CSV of id, name, tags that extends the shipped table"
    )
    sport.add_argument(
        "--embedding", metavar="NAME", help="efficientnet_lite2 (the default), detector, or a .tflite file"
    )
    add_quiet(sport)
    sport.set_defaults(run=run_train_sport)


def run_train_sport(options: argparse.Namespace) -> int:
    """``courtscribe train sport``."""
    from pipeline.outputs.place import require_file
    from pipeline.sport.embeddings import DEFAULT, open_embedding
    from pipeline.sport.examples import save_examples
    from pipeline.sport.predict import fit_heads
    from pipeline.sport.table import read_table
    from pipeline.sport.train import learn

    if options.output.suffix != ".examples":
        raise InputError(f"{options.output}: the name of what is learnt ends in .examples")
    require_file(options.output)
    table = read_table(options.sports)
    learnt = learn(options.data, open_embedding(options.embedding or DEFAULT), table, choose_progress(options.quiet))
    save_examples(options.output, learnt.examples, fit_heads(learnt.examples))
    for sport, count, right in learnt.by_sport:
        say(options, f"{sport.id:>5}  {sport.name:<24} {count:>4} examples, {right:.2f} told right without themselves")
    say(options, f"all: {learnt.accuracy:.3f} told right without themselves; pictures of another kind are told worse")
    say(options, f"{options.output}")
    return 0
