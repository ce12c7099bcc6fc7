"""Writes what shows an analysis, but for its video, in a process of its own: ``python -m pipeline.studio.tables``."""

from __future__ import annotations

import sys
from pathlib import Path

from ground.errors import InputError
from pipeline.edits.current import load_current
from pipeline.outputs.write import write_shown


def main(folder: str, video: str) -> int:
    """Of the analysis in ``folder``, which the studio holds. video: where it is; empty: where the analysis says."""
    try:
        write_shown(load_current(Path(folder)), Path(folder), with_video=False, video=video or None)
    except (InputError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
