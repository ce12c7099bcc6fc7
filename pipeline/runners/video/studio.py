"""``studio``: a page on this machine in which to analyse, look, correct and teach."""

from __future__ import annotations

import argparse
import re
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ground.errors import InputError
from pipeline.runners.flags import add_quiet
from pipeline.runners.offered import offered

_ANALYSIS = "analysis.json"
"""Of ``pipeline.analysis.folder``, named here so that the address is there before libraries are loaded."""
_ADDRESS = re.compile(r"[a-z]+:/", re.IGNORECASE)
"""How an address begins that was taken for a path."""


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

    studio = Studio(Places.below(root), (sys.executable, "-m", "pipeline.runners.cli"), offered(), first)
    serve(make_app(studio), listener, address, studio.first_page())
    return 0


def _place(given: Path) -> tuple[Path, Path | None]:
    """The folder that is shown, and what in it is opened first. Raises InputError where there is no such place."""
    if _ADDRESS.match(str(given)):
        raise InputError(
            "the studio opens what is on this disk; analyze the address first, then open the folder of its results"
        )
    try:
        place = given.resolve(strict=True)
        is_alone = place.is_file() or (place / _ANALYSIS).is_file()
        if not is_alone:
            next(place.iterdir(), None)
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{given}: cannot be opened ({reason})") from error
    return (place.parent, place) if is_alone else (place, None)
