"""All settings of an analysis: one frozen dataclass per stage, from defaults, a TOML file and flags."""

from __future__ import annotations

import dataclasses
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, cast

from ground.disk.files import read_text
from ground.errors import InputError
from pipeline.analysis.timeline import TimelineConfig
from pipeline.shipped import BALL_WEIGHTS, WEIGHTS
from pipeline.stages.court import CourtConfig
from pipeline.stages.windows import WindowConfig
from tracker.ball.path import BallConfig
from tracker.detect.detector import DetectorConfig
from tracker.looks.registry import LooksConfig
from tracker.numbers.votes import NumbersConfig
from tracker.players.selection import SelectionConfig
from tracker.players.smoothing import SmoothingConfig
from tracker.teams.teams import TeamsConfig
from tracker.track.linking import LinkingConfig
from tracker.track.registry import TrackerConfig

_C = TypeVar("_C")
_MOVED = {
    ("roster",): ("selection",),
    ("tracker", "offline"): ("linking", "offline"),
    ("tracker", "max_absence"): ("linking", "max_absence"),
    ("tracker", "looks"): ("looks", "describe"),
    ("tracker", "reid"): ("looks", "reid"),
    ("tracker", "max_gap"): ("smoothing", "max_gap"),
    ("tracker", "bridge"): (),
    ("selection", "drop_referees"): (),
}
"""Settings that had another place, or none is left for, in analyses and files of version 0.1."""


PRESETS: Mapping[str, Mapping[str, Any]] = {
    "fast": {"detector": {"every": 3}, "windows": {"clip_stride": 16}},
    "balanced": {},
    "accurate": {
        "detector": {"precision": "float32"},
        "classifier": {"precision": "float32"},
        "windows": {"clip_stride": 4},
    },
}
"""Settings by what one cares for; what each costs and brings is in ``docs/measured.md``."""
X264_PRESETS: Mapping[str, str] = {"fast": "superfast"}
"""What the encoder of the annotated video is told, where it is not the usual."""


@dataclass(frozen=True, slots=True)
class ClassifierConfig:
    """How clips are labelled."""

    weights: str = str(WEIGHTS / "actions.safetensors")
    """A checkpoint of ours, or what ``courtscribe weights export`` made of one (``.xml``, ``.onnx``)."""
    runtime: str = "auto"
    """What runs it, see ``classify.run.choose.RUNTIMES``; ``auto``: OpenVINO on a CPU, PyTorch elsewhere."""
    precision: str = "auto"
    """With that runtime on a CPU. ``int8``: the copy in eight bits beside a checkpoint; ``float32``; ``auto``: INT8
    where there is one."""
    batch: int = 0
    """Clips per call; 0: 64 on a GPU, 8 on a CPU."""

    def __post_init__(self) -> None:
        if self.batch < 0:
            raise InputError(f"batch is 0 (automatic) or more, not {self.batch}")


@dataclass(frozen=True, slots=True)
class PipelineConfig:
    """Everything that decides what an analysis finds."""

    start: float | None = None
    """Seconds; frames shown before it are left out."""
    end: float | None = None
    """Seconds; frames shown from it on are left out."""
    image_rate: float | None = None
    """Pictures per second where the video is a folder of them; None: what ``seqinfo.ini`` says, else 25."""
    preset: str = "balanced"
    """The settings that it began with, see ``PRESETS``; what was set besides stands in its own place."""
    device: str = "auto"
    """``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``mps``."""
    detector: DetectorConfig = field(
        default_factory=lambda: DetectorConfig(
            weights=str(WEIGHTS / "players.pt"), ball_weights=str(WEIGHTS / BALL_WEIGHTS)
        )
    )
    court: CourtConfig = field(default_factory=CourtConfig)
    tracker: TrackerConfig = field(default_factory=TrackerConfig)
    linking: LinkingConfig = field(default_factory=LinkingConfig)
    looks: LooksConfig = field(default_factory=LooksConfig)
    numbers: NumbersConfig = field(default_factory=NumbersConfig)
    selection: SelectionConfig = field(default_factory=SelectionConfig)
    teams: TeamsConfig = field(default_factory=TeamsConfig)
    smoothing: SmoothingConfig = field(default_factory=SmoothingConfig)
    ball: BallConfig = field(default_factory=BallConfig)
    windows: WindowConfig = field(default_factory=WindowConfig)
    classifier: ClassifierConfig = field(default_factory=ClassifierConfig)
    timeline: TimelineConfig = field(default_factory=TimelineConfig)

    def __post_init__(self) -> None:
        if self.preset not in PRESETS:
            raise InputError(f"preset is {', '.join(PRESETS)}, not {self.preset!r}")
        if (self.start or 0) < 0 or (self.end is not None and self.end <= (self.start or 0)):
            raise InputError(f"start and end are seconds with 0 <= start < end, not {self.start} and {self.end}")


