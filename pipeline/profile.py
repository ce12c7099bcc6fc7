"""Where the time goes: what each thread is at is looked at again and again, so nothing else has to keep count of it."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Self, cast

_EVERY = 0.01
"""Seconds between two looks."""
_SAVED_EVERY = 1.0
"""Seconds between two writings: a process that is ended loses no more."""
_ACTIVITIES = (
    ("importlib", "loading"),
    ("pipeline.models", "loading"),
    ("ground.video", "decoding"),
    ("tracker.detect", "detector"),
    ("classify", "classifier"),
    ("tracker.scene.camera_motion", "camera motion"),
    ("tracker.scene.court", "floor"),
    ("tracker.looks", "looks"),
    ("tracker", "tracking"),
    ("pipeline.stages.windows", "cutting clips"),
    ("pipeline.stages.track", "tracking"),
    ("pipeline.stages.players", "tracking"),
    ("pipeline.outputs.draw", "drawing"),
    ("pipeline.outputs.render", "drawing"),
    ("pipeline.video", "encoding"),
    ("pipeline", "other"),
)
"""Modules, by how their names begin, and what a thread does that is in one; the first that fits counts."""
_WAITING = ("queue", "threading", "concurrent.futures", "multiprocessing", "selectors")
_FRAMES, _ROOM, _PROCESSES = "waiting for frames", "waiting for room", "waiting for processes"
_QUEUE, _BATCH = "queue", "batch"
_FILLED = {_QUEUE: "queues", _BATCH: "batches"}
_REST = "rest"
_MOST = 3
"""Activities that are named as those that hold the job up."""


class Profile:
    """A thread that looks at the others of this process. As a context manager it ends with the block.

    Each process that works on one job has its own, all in one folder.
    """

    def __init__(self, folder: Path) -> None:
        """folder: for a file per process; it is made."""
        self._file = folder / f"profile-{os.getpid()}.json"
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="profile", daemon=True)
        self._pass = _REST
        self._counts: defaultdict[str, defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))

    def __enter__(self) -> Self:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()
        self._save()

    def _watch(self) -> None:
        saved = last = time.monotonic()
        while not self._stopped.wait(_EVERY):
            now = time.monotonic()
            self._look(now - last)
            last = now
            if now - saved > _SAVED_EVERY:
                saved = now
                self._save()

    def _look(self, seconds: float) -> None:
        """seconds: since the last look; each thread is taken to have been at the same all that time."""
        main, names = threading.main_thread().ident, {t.ident: t.name for t in threading.enumerate()}
        stacks = [(thread, list(_stack(frame))) for thread, frame in sys._current_frames().items()]  # pyright: ignore[reportPrivateUsage]
        self._pass = next((found for _, stack in stacks for found in _pass(stack)), _REST)
        counts = self._counts[self._pass]
        counts["seconds"] += seconds
        for thread, stack in stacks:
            if thread == main:
                counts[f"main: {_activity(stack)}"] += seconds
            elif names.get(thread) == "prefetch":
                counts[f"ahead: {_activity(stack)}"] += seconds
            for name, share in _fills(stack):
                counts[f"{name} share"] += share
                counts[f"{name} looks"] += 1

    def _save(self) -> None:
        with suppress(OSError):  # what is measured is not worth ending the work
            self._file.write_text(json.dumps(self._counts), encoding="utf-8")


def _stack(frame: FrameType | None) -> Iterator[FrameType]:
    """From the innermost outwards."""
    while frame is not None:
        yield frame
        frame = frame.f_back


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", ""))


def _pass(stack: list[FrameType]) -> Iterator[str]:
    """The name of the pass that a thread works on."""
    for frame in stack:
        if frame.f_code.co_name in ("make", "run_pass") and _module(frame).startswith("pipeline."):
            work = frame.f_locals.get("work") or frame.f_locals.get("self")
            if name := getattr(work, "name", ""):
                yield str(name)
                return


def _activity(stack: list[FrameType]) -> str:
    if _module(stack[0]).startswith(_WAITING):
        ours = next((frame for frame in stack if not _module(frame).startswith(_WAITING)), stack[-1])
        if _module(ours) == "ground.prefetch":
            return _ROOM if ours.f_code.co_name == "_work" else _FRAMES
        if _module(ours).startswith("pipeline.parts"):
            return _PROCESSES
    found = (what for frame in stack for begin, what in _ACTIVITIES if _module(frame).startswith(begin))
    return next(found, "other")


def _fills(stack: list[FrameType]) -> Iterator[tuple[str, float]]:
    """How full queues and batches are that a thread has in hand."""
    for frame in stack:
        module, name = _module(frame), frame.f_code.co_name
        if module == "ground.prefetch" and name == "_work":
            ahead = frame.f_locals["ahead"]
            yield _QUEUE, ahead.qsize() / ahead.maxsize
        if module == "classify.run.classifier" and name == "classify":
            yield _BATCH, min(1.0, len(frame.f_locals["clips"]) / frame.f_locals["self"].batch)


class Report:
    """What the profiles of all processes of one job say together."""

    def __init__(self, folder: Path) -> None:
        """folder: of the profiles, which are removed."""
        self._counts: defaultdict[str, defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))
        self.num_processes = 0
        for path in sorted(folder.glob("profile-*.json")):
            self.num_processes += 1
            kept = cast("dict[str, dict[str, float]]", json.loads(path.read_bytes()))
            for name, counts in kept.items():
                for what, value in counts.items():
                    self._counts[name][what] += value
            path.unlink()

    def lines(self) -> list[str]:
        """A line per pass, the longest first, and what held the job up."""
        names = sorted(self._counts, key=lambda name: -self._busy(name))
        lines = [f"profile, {self.num_processes} processes; seconds of all of them, and their shares"]
        lines += [self._line(name) for name in names if self._busy(name)]
        total: defaultdict[str, float] = defaultdict(float)
        for what, seconds in (share for name in names for share in self._shares(name, "main")):
            total[what] += seconds
        most = sorted(total.items(), key=lambda pair: -pair[1])[:_MOST]
        listed = ", ".join(f"{what} {seconds / sum(total.values()):.0%}" for what, seconds in most)
        return [*lines, f"what the rest waits for: {listed}"] if most else lines

    def _busy(self, name: str) -> float:
        return sum(seconds for _, seconds in self._shares(name, "main"))

    def _shares(self, name: str, thread: str) -> list[tuple[str, float]]:
        begin = f"{thread}: "
        found = [(k.removeprefix(begin), s) for k, s in self._counts[name].items() if k.startswith(begin)]
        return sorted(((what, s) for what, s in found if what != _PROCESSES), key=lambda pair: -pair[1])

    def _line(self, name: str) -> str:
        busy = self._busy(name)
        ahead = self._listed(name, "ahead")
        beside = [f"ahead of it {ahead}"] if ahead else []
        beside += [
            f"{plural} {self._fill(name, what):.0%} full"
            for what, plural in _FILLED.items()
            if self._counts[name][f"{what} looks"]
        ]
        return f"{name:>8}: {busy:.1f} s: {self._listed(name, 'main')}" + (f" ({'; '.join(beside)})" if beside else "")

    def _listed(self, name: str, thread: str) -> str:
        busy = self._busy(name)
        return ", ".join(f"{what} {s / busy:.0%}" for what, s in self._shares(name, thread) if s > 0.005 * busy)

    def _fill(self, name: str, what: str) -> float:
        return self._counts[name][f"{what} share"] / self._counts[name][f"{what} looks"]
