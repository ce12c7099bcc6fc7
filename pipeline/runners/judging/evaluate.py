"""``evaluate``: how right tracks and actions are, against a truth."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ground.errors import InputError
from pipeline.runners.judging import evaluate_actions

if TYPE_CHECKING:
    from tracker.evaluate.scores import TrackScores
    from tracker.evaluate.sequences import SequenceFiles
    from tracker.types import Tracks

_log = logging.getLogger("courtscribe")

_TOGETHER = "together"
_HEADS = {
    "hota": "HOTA", "det_a": "DetA", "ass_a": "AssA", "loc_a": "LocA", "mota": "MOTA", "motp": "MOTP", "idf1": "IDF1",
    "idp": "IDP", "idr": "IDR", "precision": "Prec", "recall": "Rec", "id_switches": "IDSw", "fragments": "Frag",
    "false_positives": "FP", "false_negatives": "FN",
}  # fmt: skip
"""What the table calls the figures."""


def add_commands(subparsers: Any) -> None:
    """Add this module's command to the parser; what it can evaluate are its subcommands."""
    evaluate = subparsers.add_parser("evaluate", help="measure tracks or actions against a truth")
    kinds = evaluate.add_subparsers(required=True, metavar="WHAT", parser_class=type(evaluate))
    tracks = kinds.add_parser("tracks", help="HOTA, CLEAR and Identity, equal to TrackEval's")
    tracks.add_argument("--gt", type=Path, required=True, metavar="DIR", help="truth: a file, or a folder of sequences")
    tracks.add_argument("--tracks", type=Path, required=True, metavar="DIR", help="tracks: the same, or an analysis")
    tracks.add_argument("--format", choices=("mot", "coco", "cvat"), default="", help="of --tracks, if it is not told")
    tracks.add_argument(
        "--all-classes", action="store_true", help="let every class of the truth count, and none distract"
    )
    tracks.add_argument("--json", type=Path, metavar="FILE", help="save the scores here too")
    tracks.add_argument("--plot", type=Path, metavar="FOLDER", help="draw SEQ.png: which identity covers whom, when")
    tracks.set_defaults(run=run_tracks)
    evaluate_actions.add_command(kinds)
    play = kinds.add_parser("play", help="all of these at once, and teams, the court and events")
    play.add_argument("place", type=Path, metavar="DIR", help="an analysis")
    play.add_argument("--truth", type=Path, required=True, metavar="DIR", help="gt.txt and what else is known")
    play.set_defaults(run=run_play)
    ball = kinds.add_parser("ball", help="who has the ball, by frame, and where it is")
    ball.add_argument("place", type=Path, metavar="DIR", help="an analysis")
    ball.add_argument("--truth", type=Path, required=True, metavar="DIR", help="gt.txt, holder.csv and ball.csv")
    ball.set_defaults(run=run_ball)


def run_tracks(options: argparse.Namespace) -> int:
    """``courtscribe evaluate tracks``."""
    from pipeline.outputs.place import require_file
    from tracker.evaluate.scores import combine, evaluate_tracks
    from tracker.evaluate.sequences import pair_sequences

    scores: dict[str, TrackScores] = {}
    sequences = pair_sequences(options.gt, options.tracks)
    pictures = [] if options.plot is None else [options.plot / f"{sequence.name}.png" for sequence in sequences]
    for path in [*pictures, *([] if options.json is None else [options.json])]:
        require_file(path, [file for sequence in sequences for file in (sequence.truth, sequence.tracks)])
    for sequence in sequences:
        truth, result = _read(sequence, options.format, by_class=not options.all_classes)
        score = scores[sequence.name] = evaluate_tracks(truth, result)
        if options.plot is not None:
            _draw(truth, result, score, options.plot / f"{sequence.name}.png", sequence.name)
    together = combine(list(scores.values()))
    sys.stdout.write(_table(scores, together))
    if options.json is not None:
        _save(options.json, scores, together)
    return 0