def read_config(path: Path | None, base: PipelineConfig | None = None, preset: str = "") -> PipelineConfig:
    """``base`` with the settings of a TOML file that has a table per stage, as in ``[tracker]`` ``max_age = 30``.

    preset: what the file's settings come after; empty: what the file names, if it does.
    Raises InputError for a file that is not TOML and for names and values that no setting has.
    """
    settings = read_settings(path)
    try:
        base = with_preset(base or PipelineConfig(), preset or settings.get("preset"))
        return with_settings(base, moved({key: value for key, value in settings.items() if key != "preset"}))
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def with_preset(base: PipelineConfig, preset: str | None) -> PipelineConfig:
    """``base`` with the settings of a preset; None: as it is. Raises InputError for a name that none has."""
    if preset is None:
        return base
    return with_settings(base, {"preset": preset, **PRESETS.get(preset, {})})


def read_settings(path: Path | None) -> Mapping[str, Any]:
    """What a TOML file sets, as it stands there; nothing where there is none.

    Raises InputError for a file that is not TOML.
    """
    if path is None:
        return {}
    text = read_text(path)
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not TOML ({' '.join(str(error).split()):.200})") from error


def moved(settings: Mapping[str, Any]) -> dict[str, Any]:
    """``settings``, nested like PipelineConfig, with those that had another place once in their own."""
    result = {name: dict(value) if isinstance(value, dict) else value for name, value in settings.items()}
    for old, new in _MOVED.items():
        group: Any = result if len(old) == 1 else result.get(old[0])
        if not isinstance(group, dict) or old[-1] not in group:
            continue
        value = cast("dict[str, Any]", group).pop(old[-1])
        if not new:
            continue
        target: Any = result if len(new) == 1 else result.setdefault(new[0], {})
        if isinstance(target, dict):
            cast("dict[str, Any]", target).setdefault(new[-1], value)
    looks = result.get("looks")
    if isinstance(looks, dict) and cast("dict[str, Any]", looks).get("describe") == "backbone":
        looks["describe"] = "color"  # the detector's layers brought nothing beside it
    return result


def recorded_config(settings: Mapping[str, Any]) -> PipelineConfig:
    """The configuration that an analysis says it was made with, in this version or an earlier one.

    In one that says nothing of the court nobody looked for it. Raises InputError as ``with_settings``.
    """
    return with_settings(PipelineConfig(), {"court": {"find": False}, **moved(settings)})


def with_settings(config: _C, settings: Mapping[str, Any]) -> _C:
    """``config`` (a config dataclass) with the named settings replaced; a mapping replaces within a stage.

    Raises InputError for unknown names and values of another type.
    """
    changes: dict[str, Any] = {}
    for name, value in settings.items():
        if name not in {f.name for f in dataclasses.fields(cast(Any, config))}:
            raise InputError(f"there is no setting {name!r} in {type(config).__name__}")
        old = getattr(config, name)
        if dataclasses.is_dataclass(old):
            if not isinstance(value, Mapping):
                raise InputError(f"{name} is a group of settings, not {value!r}")
            changes[name] = with_settings(old, cast("Mapping[str, Any]", value))
        else:
            changes[name] = _fit(name, value, old)
    return dataclasses.replace(cast(Any, config), **changes)


def _fit(name: str, value: Any, old: Any) -> Any:
    """``value`` in the type of the setting's present value."""
    if isinstance(old, tuple) and isinstance(value, list):
        if not all(isinstance(item, str) for item in cast("list[Any]", value)):
            raise InputError(f"{name} is a list of names, not {value!r}")
        return tuple(cast("list[str]", value))
    if isinstance(value, float) and not math.isfinite(value):
        raise InputError(f"{name} is a finite number, not {value}")
    wants_number = old is None or (isinstance(old, (int, float)) and not isinstance(old, bool))
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if wants_number and not (is_number or (old is None and value is None)):
        raise InputError(f"{name} is a number, not {value!r}")
    if isinstance(old, int) and not isinstance(old, bool) and not isinstance(value, int):
        raise InputError(f"{name} is a whole number, not {value!r}")
    if isinstance(old, (bool, str, tuple)) and type(value) is not type(old):
        raise InputError(f"{name} is a {type(old).__name__}, not {value!r}")
    return value
