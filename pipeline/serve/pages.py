"""The service's page: the studio's style, the caller's jobs, their reports."""

from __future__ import annotations

from importlib.resources import files

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, Response
from fastapi.staticfiles import StaticFiles

from pipeline.serve.access import COOKIE
from pipeline.serve.tokens import Caller


def add_pages(app: FastAPI) -> None:
    """Serve the page, and the scripts and styles that it consists of."""
    for package in ("report", "studio", "serve"):
        app.mount(f"/{package}", StaticFiles(directory=str(files(f"pipeline.{package}") / "page")))

    @app.get("/", include_in_schema=False)
    def home(request: Request) -> HTMLResponse:
        caller: Caller = request.state.caller  # the guard lets nobody else get here
        page = (files("pipeline.serve") / "page" / "jobs.html").read_text(encoding="utf-8")
        return HTMLResponse(page.replace("SCOPES", " ".join(sorted(caller.scopes))))

    @app.get("/favicon.ico", include_in_schema=False)
    def icon() -> Response:
        return Response(status_code=204)

    @app.post("/logout", include_in_schema=False)
    def logout() -> Response:
        response = Response(status_code=204)
        response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
        return response
