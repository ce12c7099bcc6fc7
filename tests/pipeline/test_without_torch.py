"""On a processor an analysis loads neither PyTorch nor ultralytics, in none of its processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ground.compute.devices import resolve_device
from pipeline.config import PipelineConfig
from pipeline.models import Models
from tests.conftest import Once
from tests.pipeline.short_games import short_games

pytestmark = pytest.mark.slow

_ROOT = Path(__file__).parents[2]
_HEAVY = ("torch", "torchvision", "ultralytics")
_ANALYZE = """
import sys
import ground.video.parts
from pipeline.runners.cli import main
if __name__ == "__main__":
    ground.video.parts.PART_SECONDS = 0.4
    flags = ["--jobs", "2", "--quiet", "--min-track-confidence", "0", "--no-drop-outside", "--imgsz", "320"]
    code = main(["analyze", sys.argv[1], "-o", sys.argv[2], *flags])
    assert not {name.partition(".")[0] for name in sys.modules} & {"torch", "torchvision", "ultralytics"}
    sys.exit(code)
"""


@pytest.fixture
def game(once: Once) -> Path:
    return short_games(once) / "game2.mp4"


@pytest.fixture
def traps(tmp_path: Path) -> Path:
    """Packages that stand before the true ones in the path, and tell that they were imported, by which process."""
    folder = tmp_path / "traps"
    for name in _HEAVY:
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text(
            "import os, traceback\nfrom pathlib import Path\n"
            f"Path({str(tmp_path)!r}, f'caught-{{os.getpid()}}').write_text(''.join(traceback.format_stack()))\n"
            f"raise ImportError({name!r})\n"
        )
    return folder


@pytest.mark.skipif(resolve_device("auto") != "cpu", reason="this machine has a GPU")
def test_an_analysis_by_two_processes_loads_neither(game: Path, traps: Path, tmp_path: Path) -> None:
    Models().classifier(PipelineConfig())  # converts it where there is no copy yet
    program, output = tmp_path / "analyze.py", tmp_path / "out"
    program.write_text(_ANALYZE)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(traps), str(_ROOT)])}
    command = [sys.executable, str(program), str(game), str(output)]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    caught = [file.read_text() for file in tmp_path.glob("caught-*")]
    assert not caught, caught[0]
    assert ran.returncode == 0, ran.stderr
    assert len((output / "timeline.csv").read_text().splitlines()) > 1, "clips were labelled"
