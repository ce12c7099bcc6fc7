"""The whole of ``courtscribe analyze`` on a damaged file: its exit code, and what it says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.damage.cases import Case, Verdict

_DEADLINE = 300.0
"""Seconds: networks are loaded, too."""
_FLAGS = ("--quiet", "--no-video", "--imgsz", "320")


def fault_of_run(case: Case, folder: Path) -> str | None:
    """What is wrong with how a run ends; None: nothing. Results go to ``folder``."""
    command = [sys.executable, "-m", "pipeline.runners.cli", "analyze", case.source, "-o", str(folder), *_FLAGS]
    with case.while_read():
        done = subprocess.run(command, capture_output=True, text=True, timeout=_DEADLINE, check=False)
    lines = done.stderr.strip().splitlines()
    wanted = 2 if case.verdict is Verdict.REFUSED else 0
    if "Traceback" in done.stderr:
        return f"analyze: {lines[-1]}"
    if done.returncode != wanted:
        return f"analyze: exit {done.returncode}, not {wanted}: {lines[-1:]}"
    if wanted and len(lines) != 1:
        return f"analyze: {len(lines)} lines"
    return None
