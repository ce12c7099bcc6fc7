"""Which sport a picture shows, over HTTP: answers as the Sport Vision API does; examples added and taken away."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, FastAPI, Query, Request, Response
from fastapi import Path as InPath
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from ground.errors import InputError
from pipeline.serve.problem import Problem
from pipeline.serve.sport_worker import SportWorker
from pipeline.serve.tokens import Caller, reader, writer
from pipeline.sport.added import example_ids, remove_example
from pipeline.sport.limits import MOST_BYTES
from pipeline.sport.table import Sport, read_table, table_in

_log = logging.getLogger("courtscribe")

FIELD = "file"
"""Of the form, that holds the picture."""
_MOST_FORM = MOST_BYTES + (64 << 10)
"""Bytes of a form: the picture, and what is around it."""
_MOST_TOP = 100
_MOST_EXAMPLES, _MOST_IN_ALL = 200, 2000
"""That may be added of one sport, and of all: the head is fitted anew to all of them."""

Reader = Annotated[Caller, Depends(reader)]
Writer = Annotated[Caller, Depends(writer)]
SportId = Annotated[str, InPath(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$", description="as GET /sports gives it")]
ExampleId = Annotated[str, InPath(pattern=r"^[0-9a-f]{16}$")]
Top = Annotated[int, Query(ge=1, le=_MOST_TOP, description="how many sports to tell")]


class LikelyTold(BaseModel):
    """A sport, and how likely it is."""

    id: str
    name: str
    probability: float


class NearTold(BaseModel):
    """An example that looks alike."""

    example: str
    id: str
    name: str
    likeness: float


class AnswerTold(BaseModel):
    """What a picture shows."""

    data: list[LikelyTold] = Field(description="best first; Unknown, with id 0, leads where that is likelier than not")
    unknown: float = Field(description="chance that it is none of the sports")
    sport_at_all: float | None = Field(description="chance that it shows any sport")
    is_sport: bool | None
    nearest: list[NearTold]


class SportTold(BaseModel):
    """A sport of the table."""

    id: str
    name: str
    tags: list[str]
    examples: list[str] = Field(description="ids of those that were added")


class ExampleTold(BaseModel):
    """An example that was added."""

    id: str
    sport: str


def sport_routes() -> APIRouter:
    """Routes over the folder ``sports`` of the service's data; ``sports.csv`` there extends the table."""
    router = APIRouter(lifespan=_lifespan)
    form = {"required": True, "content": {"multipart/form-data": {"schema": _FORM}}}

    @router.post("/sportclassifier/predict/", openapi_extra={"requestBody": form})
    async def predict(request: Request, _: Reader, top: Top = 3) -> AnswerTold:
        """Which sport the picture in the form's field ``file`` shows."""
        told = await _ask(request, {"do": "tell", "top": top})
        return AnswerTold.model_validate(told["answer"])

    @router.get("/sports")
    def sports(request: Request, _: Reader) -> list[SportTold]:
        """All sports that there are ids for."""
        folder = _folder(request.app)
        return [
            SportTold(id=s.id, name=s.name, tags=list(s.tags), examples=example_ids(folder, s.id))
            for s in _table(request.app).values()
        ]

    there: dict[int | str, dict[str, Any]] = {
        200: {"description": "it was an example of this sport already", "model": ExampleTold}
    }

    @router.post("/sports/{sport}/examples", status_code=201, responses=there, openapi_extra={"requestBody": form})
    async def add(request: Request, sport: SportId, _: Writer, response: Response) -> ExampleTold:
        """Teach the picture in the form's field ``file`` as one of this sport, and of no other any more."""
        await run_in_threadpool(_require_room, request.app, sport)
        told = await _ask(request, {"do": "add", "sport": sport})
        response.status_code = 201 if told["is_new"] else 200
        return ExampleTold(id=told["added"], sport=sport)

    @router.delete("/sports/{sport}/examples/{example}", status_code=204, response_class=Response)
    def remove(request: Request, sport: SportId, example: ExampleId, _: Writer) -> None:
        """Take an example away again."""
        if not remove_example(_folder(request.app), _known(request.app, sport).id, example):
            raise Problem(404, "there is no such example of this sport")

    return router


_FORM: dict[str, Any] = {
    "type": "object",
    "required": [FIELD],
    "properties": {FIELD: {"type": "string", "format": "binary"}},
}


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncGenerator[None]:
    yield
    worker: SportWorker | None = getattr(app.state, "sport_worker", None)
    if worker is not None:
        await run_in_threadpool(worker.close)