def run_ball(options: argparse.Namespace) -> int:
    """``courtscribe evaluate ball``."""
    from pipeline.edits.current import load_current
    from pipeline.evaluate.ball import NEAR, agree_on_ball

    own = agree_on_ball(load_current(options.place), options.truth)
    sys.stdout.write(f"{'holder right':24}{own.holder:.3f} of {own.num_frames} frames\n")
    sys.stdout.write(f"{f'ball within {NEAR:.0f} px':24}{own.recall:.3f} of {own.num_places} frames\n")
    return 0


def run_play(options: argparse.Namespace) -> int:
    """``courtscribe evaluate play``."""
    from pipeline.edits.current import load_current
    from pipeline.evaluate.play import agree_on_play, play_table
    from pipeline.stages.ball import events_found

    analysis = load_current(options.place)
    sys.stdout.write(play_table(agree_on_play(analysis, events_found(analysis), options.truth)))
    return 0


def _read(sequence: SequenceFiles, kind: str, *, by_class: bool) -> tuple[Tracks, Tracks]:
    """Truth and tracks of one sequence, prepared as TrackEval does; raises InputError where one is empty or wrong."""
    from tracker.evaluate.scores import without_distracted
    from tracker.files.formats import format_of, read_tracks_file
    from tracker.files.mot import read_all_truth

    _check_filled(sequence.truth)
    _check_filled(sequence.tracks)
    if sequence.truth.resolve() == sequence.tracks.resolve():
        raise InputError(f"{sequence.tracks}: is the truth itself, so there is nothing to compare")
    given = read_tracks_file(sequence.tracks, kind)
    for note in given.notes:
        _log.warning("%s: %s", sequence.tracks, note)
    if format_of(sequence.truth) != "mot":
        truth, result = read_tracks_file(sequence.truth).tracks, given.tracks
    else:
        is_mot20 = "MOT20" in sequence.name.upper()
        boxes, counts, distracts = read_all_truth(sequence.truth, is_mot20=is_mot20, by_class=by_class)
        truth, result = boxes[counts], without_distracted(boxes, distracts, given.tracks)
    if not len(truth):
        raise InputError(f"{sequence.truth}: holds no boxes that count, so there is nothing to compare")
    return truth, result


def _check_filled(path: Path) -> None:
    from tracker.files.formats import split_choice

    path, _ = split_choice(path)
    try:
        if not path.read_bytes().strip():
            raise InputError(f"{path}: holds no boxes, so there is nothing to compare")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error


def _table(scores: Mapping[str, TrackScores], together: TrackScores) -> str:
    """A line per sequence, and one for all of them where there are several."""
    from tracker.evaluate.scores import FIGURES

    lines = [*scores.items(), (_TOGETHER, together)] if len(scores) > 1 else list(scores.items())
    width = max(len("sequence"), *(len(name) for name, _ in lines))
    rows = [f"{'sequence':{width}}" + "".join(f"{_HEADS[figure]:>7}" for figure in FIGURES)]
    for name, score in lines:
        values = (getattr(score, figure) for figure in FIGURES)
        rows.append(f"{name:{width}}" + "".join(f"{v:7.3f}" if isinstance(v, float) else f"{v:7d}" for v in values))
    return "\n".join(rows) + "\n"


def _save(path: Path, scores: Mapping[str, TrackScores], together: TrackScores) -> None:
    from ground.disk.files import write_text
    from tracker.evaluate.scores import FIGURES

    def figures(score: TrackScores) -> dict[str, float]:
        return {figure: getattr(score, figure) for figure in FIGURES}

    content = {"sequences": {name: figures(score) for name, score in scores.items()}, _TOGETHER: figures(together)}
    write_text(path, json.dumps(content, indent=1) + "\n")


def _draw(truth: Tracks, result: Tracks, score: TrackScores, path: Path, name: str) -> None:
    from pipeline.evaluate.identity_plot import draw_identities
    from tracker.evaluate.scores import covering_ids

    title = f"{name}: HOTA {score.hota:.3f}, IDF1 {score.idf1:.3f}, {score.id_switches} switches"
    draw_identities(truth, covering_ids(truth, result), path, title)
