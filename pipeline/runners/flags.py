"""Flags that fill the configuration: one table from flag to setting."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from pipeline.runners.streams import one_line

if TYPE_CHECKING:
    from pipeline.config import PipelineConfig


def comma_separated(text: str) -> list[str]:
    """The names in a list such as ``shoot,pass``."""
    return [name.strip() for name in text.split(",") if name.strip()]


_RUNTIMES = "auto (OpenVINO on a CPU, PyTorch elsewhere), torch, openvino or onnxruntime"
_BOTH = ("auto", "torch", "openvino")
"""Runtimes that the detector has, too."""
_DETECT: dict[str, tuple[str, Any, str]] = {
    "detector": ("detector.weights", str, "a .pt, an exported model, or a published ultralytics name"),
    "imgsz": ("detector.imgsz", int, "longest side, in pixels, at which the detector looks"),
    "precision": (
        "detector.precision",
        str,
        "of the networks on a CPU: auto, float32 or int8 (that one: detector only)",
    ),
    "every": ("detector.every", int, "look for players in each N-th frame only, and fill in between"),
    "confidence": ("detector.confidence", float, "detections under it are dropped"),
}
_TRACK: dict[str, tuple[str, Any, str]] = {
    "classes": (
        "detector.classes",
        comma_separated,
        "names of the classes to follow (detector or --tracks), comma-separated",
    ),
    "tracker": ("tracker.name", str, "sport (for recorded games) or sort (the paper's)"),
    "max-age": ("tracker.max_age", int, "sort: frames that a track survives without a detection"),
    "min-hits": ("tracker.min_hits", int, "sort: detections before a track is believed"),
    "min-iou": ("tracker.min_iou", float, "sort: overlap at which prediction and detection may be one player"),
    "max-lost": ("tracker.max_lost", float, "sport: seconds that a track outlives online without a detection"),
    "max-absence": ("linking.max_absence", float, "sport: seconds after which nobody is taken for who left before"),
    "offline": ("linking.offline", bool, "sport: link tracks over the whole video (default: yes)"),
    "looks": ("looks.describe", str, "sport: what of looks decides links, too: color or none"),
    "reid": ("looks.reid", str, "sport: a re-identification network (ONNX) that describes looks besides"),
    "numbers": (
        "numbers.read",
        bool,
        "sport: read the numbers on shirts, to link over cuts and as names (default: no)",
    ),
    "drop-still": ("selection.drop_still", bool, "leave out who stays in one place at the court's edge (default: yes)"),
    "drop-outside": ("selection.drop_outside", bool, "leave out who never stands on the court (default: yes)"),
    "min-track-confidence": ("selection.min_confidence", float, "mean confidence under which a track is nobody's"),
    "exchange": ("linking.exchange", bool, "mend identities after linking, by looks and teams (default: yes)"),
    "teams": ("teams.names", comma_separated, "the two teams' names (default: A,B)"),
    "team-colors": (
        "teams.colors",
        comma_separated,
        "their shirts' colors, as white,#0a5 (default: the first team is the lighter one)",
    ),
    "players": ("selection.players", int, "at most so many are on court at once; 0: no limit"),
}
_BALL: dict[str, tuple[str, Any, str]] = {
    "ball": ("ball.find", bool, "follow the ball and tell who has it (default: yes)"),
}
_READ: dict[str, tuple[str, Any, str]] = {
    "clip-stride": ("windows.clip_stride", int, "sampled frames between the starts of clips"),
    "short-tracks": ("windows.short_tracks", str, "bounce (play them to and fro) or drop"),
    "actions": ("classifier.weights", str, "the action classifier's weights file, or an exported .xml or .onnx"),
    "min-confidence": ("timeline.min_confidence", float, "confidence under which the timeline says unsure; 0: never"),
    "heed-speed": ("timeline.heed_speed", bool, "let speed speak for standing, walking, running (default: yes)"),
    "context": ("timeline.context", bool, "let who has the ball speak for dribble, pass, shoot, hold (default: yes)"),
    "runtime": ("classifier.runtime", str, f"what runs the networks: {_RUNTIMES} (that one: actions only)"),
    "device": ("device", str, "auto, cpu, cuda, cuda:N or mps"),
}
_PRESET: dict[str, tuple[str, Any, str]] = {
    "preset": ("preset", str, "fast, balanced (the default) or accurate; other settings win over it"),
}
_SPAN: dict[str, tuple[str, Any, str]] = {
    "start": ("start", float, "seconds: begin here"),
    "end": ("end", float, "seconds: stop before this"),
}
_IMAGES: dict[str, tuple[str, Any, str]] = {
    "frame-rate": (
        "image_rate",
        float,
        "pictures per second of a folder of pictures (default: its seqinfo.ini, or 25)",
    ),
}
_COURT: dict[str, tuple[str, Any, str]] = {
    "no-court": ("court.find", bool, "do not look for the court's lines: nothing is in metres then"),
    "court-type": ("court.type", str, "nba, fiba, ncaa, high-school, or auto (the default): the one that fits best"),
    "map": ("court.map", bool, "show the court from above in a corner of the annotated video (default: no)"),
}
ANALYZE_FLAGS = _PRESET | _SPAN | _IMAGES | _DETECT | _COURT | _TRACK | _BALL | _READ
TRACK_FLAGS = _TRACK | _BALL | _READ
"""Flags that make sense when detections are there already."""


def add_flags(parser: argparse.ArgumentParser, flags: dict[str, tuple[str, Any, str]]) -> None:
    """Add ``flags`` to a command; a flag that is not given leaves its setting alone."""
    for flag, (_, kind, text) in flags.items():
        if kind is bool and flag.startswith("no-"):
            parser.add_argument(f"--{flag}", action="store_false", default=argparse.SUPPRESS, help=text)
            continue
        if kind is bool:
            switch = argparse.BooleanOptionalAction
            parser.add_argument(f"--{flag}", action=switch, default=argparse.SUPPRESS, help=text)
            continue
        metavar = {int: "N", float: "X"}.get(kind, flag.split("-")[-1].upper())
        parser.add_argument(f"--{flag}", type=kind, default=argparse.SUPPRESS, metavar=metavar, help=text)


def chosen_config(options: argparse.Namespace) -> PipelineConfig:
    """What the flags of ``analyze`` say, over the settings of ``--config``, over those of the preset.

    Raises InputError for a file or values that cannot be used.
    """
    from pipeline.config import read_config

    return apply_flags(read_config(options.config, preset=getattr(options, "preset", "")), options, ANALYZE_FLAGS)


def apply_flags(
    config: PipelineConfig, options: argparse.Namespace, flags: dict[str, tuple[str, Any, str]]
) -> PipelineConfig:
    """``config`` with the settings whose flags were given.

    Raises InputError for values that a setting cannot take.
    """
    from pipeline.config import with_settings

    settings: dict[str, Any] = {}
    for flag, (path, _, _) in flags.items():
        value = getattr(options, flag.replace("-", "_"), None)
        if value is not None:
            *groups, name = path.split(".")
            inner = settings
            for group in groups:
                inner = inner.setdefault(group, {})
            inner[name] = value
    if "detector" in flags and getattr(options, "runtime", None) in _BOTH:
        settings.setdefault("detector", {})["runtime"] = options.runtime
    if (precision := getattr(options, "precision", None)) not in (None, "int8"):
        settings.setdefault("classifier", {})["precision"] = precision
    return with_settings(config, settings)


def flag_of(setting: str, parser: argparse.ArgumentParser) -> str:
    """The flag of ``parser`` or of its commands that fills a setting, as in ``--classes``; empty: there is none."""
    named = {"detector.runtime": "runtime", "classifier.precision": "precision"} | {
        path: flag for flag, (path, _, _) in ANALYZE_FLAGS.items()
    }
    flag = f"--{named.get(setting, setting).replace('_', '-')}"
    return flag if setting and flag in _known_flags(parser) else ""


def _known_flags(parser: argparse.ArgumentParser) -> set[str]:
    known: set[str] = set()
    for action in parser._actions:  # pyright: ignore[reportPrivateUsage]
        known.update(action.option_strings)
        if isinstance(action.choices, dict):
            for command in cast("dict[str, Any]", action.choices).values():
                if isinstance(command, argparse.ArgumentParser):
                    known |= _known_flags(command)
    return known


def add_work(parser: argparse.ArgumentParser, what: str) -> None:
    """The flags of commands that analyse: what is shown, who works, what is kept. what: that is made, for the help."""
    parser.add_argument("--no-video", action="store_true", help=f"do not make the {what}")
    add_no_report(parser)
    jobs = "processes (default: 0, what suits cores, memory and what there is to do)"
    parser.add_argument("--jobs", type=_jobs, default=0, metavar="N", help=jobs)
    parser.add_argument("--keep-parts", action="store_true", help="keep the parts when the whole is there")


def add_no_report(parser: argparse.ArgumentParser) -> None:
    """The flag of commands that write all that shows an analysis."""
    parser.add_argument("--no-report", action="store_true", help="do not write report.html")


def _jobs(text: str) -> int:
    if not 0 <= int(text) <= 256:
        raise argparse.ArgumentTypeError(f"{text} is not 0 to 256 processes")
    return int(text)


def add_quiet(parser: argparse.ArgumentParser) -> None:
    """The flag of every command that takes a while."""
    parser.add_argument("--quiet", action="store_true", help="no progress, no log lines")


def add_progress_file(parser: argparse.ArgumentParser) -> None:
    """The flag of commands that other programs start and wait for."""
    text = "keep a file that says how far it is (JSON), for programs that wait"
    parser.add_argument("--progress-file", type=Path, metavar="FILE", help=text)


def add_runtime(parser: argparse.ArgumentParser) -> None:
    """The flag of every command that labels clips and nothing else."""
    parser.add_argument("--runtime", default="auto", metavar="NAME", help=f"what runs the network: {_RUNTIMES}")


def add_config(parser: argparse.ArgumentParser) -> None:
    """The flag of every command that has settings."""
    parser.add_argument("--config", type=Path, help="TOML file with settings; flags win over it")


def say(options: argparse.Namespace, line: str) -> None:
    """A line on standard output, unless ``--quiet`` was given."""
    if not options.quiet:
        sys.stdout.write(one_line(line) + "\n")
