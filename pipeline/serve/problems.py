"""Whatever goes wrong is told in one form: problem+json (RFC 9457), one line that says what to do."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.routing import compile_path

from ground.errors import FullError, InputError
from pipeline.serve.problem import Problem

MEDIA_TYPE = "application/problem+json"
_LONGEST = 480
"""Letters of a detail; it may quote what was sent."""


def problem_body(status: int, detail: str) -> bytes:
    """The line that is sent, ASCII."""
    printable = "".join(c if c.isprintable() else " " for c in detail)[:_LONGEST]
    content = {"type": "about:blank", "title": _title(status), "status": status, "detail": printable}
    return json.dumps(content).encode()


def _title(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:  # tus has one of its own
        return "Checksum Mismatch" if status == 460 else "Refused"


def answer(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """A problem as it is sent."""
    return Response(problem_body(status, detail), status, headers, media_type=MEDIA_TYPE)


def add_problems(app: FastAPI) -> None:
    """Have every error of ``app`` be told as a problem."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(InputError, _bad_input)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(sqlite3.OperationalError, _database)
    app.add_exception_handler(Exception, _broken)


async def require_once(request: Request) -> None:
    """Raise Problem where an address says something twice, of which the last would silently be taken."""
    counts = Counter(name for name, _ in request.query_params.multi_items())
    for name, count in counts.items():
        if count > 1:
            raise Problem(422, f"query.{name[:80]}: is given more than once")


async def _problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return answer(error.status, error.detail, error.headers)


async def _bad_input(_: Request, error: Exception) -> Response:
    return answer(507 if isinstance(error, FullError) else 400, str(error))


async def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return answer(422, _first(error.errors()))


def _first(errors: Sequence[Any]) -> str:
    """What is wrong with the first thing that is, and where it is."""
    if not errors:
        return "the request is not as documented"
    where = ".".join(str(part) for part in errors[0].get("loc", ()))
    return f"{where[:200]}: {errors[0].get('msg', 'is not as documented')}"


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    if error.status_code == 405 and (methods := _methods(request)):
        headers["Allow"] = ", ".join(methods)
    return answer(error.status_code, _HINTS.get(error.status_code, str(error.detail)), headers)


def _methods(request: Request) -> list[str]:
    """What the address of a request takes, as it is described; a route alone knows no other methods of its address."""
    paths: dict[str, dict[str, Any]] = request.app.openapi()["paths"]
    found = {m.upper() for path, of in paths.items() if _matches(path, request.url.path) for m in of}
    return sorted(found)


def _matches(template: str, path: str) -> bool:
    return compile_path(template)[0].match(path) is not None


_HINTS = {404: "there is nothing at this address", 405: "this address does not take this method"}


async def _database(_: Request, error: Exception) -> Response:
    if "full" in str(error):
        return answer(507, "there is no room on the service's disk")
    return answer(503, "the service is busy; try again", {"Retry-After": "2"})


async def _broken(_: Request, error: Exception) -> Response:
    """What was not foreseen: the log has it, whoever asked is told no inner things."""
    return answer(500, f"the service failed at this ({type(error).__name__}); its log says more")


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """``responses=`` of a route, for problems of these statuses."""
    return {
        status: {"description": _title(status), "content": {MEDIA_TYPE: {"schema": _SCHEMA}}} for status in statuses
    }


_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
    },
}

DOCUMENTED = documented(400, 401, 403, 404, 405, 409, 413, 414, 415, 422, 429, 431, 503, 507)
"""What any route may answer besides what it is for."""
