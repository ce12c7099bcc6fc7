"""Where the shipped weights are."""

from __future__ import annotations

from pathlib import Path

WEIGHTS = Path(__file__).resolve().parent.parent / "weights"
"""Their folder."""
COURT_WEIGHTS = "court.safetensors"
"""Of the network that sees the areas of a court."""
BALL_WEIGHTS = "ball.safetensors"
NUMBER_WEIGHTS = "numbers.safetensors"
"""Of the network that reads numbers on shirts."""
