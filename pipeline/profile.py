"""Where the time goes: what each thread is at is looked at again and again, so nothing else has to keep count of it."""

from __future__ import annotations

import faulthandler
import json
import os
import re
import threading
import time
from collections import defaultdict, deque
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, NamedTuple, Self, cast

from ground import prefetch

_EVERY = 0.05
"""Seconds between two looks. Each is a small risk: Python looks at threads of other libraries as they come and go."""
_SAVED_EVERY = 1.0
"""Seconds between two writings: a process that is ended loses no more."""
_ACTIVITIES = (
    ("<frozen importlib", "loading"),
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
_WAITING = ("/queue.py", "/threading.py", "/concurrent/futures/", "/multiprocessing/", "/selectors.py")
"""Files of Python, by a part of their path, in which a thread waits."""
_ROOT = f"{Path(__file__).resolve().parents[1]}{os.sep}"
_FRAMES, _ROOM, _PROCESSES = "waiting for frames", "waiting for room", "waiting for processes"
_QUEUE, _BATCH = "queue", "batch"
_FILLED = {_QUEUE: "queues", _BATCH: "batches"}
_REST = "rest"
_MOST = 3
"""Activities that are named as those that hold the job up."""


class Call(NamedTuple):
    """One line of a thread's stack."""

    path: str
    """Of one of ours the module's dotted name."""
    function: str


@contextmanager
def working_on(name: str) -> Generator[None]:
    """What is done inside is done for the pass ``name``; one at a time in a process."""
    before, _now.name = _now.name, name
    try:
        yield
    finally:
        _now.name = before


@dataclass
class _Now:
    name: str = _REST


_now = _Now()


class Profile:
    """A thread that looks at the others of this process. As a context manager it ends with the block.

    Each process that works on one job has its own, all in one folder; several in one process, one after the other, add
    up.
    """

    def __init__(self, folder: Path) -> None:
        """folder: for a file per process; it is made."""
        self._file = folder / f"profile-{os.getpid()}.json"
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="profile", daemon=True)
        self._counts: defaultdict[str, defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))

    def __enter__(self) -> Self:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        if self._file.exists():
            _add(self._file, self._counts)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()
        self._save()

    def _watch(self) -> None:
        saved = last = time.monotonic()
        with TemporaryFile() as seen:
            while not self._stopped.wait(_EVERY):
                now = time.monotonic()
                self._look(now - last, _stacks(seen))
                last = now
                if now - saved > _SAVED_EVERY:
                    saved = now
                    self._save()

    def _look(self, seconds: float, stacks: dict[int, list[Call]]) -> None:
        """seconds: since the last look; each thread is taken to have been at the same all that time."""
        main, names = threading.main_thread().ident, {t.ident: t.name for t in threading.enumerate()}
        counts = self._counts[_now.name]
        counts["seconds"] += seconds
        for thread, stack in stacks.items():
            if thread == main:
                counts[f"main: {_activity(stack)}"] += seconds
            elif names.get(thread) == "prefetch":
                counts[f"ahead: {_activity(stack)}"] += seconds
        batches = [_batches.popleft() for _ in range(len(_batches))]  # others may be noted meanwhile
        for name, shares in ((_QUEUE, prefetch.fills()), (_BATCH, batches)):
            counts[f"{name} share"] += sum(shares)
            counts[f"{name} looks"] += len(shares)

    def _save(self) -> None:
        with suppress(OSError):  # what is measured is not worth ending the work
            self._file.write_text(json.dumps(self._counts), encoding="utf-8")


_batches: deque[float] = deque(maxlen=99)


def note_batch(share: float) -> None:
    """A batch goes to a network, so full of what it could hold."""
    _batches.append(share)


def _stacks(file: IO[bytes]) -> dict[int, list[Call]]:
    """What each thread of this process is at, the innermost first; ``file`` is written over.

    Python's own frames cannot be followed from another thread without luck: a generator's frame points to whoever asked
    it last, who may be gone. faulthandler looks at all threads in one go.
    """
    file.seek(0)
    file.truncate()
    faulthandler.dump_traceback(file, all_threads=True)
    file.seek(0)
    stacks, thread = dict[int, list[Call]](), 0
    for line in file.read().decode(errors="replace").splitlines():
        if begun := _THREAD.match(line):
            thread = int(begun[1], 16)
        elif call := _CALL.match(line):
            stacks.setdefault(thread, []).append(Call(_module(call[1]), call[2]))
    return stacks


_THREAD = re.compile(r"(?:Current t|T)hread 0x([0-9a-f]+)")
_CALL = re.compile(r'  File "(.*)", line .* in (.*)$')


def _module(path: str) -> str:
    inside = path.removeprefix(_ROOT)
    return inside.removesuffix(".py").replace(os.sep, ".") if inside != path and inside[0] != "." else path


def _activity(stack: list[Call]) -> str:
    if _is_waiting(stack[0]):
        ours = next((call for call in stack if not _is_waiting(call)), stack[-1])
        if ours.path == "ground.prefetch":
            return _ROOM if ours.function == "_work" else _FRAMES
        if ours.path.startswith("pipeline.parts"):
            return _PROCESSES
    found = (what for call in stack for begin, what in _ACTIVITIES if call.path.startswith(begin))
    return next(found, "other")


def _is_waiting(call: Call) -> bool:
    return any(part in call.path for part in _WAITING)


def _add(file: Path, counts: defaultdict[str, defaultdict[str, float]]) -> None:
    kept = cast("dict[str, dict[str, float]]", json.loads(file.read_bytes()))
    for name, found in kept.items():
        for what, value in found.items():
            counts[name][what] += value


class Report:
    """What the profiles of all processes of one job say together."""

    def __init__(self, folder: Path) -> None:
        """folder: of the profiles, which are removed."""
        self._counts: defaultdict[str, defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))
        self.num_processes = 0
        for path in sorted(folder.glob("profile-*.json")):
            self.num_processes += 1
            _add(path, self._counts)
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
