"""Videos in: the resumable uploads of tus 1.0 (https://tus.io/protocols/resumable-upload), or by their address.

Of tus: the core, creation, creation-with-upload, checksum, termination, expiration.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import JSONResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from ground.errors import unwritable
from pipeline.serve.appending import ALGORITHMS, Appending
from pipeline.serve.moments import moment
from pipeline.serve.problem import Problem
from pipeline.serve.problems import DOCUMENTED, documented
from pipeline.serve.settings import LONGEST_JSON, ServeSettings
from pipeline.serve.sources import Sources
from pipeline.serve.tokens import Caller, reader, writer
from pipeline.serve.tus import (
    VERSION,
    answer_tus,
    checksum_of,
    kind_of,
    number_of,
    read_metadata,
    require_version,
    until,
)
from pipeline.serve.videos import READY, REFUSED, UPLOADING, Video, Videos

_log = logging.getLogger("courtscribe")

_EXTENSIONS = "creation,creation-with-upload,checksum,termination,expiration"
_PIECES = "application/offset+octet-stream"
_BLOCK = 1 << 17
"""Bytes that are written at once, and kept in memory of each upload."""
_MOST_DIGITS = 19
"""Of a number of bytes."""
_CLEANED_EVERY = 600.0
"""Seconds."""
_OVERRIDDEN = ("HEAD", "PATCH", "DELETE")
Reader = Annotated[Caller, Depends(reader)]
Writer = Annotated[Caller, Depends(writer)]


def upload_routes() -> APIRouter:
    """The routes below ``/videos``, over ``app.state.videos``."""
    router = APIRouter(prefix="/videos", tags=["videos"], responses=DOCUMENTED, lifespan=_running)
    _add_tus(router)
    _add_tus_of_one(router)
    _add_resources(router)
    return router


@asynccontextmanager
async def _running(app: FastAPI) -> AsyncGenerator[None]:
    """What goes on beside requests: what was broken off is gone on with, what has expired goes."""
    videos: Videos = app.state.videos
    app.state.sources = sources = Sources(videos)
    app.state.looking = CapacityLimiter(2)
    sources.resume()
    cleaning = asyncio.create_task(_clean(videos))
    try:
        yield
    finally:
        cleaning.cancel()
        await run_in_threadpool(sources.close)


async def _clean(videos: Videos) -> None:
    while True:
        try:
            await run_in_threadpool(videos.clean)
        except (OSError, sqlite3.Error):
            _log.exception("what has expired could not be taken away")
        await asyncio.sleep(_CLEANED_EVERY)


def _add_tus(router: APIRouter) -> None:
    @router.options("/{video_id}", status_code=204)
    def options_of_one(request: Request, video_id: str) -> Response:
        """What is known here of tus."""
        return options(request)

    @router.options("", status_code=204)
    def options(request: Request) -> Response:
        """What is known here of tus."""
        about = {"Tus-Version": VERSION, "Tus-Extension": _EXTENSIONS, "Tus-Checksum-Algorithm": ",".join(ALGORITHMS)}
        return answer_tus(204, {**about, "Tus-Max-Size": str(_settings(request).most_upload_bytes)})

    @router.post("", status_code=201, responses=_CREATED, openapi_extra=_CREATION)
    async def create(request: Request, caller: Writer) -> Response:
        """Begin an upload (tus: creation), or have a video fetched from an address (JSON: ``{"url": ...}``)."""
        if kind_of(request) == "application/json":
            return await _create_from(request, caller)
        require_version(request)
        return await _create(request, caller)


def _add_tus_of_one(router: APIRouter) -> None:
    @router.head(
        "/{video_id}",
        responses=documented(410, 412),
        response_class=Response,
        openapi_extra={"parameters": [_SPOKEN]},
    )
    async def head(request: Request, video_id: str, caller: Reader) -> Response:
        """How far an upload is."""
        return await _head(request, video_id, caller)

    @router.patch("/{video_id}", status_code=204, responses=documented(410, 412, 423, 460), openapi_extra=_PIECE)
    async def patch(request: Request, video_id: str, caller: Writer) -> Response:
        """Go on with an upload. The last piece is answered when the video was looked at: 422 says what is wrong."""
        return await _patch(request, video_id, caller)

    @router.post("/{video_id}", include_in_schema=False)
    async def post(request: Request, video_id: str) -> Response:
        """For clients that cannot send other methods, and name one in a header."""
        method = request.headers.get("x-http-method-override", "").upper()
        if method not in _OVERRIDDEN:
            raise Problem(405, "this address does not take this method", {"Allow": "GET, HEAD, PATCH, DELETE, OPTIONS"})
        if method == "HEAD":
            return await _head(request, video_id, reader(request))
        if method == "PATCH":
            return await _patch(request, video_id, writer(request))
        return await run_in_threadpool(_delete, request, video_id, writer(request))

    @router.delete("/{video_id}", status_code=204, responses=documented(410, 412, 423))
    def delete(request: Request, video_id: str, caller: Writer) -> Response:
        """Take a video or an upload away."""
        return _delete(request, video_id, caller)


def _add_resources(router: APIRouter) -> None:
    @router.get("")
    def videos(request: Request, caller: Reader) -> list[dict[str, Any]]:
        """The videos of this token, the newest first."""
        return [as_json(video) for video in _videos(request).list(caller)]

    @router.get("/{video_id}", responses=documented(410))
    def video(request: Request, video_id: str, caller: Reader) -> dict[str, Any]:
        """One video."""
        return as_json(_videos(request).any(caller, video_id))


def as_json(video: Video) -> dict[str, Any]:
    """A video as clients are told of it."""
    return {
        "id": video.id,
        "name": video.name,
        "state": video.state,
        "size": video.size,
        "offset": 0 if video.state == REFUSED else video.offset,
        "seconds": video.seconds,
        "width": video.width,
        "height": video.height,
        "url": video.url,
        "error": video.why or None,
        "made": moment(video.made),
        "expires": moment(video.expires) if video.state == UPLOADING else None,
    }


async def _create(request: Request, caller: Caller) -> Response:
    if "upload-defer-length" in request.headers:
        raise Problem(400, "the length has to be known at once: send Upload-Length")
    if "upload-concat" in request.headers:
        raise Problem(400, "a video is uploaded as one: leave out Upload-Concat")
    given = request.headers.get("upload-metadata", "")
    metadata = read_metadata(given)
    size, name = number_of(request, "upload-length"), metadata.get("filename") or metadata.get("name", "")
    has_piece = kind_of(request) == _PIECES
    checksum = checksum_of(request) if has_piece else None
    video = await run_in_threadpool(_videos(request).create, caller, size, name, given)
    place = {"Location": f"{request.scope.get('root_path', '')}/videos/{video.id}", "Upload-Expires": until(video)}
    if not has_piece:
        return answer_tus(201, place)
    offset = await _append(request, video, 0, checksum)
    return answer_tus(201, {**place, "Upload-Offset": str(offset)})


async def _create_from(request: Request, caller: Caller) -> Response:
    wanted = _read_json(await request.body())
    url, name = wanted.get("url"), wanted.get("name", "")
    if not isinstance(url, str) or not isinstance(name, str):
        raise Problem(422, 'send {"url": "https://..."}, and "name" if you like')
    sources: Sources = request.app.state.sources
    video = await run_in_threadpool(sources.add, caller, url, name)
    place = {"Location": f"{request.scope.get('root_path', '')}/videos/{video.id}"}
    return JSONResponse(as_json(video), 202, place)


async def _head(request: Request, video_id: str, caller: Caller) -> Response:
    require_version(request)
    videos = _videos(request)
    video = await run_in_threadpool(videos.any, caller, video_id)
    if video.state == UPLOADING and video.offset == video.size:  # a kill came between its last byte and the look at it
        video = await _finish(request, video)
    if video.state == REFUSED:
        raise Problem(410, video.why)
    if video.size is None:
        raise Problem(409, "this video is fetched, not uploaded")
    headers = {"Upload-Offset": str(video.offset), "Upload-Length": str(video.size), "Cache-Control": "no-store"}
    headers |= {"Upload-Metadata": video.metadata} if video.metadata else {}
    headers |= {} if video.state == READY else {"Upload-Expires": until(video)}
    return answer_tus(200, headers)


async def _patch(request: Request, video_id: str, caller: Caller) -> Response:
    require_version(request)
    if kind_of(request) != _PIECES:
        raise Problem(415, f"pieces are sent as {_PIECES}")
    checksum, offset = checksum_of(request), number_of(request, "upload-offset")
    video = await run_in_threadpool(_videos(request).any, caller, video_id)
    if video.state == REFUSED:
        raise Problem(410, video.why)
    length = request.headers.get("content-length", "")
    if length.isdecimal() and offset + int(length[:_MOST_DIGITS]) > (video.size or 0):
        raise Problem(413, "this is more than Upload-Length said")
    there = await _append(request, video, offset, checksum)
    now = await run_in_threadpool(_videos(request).any, caller, video_id)
    return answer_tus(
        204, {"Upload-Offset": str(there)} | ({} if now.state == READY else {"Upload-Expires": until(now)})
    )


def _delete(request: Request, video_id: str, caller: Caller) -> Response:
    if "tus-resumable" in request.headers:
        require_version(request)
    _videos(request).delete(caller, video_id)
    request.app.state.sources.cancel(video_id)
    return answer_tus(204, {})


async def _append(request: Request, video: Video, offset: int, checksum: tuple[str, bytes] | None) -> int:
    """Take the piece that a request brings -> how far the video is; one that is whole has been looked at."""
    appending = _Taking(_videos(request), video, offset, checksum)
    async with appending as piece:
        await _receive(request, piece)
    if not piece.is_whole:
        raise Problem(503, "the connection broke off; ask with HEAD how far it came", {"Retry-After": "1"})
    there = await run_in_threadpool(lambda: _videos(request).get(video.id))
    if there is None:
        raise Problem(404, "there is no such video")
    if there.state == UPLOADING and there.offset == there.size:
        there = await _finish(request, there)
    return there.offset


@dataclass(slots=True)
class _Taking:
    """``Videos.appending``, entered and left in a thread: both wait for the disk."""

    videos: Videos
    video: Video
    offset: int
    checksum: tuple[str, bytes] | None
    context: Any = None

    async def __aenter__(self) -> Appending:
        self.context = self.videos.appending(self.video, self.offset, self.checksum)
        return await run_in_threadpool(self.context.__enter__)

    async def __aexit__(self, *error: Any) -> bool | None:
        return await asyncio.shield(asyncio.ensure_future(run_in_threadpool(self.context.__exit__, *error)))


async def _receive(request: Request, piece: Appending) -> None:
    """Write what comes, block by block; where the client is gone, what came until then."""
    block = bytearray()
    try:
        async for part in request.stream():
            block += part
            if len(block) >= _BLOCK:
                await _write(piece, block)
        is_whole = True
    except ClientDisconnect:
        is_whole = False
    await _write(piece, block)
    piece.is_whole = is_whole


async def _write(piece: Appending, block: bytearray) -> None:
    try:
        await run_in_threadpool(piece.write, block)
    except OSError as error:
        raise unwritable(piece.path, error) from error
    block.clear()


async def _finish(request: Request, video: Video) -> Video:
    """Look at a video that is whole, two at a time. Raises Problem where it is refused."""
    return await to_thread.run_sync(_videos(request).finish, video, limiter=request.app.state.looking)


def _read_json(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body[:LONGEST_JSON])
    except (ValueError, RecursionError) as error:
        raise Problem(400, "this is no JSON") from error
    if not isinstance(found, dict):
        raise Problem(422, "this is no object of JSON")
    return found


def _videos(request: Request) -> Videos:
    videos: Videos = request.app.state.videos
    return videos


def _settings(request: Request) -> ServeSettings:
    settings: ServeSettings = request.app.state.settings
    return settings


_CREATION: dict[str, Any] = {
    "requestBody": {
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["url"],
                    "properties": {"url": {"type": "string", "format": "uri"}, "name": {"type": "string"}},
                }
            },
            _PIECES: {"schema": {"type": "string", "format": "binary"}},
        }
    }
}
_CREATED = {202: {"description": "it is being fetched"}, **documented(412, 460)}
_SPOKEN = {"name": "Tus-Resumable", "in": "header", "required": True, "schema": {"type": "string", "enum": [VERSION]}}
_AT = {"name": "Upload-Offset", "in": "header", "required": True, "schema": {"type": "integer", "minimum": 0}}
_PIECE: dict[str, Any] = {
    "parameters": [_SPOKEN, _AT],
    "requestBody": {"content": {_PIECES: {"schema": {"type": "string", "format": "binary"}}}},
}
