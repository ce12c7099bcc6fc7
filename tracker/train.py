"""Fine-tune a YOLO detector to tell players from everybody else in the picture.

The data is any folder of images with YOLO label files. Whoever is not labelled (crowd, bench) is
background, and that is what the training is for: a COCO detector finds two hundred persons in a
full hall, a coach asked for ten.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
import yaml
from ultralytics import YOLO
from ultralytics.models.yolo.detect import DetectionTrainer

from ground.errors import InputError
from tracker.pretrained import copy_class_outputs, restore_batch_norm, to_batch

CLASSES = ("player", "referee", "ball", "hoop")
"""Classes of the shipped detector, in the order of their class_id."""

_ALIASES = {"ref": "referee", "rim": "hoop", "basket": "hoop", "basketball": "ball", "person": "player"}
_IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png"}
_NUM_STATISTICS = 40
"""Pictures from which batch-norm statistics are measured."""
_WIDEST = 1280
"""Images are stored at most this wide (pixels): more is never read by a training at 960."""


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
) -> list[DetectorScore]:
    """Fine-tune ``start_from`` on ``dataset`` and write a clean checkpoint to ``output``.

    dataset: a folder with ``data.yaml`` (class names) and images with YOLO labels anywhere below.
    start_from: an ultralytics detection checkpoint.
    work: folder for the converted data set and the run (curves, per-epoch losses, checkpoints).
    hold_out: file name patterns; these images are never trained on, the result is scored on them.
    aspect: width / height to restore in images that the data set stores stretched.
    imgsz: longest side of a training picture, pixels.
    freeze: number of first layers whose weights stay as they are.
    Returns a score per class, empty without ``hold_out``.
    Raises InputError when the folder holds no labelled images.
    """
    data, num_held_out = prepare_dataset(dataset, work / "data", hold_out, aspect)
    start = work / "start.pt"
    pictures = sorted((work / "data" / "images" / "train").iterdir())
    prepare_checkpoint(start_from, pictures[:: max(1, len(pictures) // _NUM_STATISTICS)], imgsz, start)
    YOLO(str(start)).train(
        trainer=_Trainer, data=str(data), epochs=epochs, imgsz=imgsz, batch=batch, nbs=batch, freeze=freeze,
        device=device, seed=seed, optimizer="AdamW", lr0=lr0, lrf=0.05, warmup_epochs=1, warmup_bias_lr=0.0,
        scale=0.5, hsv_h=0.03, degrees=3, close_mosaic=max(2, epochs // 5), workers=2, project=str(work.resolve()),
        name="run", exist_ok=True, plots=False, val=False, amp=device != "cpu", deterministic=True,
    )  # fmt: skip
    write_clean_checkpoint(work / "run" / "weights" / "last.pt", output)
    return score_detector(output, data, imgsz, device) if num_held_out else []


class _Trainer(DetectionTrainer):
    """Trains the very model of its checkpoint; ultralytics would build a new one and copy what fits."""

    def get_model(self, cfg: Any = None, weights: Any = None, verbose: bool = True) -> Any:
        """The checkpoint's model."""
        return weights.float()


def prepare_checkpoint(start_from: Path, images: Sequence[Path], imgsz: int, output: Path) -> None:
    """Write ``start_from`` with our class outputs and batch-norm statistics of ``images`` to ``output``."""
    model = YOLO(str(start_from)).model
    assert isinstance(model, torch.nn.Module)
    model = model.float()
    copy_class_outputs(model, CLASSES, ("person", "person", "sports ball", "sports ball"))
    size = (imgsz, round(imgsz * 9 / 16 / 32) * 32)
    pictures = (np.asarray(cv2.resize(_read_image(path)[..., ::-1], size), np.uint8) for path in images)
    restore_batch_norm(model, (to_batch([picture]) for picture in pictures))
    torch.save({"model": model, "train_args": {}}, output)


def score_detector(weights: Path, data: Path, imgsz: int, device: str) -> list[DetectorScore]:
    """Average precision per class of ``weights`` on the ``val`` part of the data set ``data`` (a yaml file)."""
    box = YOLO(str(weights)).val(
        data=str(data), imgsz=imgsz, device=device, plots=False, verbose=False, workers=0, batch=4,
        project=str(data.parent), name="val", exist_ok=True,
    ).box  # fmt: skip
    return [
        DetectorScore(CLASSES[int(c)], float(box.ap50[i]), float(box.ap[i])) for i, c in enumerate(box.ap_class_index)
    ]


