"""The ways to tell players apart by their looks, by name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ground.errors import InputError
from tracker.looks.describers import ColorDescriber, Describer, ReidDescriber

LOOKS = ("none", "color")


@dataclass(frozen=True, slots=True)
class LooksConfig:
    """What of players' looks is evidence of who is who."""

    describe: str = "color"
    """``color`` or ``none``."""
    reid: str = ""
    """A re-identification network (ONNX) that describes looks besides."""

    def __post_init__(self) -> None:
        if self.describe not in LOOKS:
            raise InputError(f"looks are {', '.join(LOOKS)}, not {self.describe!r}")


def make_describers(config: LooksConfig) -> list[Describer]:
    """The describers that ``config`` asks for.

    Raises InputError for files that cannot be used.
    """
    described: list[Describer] = []
    if config.describe != "none":
        described.append(ColorDescriber())
    if config.reid:
        described.append(ReidDescriber(Path(config.reid)))
    return described
