"""The one door to ultralytics: files are opened without running code of theirs, and the process stays as it was.

ultralytics decides when it is first imported whether it opens pickles safely, installs packages by itself and looks for
the network, and it changes threads, environment and log for the whole process. A program may have imported it before
us. So everything that it is asked to do is asked inside ``contained``, which says all this anew and puts it back.
"""

from __future__ import annotations

import logging
import os
import pickle
import struct
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from threading import Lock
from typing import Any
from zipfile import is_zipfile

import cv2
import numpy as np

from ground.compute.batches import on_device
from ground.compute.openvino_package import INSTRUCTIONS, openvino_package
from ground.errors import InputError

_log = logging.getLogger("ultralytics")

EXPORTED_SUFFIXES = (".onnx", ".engine", ".torchscript")
_FOLDER = "_openvino_model"
"""What the name of an OpenVINO folder ends in: ultralytics tells it by that."""
_BACKEND = "ultralytics.nn.backends.openvino"
_TRUSTED = "ULTRALYTICS_SAFE_LOAD"
_BEHAVIOUR = {"YOLO_OFFLINE": "true", "YOLO_AUTOINSTALL": "false"}
"""Read when ultralytics is imported, here or in a process that it starts."""
_ENVIRONMENT = (
    *_BEHAVIOUR,
    *("OMP_NUM_THREADS", "NUMEXPR_MAX_THREADS", "TF_CPP_MIN_LOG_LEVEL", "TORCH_CPP_LOG_LEVEL", "KINETO_LOG_LEVEL"),
    *("CUBLAS_WORKSPACE_CONFIG", "CUDA_VISIBLE_DEVICES", "PYTHONHASHSEED", INSTRUCTIONS),
    "TORCHINDUCTOR_CACHE_DIR",
)
"""Variables that ultralytics sets, and what it loads, and ours."""
UNREADABLE = (
    *(RuntimeError, ValueError, TypeError, LookupError, AttributeError, EOFError, OSError, SyntaxError, NameError),
    *(AssertionError, OverflowError, pickle.UnpicklingError, struct.error, MemoryError),
)
"""What ultralytics raises for a file that is damaged, or is not what it is taken for."""

_one_at_a_time = Lock()


def open_yolo(weights: Path, task: str = "detect", device: str = "cpu") -> Any:
    """The ultralytics ``YOLO`` of a file, which has looked at one picture on ``device``: it works.

    weights: a ``.pt``, an exported file or an OpenVINO folder. task: "detect" or "pose", for files that do not say it.
    Raises InputError for a file that is missing, damaged or of another kind, for a ``.pt`` that holds more than the
    layers ultralytics knows, and where a package is missing that the file needs.
    """
    with on_device(f"the network in {weights}"), _opening(weights), _processor_only(weights):
        model = _yolo()(str(weights), task=task)
        # A file may show only now what it lacks, and ultralytics opens some only now.
        model.predict(np.zeros((64, 64, 3), np.uint8), device=device, verbose=False)
    return model


def keep_weak(model: Any, class_ids: Sequence[int], confidence: float, at_most: int) -> None:
    """Let a network of ``open_yolo`` also tell boxes of some classes down to a low confidence.

    They come as ``weak`` beside the ``boxes`` of each of ultralytics' ``Results``, ``at_most`` a picture, the surest
    first. They are of the same pass of the network, which sees what people hide; each class is judged by its own
    score, even where another has more. Of two boxes of a class that overlap by 0.45 the weaker is dropped.
    """
    predictor = model.predictor
    usual, columns = predictor.postprocess, [0, 1, 2, 3, *(4 + i for i in class_ids)]

    def postprocess(preds: Any, img: Any, orig_imgs: Any, **more: Any) -> Any:
        from ultralytics.utils.nms import non_max_suppression

        results = usual(preds, img, orig_imgs, **more)
        whole = preds[0] if isinstance(preds, list | tuple) else preds
        if whole.shape[-1] == _END_TO_END:  # boxes come chosen, and none is weak
            return results
        found = non_max_suppression(whole[:, columns], confidence, multi_label=True, max_det=at_most)
        for result, weak in zip(results, predictor.construct_results(found, img, orig_imgs), strict=True):
            result.weak = weak.boxes
        return results

    predictor.postprocess = postprocess


_END_TO_END = 6
"""Columns of a network that chooses its boxes itself."""


def open_checkpoint(weights: Path) -> Any:
    """The ultralytics ``YOLO`` of a ``.pt``: its ``model`` is a module, to be trained, exported or taken apart.

    Raises InputError as ``open_yolo``, and for a file that is no ``.pt``.
    """
    if weights.suffix.lower() != ".pt" or weights.is_dir():
        raise InputError(f"{weights}: must be a YOLO checkpoint (.pt)")
    with _opening(weights):
        return _yolo()(str(weights))


def check_kind(weights: Path) -> None:
    """Only what is data gets in: ultralytics would evaluate expressions in a ``.yaml``, and tells kinds by their names.

    Raises InputError for anything else.
    """
    if not weights.exists():
        raise InputError(f"{weights}: no such file or folder")
    if weights.is_dir():
        if not any(weights.glob("*.xml")):
            raise InputError(f"{weights}: is a folder without an OpenVINO model (*.xml and *.bin)")
        if not weights.resolve().name.endswith(_FOLDER):
            raise InputError(f"{weights}: rename the folder so that its name ends in {_FOLDER}; ultralytics wants that")
    elif weights.suffix.lower() not in (".pt", *EXPORTED_SUFFIXES):
        raise InputError(f"{weights}: expected .pt, .onnx, .engine or an OpenVINO folder")


