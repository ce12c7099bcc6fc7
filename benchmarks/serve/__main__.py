"""The service: cases made up from its description, kills over jobs. Uploads are in ``benchmarks/uploads.py``.

    python -m benchmarks.serve --output benchmarks/results/serve.md [--parts cases,kills] [--each 700] [--jobs 20]
        [--kills 100] [--seed 1]

Parts that are not asked for keep the rows that the file has. A quarter of an hour on two cores.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.serve.cases import try_out_service
from benchmarks.serve.kills import kills_over_jobs

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from provenance import write_result

_HEADS = {"cases": "cases that schemathesis makes up", "kills": "kills over jobs"}


def main() -> None:
    """Measure, print, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", default=",".join(_HEADS))
    parser.add_argument("--each", type=int, default=700, help="cases of an operation, in a phase")
    parser.add_argument("--jobs", type=int, default=20)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    lines: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        parts: dict[str, Callable[[], list[str]]] = {
            "cases": lambda: try_out_service(place / "cases", options.each, options.seed),
            "kills": lambda: kills_over_jobs(place, options.jobs, options.kills, options.seed),
        }
        for part, measure in parts.items():
            begin = time.monotonic()
            rows = measure() if part in options.parts.split(",") else _kept(options.output, part)
            sys.stderr.write(f"{part}: {time.monotonic() - begin:.0f} s\n")
            lines += [f"| {_HEADS[part]} | |", "|---|---|", *rows, ""]
    write_result(options.output, "Service", lines[:-1])


def _kept(output: Path | None, part: str) -> list[str]:
    """The rows that a file has of a part."""
    text = output.read_text(encoding="utf-8").splitlines() if output is not None and output.is_file() else []
    head = f"| {_HEADS[part]} | |"
    if head not in text:
        return ["| not measured | |"]
    rest = text[text.index(head) + 2 :]
    return rest[: rest.index("")] if "" in rest else rest


if __name__ == "__main__":
    main()
