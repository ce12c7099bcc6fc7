"""A stranger's file looked at in a process of its own, with little memory and time, so that nothing worse can happen.

``python -m pipeline.serve.probe FILE SECONDS PIXELS`` is that process: it prints what it found, as JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from ground.errors import InputError

_MOST_MEMORY = 3 << 30
"""Bytes of address space: libraries alone take one and a half billion, a picture of 4096x2304 forty million."""
_TIME, _RATE = 30.0, 20e6
"""Seconds that any file is given, and bytes for which it is given one more."""
_ANSWER = 4096
"""Letters that are read of what it says."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a file was found to be."""

    seconds: float
    width: int
    height: int
    """Pixels."""
    container: str
    """FFmpeg's name."""


def probe(path: Path, most_seconds: float, most_pixels: int) -> Found:
    """What the video in ``path`` is. Raises InputError that says why it is not taken."""
    arguments = [str(path.absolute()), repr(most_seconds), str(most_pixels)]
    limit = _TIME + path.stat().st_size / _RATE
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pipeline.serve.probe", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=limit,
            check=False,
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )
    except subprocess.TimeoutExpired as error:
        raise InputError(f"could not be looked through in {limit:.0f} s") from error
    return _read(done.stdout[:_ANSWER], done.returncode)


def _read(said: bytes, code: int) -> Found:
    try:
        told = json.loads(said)
        if "error" in told:
            raise InputError(str(told["error"]))
        return Found(float(told["seconds"]), int(told["width"]), int(told["height"]), str(told["container"]))
    except (LookupError, TypeError, json.JSONDecodeError) as error:
        raise InputError(f"took too much memory or time, or broke what looked at it ({code})") from error


def main(arguments: list[str]) -> None:
    """The process."""
    from pipeline.serve.limits import limit

    path, most_seconds, most_pixels = Path(arguments[0]), float(arguments[1]), int(arguments[2])
    limit(_MOST_MEMORY, 0, _TIME + path.stat().st_size / _RATE)
    from ground.video.check import check_video

    try:
        found = check_video(path, most_seconds, most_pixels)
        told = {"seconds": found.seconds, "width": found.width, "height": found.height, "container": found.container}
    except InputError as error:
        told = {"error": str(error)}
    except MemoryError:
        told = {"error": "took too much memory"}
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1:])
