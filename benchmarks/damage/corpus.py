"""A whole corpus from one seed: files of every kind, read and held against what is to become of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from benchmarks.damage import cut, healthy, packets, places
from benchmarks.damage.cases import KINDS, Bench
from benchmarks.damage.clips import Clips
from benchmarks.damage.reading import fault, read_apart
from benchmarks.damage.whole_run import fault_of_run

_KINDS_FROM = (healthy, cut, packets, places)
"""Imported so that their kinds are entered."""
FILES_PER_KIND = 4
_PATIENT = ("a pipe that nobody writes to", "an address that falls silent", "an address that falls silent midway")
"""Half a minute each: one file of a seed is enough."""


@dataclass(frozen=True)
class Judgement:
    """What became of one file."""

    kind: str
    number: int
    wanted: str
    fault: str | None
    seconds: float


def plan(seed: int, sample: int | None = None, patient: bool = True) -> list[tuple[str, int]]:
    """Kind and number of each file; sample: so many, of as many kinds as can be."""
    files = [
        (name, i) for i in range(FILES_PER_KIND) for name in KINDS if (patient or name not in _PATIENT)
        if i == 0 or name not in _PATIENT
    ]  # fmt: skip
    if sample is None:
        return files
    order = [(number, Random(f"{seed} {name}").random(), name) for name, number in files]
    return [(name, number) for number, _, name in sorted(order)[:sample]]


def judge(
    files: list[tuple[str, int]], seed: int, folder: Path, videos: Path | None, num_runs: int = 0
) -> Iterator[Judgement]:
    """Make each file, read it, and say what is wrong with what came; the first ``num_runs`` are analyzed, too."""
    clips = Clips(folder, videos, Random(seed))
    peaks: dict[Path, float] = {}
    for done, (name, number) in enumerate(files):
        bench = Bench(folder / f"{list(KINDS).index(name)}-{number}", clips, Random(f"{seed} {name} {number}"))
        case = KINDS[name](bench)
        if case.healthy is not None and case.healthy not in peaks:
            peaks[case.healthy] = read_apart(str(case.healthy)).peak
        with case.while_read():
            outcome = read_apart(case.source)
        wrong = fault(case, outcome, peaks[case.healthy] if case.healthy else None)
        if wrong is None and done < num_runs:
            wrong = fault_of_run(KINDS[name](replace(bench, folder=folder / f"run-{done}")), folder / f"out-{done}")
        yield Judgement(name, number, case.verdict.value, wrong, outcome.seconds)
