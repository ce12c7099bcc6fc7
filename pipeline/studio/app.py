"""What the studio's pages ask for, by address. Whoever asks has been let in by ``access.Guard``."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Body, FastAPI, Request
from fastapi.responses import FileResponse, Response

from ground.errors import FullError, InputError
from ground.video.source import open_video
from pipeline.offers import Field
from pipeline.outputs.names import VIDEO_NAME
from pipeline.studio.game import Game
from pipeline.studio.lessons import Lessons
from pipeline.studio.pages import add_pages
from pipeline.studio.places import Places, results_of, shown
from pipeline.studio.playable import picture_at
from pipeline.studio.runs import Runs

_log = logging.getLogger("courtscribe")
Json = Annotated[dict[str, Any], Body()]


@dataclass(slots=True)
class Studio:
    """What is open in one studio."""

    places: Places
    command: Sequence[str]
    """What runs courtscribe."""
    fields: Sequence[Field] = ()
    """Settings that may be chosen for an analysis."""
    first: Path | None = None
    """The video or analysis that it was started for."""
    games: dict[Path, Game] = field(default_factory=dict[Path, Game])
    lock: threading.Lock = field(default_factory=threading.Lock)

    def game(self, name: str) -> Game:
        """The analysis of this name, opened if need be. Raises InputError where there is none."""
        folder = self.places.find(name)
        with self.lock:
            if folder not in self.games:
                self.games[folder] = Game(name, folder, self.command)
            return self.games[folder]

    def let_go(self, folder: Path) -> None:
        """Close the analysis in ``folder``, if it is open."""
        with self.lock:
            game = self.games.pop(folder, None)
        if game is not None:
            game.close()

    def first_page(self) -> str:
        """The address of the page about what it was started for; that of the folder, where it was."""
        if self.first is None:
            return "/"
        return f"/{'game' if self.first.is_dir() else 'new'}?id={quote(self.places.name(self.first), safe='')}"

    def close(self) -> None:
        """Close all."""
        for folder in list(self.games):
            self.let_go(folder)


def make_app(studio: Studio) -> FastAPI:
    """The studio's server, without its guard."""

    lessons = Lessons(studio.places, studio.command)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        yield
        lessons.close()
        studio.close()

    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, lifespan=lifespan)
    app.add_exception_handler(InputError, _refused)
    add_pages(app)
    runs = Runs(studio.command, studio.fields)
    _add_places(app, studio, runs)
    _add_game(app, studio)
    _add_corrections(app, studio)
    _add_runs(app, studio, runs)
    _add_lessons(app, studio, lessons)
    return app


async def _refused(_: Request, error: Exception) -> Response:
    """Bad input is a line for the page to show."""
    return json_of({"error": str(error)}, 507 if isinstance(error, FullError) else 400)


def json_of(content: Any, status: int = 200) -> Response:
    """An answer as JSON. ASCII only: names of files may hold bytes that are no text."""
    return Response(json.dumps(content, allow_nan=False, separators=(",", ":")), status, media_type="application/json")


def _add_places(app: FastAPI, studio: Studio, runs: Runs) -> None:
    places = studio.places

    @app.get("/api/folder")
    def folder(at: str = "") -> Response:
        return json_of(places.list(places.find(at)))

    @app.get("/api/video")
    def video(id: str) -> Response:  # noqa: A002
        """What is known of a video before it is analysed."""
        path = places.find(id)
        with open_video(path) as opened:
            info = opened.info
        results = results_of(path)
        return json_of(
            {
                "name": shown(path),
                "width": info.width,
                "height": info.height,
                "rate": float(info.frame_rate),
                "duration": info.duration,
                "codec": info.codec,
                "notes": list(info.notes),
                "results": places.name(results),
                "request": runs.request(results),
                **runs.state(results),
            }
        )

    @app.get("/api/video/file")
    def video_file(id: str) -> FileResponse:  # noqa: A002
        return _file(places.find(id))

    @app.get("/api/picture")
    def picture(id: str, time: float = 0.0) -> Response:  # noqa: A002
        """The frame that is shown at a time, exactly: by the video's own decoding, whatever a browser can play."""
        data, frame = picture_at(places.find(id), time)
        headers = {"x-frame": str(frame.index), "x-time": f"{frame.time:.6f}"}
        return Response(data, media_type="image/jpeg", headers=headers)


def _add_game(app: FastAPI, studio: Studio) -> None:
    @app.get("/api/game")
    def data(id: str) -> Response:  # noqa: A002
        return json_of(studio.game(id).data())

    @app.get("/api/game/state")
    def state(id: str) -> Response:  # noqa: A002
        return json_of(studio.game(id).state())

    @app.get("/api/game/boxes")
    def boxes(id: str, minute: int) -> Response:  # noqa: A002
        return json_of(studio.game(id).boxes(minute))

    @app.get("/api/game/video")
    def video(id: str) -> FileResponse:  # noqa: A002
        path = studio.game(id).playable()
        if path is None:
            raise InputError("the video is not where it was")
        return _file(path)

    @app.get("/api/game/annotated")
    def annotated(id: str) -> FileResponse:  # noqa: A002
        path = studio.game(id).editing.folder / VIDEO_NAME
        if not path.is_file():
            raise InputError("the annotated video is not there yet")
        return _file(path)

    @app.get("/api/game/file")
    def file(id: str, name: str) -> FileResponse:  # noqa: A002
        path = studio.game(id).file(name)
        return FileResponse(path, filename=path.name)

    @app.get("/api/game/export")
    def export(id: str, kind: str) -> Response:  # noqa: A002
        name, content = studio.game(id).export(kind)
        disposition = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
        return Response(content, media_type="application/octet-stream", headers={"content-disposition": disposition})

    @app.get("/api/game/doubts")
    def doubts(id: str) -> Response:  # noqa: A002
        return json_of(studio.game(id).doubts())


