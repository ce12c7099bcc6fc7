"""OpenVINO and NNCF report their use over the network where they find a package for it: here they find none."""

from __future__ import annotations

import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, cast

_PACKAGE = "openvino_telemetry"
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
