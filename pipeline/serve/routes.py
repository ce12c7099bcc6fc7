"""Jobs over HTTP."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncGenerator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from fastapi.responses import FileResponse, RedirectResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from pipeline.outputs.names import REPORT_NAME
from pipeline.serve.dispatch import Dispatcher
from pipeline.serve.folders import JobFolder
from pipeline.serve.jobs import Jobs, require_offered
from pipeline.serve.ledger import DONE, ENDED
from pipeline.serve.moments import moment
from pipeline.serve.problem import Problem
from pipeline.serve.problems import documented
from pipeline.serve.results import MEDIA_TYPES, ranged, result, result_files
from pipeline.serve.tokens import Caller, reader, writer

_LOOK_EVERY = 0.5
_KEEP_ALIVE = 15.0
"""Seconds between looks for new events; of silence after which a line is sent that says nothing."""
_AGAIN_MS = 2000
"""After which a browser that lost the stream asks again."""
_MOST_JOBS = 1000

Reader = Annotated[Caller, Depends(reader)]
Writer = Annotated[Caller, Depends(writer)]
Most = Annotated[int, Query(ge=1, le=_MOST_JOBS)]
JobId = Annotated[str, Path(min_length=1, max_length=64, description="as POST /jobs gave it")]


class JobAsked(BaseModel):
    """What is asked for."""

    model_config = ConfigDict(extra="forbid")
    video: str = Field(min_length=1, max_length=64, description="id of a video that is ready")
    settings: dict[str, Any] = Field(
        default_factory=dict[str, Any], description="by name, as in selection.players; GET /settings says which"
    )


class JobTold(BaseModel):
    """How a job stands."""

    id: str
    video: str
    name: str = Field(description="of the video, as its owner calls it")
    settings: dict[str, Any]
    state: str = Field(description="queued, running, done, failed or cancelled")
    attempt: int = Field(description="how often it was begun")
    stage: str
    progress: float = Field(description="0 to 1")
    seconds_left: float | None
    reason: str = Field(description="why it failed, or waits again; else empty")
    made: str = Field(description="RFC 3339")
    ended: str | None


class ResultTold(BaseModel):
    """A file that a job has made."""

    name: str
    bytes: int
    url: str


class SettingTold(BaseModel):
    """A setting that a job may choose."""

    setting: str
    kind: str = Field(description="text, names, integer, number or switch")
    title: str
    about: str
    choices: tuple[str, ...]
    default: Any = Field(description="what holds where nothing is chosen; null: nothing does")


def job_routes() -> APIRouter:
    """Routes of jobs and what they make."""
    routes = APIRouter()
    _add_jobs(routes)
    _add_events(routes)
    _add_results(routes)
    return routes


def _add_jobs(routes: APIRouter) -> None:
    @routes.get("/settings")
    def settings(_: Reader, request: Request) -> list[SettingTold]:
        """What a job may be asked to do otherwise."""
        fields = request.app.state.settings.fields
        names = ("setting", "kind", "title", "about", "choices", "default")
        return [SettingTold(**{name: getattr(field, name) for name in names}) for field in fields]

    @routes.post("/jobs", status_code=201)
    def create(asked: JobAsked, caller: Writer, request: Request, response: Response) -> JobTold:
        """Have a video analysed."""
        jobs = _jobs(request)
        require_offered(asked.settings, request.app.state.settings)
        job_id = jobs.create(caller, request.app.state.videos.find(caller, asked.video), asked.settings)
        _dispatcher(request).wake()
        response.headers["location"] = f"/jobs/{job_id}"
        return _told(jobs.find(caller, job_id))

    @routes.get("/jobs")
    def several(caller: Reader, request: Request, most: Most = 100) -> list[JobTold]:
        """The token's jobs, newest first."""
        return [_told(row) for row in _jobs(request).list(caller, most)]

    @routes.get("/jobs/{job_id}")
    def one(job_id: JobId, caller: Reader, request: Request) -> JobTold:
        """How a job stands."""
        return _told(_jobs(request).find(caller, job_id))

    @routes.delete("/jobs/{job_id}", status_code=204)
    def remove(job_id: JobId, caller: Writer, request: Request) -> Response:
        """Cancel a job that waits or runs; delete one that has ended, with its results."""
        _jobs(request).remove(caller, job_id)
        _dispatcher(request).wake()
        return Response(status_code=204)


