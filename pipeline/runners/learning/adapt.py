"""``adapt``: a classifier for your own labels from a handful of examples, some of them out of analysed videos."""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from ground.compute.devices import resolve_device
from ground.errors import InputError
from pipeline.progress import choose_progress
from pipeline.runners.flags import add_progress_file, add_quiet, say
from pipeline.shipped import WEIGHTS

_DETECTOR, _KINETICS = "detector", "kinetics"
"""What ``--embedding`` is called when the detector's own layers, or the published Kinetics-400 weights, are meant."""


def add_commands(subparsers: Any) -> None:
    """Add this module's command to the parser."""
    adapt = subparsers.add_parser("adapt", help="learn labels of your own from 3 to 50 examples of each, without a GPU")
    adapt.add_argument("--examples", type=Path, metavar="DIR", help="a folder per label (default: beside -o)")
    adapt.add_argument("-o", "--output", type=Path, metavar="FILE", help="the .safetensors to write")
    adapt.add_argument(
        "--embedding",
        default=str(WEIGHTS / "actions.safetensors"),
        metavar="FILE",
        help="what sees the clips: any trained network's file, 'detector' (its own first layers) or 'kinetics'",
    )
    adapt.add_argument("--model", metavar="NAME", help="with --embedding kinetics: which network (r2plus1d_18)")
    adapt.add_argument("--download", action="store_true", help="fetch the Kinetics weights if they are not here")
    adapt.add_argument("--detector", type=Path, metavar="FILE", help="with --embedding detector: a YOLO11n .pt")
    heads = "the last layer; keep: that of the network, whose labels the examples correct"
    adapt.add_argument("--head", choices=("auto", "linear", "neighbours", "keep"), default="auto", help=heads)
    adapt.add_argument("--mirror", action=argparse.BooleanOptionalAction, default=True, help="learn mirror images too")
    adapt.add_argument("--device", default="auto")
    curve = "write how good it becomes with more examples, and what ten more would bring, as JSON"
    adapt.add_argument("--curve", type=Path, metavar="FILE", help=curve)
    cut = adapt.add_argument_group(
        "examples out of an analysed video, added to --examples first (the flags may be repeated, all together)"
    )
    cut.add_argument("--from", dest="analyses", type=Path, action="append", default=[], metavar="ANALYSIS")
    cut.add_argument("--player", action="append", default=[], metavar="NAME", help="a player's name or number")
    cut.add_argument("--start", type=float, action="append", default=[], metavar="X", help="seconds")
    cut.add_argument("--end", type=float, action="append", default=[], metavar="X", help="seconds")
    cut.add_argument("--label", action="append", default=[], metavar="TEXT", help="what he does")
    cut.add_argument("--video", metavar="FILE", help="where the analysed video is now, if it was moved")
    add_progress_file(adapt)
    add_quiet(adapt)
    adapt.set_defaults(run=run_adapt)


def run_adapt(options: argparse.Namespace) -> int:
    """``courtscribe adapt``."""
    from pipeline.outputs.place import require_file

    output: Path | None = options.output
    folder: Path | None = options.examples or (output and output.with_suffix(".examples"))
    if folder is None:
        raise InputError("adapt takes --examples DIR, -o FILE, or both")
    if output is not None and output.suffix != ".safetensors":
        raise InputError(f"{output}: the name of a checkpoint ends in .safetensors")
    if output is not None:
        require_file(output, [options.embedding])
    _cut(options, folder)
    if output is not None:
        _learn(options, folder)
    elif not options.analyses:
        raise InputError("-o FILE says where the classifier goes")
    return 0


def _cut(options: argparse.Namespace, folder: Path) -> None:
    """Add the examples that ``--from`` and its companions describe."""
    from pipeline.training.cut_examples import Span, cut_examples

    columns = [options.player, options.start, options.end, options.label]
    number = len(options.label)
    if any(len(column) != number for column in columns) or len(options.analyses) not in {min(number, 1), number}:
        raise InputError("an example is --from ANALYSIS --player NAME --start X --end X --label TEXT, all of them")
    if not number:
        return
    analyses = options.analyses * number if len(options.analyses) == 1 else options.analyses
    spans = [Span(*values) for values in zip(analyses, *columns, strict=True)]
    for path in cut_examples(spans, folder, options.video):
        say(options, f"example: {path}")


def _learn(options: argparse.Namespace, folder: Path) -> None:
    from classify.few_shot.adapt import AdaptConfig, adapt, example_files

    config = AdaptConfig(options.head, options.mirror, resolve_device(options.device), options.curve is not None)
    embedding, files = _embedding(options), example_files(folder)
    with choose_progress(options.quiet, file=options.progress_file).stage("adapt", len(files), "file") as advance:
        adapted = adapt(files, options.output, embedding, config, advance)
    for number, (kind, setting, macro_f1) in enumerate(adapted.heads):
        what = {"neighbours": f"{round(setting)} nearest neighbours", "keep": "its own labels, corrected"}.get(
            kind, f"linear, decay {setting:.1g}"
        )
        kept = "kept" if number == 0 else "not kept: it takes a clear lead to be"
        say(options, f"{what}: macro-F1 {macro_f1:.3f} on examples left out in turn ({kept})")
    for label, scores in adapted.report.per_class.items():
        if not scores.support:
            continue
        say(options, f"  {label}: {scores.support} examples, {scores.recall:.0%} of them recognised when left out")
    if adapted.curve is not None:
        _say_curve(options, adapted)
    say(options, f"{options.output}")


def _say_curve(options: argparse.Namespace, adapted: Any) -> None:
    from ground.disk.files import write_text

    curve = adapted.curve
    for point in curve.points:
        say(options, f"with {point.size} of each: macro-F1 {point.macro_f1:.2f} ({point.low:.2f} to {point.high:.2f})")
    beyond = curve.beyond
    if beyond is not None:
        span = f"{beyond.macro_f1:.2f} ({beyond.low:.2f} to {beyond.high:.2f})"
        say(options, f"with {beyond.size} of each it might be {span}, by extrapolation")
    report = {"report": adapted.report.to_json(), "curve": curve.to_json()}
    write_text(options.curve, json.dumps(report, indent=1) + "\n")


def _embedding(options: argparse.Namespace) -> Any:
    """The network that the flags name. Raises InputError for flags that do not go together."""
    from classify.weights.kinetics import KINETICS_MODEL, load_classifier

    if options.detector and options.embedding != _DETECTOR:
        raise InputError("--detector belongs to --embedding detector")
    if (options.model or options.download) and options.embedding != _KINETICS:
        raise InputError("--model and --download belong to --embedding kinetics; a file says what it is itself")
    if options.embedding == _DETECTOR:
        return _detector(options.detector or WEIGHTS / "players.pt")
    if options.embedding == _KINETICS:
        from classify.weights.checkpoint import kinetics_weights

        return load_classifier(kinetics_weights(options.model or KINETICS_MODEL, download=options.download))
    return load_classifier(Path(options.embedding))


def _detector(path: Path) -> Any:
    from classify.few_shot.adapt import detector_embedding
    from tracker.detect.features import export_backbone

    if not path.is_file():
        raise InputError(f"{path}: no such file")
    with tempfile.TemporaryDirectory() as work:
        layers = Path(work) / "layers.safetensors"
        export_backbone(path, layers)
        return detector_embedding(layers, path.name)
