"""Settings of ``analyze`` that may be chosen in the studio and over the network, with what flags say of them."""

from __future__ import annotations

from typing import Any

from pipeline.offers import Field
from pipeline.runners.flags import ANALYZE_FLAGS
from pipeline.shipped import WEIGHTS

_OFFERED = (
    "preset", "start", "end", "players", "teams", "team-colors", "numbers", "ball", "no-court", "court-type", "map",
    "every", "min-confidence", "actions",
)  # fmt: skip
"""Flags of ``analyze``."""
_ABOUT = {
    "court.find": ("court in metres", "look for the court's lines, by which everything is in metres"),
    "numbers.read": ("numbers on shirts", "read them, to know players after a cut and to call them so (default: no)"),
}
"""Titles and texts of settings whose flag says the opposite, or too little alone."""
_CHOICES = {
    "preset": ("balanced", "fast", "accurate"),
    "court.type": ("auto", "nba", "fiba", "ncaa", "high-school"),
}
_DEFAULTS: dict[str, Any] = {
    "preset": "balanced", "selection.players": 10, "teams.names": [], "teams.colors": [], "numbers.read": False,
    "ball.find": True, "court.find": True, "court.type": "auto", "court.map": False, "detector.every": 1,
    "classifier.weights": str(WEIGHTS / "actions.safetensors"),
}  # fmt: skip
"""What holds where nothing is chosen, as in ``PipelineConfig``: the service has no room for what that loads."""
_KINDS = {int: "integer", float: "number", bool: "switch", str: "text"}


def offered() -> list[Field]:
    """The settings, in the order in which they are shown."""
    fields: list[Field] = []
    for flag in _OFFERED:
        setting, kind, about = ANALYZE_FLAGS[flag]
        title, text = _ABOUT.get(setting, (flag.replace("-", " "), about))
        choices, default = _CHOICES.get(setting, ()), _DEFAULTS.get(setting)
        fields.append(Field(setting, _KINDS.get(kind, "names"), title, text, choices, default))
    return fields
