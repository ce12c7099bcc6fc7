"""The page as one file: its modules in one classic script, which alone a browser runs from disk."""

from __future__ import annotations

import base64
import hashlib
import json
import posixpath
import re
from functools import lru_cache
from html import escape
from importlib.resources import files
from typing import Any

_IMPORT = re.compile(r'^import \{([^}]*)\} from "(\.\.?/[\w/-]+\.js)";$', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:class|(?:async )?function\*?|const) (\w+))", re.MULTILINE)
_OTHER = re.compile(r"^(?:import|export)\b.*$|</script", re.MULTILINE | re.IGNORECASE)
_STYLE = '<link rel="stylesheet" href="style.css">'
_SCRIPT = '<script type="module" src="main.js"></script>'
_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'strict-dynamic' 'sha256-{script}'",
        "style-src 'sha256-{style}'",
        "img-src data:",
        "media-src 'self' file: blob:",
        "base-uri 'none'",
        "form-action 'none'",
    ]
)
"""Nothing but the page's own code and style, by their digests; scripts of boxes, which that code asks for; videos of
this machine."""


def page(data: dict[str, Any]) -> str:
    """The whole page about ``data`` (see ``report_data``), HTML."""
    script, style = bundle("main.js"), source("style.css")
    policy = _POLICY.format(script=_digest(script), style=_digest(style))
    head = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    told = json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    name = str(data["name"]).encode(errors="replace").decode()  # a file's name may be no text
    text = source("index.html").replace("<title>", f"{head}\n<title>{escape(name)} - ", 1)
    text = text.replace(_STYLE, f"<style>{style}</style>", 1)
    return text.replace(
        _SCRIPT, f'<script type="application/json" id="data">{told}</script>\n<script>{script}</script>', 1
    )


def source(name: str) -> str:
    """The text of a file of the page."""
    return (files("pipeline.report") / "page" / name).read_text(encoding="utf-8")


@lru_cache
def bundle(entry: str) -> str:
    """``entry`` and all modules that it imports, as one classic script with nothing global.

    Modules import by ``import { a, b } from "./folder/name.js";`` and export declarations: no more than such a page
    needs. Raises ValueError for other forms, and for modules that import each other in a circle.
    """
    done: dict[str, str] = {}
    _add(entry, done, ())
    return '"use strict";\n(() => {\n' + "\n".join(done.values()) + "})();\n"


def _add(name: str, done: dict[str, str], waiting: tuple[str, ...]) -> None:
    if name in waiting:
        raise ValueError(f"modules import each other: {' -> '.join((*waiting, name))}")
    text = source(name)
    folder = posixpath.dirname(name)

    def target(path: str) -> str:
        return posixpath.normpath(posixpath.join(folder, path))

    for _, path in _IMPORT.findall(text):
        if target(path) not in done:
            _add(target(path), done, (*waiting, name))
    exports = ", ".join(_EXPORT.findall(text))
    body = _IMPORT.sub(lambda found: f"const {{{_renamed(found[1])}}} = {_variable(target(found[2]))};", text)
    body = _EXPORT.sub("", body)
    if other := _OTHER.search(body):
        raise ValueError(f"{name}: the page's modules have no such line: {other[0]}")
    done[name] = f"const {_variable(name)} = (() => {{\n{body}\nreturn {{ {exports} }};\n}})();"


def _renamed(names: str) -> str:
    return re.sub(r"(\w+) as (\w+)", r"\1: \2", names)


def _variable(name: str) -> str:
    return "module_" + re.sub(r"\W", "_", name.removesuffix(".js"))


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
