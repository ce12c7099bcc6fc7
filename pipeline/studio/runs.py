"""Analyses that the studio begins: a process of its own each, which outlives it, with what was asked on disk."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import numpy as np
import psutil

from ground.disk.files import write_text
from ground.errors import InputError
from ground.video.source import open_video
from pipeline.analysis.folder import JSON_NAME, is_analysis
from pipeline.config import PipelineConfig, with_preset, with_settings
from pipeline.offers import Field, nested, toml
from pipeline.outputs.place import require_folder
from pipeline.parts.store import PARTS
from pipeline.studio.following import read_object
from pipeline.studio.places import REQUEST, RUN, results_of
from pipeline.studio.playable import jpeg_of
from tracker.by_hand.court_outline import read_court_file
from tracker.by_hand.rois import read_roi_file, validate_rois
from tracker.detect.detector import people_classes

PROGRESS, LOG, _PROCESS = "progress.json", "log.txt", "process.json"
_ROIS, _COURT, _SETTINGS = "boxes.json", "court.json", "settings.toml"
_PATIENCE = 15.0
"""Seconds after which what does not heed Ctrl-C is ended as ``kill`` does it."""
_BOX = (255, 145, 66)
"""Colour of boxes in first results."""


class Runs:
    """Begins, watches and stops analyses."""

    def __init__(self, command: Sequence[str], fields: Sequence[Field] = ()) -> None:
        """command: what runs courtscribe. fields: the settings that may be chosen."""
        self._command, self.fields = tuple(command), tuple(fields)
        self._lock = threading.Lock()
        self._children: dict[Path, subprocess.Popen[bytes]] = {}

    def start(
        self,
        video: Path,
        settings: Mapping[str, Any],
        rois: Sequence[Mapping[str, Any]] = (),
        court: Sequence[Mapping[str, Any]] = (),
        everybody: bool = False,
    ) -> Path:
        """Begin to analyse ``video`` -> the folder of its results, beside it. What is there of it is not done again.

        settings: values by name, as in ``selection.players``. rois, court: entries as in files of boxes and outlines
        drawn by hand. everybody: all are looked for, too, where boxes are drawn.
        Raises InputError, beginning nothing, for what cannot be used, and where it is running.
        """
        folder = results_of(video)
        with self._lock:
            if self._is_running(folder):
                raise InputError("this video is being analysed already")
            require_folder(folder, video)
            checked = self._checked(settings)
            asked = {"video": str(video), "settings": checked, "everybody": everybody}
            files = self._write_request(folder, video, {**asked, "rois": list(rois), "court": list(court)})
            arguments = ["analyze", str(video), "-o", str(folder), "--config", str(files / _SETTINGS)]
            arguments += ["--progress-file", str(files / PROGRESS)]
            if rois:
                arguments += ["--roi-file", str(files / _ROIS)]
                arguments += ["--tracker", PipelineConfig().tracker.name] if everybody else []
            if court:
                arguments += ["--court", str(files / _COURT)]
            (files / PROGRESS).unlink(missing_ok=True)
            with (files / LOG).open("wb") as log:
                self._children[folder] = subprocess.Popen(
                    [*self._command, *arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,  # it goes on when the studio ends, and with Ctrl-C there
                )
            self._note_process(files, self._children[folder].pid)
        return folder

    def _checked(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Settings nested as in a TOML file. Raises InputError for those that are not asked for or cannot be."""
        tables = nested(settings, self.fields)
        preset = tables.pop("preset", None)
        with_settings(with_preset(PipelineConfig(), preset), tables)
        return {**({} if preset is None else {"preset": preset}), **tables}

    def _write_request(self, folder: Path, video: Path, request: Mapping[str, Any]) -> Path:
        """Files of what is asked for, checked as they are read. Raises InputError."""
        files = folder / RUN
        write_text(files / _SETTINGS, toml(request["settings"]))
        if request["rois"]:
            write_text(files / _ROIS, json.dumps(request["rois"], indent=1))
            with open_video(video) as opened:
                validate_rois(read_roi_file(files / _ROIS), opened.info.width, opened.info.height)
        if request["court"]:
            write_text(files / _COURT, json.dumps(request["court"], indent=1))
            read_court_file(files / _COURT)
        write_text(files / REQUEST, json.dumps(request, indent=1) + "\n")
        return files

    @staticmethod
    def _note_process(files: Path, pid: int) -> None:
        with suppress(psutil.Error, OSError):
            began = psutil.Process(pid).create_time()
            (files / _PROCESS).write_text(json.dumps({"process": pid, "began": began}), encoding="utf-8")

    def cancel(self, folder: Path) -> None:
        """Stop the analysis in ``folder`` as Ctrl-C does: what is done is kept, and beginning it again goes on."""
        process = self._process(folder)
        if process is None:
            raise InputError("it is not running")
        with suppress(psutil.Error):
            process.send_signal(signal.SIGINT if os.name == "posix" else signal.SIGTERM)
        threading.Thread(target=_end, args=(process,), name="cancel", daemon=True).start()

    def request(self, folder: Path) -> dict[str, Any] | None:
        """What was asked for in ``folder``, so that it can be asked for again."""
        return read_object(folder / RUN / REQUEST)

    def state(self, folder: Path) -> dict[str, Any]:
        """How far the analysis in ``folder`` is, as JSON takes it.

        ``state``: ``running``, ``done``, ``stopped`` (it can go on), ``failed`` with what was said, ``none``.
        """
        files = folder / RUN
        if not (files / REQUEST).is_file():
            return {"state": "done" if is_analysis(folder) else "none", "ready": is_analysis(folder)}
        progress = read_object(files / PROGRESS)
        is_new = is_analysis(folder) and _time_of(folder / JSON_NAME) >= _time_of(files / REQUEST)
        said = _last_lines(files / LOG)
        state = {"progress": progress, "said": said, "ready": is_new, "parts": len(self._parts(folder))}
        if self._is_running(folder):
            return {**state, "state": "running"}
        if is_new:
            return {**state, "state": "done"}
        was_stopped = not said or said[-1].endswith("stopped")
        return {**state, "state": "stopped" if was_stopped else "failed"}

    def first_results(self, folder: Path, part: int) -> bytes:
        """A picture of a part that is done, with whom the detector found in it, as JPEG. Raises InputError."""
        parts, request = self._parts(folder), self.request(folder)
        if request is None or not 0 <= part < len(parts):
            raise InputError("there are no results yet")
        try:
            with np.load(parts[part], allow_pickle=False) as columns:
                index, times = columns["index"], columns["time"]
                middle = len(index) // 2
                people = np.isin(columns["class_id"], people_classes(columns["names"].tolist()))
                is_shown = (columns["frame_index"] == index[middle]) & people
                boxes = columns["xyxy"][is_shown]
                time_shown = float(times[middle])
        except (OSError, ValueError, LookupError) as error:
            raise InputError("there are no results yet") from error
        return _drawn(Path(str(request["video"])), time_shown, boxes)

    @staticmethod
    def _parts(folder: Path) -> list[Path]:
        return sorted((folder / PARTS).glob("detect-*.npz"))

    def _is_running(self, folder: Path) -> bool:
        return self._process(folder) is not None

    def _process(self, folder: Path) -> psutil.Process | None:
        """The process that analyses into ``folder``, also where an earlier studio began it."""
        child = self._children.get(folder)
        if child is not None and child.poll() is not None:
            del self._children[folder]
        noted = read_object(folder / RUN / _PROCESS)
        try:
            process = psutil.Process(int(cast("dict[str, Any]", noted)["process"]))
            began = float(cast("dict[str, Any]", noted)["began"])
            is_it = abs(process.create_time() - began) < 1.0 and process.status() != psutil.STATUS_ZOMBIE
        except (psutil.Error, TypeError, LookupError, ValueError):
            return None
        return process if is_it else None


def _end(process: psutil.Process) -> None:
    with suppress(psutil.Error):
        try:
            process.wait(timeout=_PATIENCE)
        except psutil.TimeoutExpired:
            process.terminate()


def _drawn(video: Path, at: float, boxes: Any) -> bytes:
    import cv2

    with open_video(video, max(at - 1e-3, 0.0) or None) as opened:
        image = next(iter(opened)).image.copy()
    for left, top, right, bottom in np.round(boxes).astype(int).tolist():
        cv2.rectangle(image, (left, top), (right, bottom), _BOX, 2)
    return jpeg_of(image)


def _last_lines(path: Path, most: int = 6) -> list[str]:
    try:
        with path.open("rb") as file:
            file.seek(max(path.stat().st_size - 8192, 0))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return []
    return [line for line in text.splitlines() if line.strip()][-most:]


def _time_of(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return time.time()
