"""Fine-tune a YOLO detector to tell players from everybody else in the picture.

The data is any folder of images with YOLO label files. Whoever is not labelled (crowd, bench) is
background, and that is what the training is for: a COCO detector finds two hundred persons in a
full hall, a coach asked for ten.
"""

from __future__ import annotations

import io
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from ground.disk.files import write_atomically
from ground.errors import InputError, unwritable
from tracker.detect.batch_norm import copy_class_outputs, restore_batch_norm, to_batch
from tracker.detect.training_data import CLASSES, claim, prepare_dataset, read_image
from tracker.detect.yolo import contained, open_checkpoint

_NUM_STATISTICS = 40
"""Pictures from which batch-norm statistics are measured."""


@dataclass(frozen=True, slots=True)
class DetectorScore:
    """Average precision of one class on held-out images."""

    name: str
    ap50: float
    """Average precision at IoU 0.5, 0..1."""
    ap: float
    """Average precision over IoU 0.5 to 0.95, 0..1."""


def train_detector(
    dataset: Path,
    start_from: Path,
    output: Path,
    work: Path,
    *,
    hold_out: Sequence[str] = (),
    aspect: float | None = None,
    epochs: int = 10,
    imgsz: int = 960,
    batch: int = 8,
    freeze: int | None = None,
    lr0: float = 5e-4,
    device: str = "cpu",
    seed: int = 0,
    quiet: bool = False,
) -> list[DetectorScore]:
    """Fine-tune ``start_from`` on ``dataset`` and write a clean checkpoint to ``output``.

    dataset: a folder with ``data.yaml`` (class names) and images with YOLO labels anywhere below.
    start_from: an ultralytics detection checkpoint.
    work: folder for the converted data set and the run (curves, per-epoch losses, checkpoints); new, empty, or of an
    earlier training.
    hold_out: patterns of file names, or of paths in the data set; these images are never trained on, the result is
    scored on them.
    aspect: width / height to restore in images that the data set stores stretched.
    imgsz: longest side of a training picture, pixels.
    freeze: number of first layers whose weights stay as they are.
    Returns a score per class, empty without ``hold_out``.
    quiet: do not show how the training goes.
    Raises InputError for a data set, checkpoint or folder that cannot be used.
    """
    _check_output(output)
    _as_detector(start_from)
    claim(work)
    data, num_held_out = prepare_dataset(dataset, work / "data", hold_out, aspect)
    start = work / "start.pt"
    pictures = sorted((work / "data" / "images" / "train").iterdir())
    prepare_checkpoint(start_from, pictures[:: max(1, len(pictures) // _NUM_STATISTICS)], imgsz, start)
    with contained:
        logging.getLogger("ultralytics").setLevel(logging.WARNING if quiet else logging.INFO)
        open_checkpoint(start).train(
            trainer=_trainer(), data=str(data), epochs=epochs, imgsz=imgsz, batch=batch, nbs=batch, freeze=freeze,
            device=device, seed=seed, optimizer="AdamW", lr0=lr0, lrf=0.05, warmup_epochs=1, warmup_bias_lr=0.0,
            scale=0.5, hsv_h=0.03, degrees=3, close_mosaic=max(2, epochs // 5), workers=2, project=str(work.resolve()),
            name="run", exist_ok=True, plots=False, val=False, amp=device != "cpu", deterministic=True,
        )  # fmt: skip
    write_clean_checkpoint(work / "run" / "weights" / "last.pt", output)
    return score_detector(output, data, imgsz, device) if num_held_out else []


def _trainer() -> type[Any]:
    from ultralytics.models.yolo.detect import DetectionTrainer

    class Trainer(DetectionTrainer):
        """Trains the very model of its checkpoint; ultralytics would build a new one and copy what fits."""

        def get_model(self, cfg: Any = None, weights: Any = None, verbose: bool = True) -> Any:
            """The checkpoint's model."""
            return weights.float()

    return Trainer


def _as_detector(start_from: Path) -> Any:
    """The network of a checkpoint in float32, with our class outputs. Raises InputError for one without people."""
    model: Any = open_checkpoint(start_from).model.float()
    try:
        copy_class_outputs(model, CLASSES, ("person", "person", "sports ball", "sports ball"))
    except (KeyError, AttributeError) as error:
        raise InputError(f"{start_from}: must be a detector of COCO's classes (yolo11n.pt) or of ours") from error
    return model


def prepare_checkpoint(start_from: Path, images: Sequence[Path], imgsz: int, output: Path) -> None:
    """Write ``start_from`` with our class outputs and batch-norm statistics of ``images`` to ``output``."""
    model = _as_detector(start_from)
    size = (imgsz, round(imgsz * 9 / 16 / 32) * 32)
    pictures = (np.asarray(cv2.resize(read_image(path)[..., ::-1], size), np.uint8) for path in images)
    restore_batch_norm(model, (to_batch([picture]) for picture in pictures))
    with write_atomically(output) as part:
        part.write_bytes(_packed({"model": model, "train_args": {}}))


def score_detector(weights: Path, data: Path, imgsz: int, device: str) -> list[DetectorScore]:
    """Average precision per class of ``weights`` on the ``val`` part of the data set ``data`` (a yaml file)."""
    with contained:
        box = open_checkpoint(weights).val(
            data=str(data), imgsz=imgsz, device=device, plots=False, verbose=False, workers=0, batch=4,
            project=str(data.parent.resolve()), name="val", exist_ok=True,
        ).box  # fmt: skip
    return [
        DetectorScore(CLASSES[int(c)], float(box.ap50[i]), float(box.ap[i])) for i, c in enumerate(box.ap_class_index)
    ]


def write_clean_checkpoint(source: Path, output: Path) -> None:
    """Rewrite an ultralytics checkpoint as half-precision weights, without optimizer, paths and dates of its run."""
    model = open_checkpoint(source).model
    model.args = {"task": "detect", "imgsz": 640}
    for attribute in ("pt_path", "yaml_file"):
        if hasattr(model, attribute):
            setattr(model, attribute, output.name)
    model.names = dict(enumerate(CLASSES))
    model.yaml["yaml_file"] = output.with_suffix(".yaml").name
    with write_atomically(output) as part:
        part.write_bytes(_packed({"model": model.half().eval(), "train_args": {"task": "detect"}}))


def _packed(checkpoint: dict[str, Any]) -> bytes:
    packed = io.BytesIO()  # given a path on a full disk, torch takes the whole process down
    torch.save(checkpoint, packed)
    return packed.getvalue()


def _check_output(output: Path) -> None:
    """Say before hours of training what would fail after them. Raises InputError."""
    if output.suffix.lower() != ".pt" or output.is_dir():
        raise InputError(f"{output}: a detector is a file whose name ends in .pt")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(output, error) from error
    if not os.access(output.parent, os.W_OK):
        raise InputError(f"{output}: cannot be written; choose another place")
