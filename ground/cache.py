"""The user's cache folder: downloaded and converted weights, decoded clips."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """``COURTSCRIBE_CACHE``, or ``courtscribe`` in the user's cache folder; it need not be there yet."""
    named = os.environ.get("COURTSCRIBE_CACHE")
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(named) if named else base / "courtscribe"
