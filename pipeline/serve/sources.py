"""Videos from addresses: fetched beside the requests, each in a process of its own that can reach nothing private."""

from __future__ import annotations

import json
import logging
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from pipeline.serve.problem import Problem
from pipeline.serve.public import is_private_literal
from pipeline.serve.tokens import Caller
from pipeline.serve.videos import FETCHING, UPLOADING, Video, Videos, called
from pipeline.web.page import end_of

_log = logging.getLogger("courtscribe")

_AT_ONCE = 2
_LONGEST_URL = 2048
_MOST_HOURS = 6.0
"""That one video may take."""
_ANSWER = 4096


class Sources:
    """Fetches what ``add`` is told, two at a time, and goes on after a restart."""

    def __init__(self, videos: Videos) -> None:
        self._videos = videos
        self._pool = ThreadPoolExecutor(_AT_ONCE, "fetch")
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._lock = threading.Lock()
        self._is_closed = False

    def add(self, caller: Caller, url: str, name: str = "") -> Video:
        """Have the video at ``url`` fetched. Raises Problem for what is no public address, and as ``create_from``."""
        require_url(url, allow_private=self._videos.settings.allow_private_urls)
        video = self._videos.create_from(caller, url, name or end_of(url))
        self._pool.submit(self._fetch, video)
        return video

    def resume(self) -> None:
        """Go on with what was being fetched, and look at what is whole, when the service was stopped."""
        for video in self._videos.unfinished():
            if video.state == FETCHING:
                self._pool.submit(self._fetch, video)
            elif video.state == UPLOADING and video.offset == video.size:
                self._pool.submit(self._finish, video)

    def cancel(self, video_id: str) -> None:
        """Do not fetch any more what was taken away."""
        with self._lock:
            if (process := self._running.get(video_id)) is not None:
                process.kill()

    def close(self) -> None:
        """Stop; what is half fetched is gone on with by ``resume``."""
        with self._lock:
            self._is_closed = True
            for process in self._running.values():
                process.kill()
        self._pool.shutdown(cancel_futures=True)

    def _fetch(self, video: Video) -> None:
        try:
            why, title = self._run(video)
            if self._is_closed:
                return
            if self._videos.get(video.id) is None:
                self._videos.clear(video)
            elif why:
                self._videos.refuse(video, why)
            else:
                if title and video.name == called(end_of(video.url or "")):  # nobody called it anything else
                    self._videos.call(video, title)
                self._finish(video)
        except (OSError, sqlite3.Error, Problem):
            _log.exception("video %s could not be fetched", video.id)

    def _finish(self, video: Video) -> None:
        try:
            self._videos.finish(video)
        except Problem as problem:
            if problem.status != 422:  # which is logged where the video is refused
                _log.warning("video %s: %s", video.id, problem.detail)

    def _run(self, video: Video) -> tuple[str, str]:
        """Fetch -> why it could not be, empty: it is there; and its title, empty where it has none."""
        settings = self._videos.settings
        order = {
            "url": video.url,
            "path": str(video.path.absolute()),
            "most_bytes": self._videos.room(video),
            "allow_private": settings.allow_private_urls,
            "pages": settings.fetch_pages,
        }
        with self._lock:
            if self._is_closed or self._videos.get(video.id) is None:
                return "stopped", ""
            process = subprocess.Popen(
                [sys.executable, "-m", "pipeline.serve.fetch"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            self._running[video.id] = process
        try:
            return self._wait(process, json.dumps(order).encode() + b"\n")
        finally:
            process.kill()
            process.wait()
            with self._lock:
                del self._running[video.id]

    def _wait(self, process: subprocess.Popen[bytes], order: bytes) -> tuple[str, str]:
        """Its word. Its input is left open meanwhile: it ends when that does, as when the service is killed."""
        assert process.stdin is not None and process.stdout is not None
        deadline = threading.Timer(_MOST_HOURS * 3600, process.kill)
        deadline.start()
        try:
            process.stdin.write(order)
            process.stdin.flush()
            said = process.stdout.read(_ANSWER)
        except OSError:
            said = b""
        finally:
            deadline.cancel()
        try:
            told = json.loads(said)
            return str(told["error"]), str(told.get("title", ""))
        except (ValueError, LookupError, TypeError, AttributeError):
            return f"took longer than {_MOST_HOURS:g} hours, or broke what fetched it", ""


def require_url(url: str, *, allow_private: bool) -> None:
    """Raise Problem for what is no address of HTTP, and for one in a network of one's own unless that is allowed.

    What a name leads to is looked at by the process that goes there, with each connection.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise Problem(422, "this is no address") from error
    if len(url) > _LONGEST_URL or not url.isprintable() or " " in url:
        raise Problem(422, f"an address has at most {_LONGEST_URL} letters, and no spaces")
    if parts.scheme not in ("http", "https") or not host:
        raise Problem(422, "videos are fetched from addresses that begin with http:// or https://")
    if not allow_private and is_private_literal(host):
        raise Problem(403, "this address is in a network of the service's own; only public ones are fetched")
