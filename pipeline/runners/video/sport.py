"""``sport``: which sport a picture or a video shows."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from ground.errors import InputError
from pipeline.progress import choose_progress
from pipeline.runners.flags import add_quiet
from pipeline.runners.streams import one_line


def add_commands(subparsers: Any) -> None:
    """Add this module's command to the parser."""
    sport = subparsers.add_parser("sport", help="tell which sport a picture or a video shows")
    sport.add_argument("source", help="a picture, a video, a folder of its frames, or an address")
    sport.add_argument("--top", type=int, default=3, metavar="N", help="how many sports to show (%(default)s)")
    sport.add_argument(
        "--model", type=Path, metavar="FILE", help="what train sport wrote (default: the shipped sports)"
    )
    sport.add_argument("--json", action="store_true", help="answer in JSON, as the Sport Vision API does")
    add_quiet(sport)
    sport.set_defaults(run=run_sport)


def run_sport(options: argparse.Namespace) -> int:
    """``courtscribe sport``."""
    from pipeline.sport.predict import SHIPPED_SPORTS, open_classifier
    from pipeline.sport.show import answer_json, answer_table
    from pipeline.sport.source import tell_source

    if options.top < 1:
        raise InputError(f"the top has 1 sport or more, not {options.top}", "top")
    classifier = open_classifier(options.model or SHIPPED_SPORTS)
    found = tell_source(options.source, classifier, choose_progress(options.quiet))
    if options.json:
        sys.stdout.write(json.dumps(answer_json(found, options.top), ensure_ascii=False) + "\n")
        return 0
    for line in answer_table(found, options.top).splitlines():
        sys.stdout.write(one_line(line) + "\n")
    return 0
