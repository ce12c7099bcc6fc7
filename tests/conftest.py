"""What all tests share: the folder of real material, and a machine that stays offline."""

from __future__ import annotations

import gc
import logging
import os
import resource
import shutil
import sys
from collections.abc import Callable, Hashable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

# What was compiled is kept, whatever the environment says: hypothesis and the tests are rewritten for their assertions,
# which takes each worker seconds, and what a test starts would compile the project anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

import pytest  # noqa: E402
from filelock import FileLock  # noqa: E402
from hypothesis import settings  # noqa: E402

os.environ["YOLO_OFFLINE"] = "true"
os.environ["YOLO_AUTOINSTALL"] = "false"

if (_worker := os.environ.get("PYTEST_XDIST_WORKER")) and hasattr(os, "sched_setaffinity"):
    # A core each: libraries of two workers that start a thread for every core would wait for each other.
    _cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {_cores[int(_worker.removeprefix("gw")) % len(_cores)]})

# Waiting until the disk has it is for power cuts, of which there is none here; for processes that are killed it is not.
os.fsync = lambda _file: None

# No property of ours is how long it takes: on a busy machine any example may be slow.
settings.register_profile("courtscribe", parent=settings(), deadline=None)
settings.load_profile("courtscribe")

_ROOT = Path(__file__).resolve().parent.parent
os.environ.setdefault("COURTSCRIBE_CACHE", str(_ROOT / ".pytest_cache" / "courtscribe"))  # not the user's own
_NO_FOOTAGE = "no real material at"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as ``real`` what asks for the footage, itself or by another fixture; what drives a browser is slow."""
    for item in items:
        if "shared" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.real)
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.slow)


def pytest_collection_finish() -> None:
    """Tests and libraries stay to the end: the garbage collector need not look through them again and again."""
    gc.collect()
    gc.freeze()


def pytest_sessionfinish() -> None:
    """Libraries that count what they leave behind find it gone."""
    gc.unfreeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many tests of quality did not run for want of footage: a run without them proves less."""
    skipped = [r for r in terminalreporter.getreports("skipped") if _NO_FOOTAGE in str(r.longrepr)]
    if skipped:
        terminalreporter.write_line(f"{len(skipped)} tests on real footage were skipped: there is none here")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real footage and labels; tests that need it are skipped where it is missing."""
    folder = Path(os.environ.get("COURTSCRIBE_SHARED", _ROOT.parent / "shared"))
    if not folder.is_dir():
        pytest.skip(f"{_NO_FOOTAGE} {folder} (COURTSCRIBE_SHARED names another folder)")
    return folder


Once = Callable[[str, Callable[[Path], object]], Path]


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Once:
    """Whoever calls it with a name, and with what fills a folder, gets the folder.

    The first of the run's processes fills it; the others wait for it. Nobody changes it: it may be copied.
    """
    base = tmp_path_factory.getbasetemp()
    run = base.parent if _worker else base

    def made(name: str, fill: Callable[[Path], object]) -> Path:
        folder, whole = run / f"once-{name}", run / f"once-{name}.whole"
        with FileLock(run / f"once-{name}.lock"):
            if not whole.exists():
                shutil.rmtree(folder, ignore_errors=True)  # of a filling that failed
                folder.mkdir()
                fill(folder)
                whole.touch()
        return folder

    return made


_LOADED: dict[Hashable, object] = {}


@pytest.fixture
def networks_stay_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The shipped networks, in one process for all tests that ask for this; other weights are loaded by each."""
    from pipeline.models import Models  # takes seconds to load
    from pipeline.shipped import WEIGHTS

    load_once = Models._once

    def once(models: Models, key: tuple[Any, ...], load: Callable[[], Any]) -> Any:
        names = ("weights", "ball_weights", "reid")
        files = [file for value in key for name in names if (file := getattr(value, name, ""))]
        if not all(file.startswith(str(WEIGHTS)) for file in files):
            return load_once(models, key, load)
        if key not in _LOADED:
            _LOADED[key] = load()
        return _LOADED[key]

    monkeypatch.setattr(Models, "_once", once)


@pytest.fixture(autouse=True)
def no_error_is_logged() -> Iterator[None]:
    """An ERROR in the log fails the test in which it was logged: what is wrong is raised, not logged."""
    errors: list[str] = []
    handler = logging.Handler(logging.ERROR)
    handler.emit = lambda record: errors.append(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger().addHandler(handler)
    yield
    logging.getLogger().removeHandler(handler)
    assert not errors, errors


@contextmanager
def _files_at_most(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def files_at_most() -> Callable[[int], AbstractContextManager[None]]:
    """A disk on which no file can grow over so many bytes: writing fails in the system, as on a full one."""
    return _files_at_most
