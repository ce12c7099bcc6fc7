"""The service's routes, behind its guard."""

from __future__ import annotations

import time
from importlib.util import find_spec

from fastapi import FastAPI

from pipeline.serve.access import Guard
from pipeline.serve.database import Database
from pipeline.serve.problems import add_problems
from pipeline.serve.settings import ServeSettings
from pipeline.serve.tokens import TOKENS_SCHEMA, Tokens


def make_app(settings: ServeSettings) -> FastAPI:
    """The service over ``settings.data``. Raises InputError where that cannot be used.

    ``app.state``: ``database``, ``settings``, ``tokens``, ``videos``.
    """
    schemas = [TOKENS_SCHEMA]
    if find_spec("pipeline.serve.videos") is not None:
        from pipeline.serve.videos import VIDEOS_SCHEMA

        schemas.append(VIDEOS_SCHEMA)
    database = Database(settings.data, *schemas)
    tokens = Tokens(database)
    app = FastAPI(title="courtscribe", docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.database, app.state.settings, app.state.tokens = database, settings, tokens
    if find_spec("pipeline.serve.videos") is not None:
        from pipeline.serve.videos import Videos

        app.state.videos = Videos(database, settings)
    add_problems(app)
    _add_routes(app)
    app.add_middleware(Guard, tokens=tokens, settings=settings, clock=time.monotonic)
    return app


def _add_routes(app: FastAPI) -> None:
    if find_spec("pipeline.serve.uploads") is not None:
        from pipeline.serve.uploads import upload_routes

        app.include_router(upload_routes())
    if find_spec("pipeline.serve.sport") is not None:
        from pipeline.serve.sport import sport_routes

        app.include_router(sport_routes())

    @app.get("/healthz")
    def healthz() -> dict[str, str]:
        """Whether the service answers."""
        return {"status": "ok"}
