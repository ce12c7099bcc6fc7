"""The service's routes, behind its guard."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from fastapi import Depends, FastAPI, Security
from fastapi.security import HTTPBearer

from pipeline.offers import Field, schema_of
from pipeline.serve.access import Guard
from pipeline.serve.database import Database
from pipeline.serve.dispatch import Dispatcher
from pipeline.serve.jobs import Jobs
from pipeline.serve.ledger import JOBS_SCHEMA, Ledger
from pipeline.serve.pages import add_pages
from pipeline.serve.problems import DOCUMENTED, add_problems, require_once
from pipeline.serve.routes import job_routes
from pipeline.serve.settings import ServeSettings
from pipeline.serve.sport import sport_routes
from pipeline.serve.tokens import TOKENS_SCHEMA, Tokens
from pipeline.serve.uploads import upload_routes
from pipeline.serve.videos import VIDEOS_SCHEMA, Videos


def make_app(settings: ServeSettings) -> FastAPI:
    """The service over ``settings.data``. Raises InputError where that cannot be used.

    ``app.state``: ``database``, ``settings``, ``tokens``, ``videos``, ``jobs``, ``dispatcher``.
    """
    database = Database(settings.data, TOKENS_SCHEMA, JOBS_SCHEMA, VIDEOS_SCHEMA)
    app = FastAPI(title="courtscribe", docs_url=None, redoc_url=None, redirect_slashes=False, lifespan=_lifespan)
    app.state.database, app.state.settings, app.state.tokens = database, settings, Tokens(database)
    app.state.jobs = Jobs(Ledger(database), settings)
    app.state.dispatcher = Dispatcher(app.state.jobs.ledger, settings)
    app.state.videos = Videos(database, settings)
    add_problems(app)
    _add_routes(app)
    add_pages(app)
    _describe_settings(app, settings.fields)
    app.add_middleware(Guard, tokens=app.state.tokens, settings=settings, clock=time.monotonic)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncGenerator[None]:
    app.state.dispatcher.start()
    yield
    app.state.dispatcher.close()
    app.state.database.close()


def _add_routes(app: FastAPI) -> None:
    routers = [job_routes(), upload_routes(), sport_routes()]
    known = Security(HTTPBearer(auto_error=False))  # for the description; the guard is what keeps others out
    for router in routers:
        app.include_router(router, responses=DOCUMENTED, dependencies=[known, Depends(require_once)])

    @app.get("/healthz", responses=DOCUMENTED)
    def healthz() -> dict[str, str]:
        """Whether the service answers."""
        return {"status": "ok"}


def _describe_settings(app: FastAPI, fields: Sequence[Field]) -> None:
    """Have the description say which settings a job may choose; it is made when somebody asks for it."""
    describe = app.openapi

    def described() -> dict[str, Any]:
        description = describe()
        description["components"]["schemas"]["JobAsked"]["properties"]["settings"] = schema_of(fields)
        return description

    app.openapi = described
