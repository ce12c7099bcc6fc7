"""Where figures come from: every benchmark writes its table through here, under what it was measured with."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from ground.disk.files import write_text
from pipeline.shipped import WEIGHTS

SHIPPED = (WEIGHTS / "players.pt", WEIGHTS / "actions.safetensors")
DETECTOR = SHIPPED[:1]
_ROOT = Path(__file__).resolve().parent.parent
_KINDS = {"avx2": "AVX2", "avx512f": "AVX-512", "amx_tile": "AMX"}
"""What decides how a processor rounds, by its name in Linux."""


def write_result(output: Path | None, title: str, lines: Sequence[str], weights: Sequence[Path] = ()) -> None:
    """Print a result, and write it to ``output`` if there is one: title, provenance, ``lines`` of Markdown.

    weights: the files whose networks the figures are of.
    """
    text = "\n".join([f"# {title}", "", *provenance(weights), "", *lines]) + "\n"
    sys.stdout.write(text)
    if output is not None:
        write_text(output, text)


def provenance(weights: Sequence[Path]) -> list[str]:
    """Two lines: day, commit, machine; and the SHA-256 of each file of ``weights``."""
    digests = [f"{path.name} {_digest(path)}" for path in weights]
    return [
        f"Measured {date.today()} at commit {_commit()}, on {machine()}.  ",
        f"Weights: {', '.join(digests) or 'none'}.",
    ]


def machine() -> str:
    """Processor, what it computes with, cores."""
    facts = _cpu_facts()
    flags = facts.get("flags", "").split()
    kinds = [kind for flag, kind in _KINDS.items() if flag in flags]
    name = facts.get("model name") or platform.processor() or platform.machine()
    return ", ".join([name, platform.machine(), *kinds, f"{os.cpu_count()} cores"])


def _cpu_facts() -> dict[str, str]:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:  # not Linux
        return {}
    pairs = (line.partition(":") for line in lines)
    return {name.strip(): value.strip() for name, _, value in pairs}


def _commit() -> str:
    """The commit in short, and whether files were changed since."""

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", "-C", str(_ROOT), *arguments], capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!benchmarks/results")
        return git("rev-parse", "--short", "HEAD") + (" and changes" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _digest(path: Path) -> str:
    """Of a file, or of the numbers of an OpenVINO folder."""
    return hashlib.sha256((next(path.glob("*.bin")) if path.is_dir() else path).read_bytes()).hexdigest()
