"""The documents are true to the code: what they name exists, what they call runs, and the README stays short."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest

from pipeline.runners.cli import make_parser
from pipeline.synthetic.game import SyntheticGame
from pipeline.video.encode import write_video

_ROOT = Path(__file__).resolve().parent.parent
_DOCUMENTS = sorted([*_ROOT.glob("*.md"), *_ROOT.glob("docs/*.md"), *_ROOT.glob("*/README.md")])
_CODE = ("ground", "tracker", "classify", "pipeline")
_FOLDERS = (*_CODE, "benchmarks", "docs", "examples", "tests", "weights", ".ci")
_PATH = re.compile(r"(?<![\w./-])((?:\.ci|[a-z]\w*)/[\w./-]*\w/?|[\w-]+\.py)(?![\w/*])")
_MODULE = re.compile(rf"(?<![\w./-])(?:{'|'.join(_CODE)})(?:\.\w+)+(?![\w/])")
_LINK = re.compile(r"\]\(([^)#\s]*)(?:#([\w-]+))?\)")
_CALL = re.compile(r"^(?:\.venv/bin/)?courtscribe (.+)$|`(?:\.venv/bin/)?courtscribe ([a-z][^`\n]*)`", re.MULTILINE)
_NAMES = {path.name for folder in (*_CODE, "benchmarks", "tests") for path in (_ROOT / folder).rglob("*.py")}


def _missing_paths(document: Path) -> Iterator[str]:
    """What reads as a file of the project and is none: from its root, from the document, or by its bare name."""
    text = document.read_text(encoding="utf-8")
    for quoted in re.findall(r"`([^`\n]+)`", text):
        for path in _PATH.findall(quoted):
            if "/" not in path:
                known = path in _NAMES
            else:
                known = (
                    path.split("/")[0] not in _FOLDERS or (_ROOT / path).exists() or (document.parent / path).exists()
                )
            if not known:
                yield path


def _has_name(module: Path, name: str) -> bool:
    for node in ast.parse(module.read_text(encoding="utf-8")).body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        names = {getattr(node, "name", None), *(target.id for target in targets if isinstance(target, ast.Name))}
        if name in names:
            return True
    return False


def _is_there(dotted: str) -> bool:
    """Whether it is a package, a module, or a name of one."""
    place, names = _ROOT, dotted.split(".")
    while names and (place / names[0]).is_dir():
        place /= names.pop(0)
    if not names:
        return True
    module = place / f"{names[0]}.py"
    return module.is_file() and (len(names) == 1 or _has_name(module, names[1]))


def _anchors(document: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", _DOCUMENTS, ids=lambda path: str(path.relative_to(_ROOT)))
def test_files_modules_and_links_exist(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    assert not list(_missing_paths(document))
    assert not [dotted for dotted in _MODULE.findall(text) if not _is_there(dotted)]
    for link, anchor in _LINK.findall(text):
        if "://" in link:
            continue
        target = document.parent / link if link else document
        assert target.exists(), link
        assert not anchor or anchor in _anchors(target), f"{link}#{anchor}"


def test_the_checks_find_what_is_not_there(tmp_path: Path) -> None:
    document = tmp_path / "a.md"
    document.write_text("`tracker/no_such.py`, `no_such_file.py`, `tracker/types.py`, `types.py`", encoding="utf-8")
    assert list(_missing_paths(document)) == ["tracker/no_such.py", "no_such_file.py"]
    assert _is_there("tracker.types.Tracks") and _is_there("tracker.track.registry.TRACKERS") and _is_there("ground")
    assert not _is_there("tracker.types.Nothing") and not _is_there("tracker.nothing")


def _calls(document: Path) -> list[str]:
    return [block or inline for block, inline in _CALL.findall(document.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("document", _DOCUMENTS, ids=lambda path: str(path.relative_to(_ROOT)))
def test_commands_are_taken_by_the_command_line(document: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parser = make_parser()
    for call in _calls(document):
        arguments = shlex.split(call, comments=True)
        if "--help" in arguments or len(arguments) == 1:  # the name of a command in a sentence
            continue
        try:
            parser.parse_args(arguments)
        except SystemExit as error:
            pytest.fail(f"courtscribe {call}: {error} {capsys.readouterr().err[-200:]}")


def test_every_command_is_documented() -> None:
    shown = " ".join(_calls(_ROOT / "docs/commands.md") + _calls(_ROOT / "docs/training.md"))
    for name in re.findall(r"^    (\w+)", make_parser().format_help(), re.MULTILINE):
        assert re.search(rf"\b{name}\b", shown), name


def test_a_coach_reads_the_readme() -> None:
    lines = (_ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) < 120
    assert max(map(len, lines)) <= 140


@pytest.mark.slow
@pytest.mark.usefixtures("networks_stay_loaded")
def test_the_python_in_the_documents_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    game = SyntheticGame(seed=5, seconds=0.5, size=(640, 360))
    write_video(tmp_path / "game.mp4", ((f.time, f.image) for f in game.frames()), frame_rate=Fraction(30))
    monkeypatch.chdir(tmp_path)
    texts = [document.read_text(encoding="utf-8") for document in _DOCUMENTS]
    blocks = [block for text in texts for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL)]
    assert blocks
    for block in blocks:
        exec(compile(block, "documents", "exec"), {})
        assert "player 1: " in capsys.readouterr().out
        assert (tmp_path / "game.courtscribe/timeline.csv").exists()
