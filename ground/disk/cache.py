"""The user's cache folder: downloaded and converted weights, decoded clips."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def cache_folder() -> Path:
    """``COURTSCRIBE_CACHE``, or ``courtscribe`` where this system keeps caches; it need not be there yet."""
    named = os.environ.get("COURTSCRIBE_CACHE")
    return Path(named) if named else platformdirs.user_cache_path("courtscribe", appauthor=False)
