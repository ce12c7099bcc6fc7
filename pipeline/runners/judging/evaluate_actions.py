"""``evaluate actions``: how right the classifier is on labelled clips, or a whole analysis against a true timeline."""

from __future__ import annotations

import argparse
import dataclasses
import json
import logging
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ground.compute.devices import resolve_device
from ground.errors import InputError
from pipeline.progress import choose_progress
from pipeline.runners.flags import add_quiet, add_runtime, say
from pipeline.shipped import WEIGHTS

if TYPE_CHECKING:
    from classify.evaluate.judgement import Judgement
    from classify.run.classifier import ActionClassifier
    from pipeline.analysis.values import Analysis
    from pipeline.evaluate.actions import LabelledFrames

_log = logging.getLogger("courtscribe")

_TOO_COLD = 0.3
"""A temperature under which answers are so often right, and so little sure, that the clips must be known."""


def add_command(kinds: Any) -> None:
    """Add ``actions`` to what can be evaluated."""
    actions = kinds.add_parser("actions", help="accuracy, macro-F1, calibration; segment F1 of a whole analysis")
    actions.add_argument("place", type=Path, nargs="+", metavar="DIR",
                         help="clips (SpaceJam's folder, a folder per label, a CSV), or an analysis")  # fmt: skip
    actions.add_argument("--actions", type=Path, default=WEIGHTS / "actions.safetensors", metavar="FILE",
                         help="the action classifier's weights file")  # fmt: skip
    actions.add_argument("--truth", type=Path, metavar="PLACE",
                         help="of an analysis: timeline.csv or what export writes of actions, or a folder")  # fmt: skip
    actions.add_argument("--test-list", type=Path, metavar="FILE", help="SpaceJam's test ids, if not in its folder")
    actions.add_argument("--all", action="store_true", help="all clips, not only those that the data says are to test")
    actions.add_argument("--calibrate", type=Path, metavar="FILE",
                         help="write the weights here, as sure as they are right on these clips")  # fmt: skip
    actions.add_argument("--json", type=Path, metavar="FILE", help="save the scores here too")
    actions.add_argument("--plot", type=Path, metavar="FILE", help="draw confusions, recall and calibration as PNG")
    actions.add_argument("--device", default="auto")
    add_runtime(actions)
    add_quiet(actions)
    actions.set_defaults(run=run_actions)


def run_actions(options: argparse.Namespace) -> int:
    """``courtscribe evaluate actions``."""
    from pipeline.analysis.folder import is_analysis
    from pipeline.outputs.place import kept_files, require_file

    read = [*options.place, *filter(None, (options.truth, options.test_list)), *kept_files(options.place[0])]
    for path in filter(None, (options.json, options.plot)):
        require_file(path, [options.actions, *read])
    if options.calibrate is not None:
        require_file(options.calibrate, read)
    if options.truth is not None or is_analysis(options.place[0]):
        if options.truth is None:
            raise InputError(f"{options.place[0]}: is an analysis; say with --truth what was really done")
        if len(options.place) > 1 or options.calibrate:
            raise InputError("--truth takes one analysis, and calibration takes labelled clips")
        return _evaluate_analysis(options)
    return _evaluate_clips(options)


def _evaluate_clips(options: argparse.Namespace) -> int:
    from classify.evaluate.clip_folders import judge_checkpoint
    from classify.run.classifier import ActionClassifier
    from pipeline.evaluate.confusion_plot import draw_judgement
    from pipeline.evaluate.report import judgement_table

    if options.calibrate is not None and options.actions.suffix in (".xml", ".onnx"):
        raise InputError(
            f"--calibrate writes a checkpoint, and {options.actions} is an exported copy; give its checkpoint"
        )
    precision = "auto" if options.calibrate is None else "float32"  # a temperature is the checkpoint's own
    classifier = ActionClassifier(
        options.actions, resolve_device(options.device), runtime=options.runtime, precision=precision
    )
    with choose_progress(options.quiet).stage("judge", None, "clip") as advance:
        judged = judge_checkpoint(
            classifier, options.place, test_list=options.test_list, everything=options.all, advance=advance
        )
    sys.stdout.write("\n".join(judgement_table(name, judgement) for name, judgement in judged.items()))
    name, first = next(iter(judged.items()))
    if first.temperature < _TOO_COLD:
        _log.warning("these clips look as if the weights had learnt from them; on others they will be right less often")
    if options.json is not None:
        sets = {name: judgement.to_json() for name, judgement in judged.items()}
        about = {"weights": str(options.actions), "set": name, "stored_temperature": classifier.info.temperature}
        _save(options.json, first.to_json() | about | {"sets": sets})
    if options.plot is not None:
        draw_judgement(first, options.plot, f"{options.actions.name} on {name} of {options.place[0].name}")
    if options.calibrate is not None:
        _calibrate(options, classifier, first)
    return 0


