"""How long a GPU would wait for clips: the loader of `train actions` beside a stand-in step.

    python benchmarks/loader.py [--clips 2000] [--batch 32] [--threads 1,2] [--steps-ms 0,50,100,200] [--output FILE.md]

The stand-in step sleeps, as a CPU does while a GPU works. Clips are noise in a cache on disk, as `train actions` makes
it from videos, larger than what one step needs by far and, for the cold rows, dropped from memory before each run.
Wait: part of a step's time in which the next batch was not there. The first batch is not counted: nothing runs ahead
of it.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from provenance import write_result

from classify.data.clips import LabelledClip
from classify.networks.registry import architecture
from classify.train.config import TrainConfig
from classify.train.loader import batches
from classify.types import CLIP_LENGTH

_STEPS = 20
"""Steps timed for each row."""
_LABELS = 10


def write_clips(path: Path, number: int, size: tuple[int, int]) -> None:
    """Clips of noise in one file."""
    rng = np.random.default_rng(0)
    with path.open("wb") as file:
        for _ in range(number):
            file.write(rng.integers(0, 256, (CLIP_LENGTH, *size, 3), dtype=np.uint8).data)


def map_clips(path: Path, size: tuple[int, int]) -> list[LabelledClip]:
    """The clips in a file, mapped into memory as `classify.data.cache` does."""
    frames = np.memmap(path, np.uint8, "r").view(np.ndarray).reshape(-1, CLIP_LENGTH, *size, 3)
    return [LabelledClip(str(i), "run", str(i), clip) for i, clip in enumerate(frames)]


def forget(path: Path) -> None:
    """Drop a file that nobody has mapped from the system's memory, so that it is read from the disk again."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def measure(clips: Sequence[LabelledClip], batch: int, threads: int, step: float) -> tuple[float, float]:
    """Part of a step spent waiting, and clips per second, with steps of ``step`` seconds."""
    targets = np.arange(len(clips)) % _LABELS
    order = np.random.default_rng(1).choice(len(clips), batch * (_STEPS + 1))
    given = batches(clips, targets, order, TrainConfig(batch=batch, loaders=threads), (0,))
    next(given)
    waited, begun = 0.0, time.perf_counter()
    for _ in range(_STEPS):
        time.sleep(step)
        asked = time.perf_counter()
        next(given)
        waited += time.perf_counter() - asked
    whole = time.perf_counter() - begun
    return waited / whole, batch * _STEPS / whole


def main() -> None:
    """Measure, print, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=2000)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--models", default="r2plus1d_18,pooled_maps")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--steps-ms", default="0,50,100,200")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    lines = [
        "| network | clips | threads | stand-in step, ms | wait, part of a step | clips per second |",
        "|---|---|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory() as work:
        for name in options.models.split(","):
            profile = architecture(name).profile
            path = Path(work) / f"{name}.frames"
            size = (profile.height, profile.width)
            write_clips(path, options.clips, size)
            for cold in (False, True):
                for threads in map(int, options.threads.split(",")):
                    for step in map(float, options.steps_ms.split(",")):
                        if cold:
                            forget(path)
                        wait, rate = measure(map_clips(path, size), options.batch, threads, step / 1000)
                        kind = "from the disk" if cold else "in memory"
                        lines.append(f"| {name} | {kind} | {threads} | {step:.0f} | {wait:.1%} | {rate:.0f} |")
                        print(lines[-1], flush=True)
            path.unlink()
    write_result(options.output, f"Waiting for clips, batch {options.batch}, {options.clips} clips", lines)


if __name__ == "__main__":
    main()
