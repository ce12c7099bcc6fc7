"""``demo``: make a game, run the main job on it, and say how right it was."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ground.errors import InputError
from pipeline.progress import choose_progress
from pipeline.runners.flags import ANALYZE_FLAGS, add_config, add_flags, add_quiet, chosen_config, say

if TYPE_CHECKING:
    from ground.frames import Image
    from pipeline.progress import Progress

_RATE = 30


def add_commands(subparsers: Any) -> None:
    """Add this module's command to the parser."""
    demo = subparsers.add_parser("demo", help="make a game, analyse it, and compare the result with the truth")
    demo.add_argument("-o", "--output", type=Path, default=Path("demo"), help="folder for the game and the results")
    demo.add_argument("--seconds", type=float, default=20.0, metavar="X", help="length of the game")
    demo.add_argument("--seed", type=int, default=0, metavar="N", help="another number, another game")
    demo.add_argument("--make-only", action="store_true", help="make the game and its truth, and stop")
    demo.add_argument("--no-video", action="store_true", help="do not make the annotated video")
    add_flags(demo, ANALYZE_FLAGS)
    add_config(demo)
    add_quiet(demo)
    demo.set_defaults(run=run_demo)


def run_demo(options: argparse.Namespace) -> int:
    """``courtscribe demo``."""
    if not 0.5 <= options.seconds <= 3600:
        raise InputError(f"a game lasts 0.5 to 3600 seconds, not {options.seconds:g}")

    config = chosen_config(options)
    from pipeline.synthetic.game import SyntheticGame
    from pipeline.synthetic.truth import write_truth

    progress = choose_progress(options.quiet)
    game = SyntheticGame(options.seed, options.seconds, fps=_RATE)
    video, truth = options.output / "game.mp4", options.output / "truth"
    if video.exists() and not truth.is_dir():
        raise InputError(f"{video}: is there and was not made by demo; choose another folder with --output")
    _write_game(game, video, progress)
    write_truth(game.truth, truth)
    if options.make_only:
        say(options, f"game: {video}, truth: {truth}")
        return 0

    from pipeline.analyze import analyze_video
    from pipeline.evaluate.play import agree_on_play, play_table
    from pipeline.outputs.write import write_outputs
    from pipeline.stages.ball import events_found

    analysis = analyze_video(video, config, progress=progress)
    folder = options.output / "game.courtscribe"
    written = write_outputs(analysis, folder, progress, with_video=not options.no_video)
    say(options, f"the game:    {video}")
    for path in written:
        say(options, f"the result:  {path}")
    for line in play_table(agree_on_play(analysis, events_found(analysis), truth)).splitlines():
        say(options, line)
    return 0


def _write_game(game: Any, path: Path, progress: Progress) -> None:
    from pipeline.video.encode import write_video

    with progress.stage("make", game.num_frames) as advance:

        def pictures() -> Iterator[tuple[float, Image]]:
            for frame in game.frames():
                yield frame.time, frame.image
                advance(1)

        write_video(path, pictures(), frame_rate=Fraction(_RATE))
