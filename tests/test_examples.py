"""Every example runs as it stands in its first lines."""

from __future__ import annotations

import os
import re
import runpy
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack, redirect_stdout
from dataclasses import dataclass
from fractions import Fraction
from io import StringIO
from pathlib import Path

import pytest

from pipeline.runners.cli import main
from pipeline.synthetic.game import SyntheticGame
from pipeline.video.encode import write_video
from tracker.files.mot import read_tracks, write_detections
from tracker.types import Detections

_EXAMPLES = Path(__file__).resolve().parent.parent / "examples"


@pytest.fixture(scope="module")
def game(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, SyntheticGame]:
    made = SyntheticGame(seed=5, seconds=0.5, size=(640, 360))
    video = tmp_path_factory.mktemp("examples") / "game.mp4"
    write_video(video, ((f.time, f.image) for f in made.frames()), frame_rate=Fraction(30))
    return video, made


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs an example with its arguments -> what it prints. In this process, which has loaded all they load."""

    def ran(name: str, *arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", [str(_EXAMPLES / name), *arguments])
        runpy.run_path(str(_EXAMPLES / name), run_name="__main__")
        return capsys.readouterr().out

    return ran


@pytest.mark.slow
@pytest.mark.usefixtures("networks_stay_loaded")
def test_timeline_per_player(game: tuple[Path, SyntheticGame], run: Callable[..., str]) -> None:
    shown = run("timeline_per_player.py", str(game[0]))
    assert "player 1: " in shown
    assert (game[0].with_suffix(".courtscribe") / "annotated.mp4").stat().st_size > 10_000


@pytest.mark.slow
def test_players_by_hand(game: tuple[Path, SyntheticGame], run: Callable[..., str]) -> None:
    left, top, right, bottom = (float(v) for v in game[1].truth.tracks.at(0).xyxy[0])
    shown = run("players_by_hand.py", str(game[0]), f"{left},{top},{right - left},{bottom - top}")
    assert shown.startswith("player 1: ")


@pytest.mark.slow
def test_track_detections(game: tuple[Path, SyntheticGame], run: Callable[..., str], tmp_path: Path) -> None:
    truth = game[1].truth.tracks
    boxes = {f: Detections.of(truth.at(f).xyxy) for f in range(game[1].num_frames)}
    write_detections(tmp_path / "det.txt", boxes)
    run("track_detections.py", str(tmp_path / "det.txt"), str(tmp_path / "tracks.txt"))
    tracks = read_tracks(tmp_path / "tracks.txt")
    assert len(tracks.ids) >= 8
    assert len(tracks) > 0.8 * len(truth)


@dataclass
class _Serving:
    """A service to be begun."""

    command: list[str]
    environment: dict[str, str]

    @staticmethod
    def over(data: Path) -> _Serving:
        with redirect_stdout(StringIO()) as said:
            assert main(["token", "add", "me", "--data", str(data)]) == 0
        token = said.getvalue().strip()
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        known = {"COURTSCRIBE_TOKEN": token, "SERVICE": f"http://127.0.0.1:{port}"}
        serve = ["serve", "--data", str(data), "--port", str(port), "--quiet"]
        return _Serving([sys.executable, "-m", "pipeline.runners.cli", *serve], known)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="the service needs Linux or macOS")
def test_client_and_the_same_with_curl(game: tuple[Path, SyntheticGame], tmp_path: Path) -> None:
    """With a service that is killed in the middle, and goes on to serve what the documents do in a shell."""
    results, serving = tmp_path / "results", _Serving.over(tmp_path / "data")
    with ExitStack() as stack:
        command = [
            sys.executable,
            str(_EXAMPLES / "client.py"),
            serving.environment["SERVICE"],
            str(game[0]),
            str(results),
        ]
        environment = {**os.environ, **serving.environment, "PYTHONUNBUFFERED": "1"}
        client = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment))
        stack.callback(client.kill)  # it began before the service
        first = stack.enter_context(subprocess.Popen(serving.command))
        assert client.stdout is not None and next(client.stdout) == "sent 100%\n"
        next(line for line in client.stdout if line.startswith("detect"))
        first.kill()
        second = stack.enter_context(subprocess.Popen(serving.command))
        stack.callback(second.terminate)
        said = client.stdout.read()
        assert client.wait() == 0 and "\ndone" in said, said
        if shutil.which("curl") is not None:
            _with_curl(game[0], tmp_path, serving)
    assert (results / "timeline.csv").exists() and (results / "annotated.mp4").stat().st_size > 10_000
    assert (results / "report" / "boxes-0000.js").exists(), "without it the report shows nobody"
    assert not [*results.rglob("*.part"), *results.glob("unfinished*")]


def _with_curl(video: Path, folder: Path, serving: _Serving) -> None:
    script = re.findall(r"```sh\n(.*?)```", (_EXAMPLES.parent / "docs/service.md").read_text(), re.DOTALL)[0]
    shutil.copy(video, folder / "game.mp4")
    environment = {**os.environ, **serving.environment}
    shell = ["sh", "-ec", script]
    done = subprocess.run(shell, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 0 and '"state": "done"' in done.stdout, done.stdout
    assert (folder / "timeline.csv").read_text().startswith("player")


@pytest.mark.parametrize("name", ["../x", "/etc/x", "report/../../x", "."])
def test_the_client_puts_nothing_outside_its_folder(tmp_path: Path, name: str) -> None:
    place_of = runpy.run_path(str(_EXAMPLES / "client.py"))["place_of"]
    with pytest.raises(SystemExit, match="no place in"):
        place_of(tmp_path / "out", name)
    assert place_of(tmp_path / "out", "report/boxes-0000.js") == tmp_path / "out" / "report" / "boxes-0000.js"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_every_example_is_run_here() -> None:
    here = Path(__file__).read_text()
    assert all(f'"{example.name}"' in here for example in _EXAMPLES.glob("*.py"))


@pytest.mark.parametrize(("service", "video"), [("127.0.0.1:1", __file__), ("http://127.0.0.1:1", "nothing.mp4")])
def test_the_client_says_what_is_wrong_with_its_words(tmp_path: Path, service: str, video: str) -> None:
    command = [sys.executable, str(_EXAMPLES / "client.py"), service, video, str(tmp_path / "out")]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    assert result.returncode == 2 and "Traceback" not in result.stderr and not any(tmp_path.iterdir())
