"""The video of a page, fetched through yt-dlp: what was asked for is kept, and nothing else.

yt-dlp is shut off from what it would read or write besides: its cache, plugins, settings, cookies, passwords and
search for updates. It makes no pictures and runs no FFmpeg: where a page has picture and sound apart, both are
fetched and joined by ``pipeline.video.mux``.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ground.errors import InputError, unwritable
from ground.packages import need
from pipeline.progress import Advance, Progress, Silent
from pipeline.web.kept import NAME, PARTS, Fetched, begin, finish, kept_video

_log = logging.getLogger("courtscribe")

HIGHEST = 1080
"""Lines of the picture that are fetched at most, where there is a choice."""
_RETRIES = 10
_TIMEOUT = 30.0
"""Seconds that a server may stay silent."""
_SHOWN = 3
"""Videos that are named where a page holds several."""
_NOISE = re.compile(r"\x1b\[[0-9;]*m|^ERROR: |; please report this issue on .*|\s*\(caused by .*", re.DOTALL)
"""What yt-dlp says about itself in a message."""
_NOTHING = "Unsupported URL"
"""What it says of a page on which it finds no video."""


@dataclass(frozen=True, slots=True)
class Page:
    """What a page holds."""

    url: str
    title: str
    info: Mapping[str, Any]
    """As yt-dlp knows it."""


def look_at(url: str) -> Page:
    """What the page at ``url`` holds, without fetching the video.

    Raises InputError where it cannot be had, holds no video, more than one, or one that is not over yet, and where
    yt-dlp is not installed.
    """
    with _downloader({}) as downloader, _one_line(url):
        info: Mapping[str, Any] = downloader.extract_info(url, download=False)
        if info.get("_type") == "playlist":
            info = downloader.extract_info(_only_entry(url, list(info["entries"])), download=False)
    if info.get("is_live") or info.get("live_status") == "is_upcoming":
        raise InputError(f"{url}: is not over yet; fetch it when it is")
    return Page(url, _title(info), info)


def _title(info: Mapping[str, Any]) -> str:
    """The page's; yt-dlp numbers videos of a page by itself, the only one too."""
    title, name = str(info.get("title") or ""), str(info.get("id") or "")
    is_numbered = info.get("extractor") == "html5" and name.endswith("-1")
    return (title.removesuffix(" (1)") if is_numbered else title) or name


def fetch(page: Page, folder: Path, progress: Progress | None = None, most_bytes: int | None = None) -> Fetched:
    """Have the page's video in ``folder``: the best in H.264 with at most ``HIGHEST`` lines, or else the best.

    What was fetched before a break is gone on with. most_bytes: of what is fetched in all; None: no limit. Raises
    InputError where it cannot be fetched or written, and ``Cancelled`` as ``progress`` does.
    """
    if (kept := kept_video(page.url, folder)) is not None:
        return kept
    try:
        begin(page.url, page.title, folder)
        with _Shown(folder, progress or Silent(), most_bytes) as shown:
            parts = _download(page, folder, shown)
        return finish(_joined(parts, folder), page.url, page.title)
    except OSError as error:
        raise unwritable(folder, error) from error


def _download(page: Page, folder: Path, shown: _Shown) -> list[Path]:
    """Fetch -> the files: one with picture and sound, or one of each."""
    name = str(folder.absolute()).replace("%", "%%") + f"/{PARTS}%(format_id)s.%(ext)s"
    options = {"outtmpl": {"default": name}, "progress_hooks": [shown.tell]}
    with _downloader(options) as downloader, _one_line(page.url):
        info = downloader.process_ie_result(dict(page.info), download=True)
    return [Path(one["filepath"]) for one in info["requested_downloads"]]


def _joined(parts: list[Path], folder: Path) -> Path:
    """The one video of ``parts``, under its name."""
    if len(parts) == 1 and not _is_broadcast(parts[0]):
        return parts[0].replace(folder / f"{NAME}{parts[0].suffix}")
    from pipeline.video.mux import mux

    return mux(parts, folder / NAME)


def _is_broadcast(path: Path) -> bool:
    """Whether a file is what HLS consists of, which browsers do not play, whatever it is called."""
    with path.open("rb") as file:
        return file.read(1) == b"\x47"