def _add_events(routes: APIRouter) -> None:
    stream = {"description": "events `state` and `progress`, JSON each", "content": {"text/event-stream": {}}}
    ended = {"description": "the job has ended, and this was told"}

    @routes.get("/jobs/{job_id}/events", responses={200: stream, 204: ended}, response_class=StreamingResponse)
    async def events(
        job_id: JobId, caller: Reader, request: Request, last_event_id: Annotated[str, Header(max_length=20)] = ""
    ) -> Response:
        """What happens to a job, as server-sent events, all from its beginning or after ``Last-Event-ID``."""
        jobs = _jobs(request)
        row = await run_in_threadpool(jobs.find, caller, job_id)
        after = int(last_event_id) if last_event_id.isascii() and last_event_id.isdigit() else 0
        after = min(after, (1 << 63) - 1)
        if row["state"] in ENDED and after and not await run_in_threadpool(jobs.ledger.events, job_id, after, 1):
            return Response(status_code=204)  # which tells a browser not to ask again
        return StreamingResponse(_events(jobs, job_id, after), media_type="text/event-stream")


async def _events(jobs: Jobs, job_id: str, after: int) -> AsyncGenerator[bytes]:
    """Events until the job has ended, or is gone."""
    yield f"retry: {_AGAIN_MS}\n\n".encode()
    silent = 0.0
    while True:
        row = await run_in_threadpool(jobs.ledger.find, job_id)  # before the events, so that its last is among them
        found = await run_in_threadpool(jobs.ledger.events, job_id, after)
        for event in found:
            after = event["id"]
            yield f"id: {event['id']}\nevent: {event['kind']}\ndata: {event['data']}\n\n".encode()
        if not found and (row is None or row["state"] in ENDED):
            return
        silent = 0.0 if found else silent + _LOOK_EVERY
        if silent >= _KEEP_ALIVE:
            silent = 0.0
            yield b": still here\n\n"
        if not found:
            await asyncio.sleep(_LOOK_EVERY)


def _add_results(routes: APIRouter) -> None:
    content: dict[str, Any] = {kind: {} for kind in MEDIA_TYPES}
    file: dict[int | str, dict[str, Any]] = {
        200: {"description": "the file", "content": content},
        206: {"description": "the part of it that Range asks for", "content": content},
        **documented(416),
    }

    @routes.get("/jobs/{job_id}/results")
    def results(job_id: JobId, caller: Reader, request: Request) -> list[ResultTold]:
        """What a job has made; nothing before it is done."""
        folder = _done(request, caller, job_id)
        return [
            ResultTold(name=name, bytes=path.stat().st_size, url=f"/jobs/{job_id}/results/{name}")
            for name, path in result_files(folder.results).items()
        ]

    @routes.get("/jobs/{job_id}/results/{name:path}", responses=file, response_class=FileResponse)
    def by_name(job_id: JobId, name: str, caller: Reader, request: Request) -> FileResponse:
        """A file that a job has made, or a part of it."""
        return ranged(request, result(_done(request, caller, job_id).results, name))

    @routes.get("/jobs/{job_id}/video", responses=file, response_class=FileResponse)
    def video(job_id: JobId, caller: Reader, request: Request) -> FileResponse:
        """The video that was analysed, or a part of it, as long as it is kept; the report asks for it here."""
        row = _jobs(request).find(caller, job_id)
        video = request.app.state.videos.find(caller, row["video_id"])
        return ranged(request, video.path, "video/webm" if "webm" in video.container else "video/mp4")

    @routes.get("/jobs/{job_id}/report", status_code=307, response_class=RedirectResponse)
    def report(job_id: JobId, caller: Reader, request: Request) -> RedirectResponse:
        """The page about the game; beside it lies what it asks for."""
        result(_done(request, caller, job_id).results, REPORT_NAME)
        return RedirectResponse(f"/jobs/{job_id}/results/{REPORT_NAME}", 307)


def _done(request: Request, caller: Caller, job_id: str) -> JobFolder:
    """The folder of a job that is done. Raises Problem 404, 409."""
    row = _jobs(request).find(caller, job_id)
    if row["state"] != DONE:
        raise Problem(409, f"this job is {row['state']}, and has no results")
    return JobFolder.of(request.app.state.settings.data, row["id"])


def _jobs(request: Request) -> Jobs:
    return request.app.state.jobs


def _dispatcher(request: Request) -> Dispatcher:
    return request.app.state.dispatcher


def _told(row: sqlite3.Row) -> JobTold:
    return JobTold(
        id=row["id"],
        video=row["video_id"],
        name=row["name"],
        settings=json.loads(row["settings"]),
        state=row["state"],
        attempt=row["attempt"],
        stage=row["stage"],
        progress=row["progress"],
        seconds_left=row["seconds_left"],
        reason=row["reason"],
        made=moment(row["made"]),
        ended=None if row["ended"] is None else moment(row["ended"]),
    )
