"""What is dear to start, once for all tests: a browser for pages, and the shipped networks."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Hashable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from pipeline.models import Models
from pipeline.shipped import WEIGHTS

FLAGS = (
    "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync "
    "--no-first-run"
)
"""Of Chromium: it runs as root and asks nobody for anything."""


def found_browser(name: str) -> str:
    """Where a browser is; the test is skipped without one, but under CI it fails."""
    path = shutil.which(name)
    if path is None:
        reason = f"{name} is not installed"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return path


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, headless, one for all tests."""
    path = found_browser("chromium")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS.split())
        yield chromium
        chromium.close()


_LOADED: dict[Hashable, object] = {}


@pytest.fixture(autouse=True)
def shipped_networks_stay_loaded(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one process for all tests, but for those marked ``loads``; other weights are loaded by each."""
    if request.node.get_closest_marker("loads"):
        return
    load_once = Models._once

    def once(models: Models, key: tuple[Any, ...], load: Callable[[], Any]) -> Any:
        names = ("weights", "ball_weights", "reid")
        files = [file for value in key for name in names if (file := getattr(value, name, ""))]
        if not all(file.startswith(str(WEIGHTS)) for file in files):
            return load_once(models, key, load)
        if key not in _LOADED:
            _LOADED[key] = load()
        return _LOADED[key]

    monkeypatch.setattr(Models, "_once", once)
