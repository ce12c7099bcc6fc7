"""``evaluate``: how right tracks and actions are, against a truth."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ground.errors import InputError
from pipeline.runners import evaluate_actions

if TYPE_CHECKING:
    from tracker.evaluate import TrackScores
    from tracker.sequences import SequenceFiles
    from tracker.types import Tracks

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
    tracks.add_argument("--json", type=Path, metavar="FILE", help="save the scores here too")
    tracks.add_argument("--plot", type=Path, metavar="FOLDER", help="draw SEQ.png: which identity covers whom, when")
    tracks.set_defaults(run=run_tracks)
    evaluate_actions.add_command(kinds)


def run_tracks(options: argparse.Namespace) -> int:
    """``courtscribe evaluate tracks``."""
    from tracker.evaluate import combine, evaluate_tracks
    from tracker.sequences import pair_sequences

    scores: dict[str, TrackScores] = {}
    for sequence in pair_sequences(options.gt, options.tracks):
        truth, result = _read(sequence)
        score = scores[sequence.name] = evaluate_tracks(truth, result)
        if options.plot is not None:
            _draw(truth, result, score, options.plot / f"{sequence.name}.png", sequence.name)
    together = combine(list(scores.values()))
    sys.stdout.write(_table(scores, together))
    if options.json is not None:
        _save(options.json, scores, together)
    return 0


def _read(sequence: SequenceFiles) -> tuple[Tracks, Tracks]:
    """Truth and tracks of one sequence; raises InputError where one is empty or is the other's kind of file."""
    from tracker.formats import is_mot, read_tracks_file
    from tracker.mot import is_truth, read_truth

    _check_filled(sequence.truth)
    _check_filled(sequence.tracks)
    if is_mot(sequence.tracks) and is_truth(sequence.tracks):
        raise InputError(f"{sequence.tracks}: is ground truth (it has classes and visibilities), not tracks")
    truth = read_truth(sequence.truth) if is_mot(sequence.truth) else read_tracks_file(sequence.truth).tracks
    if not len(truth):
        raise InputError(f"{sequence.truth}: holds no boxes that count, so there is nothing to compare")
    return truth, read_tracks_file(sequence.tracks).tracks


def _check_filled(path: Path) -> None:
    try:
        if not path.read_bytes().strip():
            raise InputError(f"{path}: holds no boxes, so there is nothing to compare")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error


def _table(scores: Mapping[str, TrackScores], together: TrackScores) -> str:
    """A line per sequence, and one for all of them where there are several."""
    from tracker.evaluate import FIGURES

    lines = [*scores.items(), (_TOGETHER, together)] if len(scores) > 1 else list(scores.items())
    width = max(len("sequence"), *(len(name) for name, _ in lines))
    rows = [f"{'sequence':{width}}" + "".join(f"{_HEADS[figure]:>7}" for figure in FIGURES)]
    for name, score in lines:
        values = (getattr(score, figure) for figure in FIGURES)
        rows.append(f"{name:{width}}" + "".join(f"{v:7.3f}" if isinstance(v, float) else f"{v:7d}" for v in values))
    return "\n".join(rows) + "\n"


def _save(path: Path, scores: Mapping[str, TrackScores], together: TrackScores) -> None:
    from ground.files import write_atomically
    from tracker.evaluate import FIGURES

    def figures(score: TrackScores) -> dict[str, float]:
        return {figure: getattr(score, figure) for figure in FIGURES}

    content = {"sequences": {name: figures(score) for name, score in scores.items()}, _TOGETHER: figures(together)}
    with write_atomically(path) as part:
        part.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _draw(truth: Tracks, result: Tracks, score: TrackScores, path: Path, name: str) -> None:
    from pipeline.outputs.identity_plot import draw_identities
    from tracker.evaluate import covering_ids

    title = f"{name}: HOTA {score.hota:.3f}, IDF1 {score.idf1:.3f}, {score.id_switches} switches"
    draw_identities(truth, covering_ids(truth, result), path, title)
