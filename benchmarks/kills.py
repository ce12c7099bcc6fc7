"""`analyze`, killed again and again, against a run that nobody disturbed: are the results the same to the byte?

    python benchmarks/kills.py VIDEO [--end 4] [--kills 20] [--seed 1] [--every 1] [--output FILE.md] [FLAGS of analyze]

At random moments the whole group of processes gets SIGKILL, SIGTERM or SIGINT, and the same command is given again
until it is done; each such round begins in an empty folder. Then a small game that the project makes is killed at every
write, or every so manieth.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from at_write import KILLED
from provenance import SHIPPED, write_result

from pipeline.synthetic.game import SyntheticGame
from pipeline.video.encode import write_video

FILES = ("tracks.txt", "timeline.csv", "captions.vtt", "analysis.json", "annotated.mp4")
_SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
"""One of these at a time: two of four are what nothing can be done about."""
_AT_WRITE = Path(__file__).with_name("at_write.py")


@dataclass(frozen=True)
class Work:
    """One command, but for its folder."""

    video: Path
    flags: tuple[str, ...]

    def arguments(self, folder: Path, jobs: int) -> list[str]:
        """Of ``courtscribe``."""
        return ["analyze", str(self.video), "-o", str(folder), "--jobs", str(jobs), *self.flags]

    def run(self, folder: Path, jobs: int = 1) -> float:
        """To its end -> seconds."""
        begin = time.monotonic()
        _require(_start(self.arguments(folder, jobs)))
        return time.monotonic() - begin


def digests(folder: Path) -> dict[str, str]:
    """The SHA-256 of each result."""
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in FILES}


def _start(arguments: Sequence[str], program: Sequence[str] = ("-m", "pipeline.runners.cli")) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *program, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip


def _require(process: subprocess.Popen[str]) -> None:
    _, printed = process.communicate()
    if process.returncode:
        raise SystemExit(f"a run that nobody disturbed ended with {process.returncode}: {printed}")


def killed_at_random(work: Work, folder: Path, jobs: int, seconds: float, rng: random.Random) -> str:
    """One kill within ``seconds`` of the start, then the same command to its end -> the signal.

    A run that is done sooner, as on a machine with less else to do, is begun again.
    """
    number = rng.choice(_SIGNALS)
    while True:
        begin, process = time.monotonic(), _start(work.arguments(folder, jobs))
        try:
            process.communicate(timeout=rng.uniform(0, seconds))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, number)
            process.communicate()
        if process.returncode:
            work.run(folder, jobs)
            return f"{signal.Signals(number).name}, {_processes(jobs)}"
        shutil.rmtree(folder)
        seconds = time.monotonic() - begin


def _processes(jobs: int) -> str:
    return "one process" if jobs == 1 else f"{jobs} processes"


def random_kills(work: Work, place: Path, kills: int, seed: int) -> Iterator[tuple[str, bool]]:
    """Of each kill, what it was and whether all results are as without it; one and two processes take turns."""
    rng = random.Random(seed)
    seconds = [work.run(place / f"undisturbed-{jobs}", jobs) for jobs in (1, 2)]
    wanted = digests(place / "undisturbed-1")
    yield "nothing, two processes instead of one", digests(place / "undisturbed-2") == wanted
    for number in range(kills):
        folder, jobs = place / f"killed-{number}", 1 + number % 2
        name, is_equal = killed_at_random(work, folder, jobs, seconds[jobs - 1], rng), digests(folder) == wanted
        sys.stderr.write(f"kill {number + 1}: {name}, {'equal' if is_equal else 'different'}\n")
        yield name, is_equal


def kills_at_writes(work: Work, place: Path, every: int) -> tuple[int, int]:
    """Kill one run after the other at write ``every``, twice that ... of it, until one ends -> runs, equal ones."""
    work.run(place / "undisturbed")
    wanted, runs, equal = digests(place / "undisturbed"), 0, 0
    while True:
        folder, at = place / f"at-{runs}", every * (runs + 1)
        process = _start([str(folder), str(at), "exit", *work.arguments(folder, 1)], [str(_AT_WRITE)])
        _, printed = process.communicate()
        if process.returncode == 0:
            return runs, equal
        if process.returncode != KILLED:
            raise SystemExit(f"write {at}: {printed}")
        work.run(folder)
        runs, equal = runs + 1, equal + (digests(folder) == wanted)


def killed_twice(work: Work, place: Path) -> bool:
    """One run, killed while it detects, and killed again while it labels or shows: is the third one's result equal?"""
    folder = place / "twice"
    for at in (15, 25):
        process = _start([str(folder), str(at), "exit", *work.arguments(folder, 1)], [str(_AT_WRITE)])
        process.communicate()
        if process.returncode != KILLED:
            raise SystemExit(f"a run that was to be killed at write {at} ended with {process.returncode}")
    work.run(folder)
    return digests(folder) == digests(place / "undisturbed")


def small_game(path: Path) -> None:
    """Three parts of a video with few pictures."""
    game = SyntheticGame(seed=3, seconds=11, size=(320, 192), fps=5)
    write_video(path, ((i / 5, game.frame(i).image) for i in range(game.num_frames)), frame_rate=Fraction(5))


def main() -> None:
    """Measure, print, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", type=Path)
    parser.add_argument("--end", type=float, default=4.0)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--output", type=Path)
    options, flags = parser.parse_known_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background it is not heard, here and in children
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        work = Work(options.video.absolute(), ("--quiet", "--end", str(options.end), *flags))
        found = list(random_kills(work, place, options.kills, options.seed))
        game = Work(place / "game.mp4", ("--quiet", "--imgsz", "320", "--min-track-confidence", "0"))
        small_game(game.video)
        runs, equal = kills_at_writes(game, place, options.every)
        is_equal = killed_twice(game, place)
    lines = [
        f"{options.video.name}, {options.end:g} s; equal: {', '.join(FILES)}, all to the byte of an undisturbed run.",
        "",
        "| disturbed by | runs | equal |",
        "|---|---|---|",
        *_rows(found),
        f"| a kill at each write of a small game (every {options.every}) | {runs} | {equal} |",
        f"| two kills of one run of it | 1 | {int(is_equal)} |",
    ]
    write_result(options.output, "Kills", lines, SHIPPED)


def _rows(found: Sequence[tuple[str, bool]]) -> list[str]:
    runs = Counter(name for name, _ in found)
    equal = Counter(name for name, is_equal in found if is_equal)
    return [f"| {name} | {count} | {equal[name]} |" for name, count in sorted(runs.items())]


if __name__ == "__main__":
    main()