def published_names() -> frozenset[str]:
    """File names that ultralytics publishes."""
    with contained:
        from ultralytics.utils.downloads import GITHUB_ASSETS_NAMES

        return frozenset(GITHUB_ASSETS_NAMES)


def first_line(error: BaseException) -> str:
    """What an error says, in one line."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


class _Containment:
    """``with contained:``. Several threads may be inside; the last one out puts everything back."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._num_inside = 0
        self._undo = ExitStack()

    def __enter__(self) -> None:
        with self._lock:
            if self._num_inside == 0:
                with ExitStack() as undo:  # an import that fails leaves nothing changed either
                    _contain(undo)
                    self._undo = undo.pop_all()
            self._num_inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._num_inside -= 1
            if self._num_inside == 0:
                self._undo.close()


contained = _Containment()
"""Inside, ultralytics opens files safely, installs nothing, looks for no network and says nothing but warnings."""


def _contain(undo: ExitStack) -> None:
    import torch  # before ultralytics, which gives it one thread otherwise

    before = {name: os.environ.get(name) for name in _ENVIRONMENT}
    undo.callback(_put_environment, before)
    undo.callback(torch.set_num_threads, torch.get_num_threads())
    undo.callback(_put_deterministic, torch.are_deterministic_algorithms_enabled())
    undo.callback(cv2.setNumThreads, cv2.getNumThreads())
    os.environ.update(_BEHAVIOUR)
    if "ultralytics" in sys.modules:
        undo.callback(_log.setLevel, _log.level)
    _log.disabled, was = True, _log.disabled  # it would announce its settings file on standard output
    try:
        with np.printoptions():  # which it changes, for this thread
            from ultralytics.nn import tasks
            from ultralytics.utils import checks
    finally:
        _log.disabled = was
    _log.setLevel(logging.WARNING)
    _change(undo, checks, "AUTOINSTALL", False)
    if hasattr(tasks, "SAFE_LOAD"):
        _change(undo, tasks, "SAFE_LOAD", not _is_trusting())


def _put_deterministic(before: bool) -> None:
    """Asked for what it is already, PyTorch would load its compiler all the same, which takes two seconds."""
    import torch

    if torch.are_deterministic_algorithms_enabled() != before:
        torch.use_deterministic_algorithms(before)


def _put_environment(before: dict[str, str | None]) -> None:
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def _change(undo: ExitStack, module: Any, name: str, value: Any) -> None:
    undo.callback(setattr, module, name, getattr(module, name))
    setattr(module, name, value)


def _is_trusting() -> bool:
    """Whether the user says that files may run code."""
    value = os.environ.get(_TRUSTED, "").strip().lower()
    return bool(value) and value not in ("1", "true", "yes", "on", "y", "t")


def _yolo() -> Callable[..., Any]:
    from ultralytics import YOLO

    return YOLO


@contextmanager
def _opening(weights: Path) -> Generator[None]:
    check_kind(weights)
    with contained:
        _check_safe(weights)
        try:
            yield
        except ImportError as error:
            raise InputError(f"{weights}: {first_line(error)}; install the package that it needs") from error
        except UNREADABLE as error:
            raise InputError(f"{weights}: not a model that ultralytics can read ({_reason(weights, error)})") from error


def _check_safe(weights: Path) -> None:
    """Raises InputError where this ultralytics cannot open a pickle without running what is in it."""
    import torch
    from ultralytics.nn import tasks

    safe = hasattr(tasks, "SAFE_LOAD") and hasattr(torch.serialization, "get_unsafe_globals_in_checkpoint")
    if not (safe or _is_trusting()) and weights.suffix.lower() == ".pt":
        raise InputError(
            f"{weights}: ultralytics {version('ultralytics')} would run any code in it; install a newer one, or set "
            f"{_TRUSTED}=false if you trust the file"
        )


def _reason(weights: Path, error: BaseException) -> str:
    if not isinstance(error.__cause__, pickle.UnpicklingError):
        return first_line(error)
    if not is_zipfile(weights):
        return "damaged, or no checkpoint"
    return f"it holds more than layers, which could run code; {_TRUSTED}=false opens it if you trust its source"


@contextmanager
def _processor_only(weights: Path) -> Generator[None]:
    """Let OpenVINO compute on the processor and in float32, whatever the machine has.

    It would take bfloat16 where the processor knows that, and a graphics chip where there is one: the same video
    would give other boxes on another machine.
    """
    if not weights.is_dir():
        yield
        return
    openvino = openvino_package(f"{weights}")

    class Processor(openvino.Core):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            self.set_property("CPU", {"INFERENCE_PRECISION_HINT": "f32"})

        def compile_model(self, model: Any, *_: Any, **__: Any) -> Any:
            return super().compile_model(model, "CPU")

        @property
        def available_devices(self) -> list[str]:
            return ["CPU"]

    with _one_at_a_time, ExitStack() as undo:
        _change(undo, openvino, "Core", Processor)
        # Where the processor has AMX, unused here, it compiles each size on its own; older ones never do.
        with suppress(ImportError, AttributeError):
            _change(undo, import_module(_BACKEND), "LINUX", False)
        yield
