"""Every parser of the project against inputs that atheris makes, guided by what they reach. By command only.

    pip install atheris
    python -m benchmarks.fuzz PARSER [-runs=100000] [-max_total_time=600] [FLAGS of libFuzzer]
    python -m benchmarks.fuzz --list

It ends with the first input that is neither read nor refused in one line, and libFuzzer keeps that in a file.
"""

from __future__ import annotations

import importlib
import logging
import sys
import tempfile
from pathlib import Path


def main() -> int:
    """Fuzz one parser until libFuzzer's flags say that it is enough."""
    try:
        atheris = importlib.import_module("atheris")
    except ImportError:
        print("atheris is not installed: pip install atheris", file=sys.stderr)
        return 2
    with atheris.instrument_imports(include=["ground", "tracker", "classify", "pipeline"]):
        from tests.hostile.test_parsers import PARSERS, prepared, read_or_refuse
    if sys.argv[1:2] == ["--list"] or sys.argv[1] not in PARSERS:
        print("\n".join(sorted(PARSERS)))
        return 0 if sys.argv[1:2] == ["--list"] else 2
    logging.disable()
    reader = PARSERS[sys.argv.pop(1)]
    with tempfile.TemporaryDirectory() as place:
        folder, seeds = Path(place, "files"), Path(place, "seeds")
        folder.mkdir()
        seeds.mkdir()
        path, content = prepared(reader, folder)
        (seeds / "valid").write_bytes(content)

        def target(data: bytes) -> None:
            read_or_refuse(reader.read, path, data)

        atheris.Setup([*sys.argv, str(seeds)], target)
        atheris.Fuzz()
    return 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main())
