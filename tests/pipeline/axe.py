"""What axe-core has against a page as it is now."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

COLOURS = ("color-contrast", "link-in-text-block")
"""The rules that ask for colours: of the same page in other colours, all others would say the same again."""
_SCRIPT = Path(sys.modules[Axe.__module__].__file__ or "").parent / "axe.min.js"


def violations(page: Page, only: tuple[str, ...] = ()) -> list[str]:
    """What it finds, rule and elements. only: rules; empty: all."""
    if not page.evaluate("typeof axe === 'object'"):  # by the debugger's way: the page takes no scripts of others
        page.evaluate(_SCRIPT.read_text(encoding="utf-8") + "; 0")
    options: dict[str, Any] = {"resultTypes": ["violations"]} | ({"runOnly": list(only)} if only else {})
    found = page.evaluate(f"axe.run({json.dumps(options)}).then((found) => found.violations)")
    return [f"{one['id']}: {[node['html'][:120] for node in one['nodes']][:3]}" for one in found]