def _folder(app: FastAPI) -> Path:
    return app.state.settings.data / "sports"


def _table(app: FastAPI) -> dict[str, Sport]:
    """Raises Problem where the table of one's own is broken, which no client can mend."""
    try:
        return read_table(table_in(_folder(app)))
    except InputError as error:
        _log.warning("%s", error)
        raise Problem(500, "the service's table of sports is broken; its log says where") from error


def _known(app: FastAPI, sport: str) -> Sport:
    table = _table(app)
    if sport not in table:
        raise Problem(404, "there is no sport of this id; GET /sports lists them")
    return table[sport]


def _require_room(app: FastAPI, sport: str) -> None:
    folder = _folder(app)
    if len(example_ids(folder, _known(app, sport).id)) >= _MOST_EXAMPLES:
        raise Problem(409, f"{_MOST_EXAMPLES} examples of this sport are there; take some away first")
    if sum(len(example_ids(folder, each)) for each in _table(app)) >= _MOST_IN_ALL:
        raise Problem(409, f"{_MOST_IN_ALL} examples of all sports are there; take some away first")


def _worker(app: FastAPI) -> SportWorker:
    """Made on the event loop's thread alone, so there is one."""
    if getattr(app.state, "sport_worker", None) is None:
        app.state.sport_worker = SportWorker(_folder(app))
    return app.state.sport_worker


async def _ask(request: Request, asked: dict[str, Any]) -> dict[str, Any]:
    """Take the picture to the disk piece by piece, and ask the worker about it. Raises Problem."""
    await run_in_threadpool(_table, request.app)
    worker = _worker(request.app)
    with tempfile.NamedTemporaryFile(prefix="courtscribe-sport-") as file:
        await _receive(request, file)
        return await run_in_threadpool(worker.ask, {**asked, "path": file.name})


async def _receive(request: Request, file: Any) -> None:
    """The form's field ``file``, written to ``file`` as it comes. Raises Problem."""
    form = _Form(request.headers.get("content-type", ""), file)
    taken = 0
    try:
        async for piece in request.stream():
            taken += len(piece)
            if taken > _MOST_FORM:
                raise Problem(413, f"a picture is at most {MOST_BYTES >> 20} MB")
            if piece:
                await run_in_threadpool(form.write, piece)
    except ClientDisconnect as error:
        raise Problem(400, "the connection broke off before the picture was whole") from error
    form.finish()
    await run_in_threadpool(file.flush)


class _Form:
    """The bytes of a multipart form, of which one field is kept."""

    def __init__(self, kind: str, file: Any) -> None:
        from python_multipart.multipart import MultipartParser, parse_options_header

        name, options = parse_options_header(kind)
        if name != b"multipart/form-data" or b"boundary" not in options:
            raise Problem(415, f"send the picture as multipart/form-data, in the field {FIELD}")
        self._file, self._count, self._is_wanted, self._is_whole = file, 0, False, False
        self._header, self._value, self._disposition = b"", b"", b""
        self._options = parse_options_header
        calls: dict[str, Any] = {
            "on_part_begin": self._begin,
            "on_header_field": self._on_field,
            "on_header_value": self._on_value,
            "on_header_end": self._on_header,
            "on_headers_finished": self._choose,
            "on_part_data": self._data,
            "on_end": self._end,
        }
        self._parser = MultipartParser(options[b"boundary"], cast(Any, calls))

    def write(self, piece: bytes) -> None:
        """Take the next bytes. Raises Problem for what is no form."""
        from python_multipart.exceptions import FormParserError

        try:
            self._parser.write(piece)
        except FormParserError as error:
            raise Problem(400, "the form is damaged; send multipart/form-data") from error

    def finish(self) -> None:
        """Raises Problem where the form is not whole, or holds not one picture."""
        if not self._is_whole:
            raise Problem(400, "the form ends too early")
        if self._count != 1:
            raise Problem(400, f"the form holds one picture, in the field {FIELD}")

    def _begin(self) -> None:
        self._disposition, self._is_wanted = b"", False

    def _on_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = self._value
        self._header = self._value = b""

    def _choose(self) -> None:
        _, options = self._options(self._disposition)
        self._is_wanted = options.get(b"name") == FIELD.encode()
        self._count += self._is_wanted

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._is_wanted and self._count == 1:
            self._file.write(data[start:end])

    def _end(self) -> None:
        self._is_whole = True
