"""What is dear to start, once for all tests: a browser for pages; and networks that were loaded already."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

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


@pytest.fixture(autouse=True)
def networks_of_other_tests(request: pytest.FixtureRequest) -> None:
    """What they loaded is taken, but by tests marked ``loads``."""
    if not request.node.get_closest_marker("loads"):
        request.getfixturevalue("networks_stay_loaded")
