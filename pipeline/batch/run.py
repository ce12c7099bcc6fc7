"""Many videos, each as ``analyze_video`` and ``write_outputs`` do it, to a folder of its own."""

from __future__ import annotations

import contextvars
import json
import logging
import threading
import time
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from ground.disk.lock import claim
from ground.errors import InputError
from ground.video.fingerprint import fingerprint
from ground.video.source import open_video
from pipeline.analysis.folder import JSON_NAME, load_analysis
from pipeline.analysis.values import Analysis, noted
from pipeline.analyze import analyze_video
from pipeline.batch.progress import Share, one_at_a_time
from pipeline.batch.report import DONE, FAILED, Report, Row
from pipeline.batch.videos import Video
from pipeline.config import PipelineConfig, recorded_config
from pipeline.models import Models
from pipeline.outputs.names import OUTPUTS, REPORT_NAME, VIDEO_NAME
from pipeline.outputs.place import require_folder
from pipeline.outputs.write import write_current, write_outputs
from pipeline.parts.pool import Pool, completed
from pipeline.parts.run import Workers
from pipeline.parts.store import PARTS, PartStore
from pipeline.progress import Advance, Cancellable, Progress, spoken
from pipeline.web.kept import kept_video
from pipeline.web.source import find, have
from tracker.detect.weights import resolve_weights

_log = logging.getLogger("courtscribe")

_AT_ONCE = 16
"""Videos that are worked on at once, at most: each keeps its tables in memory."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What is wanted of all videos."""

    folder: Path
    """The results of each go to a folder of its name in it, and the report."""
    config: PipelineConfig
    with_video: bool = True
    with_report: bool = True
    keep_parts: bool = False


def run_batch(batch: Batch, videos: Sequence[Video], report: Report, pool: Pool | None, progress: Progress) -> int:
    """Analyse ``videos``; what is done already, by the same settings, stays. Returns how many failed.

    pool: who makes the parts of all videos, those of the first videos first; None: this process, a video at a time.
    A video that cannot be analysed is a row of the report and no error. Raises InputError for settings that suit no
    video, and where the report cannot be written.
    """
    models = Models()
    models.classifier(batch.config)  # what suits no video is said before any
    resolve_weights(batch.config.detector.weights)
    left = [video for video in videos if not _was_done(batch, video, report)]
    if len(left) < len(videos):
        _log.info("batch: going on, %d of %d videos are done", len(videos) - len(left), len(videos))
    lengths = {video: _seconds(batch, video) for video in left}
    at_once = min(len(pool) + 1, _AT_ONCE) if pool is not None else 1
    with progress.stage("batch", sum(lengths.values()), unit="second") as advance, _named_lines():
        every = [models, *(Models() for _ in range(at_once - 1))]
        return _Desk(batch, report, pool, one_at_a_time(advance), every).run(lengths)


