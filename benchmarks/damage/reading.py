"""One file read in a process of its own, with a deadline, and held against what is to become of it."""

from __future__ import annotations

import multiprocessing
import re
import resource
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from multiprocessing.connection import Connection

from benchmarks.damage.cases import Case, Verdict
from benchmarks.damage.clips import read_number
from ground.errors import InputError
from ground.video.source import open_video

DEADLINE = 60.0
"""Seconds that a file may take."""
_MOST_MEMORY = 1.5
"""Times the peak of the undamaged file."""
_LONGEST_LINE = 500
_CLEAN = multiprocessing.get_context("forkserver")
"""Processes that inherit neither memory nor locks of this one."""
_CLEAN.set_forkserver_preload([__name__])


@dataclass
class Outcome:
    """What became of a file."""

    frames: list[tuple[int | None, float]] = field(default_factory=list[tuple[int | None, float]])
    """Number (None: not legible) and time of each picture that came."""
    notes: list[str] = field(default_factory=list[str])
    refusal: str | None = None
    trace: str | None = None
    seconds: float = 0.0
    peak: float = 0.0
    """Bytes."""


def read(source: str) -> Outcome:
    """Read a video with the project's reader, here and now."""
    outcome = Outcome()
    try:
        with open_video(source) as video:
            outcome.frames = [(read_number(frame.image), frame.time) for frame in video]
            outcome.notes = list(video.notes)
    except InputError as error:
        outcome.refusal = str(error)
    except Exception:  # noqa: BLE001 (the fault that is looked for)
        outcome.trace = traceback.format_exc()
    return outcome


def read_apart(source: str) -> Outcome:
    """``read`` in a process of its own, which is ended at the deadline."""
    begin = time.monotonic()
    here, there = _CLEAN.Pipe(duplex=False)
    process = _CLEAN.Process(target=_work, args=(source, there), daemon=True)
    process.start()
    there.close()
    try:
        outcome = here.recv() if here.poll(DEADLINE) else Outcome(trace=f"no end within {DEADLINE:g} s")
    except EOFError:
        outcome = Outcome(trace="the process died")
    process.kill()
    process.join()
    outcome.seconds = time.monotonic() - begin
    return outcome


def _work(source: str, there: Connection) -> None:
    outcome = read(source)
    outcome.peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0
    there.send(outcome)


def fault(case: Case, outcome: Outcome, healthy_peak: float | None) -> str | None:
    """What is wrong with an outcome; None: nothing."""
    if outcome.trace is not None:
        return outcome.trace.strip().splitlines()[-1]
    if healthy_peak and outcome.peak > _MOST_MEMORY * healthy_peak:
        return f"took {outcome.peak / healthy_peak:.2f} times the memory of the undamaged file"
    if case.verdict is Verdict.REFUSED:
        return _fault_of_refusal(outcome)
    if outcome.refusal is not None:
        return f"refused: {outcome.refusal}"
    return _fault_of_pictures(case, outcome) or _fault_of_count(case, outcome)


def _fault_of_refusal(outcome: Outcome) -> str | None:
    if outcome.refusal is None:
        return f"not refused: {len(outcome.frames)} pictures, {outcome.notes}"
    if not outcome.refusal.isprintable() or len(outcome.refusal) > _LONGEST_LINE:
        return f"no short line: {outcome.refusal[:80]!r}"
    return None


def _fault_of_pictures(case: Case, outcome: Outcome) -> str | None:
    sound = frozenset(case.times) if case.sound is None else case.sound
    times = [time for _, time in outcome.frames]
    if any(b <= a for a, b in pairwise(times)):
        return "times that do not ascend"
    shown = {number: time for number, time in reversed(outcome.frames) if number in sound}
    if missing := sorted(sound - shown.keys()):
        return f"sound pictures that did not come: {missing}"
    if wrong := [n for n, time in shown.items() if abs(time - case.times[n]) > 1e-6]:
        return f"picture {min(wrong)} at {shown[min(wrong)]:.4f} s, not {case.times[min(wrong)]:.4f} s"
    return None


def _fault_of_count(case: Case, outcome: Outcome) -> str | None:
    noted = count_noted(outcome.notes)
    missing = len(case.times) - len(outcome.frames) - case.num_unknowable
    if case.verdict is Verdict.FINE and ((noted and case.is_counted) or len(outcome.frames) > len(case.times)):
        return f"fine, yet {len(outcome.frames)} pictures of {len(case.times)}, {outcome.notes}"
    if case.is_counted and noted != max(missing, 0):
        return f"missing {missing}, noted {noted}: {outcome.notes}"
    if case.verdict is Verdict.NOTED and not case.is_counted and not outcome.notes:
        return "not a word about the damage"
    return None


_COUNTS: Mapping[str, str] = {
    "claim": r"claims (\d+) frames, (\d+) can be shown",
    "lost": r"left out: (\d+)",
    "gone": r"missing between .*: (\d+)",
    "end": r"with room for (\d+) more",
}


def count_noted(notes: list[str]) -> int:
    """How many pictures the notes say are missing; what a container claims may include what they count besides."""
    text = "\n".join(notes)
    claims = [int(a) - int(b) for a, b in re.findall(_COUNTS["claim"], text)]
    others = [int(n) for name in ("lost", "gone") for n in re.findall(_COUNTS[name], text)]
    ends = [int(n) for n in re.findall(_COUNTS["end"], text)]
    return max(sum(claims), sum(others) + sum(ends))
