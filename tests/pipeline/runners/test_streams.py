"""What a shell does with the streams: every locale, a full disk, a reader that goes away, streams that are closed."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[3]
_CLI = f'"{sys.executable}" -m pipeline.runners.cli'
_LOCALES = {
    "C": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "C.UTF-8": {"LC_ALL": "C.UTF-8"},
    "strict UTF-8, as in en_US.UTF-8": {"LC_ALL": "C.UTF-8", "PYTHONIOENCODING": "utf-8:strict"},
    "Latin-1": {"LC_ALL": "C.UTF-8", "PYTHONIOENCODING": "latin-1:strict"},
}


@pytest.fixture
def detections(tmp_path: Path) -> Path:
    path = tmp_path / "det.txt"
    path.write_text("".join(f"{frame},-1,10,20,30,60,0.9,-1,-1,-1\n" for frame in range(1, 9)))
    return path


def _shell(command: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    known = {**os.environ, "PYTHONPATH": str(_ROOT), **environment}
    return subprocess.run(
        ["bash", "-c", command], cwd=folder, env=known, capture_output=True, text=True, errors="replace", check=False,
    )  # fmt: skip


_CALLS = """
import sys
from pipeline.runners.cli import main
config, *names = sys.argv[1:]
for name in names:
    found = main(["track", "--detections", f"{name}.txt", "-o", f"{name}.out", "--config", config])
    print(found, main(["track", "--detections", f"{name}.missing", "-o", "x"]), flush=True)
    print("", file=sys.stderr, flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("locale", _LOCALES)
def test_any_name_works_in_any_locale(tmp_path: Path, detections: Path, locale: str) -> None:
    names = ["k\udce9vin", "試合\nmore"]
    for name in names:
        shutil.copy(detections, tmp_path / f"{name}.txt")
    (tmp_path / "größe.toml").write_bytes("# Größe\n[tracker]\nmin_hits = 1\n".encode())
    (tmp_path / "calls.py").write_text(_CALLS, encoding="utf-8")
    command = f'"{sys.executable}" calls.py größe.toml "$FIRST" "$SECOND"'
    done = _shell(command, tmp_path, FIRST=names[0], SECOND=names[1], **_LOCALES[locale])
    assert done.returncode == 0, done.stderr
    said, refused = done.stdout.splitlines(), done.stderr.splitlines()
    assert said[1::2] == ["0 2", "0 2"] and all("1 tracks" in line for line in said[::2]) and len(said) == 4
    assert refused[1::2] == ["", ""] and all(".missing" in line for line in refused[::2]) and len(refused) == 4
    for name in names:
        assert len((tmp_path / f"{name}.out").read_text().splitlines()) == 8


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_under_standard_output_is_one_line(tmp_path: Path, detections: Path) -> None:
    done = _shell(f"{_CLI} track --detections det.txt -o out.txt > /dev/full", tmp_path)
    assert done.returncode == 2
    assert done.stderr == "courtscribe: No space left on device; what was written before this is whole\n"


@pytest.mark.slow
def test_a_reader_that_goes_away_ends_it_quietly(tmp_path: Path, detections: Path) -> None:
    done = _shell(
        f"set -o pipefail; {_CLI} track --detections det.txt -o out.txt | true; exit ${{PIPESTATUS[0]}}", tmp_path
    )
    assert done.returncode in (0, 1) and done.stderr == ""
    code = (
        "import os, sys; from pipeline.runners.cli import main; r, w = os.pipe(); os.close(r); os.dup2(w, 1);"
        "sys.exit(main(sys.argv[1:]))"
    )
    gone = _shell(f'"{sys.executable}" -c "{code}" track --detections det.txt -o out.txt', tmp_path)
    assert (gone.returncode, gone.stderr) == (1, "")


@pytest.mark.slow
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&-"])
def test_streams_that_are_closed_are_done_without(tmp_path: Path, detections: Path, closed: str) -> None:
    done = _shell(f"{_CLI} track --detections det.txt -o out.txt {closed}", tmp_path)
    assert done.returncode == 0 and "Traceback" not in done.stderr
    assert (tmp_path / "out.txt").is_file()


@pytest.mark.slow
def test_a_folder_that_is_removed_meanwhile_is_one_line(tmp_path: Path, detections: Path) -> None:
    (tmp_path / "gone").mkdir()
    done = _shell(f"cd gone; rmdir ../gone; {_CLI} track --detections ../det.txt -o out.txt", tmp_path)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1 and done.stderr.startswith("courtscribe: ")


@cache
def _calls() -> list[tuple[Path, ast.Call]]:
    return [
        (path, node)
        for folder in ("ground", "tracker", "classify", "pipeline", "benchmarks", "examples")
        for path in (_ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
    ]


def _where(path: Path, call: ast.Call) -> str:
    return f"{path}, line {call.lineno}: {ast.unparse(call)}"


def _name(call: ast.Call) -> str:
    """The last part of the name of what is called."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


@pytest.mark.slow
def test_every_log_line_of_ours_can_be_seen() -> None:
    """``--quiet`` and the level are set for one logger by name; a module's own logger would be silent."""
    for path, call in _calls():
        if _name(call) == "getLogger" and call.args:
            assert isinstance(call.args[0], ast.Constant), _where(path, call)


@pytest.mark.slow
def test_no_text_is_in_the_encoding_of_the_locale() -> None:
    """A file written on one machine is read on another, and a C locale knows ASCII only."""
    for path, call in _calls():
        name = _name(call) if isinstance(call.func, ast.Attribute) else ""
        mode = next((a.value for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str)), "r")
        opens_text = name == "open" and set(mode) <= set("rwaxt+")
        if name in ("read_text", "write_text") or (opens_text and _is_a_path(call)):
            assert any(keyword.arg == "encoding" for keyword in call.keywords), _where(path, call)


def _is_a_path(call: ast.Call) -> bool:
    """Whether ``open`` is a path's and takes a mode, not a module's, which takes a name first."""
    return not call.args or isinstance(call.args[0], ast.Constant)


@pytest.mark.slow
def test_what_every_pass_finds_out_is_said_once(tmp_path: Path, shared: Path) -> None:
    command = f'{_CLI} classify "$VIDEO" -o again.mp4'  # it is read, and read again to be shown
    done = _shell(command, tmp_path, VIDEO=str(shared / "videos/cvball_euroball_pass.mp4"))
    assert done.returncode == 0 and done.stderr.count("edit list hides 1 of its 88 frames") == 1, done.stderr


def test_a_pattern_without_quotes_does_not_fill_the_screen(tmp_path: Path) -> None:
    for number in range(500):
        (tmp_path / f"game_{number:06d}.jpg").touch()
    done = _shell(f"{_CLI} analyze game_*.jpg", tmp_path)
    assert done.returncode == 2 and len(done.stderr) < 500 and "quotes" in done.stderr
