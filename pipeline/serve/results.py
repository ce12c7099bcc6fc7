"""What a job has made, by names of a fixed list, in ranges."""

from __future__ import annotations

import re
from pathlib import Path

from fastapi import Request
from fastapi.responses import FileResponse

from pipeline.outputs.names import BALL_OUTPUTS, OUTPUTS, REPORT_NAME
from pipeline.serve.problem import Problem

ANALYSIS = "analysis.json"
_NAMES = frozenset({*OUTPUTS, *BALL_OUTPUTS, ANALYSIS})
_TABLE = re.compile(r"[a-z]+-[0-9a-f]{16}\.npz")
_BOXES = re.compile(r"boxes-[0-9]{4,}\.js")
_KINDS = {
    ".csv": "text/csv; charset=utf-8", ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8",
    ".json": "application/json", ".mp4": "video/mp4",
    ".txt": "text/plain; charset=utf-8", ".vtt": "text/vtt; charset=utf-8",
}  # fmt: skip
MEDIA_TYPES = ("application/octet-stream", "video/webm", *(kind.partition(";")[0] for kind in _KINDS.values()))
"""Of files that are answered with."""
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
_PAGE_POLICY = "frame-ancestors 'none'; form-action 'none'; base-uri 'none'"
"""The report's page brings the rest of its policy with it."""


def result_files(folder: Path) -> dict[str, Path]:
    """Files in a folder of results that may be asked for, by name; those of the report's boxes as it asks for them.

    Without its boxes a report that somebody takes away with him is a page about nobody.
    """
    inside = sorted(folder.iterdir()) if folder.is_dir() else []
    boxes = folder / Path(REPORT_NAME).stem
    of_report = sorted(boxes.iterdir()) if boxes.is_dir() else []
    return {
        **{path.name: path for path in inside if path.name in _NAMES or _TABLE.fullmatch(path.name)},
        **{f"{boxes.name}/{path.name}": path for path in of_report if _BOXES.fullmatch(path.name)},
    }


def result(folder: Path, name: str) -> Path:
    """A result by its name. Raises Problem 404.

    The name chooses among what is there, and never becomes a path.
    """
    offered = result_files(folder)
    if name not in offered:
        raise Problem(404, "there is no such result")
    return offered[name]


def ranged(request: Request, path: Path, kind: str = "") -> FileResponse:
    """A file, or the part of it that is asked for. kind: of its content, or by its name. Raises Problem 404, 416."""
    try:
        stat = path.stat()
    except OSError as error:
        raise Problem(404, "it is not there any more") from error
    _keep_one_range(request, stat.st_size)
    headers = {"cache-control": "private, no-cache"}
    if path.suffix == ".html":
        headers["content-security-policy"] = _PAGE_POLICY
    media_type = kind or _KINDS.get(path.suffix.lower(), "application/octet-stream")
    return FileResponse(path, headers=headers, media_type=media_type, stat_result=stat)


def _keep_one_range(request: Request, size: int) -> None:
    """What is no single range is answered with the whole, as RFC 9110 allows. Raises Problem 416."""
    asked = request.headers.get("range")
    if asked is None:
        return
    match = _RANGE.fullmatch(asked.strip())
    first, last = match.groups() if match else ("", "")
    is_beyond = int(first) >= size if first else not int(last or 1)
    if (first or last) and is_beyond and "if-range" not in request.headers:
        raise Problem(416, f"it has {size} bytes", {"Content-Range": f"bytes */{size}"})
    if not (first or last) or is_beyond or (first and last and int(last) < int(first)):
        request.scope["headers"] = [(name, value) for name, value in request.scope["headers"] if name != b"range"]