class _Desk:
    """Threads that each see one video through; the work is done by the pool."""

    def __init__(
        self, batch: Batch, report: Report, pool: Pool | None, advance: Advance, models: Sequence[Models]
    ) -> None:
        """models: one for each thread."""
        self._batch, self._report, self._pool, self._advance = batch, report, pool, advance
        self._at_once, self._models = len(models), SimpleQueue[Models]()
        for loaded in models:
            self._models.put(loaded)
        self._stopped = threading.Event()
        self._running: set[Cancellable] = set()

    def run(self, lengths: dict[Video, int]) -> int:
        """See ``run_batch``; with the seconds that each video plays."""
        with ThreadPoolExecutor(self._at_once, "video") as threads:
            tasks = [threads.submit(self._see_through, *task, rank) for rank, task in enumerate(lengths.items())]
            try:
                return sum(not task.result() for task in completed(tasks))
            except BaseException:
                self._stop(tasks)
                raise

    def _stop(self, tasks: Sequence[Future[bool]]) -> None:
        for task in tasks:
            task.cancel()
        self._stopped.set()
        for shown in tuple(self._running):
            shown.cancel()
        if self._pool is not None:
            self._pool.stop()

    def _see_through(self, video: Video, seconds: int, rank: int) -> bool:
        """Whether all went well."""
        _name.set(video.name)
        share, begin, models = Share(self._advance, seconds), time.monotonic(), self._models.get()
        try:
            played = self._analyze(video, rank, models, Cancellable(share))
        except Exception as error:
            if self._stopped.is_set():
                raise
            _log.debug("%s", video.source, exc_info=error)
            row = Row(FAILED, _reason(error), f"{time.monotonic() - begin:.1f}")
            _log.warning("failed: %s", row.reason)
        else:
            took = time.monotonic() - begin
            row = Row(DONE, "", f"{took:.1f}", f"{played / took:.2f}")
            _log.info("done in %s, %s times as fast as it plays", spoken(took), row.speed)
        finally:
            self._models.put(models)
        self._report.set(video.source, row)
        share.finish()
        return row.state == DONE

    def _analyze(self, video: Video, rank: int, models: Models, progress: Cancellable) -> float:
        """Returns how long it plays, seconds."""
        folder, batch = self._batch.folder / video.name, self._batch
        require_folder(folder, _kept(batch, video) or video.source)
        store = PartStore(folder.absolute() / PARTS)
        with self._heard(progress), claim(folder), Workers(store, models, pool=self._pool, rank=rank) as workers:
            there, write = _same_analysis(batch, video), write_current  # perhaps only what shows it is missing
            if there is None:
                there = _analyzed(video, batch.config, folder, workers, progress)
                write = write_outputs
            write(
                there,
                folder,
                progress,
                with_video=batch.with_video,
                with_report=batch.with_report,
                workers=workers,
            )
            if not batch.keep_parts:
                store.remove()
        return float(there.frames.time[-1] - there.frames.time[0]) if len(there.frames) else 0.0

    @contextmanager
    def _heard(self, progress: Cancellable) -> Generator[None]:
        """While it lasts, stopping stops it."""
        self._running.add(progress)
        if self._stopped.is_set():
            progress.cancel()
        try:
            yield
        finally:
            self._running.discard(progress)


def _analyzed(video: Video, config: PipelineConfig, folder: Path, workers: Workers, progress: Progress) -> Analysis:
    """What cannot be read where it is, as a page's video, is fetched into ``folder`` first."""
    fetched = kept_video(video.source, folder)
    if fetched is None and (needed := find(video.source)) is not None:
        fetched = have(needed, folder, progress)
    source = video.source if fetched is None else fetched.path
    found = analyze_video(source, config, workers=workers, progress=progress)
    return found if fetched is None else noted(found, [fetched.note], fetched.title)


def _kept(batch: Batch, video: Video) -> Path | None:
    """What was fetched of it before."""
    kept = kept_video(video.source, batch.folder / video.name)
    return None if kept is None else kept.path


def _reason(error: Exception) -> str:
    text = str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
    return " ".join(text.split())


def _was_done(batch: Batch, video: Video, report: Report) -> bool:
    folder = batch.folder / video.name
    wanted = {VIDEO_NAME: batch.with_video, REPORT_NAME: batch.with_report}
    if not all((folder / name).is_file() for name in OUTPUTS if wanted.get(name, True)) or not _is_of(batch, video):
        return False
    report.keep(video.source)
    return True


def _same_analysis(batch: Batch, video: Video) -> Analysis | None:
    """The analysis that is there, if it is of this video and was made with these settings."""
    try:
        return load_analysis(batch.folder / video.name) if _is_of(batch, video) else None
    except InputError:  # damaged: it is made again
        return None


def _is_of(batch: Batch, video: Video) -> bool:
    try:
        content = json.loads((batch.folder / video.name / JSON_NAME).read_bytes())
        settings = recorded_config(content["settings"])
        found = content["video"]["fingerprint"]
        return bool(found) and found == fingerprint(_kept(batch, video) or video.source) and settings == batch.config
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return False


def _seconds(batch: Batch, video: Video) -> int:
    """How long it plays; 0 where nothing is known."""
    if "://" in video.source:
        return 0
    config = batch.config
    try:
        with open_video(video.source, config.start, config.end, image_rate=config.image_rate) as opened:
            return round((opened.num_frames or 0) / opened.info.frame_rate)
    except Exception:  # noqa: BLE001 (said when its turn comes, and of this video alone)
        return 0


_name: contextvars.ContextVar[str] = contextvars.ContextVar("name", default="")
"""Of the video that a thread sees through."""


@contextmanager
def _named_lines() -> Generator[None]:
    """Lines in the log say which video they are about."""

    def name_it(record: logging.LogRecord) -> bool:
        if name := _name.get():
            record.msg, record.args = f"{name}: {record.getMessage()}", ()
        return True

    _log.addFilter(name_it)
    try:
        yield
    finally:
        _log.removeFilter(name_it)
