"""The studio's pages as a browser gets them. Whoever asks has been let in by ``access.Guard``."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import HTMLResponse, Response
from fastapi.staticfiles import StaticFiles

from pipeline.report.bundle import source as report_source

_OTHER_PAGES = frozenset({"main.js", "home.js", "new.js"})


def add_pages(app: FastAPI) -> None:
    """Serve the pages, and the scripts and styles that they consist of."""
    app.mount("/report", _static("pipeline.report"))
    app.mount("/studio", _static("pipeline.studio"))

    def page(name: str) -> Callable[[], HTMLResponse]:
        return lambda: HTMLResponse((files("pipeline.studio") / "page" / name).read_text(encoding="utf-8"))

    app.get("/")(page("home.html"))
    app.get("/new")(page("new.html"))

    @app.get("/game")
    def game() -> HTMLResponse:
        """The report's page, with the studio's scripts instead of its own."""
        text = report_source("index.html").replace(
            '<link rel="stylesheet" href="style.css">',
            '<link rel="stylesheet" href="/report/style.css">\n<link rel="stylesheet" href="/studio/studio.css">',
        )
        script = f'{_preloads()}<script type="module" src="/studio/game.js"></script>'
        return HTMLResponse(text.replace('<script type="module" src="main.js"></script>', script))

    @app.get("/favicon.ico")
    def icon() -> Response:
        return Response(status_code=204)


def _static(package: str) -> StaticFiles:
    return StaticFiles(directory=str(files(package) / "page"))


@cache
def _preloads() -> str:
    """Has a browser ask for all modules at once, and not for each when another has named it."""
    places = {"/report": files("pipeline.report"), "/studio": files("pipeline.studio")}
    modules = [
        f"{address}/{path.relative_to(root).as_posix()}"
        for address, package in places.items()
        for root in [Path(str(package / "page"))]
        for path in sorted(root.rglob("*.js"))
        if path.name not in _OTHER_PAGES and path.parent.name != "setup"
    ]
    return "".join(f'<link rel="modulepreload" href="{module}">\n' for module in modules)
