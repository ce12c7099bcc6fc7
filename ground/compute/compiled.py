"""Networks as OpenVINO compiles them, kept from run to run: compiling takes a second, reading what it made a fifth.

Kept is what fits one content, one version of OpenVINO and one kind of processor, instructions included; what a network
says is the same to the bit. OpenVINO's own cache has no limit, and its files bear no digest.
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from ground.compute.openvino_package import INSTRUCTIONS, openvino_package
from ground.disk.cache import cache_folder
from ground.disk.files import sha256_of, write_atomically
from ground.errors import InputError

_MOST_KEPT = 32
"""Networks; a few MB each. Those go first that were not used for longest."""
_DIGEST_SIZE = 32


def compile_network(model: Any, settings: dict[str, Any], file: Path) -> Any:
    """An ``openvino.Model`` for the processor, from the cache where it is there.

    settings: of OpenVINO. file: which ``model`` was read from; its shapes and outputs may have been changed since.
    Raises what compiling raises; a cache that cannot be read or written costs time only.
    """
    openvino = openvino_package(f"{file}")
    kept = cache_folder() / "compiled" / f"{_key(openvino, model, settings, file)}.blob"
    with suppress(OSError, RuntimeError):
        if (content := _whole(kept)) is not None:
            compiled = openvino.Core().import_model(content, "CPU", settings)
            kept.touch()
            return compiled
    compiled = openvino.compile_model(model, "CPU", settings)
    with suppress(OSError, RuntimeError, InputError):
        _keep(kept, compiled.export_model().getvalue())
    return compiled


def _key(openvino: Any, model: Any, settings: dict[str, Any], file: Path) -> str:
    parts = (file, file.with_suffix(".bin"))  # what ONNX holds is in the first
    about = {
        "content": [sha256_of(part) for part in parts if part.is_file()],
        "shapes": [str(end.get_partial_shape()) for end in (*model.inputs, *model.outputs)],
        "settings": {name: str(value) for name, value in settings.items()},
        "version": openvino.get_version(),
        "processor": _processor(openvino),
    }
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()


def _processor(openvino: Any) -> list[str]:
    """What decides how a network is compiled. Virtual machines of one name differ in what their processors can."""
    core = openvino.Core()
    told = [str(core.get_property("CPU", name)) for name in ("FULL_DEVICE_NAME", "OPTIMIZATION_CAPABILITIES")]
    return [*told, os.environ.get(INSTRUCTIONS, ""), _flags()]


def _flags() -> str:
    with suppress(OSError), Path("/proc/cpuinfo").open(encoding="utf-8") as lines:  # Linux has it
        return next((line for line in lines if line.startswith(("flags", "Features"))), "")
    return ""


def _whole(kept: Path) -> bytes | None:
    """What was kept; None where it is not there, or is not what was written."""
    if not kept.is_file():
        return None
    content = kept.read_bytes()
    digest, content = content[:_DIGEST_SIZE], content[_DIGEST_SIZE:]
    return content if hashlib.sha256(content).digest() == digest else None


def _keep(kept: Path, content: bytes) -> None:
    with write_atomically(kept) as part:
        part.write_bytes(hashlib.sha256(content).digest() + content)
    by_use = sorted(kept.parent.glob("*.blob"), key=lambda path: path.stat().st_mtime, reverse=True)
    for old in by_use[_MOST_KEPT:]:
        old.unlink(missing_ok=True)