def _chosen(context: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Of a page's formats, which yt-dlp has sorted, the worst first: the last picture, and sound where it has none."""
    formats = [one for one in context["formats"] if not one.get("has_drm")]
    pictures = [one for one in formats if one.get("vcodec") != "none"]
    if not pictures:
        return
    yield pictures[-1]
    sounds = [one for one in formats if one.get("vcodec") == "none" and one.get("acodec") != "none"]
    if pictures[-1].get("acodec") == "none" and sounds:
        yield sounds[-1]


def _only_entry(url: str, entries: list[Mapping[str, Any]]) -> str:
    addresses = [str(one.get("webpage_url") or one.get("url") or "") for one in entries]
    if len(addresses) != 1:
        direct = [str(one.get("url") or url) if one.get("webpage_url") == url else "" for one in entries]
        shown = [own or address for own, address in zip(direct, addresses, strict=True)]
        named = ", ".join(address for address in shown[:_SHOWN] if address != url)
        raise InputError(f"{url}: holds {len(addresses) or 'no'} videos" + (f"; name one: {named}" if named else ""))
    return addresses[0]


def _downloader(options: Mapping[str, Any]) -> Any:
    need("a page that holds a video", "yt_dlp")
    from yt_dlp import YoutubeDL
    from yt_dlp.globals import plugin_dirs

    plugin_dirs.value = []
    settings: Any = {
        "cachedir": False,
        "continuedl": True,
        "extract_flat": "in_playlist",
        "ffmpeg_location": "/nonexistent",
        "fixup": "never",
        "format": _chosen,
        "format_sort": ["vcodec:h264", f"res:{HIGHEST}", "fps:60", "acodec:aac"],
        "fragment_retries": _RETRIES,
        "logger": _Logger(),
        "noplaylist": True,
        "playlistend": _SHOWN + 1,
        "retries": _RETRIES,
        "socket_timeout": _TIMEOUT,
        "updatetime": False,
        "usenetrc": False,
        "warn_when_outdated": False,
        **options,
    }
    return YoutubeDL(settings)


class _Logger:
    """Where yt-dlp says what it does: errors are raised, too, and the rest is nobody's concern."""

    def debug(self, message: str) -> None:
        """See logging."""
        _log.debug("%s", message)

    warning = error = debug


@contextmanager
def _one_line(url: str) -> Generator[None]:
    """What yt-dlp says went wrong, as an InputError of one line."""
    from yt_dlp.utils import YoutubeDLError

    try:
        yield
    except YoutubeDLError as error:
        said = " ".join(_NOISE.sub("", str(error)).split())
        if said.startswith(_NOTHING):
            raise InputError(f"{url}: no video is found on this page; give the address of the video itself") from error
        raise InputError(f"{url}: cannot be fetched: {said}") from error


class _Shown(ExitStack):
    """Tells ``progress`` how much of each file is there, and stops at the limit."""

    def __init__(self, folder: Path, progress: Progress, most_bytes: int | None) -> None:
        super().__init__()
        self._progress, self._most = progress, most_bytes
        self._there = {str(part): part.stat().st_size for part in folder.absolute().glob(f"{PARTS}*")}
        self._done: dict[str, int] = {}
        self._advance: Advance | None = None

    def tell(self, state: Mapping[str, Any]) -> None:
        """What yt-dlp calls with each block that comes."""
        name, done = str(state["filename"]), int(state.get("downloaded_bytes") or 0)
        if name not in self._done:
            self._begin(name, state)
        if self._most is not None and sum({**self._done, name: done}.values()) > self._most:
            raise InputError(f"the video has more than {self._most} bytes, which is the limit here")
        if self._advance is not None:
            self._advance(max(0, done - self._done[name]))
        self._done[name] = max(done, self._done[name])

    def _begin(self, name: str, state: Mapping[str, Any]) -> None:
        self.close()
        total = state.get("total_bytes") or state.get("total_bytes_estimate")
        there = self._there.get(str(state.get("tmpfilename")), 0)
        self._done[name] = there
        stage = self._progress.stage("fetch", None if total is None else int(total), "byte", there)
        self._advance = self.enter_context(stage)
