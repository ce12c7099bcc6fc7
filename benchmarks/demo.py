"""What `make demo` prints: how right the analysis of the game that the program makes itself is.

python benchmarks/demo.py [--output FILE.md]
"""

from __future__ import annotations

import argparse
import io
import tempfile
from contextlib import redirect_stdout
from pathlib import Path

from provenance import SHIPPED, write_result

from pipeline.runners.cli import main as courtscribe


def main() -> None:
    """Run the demo, without its video, and keep what it says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    printed = io.StringIO()
    with tempfile.TemporaryDirectory() as folder, redirect_stdout(printed):
        courtscribe(["demo", "--output", folder, "--no-video"])
    lines = printed.getvalue().splitlines()
    figures = lines[next(i for i, line in enumerate(lines) if line.startswith("identities:")) :]
    write_result(options.output, "The demo", ["```", *figures, "```"], SHIPPED)


if __name__ == "__main__":
    main()
