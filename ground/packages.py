"""Packages of others, imported when they are needed: without their reports of use, and with a line where they lack."""

from __future__ import annotations

import importlib
import logging
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, cast

from ground.errors import InputError
from ground.warnings_off import warnings_off

_PACKAGE = "openvino_telemetry"
"""OpenVINO and NNCF report their use over the network where they find it: here they find none."""
_ONE_AT_A_TIME = threading.RLock()
"""Two threads in it at once would put back each other's state."""


@contextmanager
def no_telemetry() -> Generator[None]:
    """Hide the package, which is looked for once, at import; what was there before is there again afterwards.

    ``sys.modules`` is the whole process's, but the libraries have no setting for it that works before their import.
    """
    with _ONE_AT_A_TIME:
        before = {name: sys.modules[name] for name in (_PACKAGE,) if name in sys.modules}
        sys.modules[_PACKAGE] = cast(Any, None)
        try:
            yield
        finally:
            del sys.modules[_PACKAGE]
            sys.modules.update(before)


def need(what: str, *packages: str) -> Any:
    """The first of the packages, imported. Raises InputError that says how to install them where one is missing."""
    try:
        with no_telemetry():
            first, *_ = [importlib.import_module(package) for package in packages]
        return first
    except ImportError as error:
        raise InputError(f"{what} needs {' and '.join(packages)}: pip install {' '.join(packages)}") from error


@contextmanager
def quiet() -> Generator[None]:
    """Libraries that export networks talk while they work: not in here."""
    talker = logging.getLogger("torch.utils.cpp_extension")  # it warns that there is no CUDA
    before = talker.level
    talker.setLevel(logging.ERROR)
    try:
        with warnings_off():
            yield
    finally:
        talker.setLevel(before)
