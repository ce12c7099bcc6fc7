"""``studio``: a page on this machine in which to analyse, look, correct and teach."""

from __future__ import annotations

import argparse
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ground.errors import InputError
from pipeline.runners.flags import ANALYZE_FLAGS, add_quiet

if TYPE_CHECKING:
    from pipeline.offers import Field

_ANALYSIS = "analysis.json"
"""Of ``pipeline.analysis.folder``, named here so that the address is there before libraries are loaded."""

_OFFERED = (
    "preset", "start", "end", "players", "teams", "team-colors", "ball", "no-court", "court-type", "map", "every",
    "min-confidence", "actions",
)  # fmt: skip
"""Flags of ``analyze`` that the page offers as settings."""
_ABOUT = {"court.find": ("court in metres", "look for the court's lines, by which everything is in metres")}
"""Titles and texts of settings whose flag says the opposite."""
_CHOICES = {
    "preset": ("balanced", "fast", "accurate"),
    "court.type": ("auto", "nba", "fiba", "ncaa", "high-school"),
}


def add_commands(subparsers: Any) -> None:
    """Add this module's command to the parser."""
    studio = subparsers.add_parser("studio", help="look, correct and teach in the browser, on this machine alone")
    studio.add_argument(
        "place",
        type=Path,
        nargs="?",
        default=Path(),
        help="a video, an analysis, or a folder of them (default: where you are); nothing outside its folder is shown",
    )
    studio.add_argument("--port", type=int, metavar="N", help="where it listens (default: 8765, or any that is free)")
    studio.add_argument("--no-browser", action="store_true", help="do not open a browser")
    add_quiet(studio)
    studio.set_defaults(run=run_studio)


def run_studio(options: argparse.Namespace) -> int:
    """``courtscribe studio``."""
    from pipeline.studio.access import Address
    from pipeline.studio.serve import listen, serve

    if missing := [name for name in ("fastapi", "uvicorn") if find_spec(name) is None]:
        raise InputError(f"the studio needs {' and '.join(missing)}: pip install {' '.join(missing)}")
    root, first = _place(options.place)
    listener = listen(options.port)
    address = Address.new(int(listener.getsockname()[1]))
    # Said before the libraries are loaded: a browser takes as long to start, and then waits a moment.
    sys.stdout.write(f"studio: {address.url}\nwhoever has this address can use it; Ctrl-C ends it\n")
    sys.stdout.flush()
    if not options.no_browser:
        import webbrowser

        webbrowser.open(address.url_once())
    from pipeline.studio.app import Studio, make_app
    from pipeline.studio.places import Places

    studio = Studio(Places.below(root), (sys.executable, "-m", "pipeline.runners.cli"), _fields(), first)
    serve(make_app(studio), listener, address, studio.first_page())
    return 0


def _place(given: Path) -> tuple[Path, Path | None]:
    """The folder that is shown, and what in it is opened first. Raises InputError where there is no such place."""
    try:
        place = given.resolve(strict=True)
        is_alone = place.is_file() or (place / _ANALYSIS).is_file()
        if not is_alone:
            next(place.iterdir(), None)
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{given}: cannot be opened ({reason})") from error
    return (place.parent, place) if is_alone else (place, None)


def _fields() -> list[Field]:
    """The settings that the page offers, with what flags say of them."""
    from pipeline.config import PipelineConfig
    from pipeline.offers import Field

    kinds = {int: "integer", float: "number", bool: "switch", str: "text"}
    fields: list[Field] = []
    for flag in _OFFERED:
        setting, kind, about = ANALYZE_FLAGS[flag]
        value: Any = PipelineConfig()
        for name in setting.split("."):
            value = getattr(value, name)
        default = list(value) if isinstance(value, tuple) else value
        title, text = _ABOUT.get(setting, (flag.replace("-", " "), about))
        fields.append(Field(setting, kinds.get(kind, "names"), title, text, _CHOICES.get(setting, ()), default))
    return fields
