"""OpenVINO and NNCF report their use over the network where they find a package for it: here they find none."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, cast

_PACKAGE = "openvino_telemetry"


@contextmanager
def no_telemetry() -> Generator[None]:
    """Hide the package, which is looked for once, at import; what was there before is there again afterwards."""
    before = sys.modules.get(_PACKAGE)
    sys.modules[_PACKAGE] = cast(Any, None)
    try:
        yield
    finally:
        del sys.modules[_PACKAGE]
        if before is not None:
            sys.modules[_PACKAGE] = before
