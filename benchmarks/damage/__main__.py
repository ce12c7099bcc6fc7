"""Hundreds of videos damaged on purpose, each with one verdict reasoned from what was done to it.

    python -m benchmarks.damage [--seed N ...] [--sample 60] [--analyze 8] [--videos FOLDER] [--output FILE.md]

Exits with 1 when one of them came out otherwise.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from benchmarks.damage.corpus import Judgement, judge, plan
from benchmarks.provenance import write_result


def main() -> int:
    """Make, read, judge; print a table per kind."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, nargs="+", default=[1])
    parser.add_argument("--sample", type=int)
    parser.add_argument("--analyze", type=int, default=0, help="so many of a seed go through the whole job, too")
    parser.add_argument("--only", help="kinds whose name has this in it")
    parser.add_argument(
        "--videos", type=Path, default=Path(os.environ.get("COURTSCRIBE_SHARED", "../shared"), "videos")
    )
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    found: list[Judgement] = []
    videos = options.videos if options.videos.is_dir() else None
    for seed in options.seed:
        files = [f for f in plan(seed, options.sample) if options.only is None or options.only in f[0]]
        with tempfile.TemporaryDirectory() as folder:
            for verdict in judge(files, seed, Path(folder), videos, options.analyze):
                found.append(verdict)
                if verdict.fault is not None:
                    print(f"seed {seed}, {verdict.kind} {verdict.number}: {verdict.fault}", file=sys.stderr)
    write_result(options.output, "Damaged on purpose", _table(found, options.seed))
    return int(any(verdict.fault for verdict in found))


def _table(found: list[Judgement], seeds: list[int]) -> list[str]:
    by_kind: defaultdict[tuple[str, str], list[Judgement]] = defaultdict(list)
    for verdict in found:
        by_kind[verdict.kind, verdict.wanted].append(verdict)
    right = sum(verdict.fault is None for verdict in found)
    rows = [f"| {name} | {wanted} | {_figures(group)} |" for (name, wanted), group in by_kind.items()]
    num_kinds = len({verdict.kind for verdict in found})
    return [
        f"Seeds {', '.join(map(str, seeds))}: {num_kinds} kinds, {len(found)} files, {right} as they are to be.",
        "", "| kind | to become | files | as it is to be | longest, s |", "|---|---|---|---|---|", *rows,
    ]  # fmt: skip


def _figures(group: list[Judgement]) -> str:
    right = sum(verdict.fault is None for verdict in group)
    return f"{len(group)} | {right} | {max(verdict.seconds for verdict in group):.1f}"


if __name__ == "__main__":
    sys.exit(main())
