"""Flags, TOML and dataclasses say the same: each flag fills a setting of its type, and every setting can be filled."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest

from pipeline.config import PipelineConfig, with_settings
from pipeline.runners.flags import ANALYZE_FLAGS

_WITHOUT_A_FLAG = {
    "detector.ball_weights", "detector.thing_confidence", "ball.hold", "ball.flight",
    "detector.iou", "detector.batch", "detector.runtime", "linking.max_absence_over_cuts", "linking.min_length",
    "linking.players", "smoothing.max_gap", "windows.max_gap", "windows.min_samples", "classifier.batch",
    "classifier.precision",
}  # fmt: skip
"""Settings that only a TOML file fills; ``--runtime`` and ``--precision`` fill both networks'.

New ones of the timeline are added below."""


def _settings(config: type, name: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted name and type of every setting."""
    for key, kind in get_type_hints(config).items():
        path = f"{name}.{key}" if name else key
        if dataclasses.is_dataclass(kind):
            yield from _settings(kind, path)  # type: ignore[arg-type]
        else:
            yield path, kind


_SETTINGS = dict(_settings(PipelineConfig))


@pytest.mark.parametrize(
    ("flag", "path", "kind"), [(flag, path, kind) for flag, (path, kind, _) in ANALYZE_FLAGS.items()]
)
def test_a_flag_has_the_type_of_its_setting(flag: str, path: str, kind: Any) -> None:
    wanted = _SETTINGS[path]
    if get_origin(wanted) is Literal:
        wanted = str
    allowed = get_args(wanted) or (wanted,)
    if get_origin(wanted) is tuple:
        assert kind("a, b") == ["a", "b"]
    else:
        assert kind in allowed, f"--{flag}"


def test_every_setting_has_one_flag_or_is_known_to_have_none() -> None:
    filled = [path for path, _, _ in ANALYZE_FLAGS.values()]
    assert len(set(filled)) == len(filled)
    assert set(filled) | _WITHOUT_A_FLAG | {p for p in _SETTINGS if p.startswith("timeline.")} == set(_SETTINGS)
    assert not set(filled) & _WITHOUT_A_FLAG


def test_what_the_dataclasses_hold_can_be_read_back_from_a_file() -> None:
    config = PipelineConfig(end=3.0)
    assert with_settings(PipelineConfig(), dataclasses.asdict(config)) == config


@pytest.mark.slow
def test_what_need_not_be_loaded_is_not() -> None:
    """By help, nothing large; by what fetches videos, no FastAPI; by what shows or corrects an analysis, no SciPy or
    matplotlib."""
    code = """
import sys
from pipeline.runners.cli import main
def loaded(*names): print(sorted(set(names) & set(sys.modules)), file=sys.stderr)
try: main(["--help"])
except SystemExit: pass
loaded("torch", "cv2", "openvino", "av", "numpy", "ultralytics")
import pipeline.serve.fetch
loaded("fastapi", "pydantic")
import pipeline.outputs.write, pipeline.studio.app, pipeline.studio.tables
from ground.fonts import drawable
drawable("Ann")
loaded("scipy", "matplotlib", "torch", "openvino")
"""
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert done.stderr.split("\n") == ["[]", "[]", "[]", ""]