def prepare_dataset(source: Path, target: Path, hold_out: Sequence[str], aspect: float | None) -> tuple[Path, int]:
    """Copy a YOLO-labelled folder to ``target`` with our classes, split and picture shape.

    Returns the path of the new ``data.yaml`` and the number of held-out images.
    Raises InputError for a folder without ``data.yaml`` or without labelled images.
    """
    mapping = _class_mapping(source)
    images = sorted(p for p in source.rglob("*") if p.suffix.lower() in _IMAGE_SUFFIXES)
    labelled = [(image, label) for image in images if (label := _label_of(image)).is_file()]
    if not labelled:
        raise InputError(f"{source}: no images with YOLO label files (images/NAME.jpg with labels/NAME.txt)")
    shutil.rmtree(target, ignore_errors=True)
    counts = {"train": 0, "val": 0}
    for image, label in labelled:
        split = "val" if any(fnmatch(image.name, pattern) for pattern in hold_out) else "train"
        counts[split] += 1
        _copy_image(image, target / "images" / split / image.name, aspect)
        out = target / "labels" / split / (image.stem + ".txt")
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text("".join(_convert_labels(label.read_text().splitlines(), mapping)))
    if not counts["train"]:
        raise InputError(f"{source}: every image is held out by {', '.join(hold_out)}, none is left to train on")
    data = target / "data.yaml"
    val = "images/val" if counts["val"] else "images/train"
    content = {"path": str(target.resolve()), "train": "images/train", "val": val, "names": dict(enumerate(CLASSES))}
    data.write_text(yaml.safe_dump(content))
    return data, counts["val"]


def write_clean_checkpoint(source: Path, output: Path) -> None:
    """Rewrite an ultralytics checkpoint as half-precision weights, without optimizer, paths and dates of its run.

    ``source`` must be a file that this program just trained: ultralytics' format is a pickle.
    """
    model = YOLO(str(source)).model
    assert isinstance(model, torch.nn.Module)
    model.args = {"task": "detect", "imgsz": 640}  # type: ignore[assignment]
    for attribute in ("pt_path", "yaml_file"):
        if hasattr(model, attribute):
            setattr(model, attribute, output.name)
    model.names = dict(enumerate(CLASSES))  # type: ignore[assignment]
    model.yaml["yaml_file"] = output.with_suffix(".yaml").name  # type: ignore[index]
    output.parent.mkdir(parents=True, exist_ok=True)
    part = output.with_name(output.name + ".part")
    torch.save({"model": model.half().eval(), "train_args": {"task": "detect"}}, part)
    part.replace(output)


def _class_mapping(source: Path) -> dict[int, int]:
    """The data set's class ids that mean one of ours -> our class id."""
    path = source / "data.yaml"
    if not path.is_file():
        raise InputError(f"{path}: not found; a YOLO data set names its classes there")
    names = yaml.safe_load(path.read_text()).get("names", [])
    pairs = names.items() if isinstance(names, dict) else enumerate(names)
    mapping = {
        int(i): CLASSES.index(name)
        for i, raw in pairs
        if (name := _ALIASES.get(str(raw).lower(), str(raw).lower())) in CLASSES
    }
    if 0 not in mapping.values():
        raise InputError(f"{path}: no class named player")
    return mapping


def _label_of(image: Path) -> Path:
    parts = ["labels" if part == "images" else part for part in image.parts]
    return Path(*parts).with_suffix(".txt")


def _convert_labels(lines: Iterable[str], mapping: dict[int, int]) -> list[str]:
    rows = (line.split() for line in lines if line.strip())
    return [f"{mapping[int(row[0])]} {' '.join(row[1:5])}\n" for row in rows if int(row[0]) in mapping]


def _copy_image(source: Path, target: Path, aspect: float | None) -> None:
    image = _read_image(source)
    height, width = image.shape[:2]
    if aspect is not None:
        width = round(height * aspect)
    shrink = min(1.0, _WIDEST / width)
    size = (round(width * shrink), round(height * shrink))
    if size != (image.shape[1], image.shape[0]):
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA if shrink < 1 else cv2.INTER_CUBIC)
    target.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(target), image, [cv2.IMWRITE_JPEG_QUALITY, 95])


def _read_image(path: Path) -> npt.NDArray[np.uint8]:
    """BGR uint8 (H, W, 3)."""
    image = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise InputError(f"{path}: not a readable image")
    return image.astype(np.uint8, copy=False)
