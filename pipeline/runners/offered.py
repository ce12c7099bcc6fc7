"""Settings of ``analyze`` that may be chosen in the studio and over the network, with what flags say of them."""

from __future__ import annotations

from pipeline.offers import Field
from pipeline.runners.flags import ANALYZE_FLAGS

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
_KINDS = {int: "integer", float: "number", bool: "switch", str: "text"}


def offered() -> list[Field]:
    """The settings, in the order in which they are shown."""
    fields: list[Field] = []
    for flag in _OFFERED:
        setting, kind, about = ANALYZE_FLAGS[flag]
        title, text = _ABOUT.get(setting, (flag.replace("-", " "), about))
        fields.append(Field(setting, _KINDS.get(kind, "names"), title, text, _CHOICES.get(setting, ())))
    return fields