def _add_corrections(app: FastAPI, studio: Studio) -> None:
    @app.post("/api/game/edit")
    def edit(body: Json) -> Response:
        """Changes, one entry: on disk when this is answered."""
        return json_of(studio.game(_text(body, "id")).change(_entries(body, "changes")))

    @app.post("/api/game/video")
    def want_video(body: Json) -> Response:
        game = studio.game(_text(body, "id"))
        game.following.want_video()
        return json_of(game.state())

    @app.post("/api/game/moved")
    def moved(body: Json) -> Response:
        game = studio.game(_text(body, "id"))
        game.moved(studio.places.find(_text(body, "video")))
        return json_of(game.data())

    @app.post("/api/game/copy")
    def copy(body: Json) -> Response:
        game = studio.game(_text(body, "id"))
        game.make_copy()
        return json_of(game.state())


def _add_runs(app: FastAPI, studio: Studio, runs: Runs) -> None:
    places = studio.places

    @app.get("/api/settings")
    def settings() -> Response:
        return json_of([asdict(one) for one in runs.fields])

    @app.post("/api/run")
    def run(body: Json) -> Response:
        """Begin to analyse a video."""
        video = places.find(_text(body, "video"))
        studio.let_go(results_of(video))
        chosen = body.get("settings", {})
        if not isinstance(chosen, dict):
            raise InputError("settings are values by name")
        rois, court = _entries(body, "rois"), _entries(body, "court")
        folder = runs.start(video, chosen, rois, court, body.get("everybody") is True)  # type: ignore[reportUnknown]
        return json_of({"id": places.name(folder), **runs.state(folder)})

    @app.get("/api/run")
    def run_state(id: str) -> Response:  # noqa: A002
        folder = places.find(id)
        request = runs.request(folder)
        video = None if request is None else Path(str(request["video"]))
        about = {"id": id, "name": shown(folder), "request": request}
        if video is not None and places.root in video.parents:
            about["video"] = places.name(video)
        return json_of({**about, **runs.state(folder)})

    @app.post("/api/run/cancel")
    def cancel(body: Json) -> Response:
        folder = places.find(_text(body, "id"))
        runs.cancel(folder)
        return json_of(runs.state(folder))

    @app.get("/api/run/first")
    def first(id: str, part: int) -> Response:  # noqa: A002
        """A picture of what is found so far."""
        return Response(runs.first_results(places.find(id), part), media_type="image/jpeg")


def _add_lessons(app: FastAPI, studio: Studio, lessons: Lessons) -> None:
    @app.get("/api/lesson")
    def state(id: str) -> Response:  # noqa: A002
        return json_of(lessons.state(studio.game(id)))

    @app.get("/api/lesson/compare")
    def compare(id: str) -> Response:  # noqa: A002
        return json_of(lessons.compare(studio.game(id)))

    @app.post("/api/lesson/add")
    def add(body: Json) -> Response:
        game = studio.game(_text(body, "id"))
        lessons.add(game, _text(body, "label"), _entries(body, "spans"))
        return json_of(lessons.state(game))

    def simple(name: str, do: Callable[[Game, Mapping[str, Any]], object]) -> None:
        @app.post(f"/api/lesson/{name}")
        def done(body: Json) -> Response:
            game = studio.game(_text(body, "id"))
            do(game, body)
            return json_of(lessons.state(game))

    simple("remove", lambda _, body: lessons.remove(_text(body, "example")))
    simple("learn", lambda game, _: lessons.learn(game))
    simple("discard", lambda game, _: lessons.discard(game))

    @app.post("/api/lesson/keep")
    def keep(body: Json) -> Response:
        game = studio.game(_text(body, "id"))
        lessons.keep(game)
        return json_of(game.data())


def _file(path: Path) -> FileResponse:
    """A file of which a browser may ask for parts; what it keeps it asks about again."""
    if not path.is_file():
        raise InputError(f"{shown(path)}: is no file")
    kind = {".mp4": "video/mp4", ".m4v": "video/mp4", ".mov": "video/mp4", ".webm": "video/webm"}
    response = FileResponse(path, media_type=kind.get(path.suffix.lower(), "application/octet-stream"))
    response.headers["cache-control"] = "private, no-cache"
    return response


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str):
        raise InputError(f"{name} is missing")
    return value


def _entries(body: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    value = body.get(name, [])
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):  # type: ignore[reportUnknown]
        raise InputError(f"{name} is a list of entries")
    return value  # type: ignore[reportUnknown]