def _calibrate(options: argparse.Namespace, classifier: ActionClassifier, judgement: Judgement) -> None:
    """Store how sure to be; the temperature comes on top of the one that the answers were already given with."""
    from classify.weights.checkpoint import rewrite_info

    temperature, below = classifier.info.temperature * judgement.temperature, judgement.unsure_below
    info = dataclasses.replace(classifier.info, temperature=temperature, unsure_below=below)
    rewrite_info(options.actions, options.calibrate, info)
    say(options, f"{options.calibrate}: temperature {temperature:.3f}, unsure below {below:.3f}")


def _evaluate_analysis(options: argparse.Namespace) -> int:
    from pipeline.edits.current import load_current
    from pipeline.evaluate.actions import agree
    from pipeline.evaluate.agreement_plot import draw_agreement
    from pipeline.evaluate.report import agreement_table

    analysis = load_current(options.place[0])
    players, names = _players(analysis, options.truth)
    agreement = agree(players)
    if not agreement.num_boxes:
        raise InputError(f"{options.truth}: says of no box what is done there, in the labels of {options.place[0]}")
    sys.stdout.write(agreement_table(agreement, names))
    if options.json is not None:
        _save(options.json, agreement.to_json())
    if options.plot is not None:
        title = f"{options.place[0].name}: accuracy {agreement.accuracy:.3f}, macro-F1 {agreement.macro_f1:.3f}"
        draw_agreement(players, names, options.plot, title)
    return 0


def _players(analysis: Analysis, truth: Path) -> tuple[dict[int, LabelledFrames], Mapping[int, str]]:
    """By player, what truth and analysis say in the analysed frames, and names; actions that are no labels are left
    out."""
    import numpy as np

    from pipeline.annotations.formats import annotation_format
    from pipeline.evaluate.actions import match_boxes
    from pipeline.evaluate.truth import read_truth_file, read_truth_folder
    from tracker.files.formats import format_of

    labels = analysis.timeline.labels
    if not truth.is_dir() and (annotation_format(truth) or format_of(truth) == "mot"):
        return _annotated(analysis, truth)
    boxes, actions = read_truth_folder(truth) if truth.is_dir() else read_truth_file(truth)
    strange = set(actions) - {"", *labels}
    if strange:
        _log.warning("%s: %s: no labels of this analysis, so left out", truth, ", ".join(sorted(strange)))
    analysed = np.flatnonzero(np.isin(boxes.frame_index, analysis.frames.index))
    known = [actions[i] if actions[i] in labels else None for i in analysed]
    names = {} if truth.is_dir() else analysis.names
    return match_boxes(boxes[analysed], known, analysis.tracks, analysis.timeline), names


def _annotated(analysis: Analysis, truth: Path) -> tuple[dict[int, LabelledFrames], Mapping[int, str]]:
    from pipeline.annotations.formats import annotation_format, read_annotations
    from pipeline.annotations.on_video import match_annotations
    from pipeline.annotations.table import read_table
    from pipeline.evaluate.actions import match_timelines

    file = read_annotations(truth, analysis.timeline.labels) if annotation_format(truth) else read_table(truth)
    matched = match_annotations(file, analysis)
    for note in (*file.notes, *matched.notes):
        _log.warning("%s: %s", truth, note)
    players = match_timelines(matched.timeline, analysis.timeline, analysis.frames.index)
    return players, {**analysis.names, **matched.strangers}


def _save(path: Path, content: dict[str, Any]) -> None:
    from ground.disk.files import write_text

    write_text(path, json.dumps(content, indent=1) + "\n")
